"""Profiles (E5): what the public sees of a brand's accounts, side by side; what is missing; written back.

``Channel.profile`` holds the fields of :class:`~rapport.networks.base.Profile` as last read, and beside
them ``busy`` ("reading" or "writing" since when, ISO), ``error`` (why the last reading or writing failed)
and ``written`` ({"at", "fields"}).
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from procrastinate.contrib.django import app

from rapport.audit.actions import record
from rapport.brands import calls
from rapport.brands.hours import in_words, times_in
from rapport.brands.models import Channel, ChannelState
from rapport.channels.access import access_channel
from rapport.channels.snapshot import snapshot
from rapport.ingest.disconnecting import disconnect
from rapport.lib.errors import Invalid
from rapport.lib.text import storable
from rapport.networks.errors import CredentialsGone, NetworkError
from rapport.networks.registry import UnknownNetwork, connector_class
from rapport.staff.models import User

_log = logging.getLogger(__name__)

QUEUE = "profiles"
READ = "rapport.channels.read_profile"
WRITE = "rapport.channels.write_profile"
FIELDS = ("name", "bio", "link", "hours")
# Work that began so long ago has died with its worker.
LOST = timedelta(minutes=5)
# Longer than any network allows; what it really allows is checked by its own count.
LONGEST = 5000


@dataclass(frozen=True)
class Card:
    """One channel's profile for the page. ``gaps``: what to mend, in sentences."""

    channel: Channel
    readable: bool
    writes: frozenset[str]
    bio_limit: int | None
    busy: str
    gaps: list[str] = field(default_factory=list)

    @property
    def profile(self) -> Mapping[str, Any]:
        kept: dict[str, Any] = self.channel.profile
        return kept

    @property
    def writable(self) -> list[str]:
        """The fields that can be written, in words."""
        return [field_label(name) for name in FIELDS if name in self.writes]

    @property
    def our_hours(self) -> str:
        return in_words(self.channel.hours)


def side_by_side(channels: Iterable[Channel]) -> list[Card]:
    """Every channel's profile, with what is missing or differs."""
    accounts = [_account(channel) for channel in channels]
    compared = [one.profile for one in accounts if one.readable]
    names = Counter(one["name"] for one in compared if one.get("name"))
    links = Counter(_bare(one["link"]) for one in compared if one.get("link"))
    for account in accounts:
        account.gaps.extend(_gaps(account, names, links))
    return accounts


def _account(channel: Channel) -> Card:
    try:
        can = connector_class(channel.network).capabilities
    except UnknownNetwork:
        return Card(channel, False, frozenset(), None, "")
    busy = channel.profile.get("busy") or {}
    since = parse_datetime(busy.get("since", ""))
    fresh = since is not None and since > timezone.now() - LOST
    return Card(
        channel, can.profile, can.profile_writes, can.max_bio_length, busy.get("what", "") if fresh else ""
    )


def _gaps(account: Card, names: Counter[str], links: Counter[str]) -> list[str]:
    profile = account.profile
    if not account.readable:
        return []
    if not profile.get("external_id"):
        return [_("Not read yet.")]
    found = []
    usual = _usual(names)
    if not profile.get("name"):
        found.append(_("It has no name."))
    elif usual and profile["name"] != usual:
        found.append(
            _("It is called “%(name)s”; the others are “%(usual)s”.")
            % {"name": profile["name"], "usual": usual}
        )
    if not profile.get("bio"):
        found.append(_("It has no bio."))
    length, limit = profile.get("bio_length"), account.bio_limit
    if length is not None and limit is not None and length > limit:
        found.append(_("Its bio is longer than the network shows."))
    usual = _usual(links)
    if not profile.get("link"):
        found.append(_("It has no link."))
    elif usual and _bare(profile["link"]) != usual:
        found.append(_("Its link differs from the others'."))
    if not profile.get("picture_url"):
        found.append(_("It has no picture."))
    return found + _hours_gaps(account)


def _hours_gaps(account: Card) -> list[str]:
    published, ours = account.profile.get("hours"), account.our_hours
    if published is None:
        # No such field there: the bio is the place, if hours are kept at all.
        bio = account.profile.get("bio", "")
        if ours and times_in(bio) and times_in(bio) != times_in(ours):
            return [_("Its bio names other hours than ours (%(ours)s).") % {"ours": ours}]
        return []
    if ours and not published:
        return [_("It publishes no hours; ours are %(ours)s.") % {"ours": ours}]
    if published and ours and times_in(published) != times_in(ours):
        return [_("Its published hours differ from ours (%(ours)s).") % {"ours": ours}]
    if published and not ours:
        return [_("It publishes hours, but none are set for this channel here.")]
    return []


def _usual(counted: Counter[str]) -> str:
    """What most have; "" when nothing is had by more than the others."""
    ranked = counted.most_common(2)
    if not ranked or (len(ranked) == 2 and ranked[0][1] == ranked[1][1]):
        return ""
    return ranked[0][0]


def _bare(link: str) -> str:
    return link.lower().removeprefix("https://").removeprefix("http://").removeprefix("www.").rstrip("/")


