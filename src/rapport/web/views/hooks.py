"""The door that networks knock on. Stored first, answered then; understood later, elsewhere."""

from __future__ import annotations

import logging

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import transaction
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from rapport.brands.models import Channel, ChannelState
from rapport.ingest.actions import store_raw
from rapport.ingest.models import Via
from rapport.lib.crypto import Undecryptable
from rapport.lib.text import storable
from rapport.networks.base import Delivery, Received
from rapport.networks.errors import NetworkError, NotFromThisNetwork
from rapport.networks.registry import UnknownNetwork, connect, connector_class
from rapport.web.numbers import whole_number

_log = logging.getLogger(__name__)

# Asked about a delivery that names none of them: a stranger's must not cost us any number of looks.
_MOST_CHANNELS = 1000


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


@csrf_exempt
@require_http_methods(["GET", "POST"])
def receive_for_all(request: HttpRequest, network: str) -> HttpResponse:
    """Take a delivery to a network's one endpoint, for whichever of its accounts here it speaks of.

    Every channel it names verifies it by itself, and what one of them accepts is stored before it is answered.
    A delivery for accounts that are not here (any more) is thanked for and dropped when any channel of the
    network finds its signature good, for networks switch off endpoints that refuse. One that nobody can verify
    is refused (401). When one channel of several cannot take its part now, all of it is asked for again (503):
    what is stored already is not stored twice.
    """
    delivery = _delivery(request)
    if isinstance(delivery, HttpResponse):
        return delivery
    try:
        cls = connector_class(network)
    except UnknownNetwork:
        return _answer(404, "No connector is installed for this network.")
    if not cls.capabilities.webhook:
        return _answer(404, "This network sends no webhooks.")
    # Credentials are read one by one: those whose key was lost must not keep the others from being asked.
    every = Channel.objects.filter(network=network).defer("credentials").order_by("id")
    try:
        names = cls.addressees(delivery)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return _answer(400, "This delivery cannot be read.")
    # Nobody has vouched for them yet: what the database cannot even be asked for is the name of nobody here.
    names = None if names is None else [name for name in names if storable(name) == name]
    found = _Taken()
    for channel in every[:_MOST_CHANNELS] if names is None else every.filter(external_id__in=list(names)):
        found.ask(channel, delivery)
        if found.received and delivery.method == "GET":
            break  # a handshake is answered once
    known = bool(found.asked)
    if not known and names is not None:
        for channel in every[:_MOST_CHANNELS]:
            found.ask(channel, delivery)
            if found.received:
                break
    return _stored(found, keep=known, network=network)


class _Taken:
    """What the channels that were asked made of a delivery."""

    def __init__(self) -> None:
        self.asked = 0
        self.refused = 0
        self.received: list[tuple[Channel, Received]] = []
        self.unreadable = False
        self.later = False

    def ask(self, channel: Channel, delivery: Delivery) -> None:
        self.asked += 1
        try:
            self.received.append((channel, connect(channel.network, channel.account()).receive(delivery)))
        except NotFromThisNetwork as error:
            self.refused += 1
            _log.debug("channel %s does not know a delivery: %s", channel.id, error)
        except (ValueError, KeyError, TypeError, RecursionError):
            _log.warning("channel %s: a delivery could not be read", channel.id, exc_info=True)
            self.unreadable = True
        except (NetworkError, Undecryptable) as error:
            if channel.state != ChannelState.DISCONNECTED:
                _log.warning("channel %s cannot take a delivery now: %s", channel.id, error)
                self.later = True


def _stored(found: _Taken, *, keep: bool, network: str) -> HttpResponse:
    try:
        with transaction.atomic():
            for channel, received in found.received if keep else ():
                store_raw(channel_id=channel.id, items=received.items, via=Via.WEBHOOK)
    except RecursionError:
        return _answer(400, "This delivery cannot be read.")
    if found.later:
        return _answer(503, "Try again later.")
    if found.received:
        if not keep:
            _log.info("a delivery by %s is for accounts that are not connected; dropped", network)
        elif found.refused:
            _log.info("%s channels of %s did not accept a delivery that others did", found.refused, network)
        received = found.received[0][1]
        return HttpResponse(received.body, status=received.status, content_type="text/plain; charset=utf-8")
    if found.unreadable:
        return _answer(400, "This delivery cannot be read.")
    if not found.asked:
        return _answer(404, "No account of this network is connected.")
    _log.info("a delivery to the endpoint of %s could not be verified", network)
    return _answer(401, "This delivery is not from the network.")


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
