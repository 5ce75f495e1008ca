"""Connecting and changing channels. Each is one transaction with its audit entry.

``actor`` is None for a command of the operator's. All raise :class:`~rapport.lib.errors.NotFound` or
:class:`~rapport.lib.errors.NotAllowed` by who asks. Networks are asked before a transaction begins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from rapport.audit.actions import record
from rapport.brands.hours import Hours
from rapport.brands.models import Channel, ChannelRole, ChannelState, SignatureStyle
from rapport.channels.access import access_channel
from rapport.channels.checking import check_account
from rapport.channels.models import FormerSecret
from rapport.channels.snapshot import snapshot
from rapport.ingest import backfill
from rapport.lib.crypto import Undecryptable
from rapport.lib.errors import Conflict, Invalid
from rapport.lib.text import storable, storable_json
from rapport.networks.base import Account, Capabilities, Profile
from rapport.networks.registry import connect, connector_class
from rapport.staff.access import require
from rapport.staff.models import Team, User
from rapport.staff.permissions import Permission


@dataclass(frozen=True, kw_only=True)
class ChannelOptions:
    """What people choose about a channel. ``polled`` and ``streamed`` count only where the network has it.

    ``team_ids``: who may answer from it; empty for everybody who may answer for the brand.
    """

    role: str = ChannelRole.MAIN
    signature: str = SignatureStyle.INITIALS
    hours: Hours = field(default_factory=dict)
    team_ids: Sequence[int] = ()
    hide_deleted: bool = True
    polled: bool = True
    streamed: bool = True


def connect_channel(
    *,
    actor: User | None,
    brand_id: int,
    network: str,
    credentials: Mapping[str, Any],
    settings: Mapping[str, Any] | None = None,
    options: ChannelOptions | None = None,
    backfill_since: datetime | None = None,
    profile: Profile | None = None,
) -> Channel:
    """A new channel, heard from now on, and from ``backfill_since`` where the network gives its past.

    Without ``profile`` the network is asked whose credentials these are. Raises Invalid when it does not
    accept them, and Conflict when the brand has this account already (then reconnect it).
    """
    if actor is not None:
        require(actor, brand_id, Permission.MANAGE_CHANNELS)
    options = options or ChannelOptions()
    settings = dict(settings or {})
    profile = profile or check_account(network=network, credentials=credentials, settings=settings)
    can = _rules(network, profile, credentials, {**settings, **profile.settings})
    try:
        with transaction.atomic():
            channel = Channel.objects.create(
                brand_id=brand_id,
                network=network,
                external_id=storable(profile.external_id),
                created_at=timezone.now(),
                polled=options.polled and can.poll,
                streamed=options.streamed and can.stream,
                **_identity(profile),
                **_access(credentials, settings, profile),
                **_choices(options),
            )
            _set_teams(channel, options.team_ids)
            _tell("channel.connected", actor, channel, {"network": network, "role": options.role})
            if backfill_since is not None:
                backfill.start(actor=actor, channel_id=channel.id, since=backfill_since)
    except IntegrityError as error:
        raise Conflict(
            _("This brand has the account %(handle)s connected already. Connect that channel again instead.")
            % {"handle": profile.handle}
        ) from error
    return channel


def reconnect_channel(
    *,
    actor: User | None,
    channel_id: int,
    credentials: Mapping[str, Any],
    settings: Mapping[str, Any] | None = None,
    profile: Profile | None = None,
) -> Channel:
    """New credentials for a channel, in place: its history, options and place in the stream stay.

    Raises Invalid when they are another account's, for then it would be another channel.
    """
    channel = access_channel(user=actor, channel_id=channel_id)
    settings = dict(settings or {})
    profile = profile or check_account(network=channel.network, credentials=credentials, settings=settings)
    if storable(profile.external_id) != channel.external_id:
        raise Invalid(
            _(
                "These credentials belong to %(other)s, but this channel is %(handle)s. Its history would be mixed "
                "up, so nothing was changed. Log in as %(handle)s, or connect %(other)s as a new channel."
            )
            % {"other": profile.handle or profile.external_id, "handle": channel.handle}
        )
    with transaction.atomic():
        changed = _identity(profile) | _access(credentials, settings, profile)
        changed |= {
            "state": ChannelState.ACTIVE,
            "failures": 0,
            "open_until": None,
            "last_error": "",
            "last_error_at": None,
            "next_poll_at": None,
            "poll_lease_until": None,
            "stream_lease_until": None,
            "stream_retry_at": None,
            "renew_lease_until": None,
        }
        locked = _locked(channel_id)
        _save(locked, changed)
        # What was being rotated out is gone with the old credentials.
        FormerSecret.objects.filter(channel_id=channel_id).delete()
        backfill.resume_after_reconnect(channel_id=channel_id)
        _tell("channel.reconnected", actor, locked, {})
    return locked


def update_channel(*, actor: User | None, channel_id: int, options: ChannelOptions) -> Channel:
    """Change what people choose about a channel. Raises Invalid for a team of another brand."""
    access_channel(user=actor, channel_id=channel_id)
    with transaction.atomic():
        channel = _locked(channel_id)
        can = _rules_of(channel)
        wanted = _choices(options) | {
            "polled": options.polled and can.poll,
            "streamed": options.streamed and can.stream,
        }
        changed = {name: value for name, value in wanted.items() if getattr(channel, name) != value}
        if changed:
            _save(channel, changed)
        if _set_teams(channel, options.team_ids):
            changed["teams"] = sorted(options.team_ids)
        if changed:
            _tell("channel.updated", actor, channel, {"changed": sorted(changed)})
    return channel


def pause_channel(*, actor: User | None, channel_id: int) -> Channel:
    """Nothing is fetched or sent until it is resumed; replies wait. What a webhook brings is still kept."""
    access_channel(user=actor, channel_id=channel_id)
    with transaction.atomic():
        channel = _locked(channel_id)
        if channel.state == ChannelState.DISCONNECTED:
            raise Conflict(_("This channel is disconnected, so there is nothing to pause."))
        if channel.state != ChannelState.PAUSED:
            _save(channel, {"state": ChannelState.PAUSED})
            _tell("channel.paused", actor, channel, {})
    return channel


def resume_channel(*, actor: User | None, channel_id: int) -> Channel:
    """Go on where it was paused. Raises Conflict for one that must be connected again."""
    access_channel(user=actor, channel_id=channel_id)
    with transaction.atomic():
        channel = _locked(channel_id)
        if channel.state == ChannelState.DISCONNECTED:
            raise Conflict(_("The network does not accept our credentials any more. Connect it again."))
        if channel.state != ChannelState.ACTIVE:
            _save(channel, {"state": ChannelState.ACTIVE, "next_poll_at": None, "open_until": None})
            _tell("channel.resumed", actor, channel, {})
            backfill.resume_after_reconnect(channel_id=channel_id)
    return channel


def disconnect_channel(*, actor: User | None, channel_id: int) -> Channel:
    """Forget the credentials. What was heard and said stays; connecting the same account again goes on."""
    access_channel(user=actor, channel_id=channel_id)
    with transaction.atomic():
        channel = _locked(channel_id)
        fields = {
            "credentials": None,
            "credentials_expire_at": None,
            "state": ChannelState.DISCONNECTED,
            "open_until": None,
            "failures": 0,
            "last_error": "",
            "poll_lease_until": None,
            "stream_lease_until": None,
        }
        _save(channel, fields)
        FormerSecret.objects.filter(channel_id=channel_id).delete()
        _tell("channel.disconnected_by_person", actor, channel, {})
    return channel


def _locked(channel_id: int) -> Channel:
    # Credentials are not read: ones whose key was lost must not keep a channel from being put right.
    return (
        Channel.objects.select_related("brand")
        .defer("credentials")
        .select_for_update(of=("self",), no_key=True)
        .get(id=channel_id)
    )


def _save(channel: Channel, fields: Mapping[str, Any]) -> None:
    for name, value in fields.items():
        setattr(channel, name, value)
    channel.save(update_fields=list(fields))


def _identity(profile: Profile) -> dict[str, Any]:
    return {
        "handle": storable(profile.handle or profile.external_id, limit=200),
        "name": storable(profile.name, limit=200),
        "profile": snapshot(profile),
        "profile_read_at": timezone.now(),
    }


def _rules(
    network: str, profile: Profile, credentials: Mapping[str, Any], settings: Mapping[str, Any]
) -> Capabilities:
    """What this very account can do, which may be less than its network can."""
    account = Account(
        external_id=profile.external_id, handle=profile.handle, credentials=credentials, settings=settings
    )
    return connect(network, account).rules


def _rules_of(channel: Channel) -> Capabilities:
    """The same of a channel. Without readable credentials nobody knows, and its network is believed."""
    try:
        known = channel.credentials is not None
    except Undecryptable:
        known = False
    if not known:
        return connector_class(channel.network).capabilities
    return connect(channel.network, channel.account()).rules


def _access(credentials: Mapping[str, Any], settings: Mapping[str, Any], profile: Profile) -> dict[str, Any]:
    return {
        "credentials": dict(credentials),
        "credentials_given_at": timezone.now(),
        "credentials_expire_at": profile.expires_at,
        "settings": storable_json({**settings, **profile.settings}),
    }


def _choices(options: ChannelOptions) -> dict[str, Any]:
    return {
        "role": ChannelRole(options.role),
        "signature": SignatureStyle(options.signature),
        "hours": {day: [list(span) for span in spans] for day, spans in options.hours.items() if spans},
        "hide_deleted": options.hide_deleted,
    }


def _set_teams(channel: Channel, team_ids: Sequence[int]) -> bool:
    """Whether that changed anything."""
    wanted = set(team_ids)
    if Team.objects.filter(brand_id=channel.brand_id, id__in=wanted).count() != len(wanted):
        raise Invalid(_("Choose teams of this brand."))
    before = set(Team.objects.filter(channels=channel).values_list("id", flat=True))
    through = Team.channels.through
    through.objects.filter(channel_id=channel.id, team_id__in=before - wanted).delete()
    through.objects.bulk_create(
        [through(channel_id=channel.id, team_id=team_id) for team_id in wanted - before],
        ignore_conflicts=True,
    )
    return before != wanted


def _tell(action: str, actor: User | None, channel: Channel, data: dict[str, Any]) -> None:
    record(
        action=action,
        actor_id=actor.id if actor is not None else None,
        brand_id=channel.brand_id,
        object_type="channel",
        object_id=channel.id,
        data=data,
    )