# Asked for by people --------------------------------------------------------------------------------
def read_again(*, actor: User | None, channel_ids: Sequence[int]) -> int:
    """Read profiles anew, soon; returns of how many channels."""
    wanted = []
    with transaction.atomic():
        for channel_id in channel_ids:
            channel = access_channel(user=actor, channel_id=channel_id)
            if channel.state != ChannelState.DISCONNECTED and _account(channel).readable:
                wanted.append(channel_id)
        _mark(wanted, "reading")
        for channel_id in wanted:
            app.configure_task(READ, queue=QUEUE, lock=f"profile-{channel_id}").defer(channel_id=channel_id)
    return len(wanted)


def write_profiles(
    *, actor: User, channel_ids: Sequence[int], changes: Mapping[str, str]
) -> list[tuple[int, str]]:
    """Write ``changes`` to each channel as far as its network allows; the limits are looked at before.

    All or nothing is asked for: returns (channel id, what to change) for those that would not take it, and
    only without any of those are the jobs made, one for each channel, whose outcome the page shows.
    """
    changes = {name: storable(value.strip()) for name, value in changes.items() if name in FIELDS}
    if not changes or not channel_ids:
        raise Invalid(_("Choose at least one channel and write at least one text."))
    channels = [access_channel(user=actor, channel_id=one) for one in channel_ids]
    problems = [(one.id, problem) for one in channels if (problem := _problem(one, changes))]
    if problems:
        return problems
    with transaction.atomic():
        _mark([one.id for one in channels], "writing")
        for channel in channels:
            app.configure_task(WRITE, queue=QUEUE, lock=f"profile-{channel.id}").defer(
                channel_id=channel.id, changes=dict(changes)
            )
            record(
                action="channel.profile_written",
                actor_id=actor.id,
                brand_id=channel.brand_id,
                object_type="channel",
                object_id=channel.id,
                data={"fields": sorted(changes)},
            )
    return []


def _problem(channel: Channel, changes: Mapping[str, str]) -> str:
    """Why this channel would not take the changes; "" when nothing speaks against them."""
    account = _account(channel)
    if channel.state == ChannelState.DISCONNECTED:
        return _("It is disconnected. Connect it again first.")
    refused = sorted(set(changes) - account.writes)
    if refused:
        names = ", ".join(field_label(name) for name in refused)
        return _("Its network does not let us change: %(fields)s.") % {"fields": names}
    if any(len(value) > LONGEST for value in changes.values()):
        return _("That is too long for any network.")
    if changes.get("link") and not changes["link"].startswith(("https://", "http://")):
        return _("The link must begin with https://.")
    if changes.get("name") == "":
        return _("A name cannot be empty.")
    connector = calls.without_credentials(channel)  # installed, as it writes what is asked for
    limit = connector.rules.max_bio_length
    length = connector.length(changes.get("bio", ""))
    if limit is not None and length > limit:
        return _("The bio has %(length)s of at most %(limit)s %(counts)s.") % {
            "length": length,
            "limit": limit,
            "counts": connector.capabilities.counts,
        }
    return ""


def field_label(name: str) -> str:
    """A profile's field in words."""
    labels = {"name": _("Name"), "bio": _("Bio"), "link": _("Link"), "hours": _("Hours")}
    return labels.get(name, name)


# By the worker --------------------------------------------------------------------------------------
def read_one(*, channel_id: int) -> None:
    """Read one channel's profile and keep it, or why it could not be read."""
    channel = Channel.objects.defer("credentials").get(id=channel_id)
    try:
        found = calls.with_renewal(channel_id, lambda _channel, connector: connector.profile())
    except NetworkError as error:
        _failed(channel, error)
        return
    except Exception as error:
        _log.exception("connector %s failed in an unexpected way", channel.network)
        _done(channel_id, {"error": _unexpected(error)})
        return
    _done(channel_id, snapshot(found) | {"error": ""}, read=True)


def write_one(*, channel_id: int, changes: Mapping[str, str]) -> None:
    """Write one channel's profile, then read what the network made of it. Repeating it does no harm."""
    channel = Channel.objects.defer("credentials").get(id=channel_id)
    try:
        calls.with_renewal(channel_id, lambda _channel, connector: connector.write_profile(changes))
    except NetworkError as error:
        _failed(channel, error)
        return
    except Exception as error:
        _log.exception("connector %s failed in an unexpected way", channel.network)
        _done(channel_id, {"error": _unexpected(error)})
        return
    _done(channel_id, {"written": {"at": timezone.now().isoformat(), "fields": sorted(changes)}, "error": ""})
    read_one(channel_id=channel_id)


def _failed(channel: Channel, error: NetworkError) -> None:
    if isinstance(error, CredentialsGone):
        disconnect(channel_id=channel.id, reason=str(error))
    _done(channel.id, {"error": storable(str(error), limit=500)})


def _unexpected(error: Exception) -> str:
    return _("Unexpected error in the connector (%(name)s).") % {"name": type(error).__name__}


def _mark(channel_ids: Sequence[int], what: str) -> None:
    busy = {"busy": {"what": what, "since": timezone.now().isoformat()}, "error": ""}
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE brands_channel SET profile = profile || %s::jsonb WHERE id = ANY(%s)",
            [json.dumps(busy), list(channel_ids)],
        )


def _done(channel_id: int, fields: Mapping[str, Any], *, read: bool = False) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE brands_channel SET profile = (profile - 'busy') || %(new)s::jsonb, "
            "profile_read_at = CASE WHEN %(read)s THEN now() ELSE profile_read_at END WHERE id = %(id)s",
            {"new": json.dumps(dict(fields)), "read": read, "id": channel_id},
        )
