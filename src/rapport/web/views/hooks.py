"""The door that networks knock on. Stored first, answered then; understood later, elsewhere."""

from __future__ import annotations

import logging

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import transaction
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from rapport.brands.models import Channel
from rapport.ingest.actions import store_raw
from rapport.ingest.models import Via
from rapport.lib.crypto import Undecryptable
from rapport.networks.base import Delivery
from rapport.networks.errors import NetworkError, NotFromThisNetwork
from rapport.networks.registry import UnknownNetwork, connect
from rapport.web.numbers import whole_number

_log = logging.getLogger(__name__)


@csrf_exempt
@require_http_methods(["GET", "POST"])
def receive(request: HttpRequest, network: str, channel_id: int) -> HttpResponse:
    """Take one webhook delivery: 2xx only once what it brought is stored.

    404 for a channel or network that is not here, 401 for a delivery that is not from the network,
    400 for one that cannot be read, 413 for one that is too large, 503 when it should be sent again.
    GET is for networks that verify an address before they use it. A paused channel still stores:
    nothing that was sent is lost.
    """
    delivery = _delivery(request)
    if isinstance(delivery, HttpResponse):
        return delivery
    try:
        channel = Channel.objects.filter(id=channel_id, network=network).first()
        if channel is None:
            return _answer(404, "There is no such channel.")
        connector = connect(network, channel.account())
        if not connector.capabilities.webhook:
            return _answer(404, "This network sends no webhooks.")
        received = connector.receive(delivery)
    except UnknownNetwork:
        return _answer(404, "No connector is installed for this network.")
    except NotFromThisNetwork as error:
        _log.info("channel %s refused a delivery: %s", channel_id, error)
        return _answer(401, "This delivery is not from the network.")
    except (ValueError, KeyError, TypeError, RecursionError):
        # A signed body that cannot be read: the network's own mistake, or a shape newer than the connector.
        _log.warning("channel %s: a delivery could not be read", channel_id, exc_info=True)
        return _answer(400, "This delivery cannot be read.")
    except (NetworkError, Undecryptable) as error:
        _log.warning("channel %s cannot take a delivery now: %s", channel_id, error)
        return _answer(503, "Try again later.")
    try:
        with transaction.atomic():
            store_raw(channel_id=channel.id, items=received.items, via=Via.WEBHOOK)
    except RecursionError:
        # Nested deeper than we can walk, though not too deep to be read.
        _log.warning("channel %s: a delivery is nested too deep to be stored", channel_id)
        return _answer(400, "This delivery cannot be read.")
    return HttpResponse(received.body, status=received.status, content_type="text/plain; charset=utf-8")


def _delivery(request: HttpRequest) -> Delivery | HttpResponse:
    length = whole_number(request.META.get("CONTENT_LENGTH") or "0")
    if length is None:
        return _answer(400, "This delivery cannot be read.")
    if length > settings.RAPPORT_MAX_REQUEST_BYTES:
        return _answer(413, "This delivery is too large.")
    try:
        body = request.body
    except RequestDataTooBig:
        return _answer(413, "This delivery is too large.")
    except UnreadablePostError:
        return _answer(400, "This delivery was cut off.")
    return Delivery(
        method=request.method or "",
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
        query={name: str(value) for name, value in request.GET.items()},
    )


def _answer(status: int, text: str) -> HttpResponse:
    return HttpResponse(text + "\n", status=status, content_type="text/plain; charset=utf-8")
