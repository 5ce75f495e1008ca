"""How a channel does, in plain words: one place for the list, the channel's own page and whoever else asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rapport.brands import calls, pacing
from rapport.brands.models import Channel, ChannelState
from rapport.ingest.queries import OnlyPolled, lags, only_polled
from rapport.networks.errors import Refused
from rapport.networks.registry import connectors
from rapport.web.durations import precise, short

# Credentials that live longer are counted down on every page; shorter ones are renewed by themselves all day.
_LONG_LIFE = timedelta(days=2)
_COUNTDOWN = timedelta(days=14)
# A shorter way to us is as it should be.
_LAG = timedelta(minutes=2)
_MOST_TROUBLES = 5


@dataclass(frozen=True)
class Health:
    """What a channel is doing: a word, a sentence, and what to do about it ("" when nothing)."""

    state: str
    css: str
    icon: str
    sentence: str
    advice: str = ""


def health(channel: Channel) -> Health:
    """The channel's health from what listener and worker wrote down."""
    now = timezone.now()
    if channel.network not in connectors():
        return Health(
            _("Not installed"),
            "is-overdue",
            "circle-x",
            _("The connector of this network is not installed, so nothing is heard or sent."),
            _("Install it, or remove the channel."),
        )
    if channel.state == ChannelState.DISCONNECTED:
        return Health(
            _("Disconnected"),
            "is-overdue",
            "circle-x",
            _("The network no longer accepts our credentials: nothing is heard or sent."),
            _("An admin must connect the channel again. What customers wrote meanwhile is fetched then."),
        )
    if channel.state == ChannelState.PAUSED:
        return Health(
            _("Paused"),
            "is-muted",
            "clock",
            _("Somebody paused it. Replies wait until it is active again."),
        )
    if channel.open_until is not None and channel.open_until > now:
        return Health(
            _("Resting"),
            "is-waiting",
            "hourglass",
            _("The network does not answer well, so we leave it alone for a moment and then try again."),
        )
    if channel.failures:
        return Health(
            _("Struggling"),
            "is-waiting",
            "triangle-alert",
            _("Calls to the network fail. They are repeated, and nothing is lost."),
        )
    if channel.last_ok_at is None and channel.last_event_at is None:
        return Health(_("New"), "is-muted", "clock", _("Nothing was heard or sent yet."))
    return Health(_("Works"), "is-answered", "circle-check", _("It hears and sends."))


@dataclass(frozen=True)
class Note:
    """One more fact about a channel; ``css`` is the state class of one that asks for attention."""

    text: str
    css: str = "is-muted"
    icon: str = ""


def notes(channels: Sequence[Channel], *, everything: bool = False) -> dict[int, list[Note]]:
    """What else is to be said of each channel: lag, silence, credentials, what only polling found, budgets.

    Three queries, however many channels. ``everything``: also what is as it should be.
    """
    ids = [channel.id for channel in channels]
    rules = {}
    for channel in channels:
        try:
            rules[channel.id] = calls.rules_of(channel)
        except Refused:
            continue
    late, missed, budgets = lags(channel_ids=ids), only_polled(channel_ids=ids), pacing.left(rules)
    found = {}
    for channel in channels:
        lines: list[Note | None] = [
            *_troubles(channel),
            _silence(channel, everything),
            _credentials(channel, everything),
            _push(channel),
        ]
        lines += [_missed(missed.get(channel.id)), _lag(late.get(channel.id), everything)]
        lines += [_budget(one, everything) for one in budgets.get(channel.id, [])]
        found[channel.id] = [line for line in lines if line is not None]
    return found


def _troubles(channel: Channel) -> list[Note]:
    connector = connectors().get(channel.network)
    if connector is None or channel.state != ChannelState.ACTIVE:
        return []
    text = _("Not read for now: %(source)s. The network said: %(reason)s")
    return [
        Note(text % {"source": source, "reason": reason}, "is-waiting", "triangle-alert")
        for source, reason in sorted(connector.troubles(channel.cursor).items())[:_MOST_TROUBLES]
    ]


def _silence(channel: Channel, everything: bool) -> Note | None:
    if channel.silent_after is None or channel.last_event_at is None:
        return None
    silent = timezone.now() - channel.last_event_at
    given = {"silent": short(silent.total_seconds()), "usual": short(channel.silent_after.total_seconds())}
    if channel.state == ChannelState.ACTIVE and silent > channel.silent_after:
        text = _("Silent for %(silent)s: more than %(usual)s is unusual here.")
        return Note(text % given, "is-waiting", "hourglass")
    return Note(_("More than %(usual)s without a message would be unusual.") % given) if everything else None


def _credentials(channel: Channel, everything: bool) -> Note | None:
    ends = channel.credentials_expire_at
    if ends is None or channel.state == ChannelState.DISCONNECTED:
        return None
    rest = ends - timezone.now()
    life = ends - (channel.credentials_given_at or channel.created_at)
    given = {"time": short(abs(rest).total_seconds())}
    if rest < timedelta(0):
        return Note(_("Its credentials ended %(time)s ago.") % given, "is-overdue", "circle-x")
    if life > _LONG_LIFE and (rest < _COUNTDOWN or everything):
        urgent = rest < min(timedelta(days=7), life / 8)
        css, icon = ("is-waiting", "hourglass") if urgent else ("is-muted", "")
        return Note(_("Its credentials end in %(time)s.") % given, css, icon)
    if life <= _LONG_LIFE and everything:
        return Note(_("Its credentials are renewed by themselves."))
    return None


def _push(channel: Channel) -> Note | None:
    if not channel.streamed or channel.state != ChannelState.ACTIVE:
        return None
    if channel.stream_lease_until is not None and channel.stream_lease_until > timezone.now():
        return Note(_("Its stream is open."))
    return Note(_("Its stream is closed; it is asked for news instead."))


def _missed(found: OnlyPolled | None) -> Note | None:
    if found is None:
        return None
    if found.last_day:
        text = ngettext(
            "%(count)d event of the last day was not pushed to us; asking found it.",
            "%(count)d events of the last day were not pushed to us; asking found them.",
            found.last_day,
        )
        return Note(text % {"count": found.last_day}, "is-waiting", "triangle-alert")
    text = ngettext(
        "%(count)d event was not pushed to us so far; asking found it.",
        "%(count)d events were not pushed to us so far; asking found them.",
        found.total,
    )
    return Note(text % {"count": found.total})


def _lag(lag: timedelta | None, everything: bool) -> Note | None:
    if lag is None or (lag < _LAG and not everything):
        return None
    text = _("Half of the last day's messages were heard within %(time)s of being said.")
    return Note(text % {"time": precise(max(lag.total_seconds(), 1))})


def _budget(left: pacing.Left, everything: bool) -> Note | None:
    if left.calls * 2 >= left.of and not everything:
        return None
    given = {"left": left.calls, "of": left.of, "until": _hour(left.resets_at)}
    if left.budget == "write":
        text = _("%(left)d of %(of)d posts may be sent at once now.")
    else:
        text = _("%(left)d of %(of)d calls may be made at once now.")
    if left.resets_at is not None:
        text += " " + _("All of them again at %(until)s.")
    return Note(text % given, "is-muted" if left.calls else "is-waiting", "" if left.calls else "hourglass")


def _hour(moment: datetime | None) -> str:
    return date_format(timezone.localtime(moment), "H:i") if moment is not None else ""
