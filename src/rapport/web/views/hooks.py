"""The door that networks knock on. Stored first, answered then; understood later, elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Random
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from rapport.brands.models import Channel, ChannelState
from rapport.ingest.actions import store_raw
from rapport.ingest.models import Via
from rapport.ingest.stray import count_stray
from rapport.lib.crypto import Undecryptable
from rapport.lib.text import storable
from rapport.networks.base import Connector, Delivery, Received
from rapport.networks.errors import NetworkError, NotFromThisNetwork
from rapport.networks.registry import UnknownNetwork, connect, connector_class
from rapport.web.numbers import whole_number

_log = logging.getLogger(__name__)

# So many different secrets a delivery is checked against, of which a stranger's costs us all. Who has more apps of
# one network gives each the address of a channel.
_MOST_SECRETS = 200
# A handshake costs a comparison for each channel, and is answered by the one whose it is.
_MOST_ASKED = 1000


@csrf_exempt
@require_http_methods(["GET", "POST"])
def receive(request: HttpRequest, network: str, channel_id: int) -> HttpResponse:
    """Take one webhook delivery: 2xx only once what it brought is stored.

    404 for a channel or network that is not here, 401 for a delivery that is not from the network,
    400 for one that cannot be read, 413 for one that is too large, 503 when it should be sent again.
    GET is for networks that verify an address before they use it. A paused channel still stores:
    nothing that was sent is lost. Where several accounts share an app, what it delivers here for the others
    is theirs.
    """
    delivery = _delivery(request)
    if isinstance(delivery, HttpResponse):
        return delivery
    channel = _channels(network).filter(id=channel_id).first()
    if channel is None:
        return _answer(404, "There is no such channel.")
    try:
        cls = connector_class(network)
    except UnknownNetwork:
        return _answer(404, "No connector is installed for this network.")
    if not cls.capabilities.webhook:
        return _answer(404, "This network sends no webhooks.")
    try:
        names = _names(cls, delivery)
    except _UNREADABLE:
        names = None  # its own connector says what is wrong with it
    found = _Taken()
    if not names:
        found.ask(channel, delivery)
        return _stored(found, network=network)
    if channel.external_id in names or not channel.hook_key:
        found.ask(channel, delivery)
    if channel.hook_key:
        others = _channels(network).filter(external_id__in=names, hook_key=channel.hook_key)
        found.ask_alike(list(others.exclude(id=channel.id)), delivery)
    if not found.asked:
        found.verify([channel], delivery)
    return _stored(found, network=network)


@csrf_exempt
@require_http_methods(["GET", "POST"])
def receive_for_all(request: HttpRequest, network: str) -> HttpResponse:
    """Take a delivery to a network's one endpoint, for whichever of its accounts here it speaks of.

    Every channel it names verifies it by itself, and what one of them accepts is stored before it is answered.
    A delivery for accounts that are not here (any more) is thanked for, counted and dropped when the secret of any
    channel of the network finds its signature good, for networks switch off endpoints that refuse. One that nobody
    can verify is refused (401). When one channel of several cannot take its part now, all of it is asked for again
    (503): what is stored already is not stored twice.
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
    try:
        names = _names(cls, delivery)
    except _UNREADABLE:
        return _answer(400, "This delivery cannot be read.")
    found, every = _Taken(), _channels(network)
    if names is None:
        asked = list(every[: _MOST_ASKED + 1])
        found.cut_short = len(asked) > _MOST_ASKED
        for channel in asked[:_MOST_ASKED]:
            found.ask(channel, delivery)
            if found.received and delivery.method == "GET":
                break  # a handshake is answered once
        return _stored(found, network=network)
    named = list(every.filter(external_id__in=names))
    for alike in _by_secret(named)[:_MOST_SECRETS]:
        found.ask_alike(alike, delivery)
    found.strangers = bool(set(names) - {channel.external_id for channel in named})
    if not named:
        found.verify(_one_of_each_secret(every, found), delivery)
    return _stored(found, network=network)


_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


def _channels(network: str) -> QuerySet[Channel]:
    """Credentials are read one by one: those whose key was lost must not keep the others from being asked."""
    return Channel.objects.filter(network=network).defer("credentials").order_by("id")


def _names(cls: type[Connector], delivery: Delivery) -> list[str] | None:
    """Accounts that a delivery speaks of. Nobody has vouched for them yet: what the database cannot even be asked
    for is the name of nobody here."""
    names = cls.addressees(delivery)
    return None if names is None else [name for name in names if storable(name) == name]


