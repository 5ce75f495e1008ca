"""The way from a guide to a channel, in steps: typed, (the network's own login), checked, options, connected.

Between the steps everything secret is kept here, encrypted, for one person in one session and a short while.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core import signing
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from rapport.brands.models import Channel
from rapport.channels.actions import ChannelOptions, connect_channel, reconnect_channel
from rapport.channels.checking import ask_network, check_account
from rapport.channels.models import PendingChannel, PendingStage
from rapport.channels.rotation import OURS, make_secret
from rapport.channels.snapshot import packed, unpacked
from rapport.lib.errors import Conflict, Invalid, NotFound
from rapport.networks.base import Connector, Granted, Profile
from rapport.networks.connecting import Field
from rapport.networks.registry import connector_class
from rapport.staff.access import require
from rapport.staff.models import User
from rapport.staff.permissions import Permission

# For the login at the network, and for choosing options.
AWAY = timedelta(minutes=10)
CHOOSING = timedelta(hours=1)
_SALT = "rapport.channels.pending"

Values = Mapping[str, Any]


class NotLetIn(Invalid):
    """The network's login brought nothing, or nothing that works yet. ``pending`` knows what was typed."""

    def __init__(self, reason: str, pending: PendingChannel) -> None:
        super().__init__(reason)
        self.pending = pending


def split(fields: Sequence[Field], values: Values) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was typed, as credentials and settings. Secrets that are ours to make are made."""
    secret = {field.name for field in fields if field.secret}
    credentials = {name: value for name, value in values.items() if name in secret and value}
    for name in secret.intersection(OURS) - set(credentials):
        credentials[name] = make_secret()
    return credentials, {name: value for name, value in values.items() if name not in secret}


def begin_typed(
    *, actor: User, session: str, brand_id: int, network: str, values: Values, channel_id: int | None = None
) -> PendingChannel:
    """Ask the network about credentials that were typed. Raises Invalid in words."""
    cls = _allowed(actor, brand_id, network)
    assert cls.guide is not None  # checked by _allowed
    credentials, settings = split(cls.guide.fields, values)
    profile = check_account(network=network, credentials=credentials, settings=settings)
    pending = _new(actor, session, brand_id, network, channel_id)
    return _checked(pending, credentials, settings, profile)


def begin_login(
    *,
    actor: User,
    session: str,
    brand_id: int,
    network: str,
    values: Values,
    redirect_uri: str,
    channel_id: int | None = None,
) -> tuple[PendingChannel, str]:
    """Start the network's own login: what is pending, and the address to go to. Raises Invalid in words."""
    cls = _allowed(actor, brand_id, network)
    pending = _new(actor, session, brand_id, network, channel_id)
    state = signing.dumps({"pending": pending.id.hex, "session": pending.session}, salt=_SALT, compress=True)
    found = ask_network(network, lambda: cls.begin(values, redirect_uri=redirect_uri, state=state))
    if not found.url.startswith(("https://", "http://")):
        raise Invalid(_("The network's login has no address that can be opened."))
    pending.stage = PendingStage.AWAY
    pending.data = {"values": dict(values), "keep": dict(found.keep), "url": found.url}
    pending.expires_at = timezone.now() + AWAY
    pending.save()
    return pending, found.url


def come_back(
    *, actor: User, session: str, network: str, query: Mapping[str, str], redirect_uri: str
) -> PendingChannel:
    """The browser is back from the network's login. Raises NotLetIn for a "no", NotFound for a state that is
    not this session's, was used, or is too old.

    The state is used up before the network is asked, so an answer that was overheard is worth nothing.
    """
    pending = _of_state(actor, session, network, query.get("state", ""))
    data = pending.data or {}
    cls = _allowed(actor, pending.brand_id, network)
    granted: list[Granted] = []
    try:
        granted = ask_network(
            network,
            lambda: list(
                cls.finish(data["values"], keep=data["keep"], query=query, redirect_uri=redirect_uri)
            ),
        )
        if not granted:
            raise Invalid(
                _("You were logged in, but gave us no account that can be connected. Try it again.")
            )
    except Invalid as error:
        raise NotLetIn(str(error), pending) from error
    finally:
        pending.stage = PendingStage.GRANTED
        pending.data = {"values": data["values"], "granted": [_packed_grant(one) for one in granted]}
        pending.expires_at = timezone.now() + CHOOSING
        pending.save()
    try:
        return choose(pending=pending, number=0) if len(granted) == 1 else pending
    except Invalid as error:
        raise NotLetIn(str(error), pending) from error


def log_in_again(*, actor: User, session: str, pending: PendingChannel, redirect_uri: str) -> PendingChannel:
    """Begin anew, with what was typed, a login that brought nothing. Raises Invalid in words."""
    if pending.stage != PendingStage.GRANTED or not pending.data:
        raise _gone()
    begun, _url = begin_login(
        actor=actor,
        session=session,
        brand_id=pending.brand_id,
        network=pending.network,
        values=pending.data["values"],
        redirect_uri=redirect_uri,
        channel_id=pending.channel_id,
    )
    pending.delete()
    return begun


def choose(*, pending: PendingChannel, number: int) -> PendingChannel:
    """Take one of the accounts that the login gave. Raises Invalid in words."""
    data = pending.data or {}
    try:
        granted = data["granted"][number]
    except (KeyError, IndexError) as error:
        raise Invalid(_("Choose one of the accounts.")) from error
    guide = connector_class(pending.network).guide
    credentials, settings = split(guide.fields if guide else (), data["values"])
    credentials |= granted["credentials"]
    settings |= granted["settings"]
    profile = check_account(network=pending.network, credentials=credentials, settings=settings)
    return _checked(pending, credentials, settings, profile)


def access_pending(*, actor: User, session: str, pending_id: UUID) -> PendingChannel:
    """What this person began in this session. Raises NotFound when it is somebody else's, or too old."""
    pending = (
        PendingChannel.objects.select_related("brand")
        .filter(id=pending_id, user=actor, session=_digest(session), expires_at__gt=timezone.now())
        .first()
    )
    if pending is None:
        raise _gone()
    require(actor, pending.brand_id, Permission.MANAGE_CHANNELS)
    return pending


def profile_of(pending: PendingChannel) -> Profile:
    """Whose account it is, once that is known."""
    if pending.stage != PendingStage.CHECKED or not pending.data:
        raise Conflict(_("It is not known yet whose account that is. Begin again."))
    return unpacked(pending.data["profile"])


def existing(pending: PendingChannel) -> Channel | None:
    """The channel that is connected again: the one that was asked for, else the same account's."""
    profile = profile_of(pending)
    found = Channel.objects.defer("credentials").select_related("brand")
    if pending.channel_id is not None:
        return found.filter(id=pending.channel_id).first()
    return found.filter(
        brand_id=pending.brand_id, network=pending.network, external_id=profile.external_id
    ).first()


def connect_pending(
    *, actor: User, pending: PendingChannel, options: ChannelOptions, backfill_since: datetime | None
) -> Channel:
    """Make it a channel; what was kept for it is deleted with that."""
    with transaction.atomic():
        data = _take(pending)
        return connect_channel(
            actor=actor,
            brand_id=pending.brand_id,
            network=pending.network,
            credentials=data["credentials"],
            settings=data["settings"],
            options=options,
            backfill_since=backfill_since,
            profile=unpacked(data["profile"]),
        )


def reconnect_pending(*, actor: User, pending: PendingChannel, channel_id: int) -> Channel:
    """Give the new credentials to the channel of the same account."""
    with transaction.atomic():
        data = _take(pending)
        return reconnect_channel(
            actor=actor,
            channel_id=channel_id,
            credentials=data["credentials"],
            settings=data["settings"],
            profile=unpacked(data["profile"]),
        )


def forget_expired() -> int:
    """Delete what nobody finished; returns how many."""
    return PendingChannel.objects.filter(expires_at__lt=timezone.now()).delete()[0]


def _allowed(actor: User, brand_id: int, network: str) -> type[Connector]:
    require(actor, brand_id, Permission.MANAGE_CHANNELS)
    cls = connector_class(network)
    if cls.guide is None:
        raise NotFound(_("That network is not connected by hand."))
    return cls


def _new(actor: User, session: str, brand_id: int, network: str, channel_id: int | None) -> PendingChannel:
    return PendingChannel(
        user=actor, session=_digest(session), brand_id=brand_id, network=network, channel_id=channel_id
    )


def _checked(
    pending: PendingChannel, credentials: Values, settings: Values, profile: Profile
) -> PendingChannel:
    pending.stage = PendingStage.CHECKED
    pending.data = {
        "credentials": dict(credentials),
        "settings": dict(settings),
        "profile": packed(profile),
    }
    pending.expires_at = timezone.now() + CHOOSING
    pending.save()
    return pending


def _of_state(actor: User, session: str, network: str, state: str) -> PendingChannel:
    try:
        found = signing.loads(state, salt=_SALT, max_age=AWAY)
        pending_id = UUID(hex=found["pending"])
    except (signing.BadSignature, ValueError, KeyError, TypeError) as error:
        raise _gone() from error
    mine = PendingChannel.objects.filter(
        id=pending_id,
        user=actor,
        session=_digest(session),
        network=network,
        stage=PendingStage.AWAY,
        expires_at__gt=timezone.now(),
    )
    with transaction.atomic():
        pending = mine.select_for_update().first()
        if pending is None or found.get("session") != pending.session:
            raise _gone()
        # Used up: kept with the stage that has nothing to choose from, until it is saved again.
        PendingChannel.objects.filter(id=pending.id).update(stage=PendingStage.GRANTED, data=None)
    return pending


def _take(pending: PendingChannel) -> dict[str, Any]:
    """What is secret of it, once: a second submit of the form finds nothing."""
    locked = PendingChannel.objects.select_for_update().filter(id=pending.id).first()
    if locked is None or locked.stage != PendingStage.CHECKED:
        raise Conflict(_("That was done already. Look at the list of channels."))
    data: dict[str, Any] = locked.data
    locked.delete()
    return data


def _packed_grant(granted: Granted) -> dict[str, Any]:
    return {
        "label": granted.label,
        "credentials": dict(granted.credentials),
        "settings": dict(granted.settings),
    }


def _digest(session: str) -> str:
    return hashlib.sha256(session.encode()).hexdigest()


def _gone() -> NotFound:
    return NotFound(
        _(
            "This way of connecting a channel has ended: it was finished, took too long, or began elsewhere. Begin again."
        )
    )