def _by_secret(channels: list[Channel]) -> list[list[Channel]]:
    """Channels that are verified with the same secrets, together."""
    alike: dict[str, list[Channel]] = {}
    for channel in channels:
        alike.setdefault(channel.hook_key or f"channel {channel.id}", []).append(channel)
    return list(alike.values())


def _one_of_each_secret(every: QuerySet[Channel], found: _Taken) -> list[Channel]:
    """One channel for each secret. Of too many others are tried each time, so that a delivery that is sent again
    has another chance."""
    known = every.exclude(hook_key="").order_by("hook_key", "id").distinct("hook_key").values("id")
    firsts = every.filter(Q(hook_key="") | Q(id__in=known))
    chosen = list(firsts[: _MOST_SECRETS + 1])
    if len(chosen) <= _MOST_SECRETS:
        return chosen
    found.cut_short = True
    return list(firsts.order_by(Random())[:_MOST_SECRETS])


class _Taken:
    """What the channels that were asked made of a delivery. ``strangers``: it also speaks of accounts that are not
    here. ``cut_short``: not every secret could be tried."""

    def __init__(self) -> None:
        self.asked = 0
        self.refused = 0
        self.received: list[tuple[Channel, Received]] = []
        self.thanks: Received | None = None
        self.strangers = False
        self.cut_short = False
        self.unreadable = False
        self.later = False

    def ask(self, channel: Channel, delivery: Delivery) -> None:
        """What the channel takes of it."""
        received = self._tried(channel, lambda connector: connector.receive(delivery))
        if received is not None:
            self.received.append((channel, received))

    def ask_alike(self, channels: list[Channel], delivery: Delivery) -> None:
        """The same for channels with the same secrets: when it is not the first one's, it is nobody's."""
        if len(channels) > 1 and self._tried(channels[0], lambda one: one.verify(delivery)) is None:
            return
        for channel in channels:
            self.ask(channel, delivery)

    def verify(self, channels: list[Channel], delivery: Delivery) -> None:
        """Whether it is the network's at all; it is for none of these."""
        self.strangers = True
        for channel in channels:
            self.thanks = self._tried(channel, lambda connector: connector.verify(delivery))
            if self.thanks is not None:
                return

    def _tried(self, channel: Channel, call: Callable[[Connector], Received]) -> Received | None:
        self.asked += 1
        try:
            return call(connect(channel.network, channel.account()))
        except NotFromThisNetwork as error:
            self.refused += 1
            _log.debug("channel %s does not know a delivery: %s", channel.id, error)
        except (ValueError, KeyError, TypeError, RecursionError):
            # A signed body that cannot be read: the network's own mistake, or a shape newer than the connector.
            _log.warning("channel %s: a delivery could not be read", channel.id, exc_info=True)
            self.unreadable = True
        except (NetworkError, Undecryptable) as error:
            if channel.state != ChannelState.DISCONNECTED:
                _log.warning("channel %s cannot take a delivery now: %s", channel.id, error)
                self.later = True
        return None


def _stored(found: _Taken, *, network: str) -> HttpResponse:
    try:
        with transaction.atomic():
            for channel, received in found.received:
                store_raw(channel_id=channel.id, items=received.items, via=Via.WEBHOOK)
            if found.strangers and (found.received or found.thanks):
                count_stray(network=network)
    except RecursionError:
        # Nested deeper than we can walk, though not too deep to be read.
        _log.warning("a delivery by %s is nested too deep to be stored", network)
        return _answer(400, "This delivery cannot be read.")
    if found.later:
        return _answer(503, "Try again later.")
    if found.received or found.thanks:
        if found.received and found.refused:
            _log.info("%s channels of %s did not accept a delivery that others did", found.refused, network)
        answer = found.thanks or found.received[0][1]
        return HttpResponse(answer.body, status=answer.status, content_type="text/plain; charset=utf-8")
    if found.unreadable:
        return _answer(400, "This delivery cannot be read.")
    if not found.asked:
        return _answer(404, "No account of this network is connected.")
    if found.cut_short:
        _log.warning(
            "%s has more secrets here than are tried; give its apps the addresses of channels", network
        )
        return _answer(503, "Try again later.")
    _log.info("a delivery to an endpoint of %s could not be verified", network)
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
