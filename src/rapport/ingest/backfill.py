"""The past of a channel, fetched page by page once it is connected.

Its state is on the channel's row (``Channel.backfill``), committed in the transaction that stores what a
page brought and asks for the next one, so a killed worker loses nothing and repeats at most one page:
``since`` and ``started_at`` (ISO), ``cursor`` (the connector's), ``found`` (new events), ``reached`` (ISO,
the oldest message so far), ``state``, ``error`` (in words, for people), ``run`` and ``pages`` (which say
whose result may be stored), ``failures`` (in a row), ``next_at`` (ISO), ``seen`` (of its pages, see
``endless.py``).
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, InterfaceError, models, transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from rapport.audit.actions import record
from rapport.brands import calls, health, pacing
from rapport.brands.models import Channel, ChannelState
from rapport.ingest import endless
from rapport.ingest.actions import store_raw
from rapport.ingest.disconnecting import disconnect
from rapport.ingest.models import Via
from rapport.lib.errors import Conflict, Invalid, NotFound
from rapport.lib.text import storable, storable_json
from rapport.networks.base import MessageSeen, Polled, RawItem
from rapport.networks.errors import CredentialsGone, NetworkError, Refused, TryAgain
from rapport.networks.registry import UnknownNetwork, connector_class
from rapport.staff.access import require
from rapport.staff.models import User
from rapport.staff.permissions import Permission

log = logging.getLogger(__name__)

QUEUE = "backfill"
TASK = "rapport.ingest.backfill_page"
FIRST_RETRY = timedelta(seconds=10)
# A page that was due so long ago has no job any more.
LOST = timedelta(minutes=2)
# The newest part of the past that people still wait in: what is older is settled when it comes.
FRESH = timedelta(days=7)


class BackfillState(models.TextChoices):
    """``paused``: by a person, or because the channel cannot be called."""

    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


# Asked for by people --------------------------------------------------------------------------------
def start(*, actor: User | None, channel_id: int, since: datetime) -> None:
    """Fetch the channel's past down to ``since`` (with a zone).

    Raises Invalid where the network gives none or ``since`` is not in the past, Conflict while one runs.
    """
    with transaction.atomic():
        channel = _lock(actor, channel_id)
        if not gives_history(channel.network):
            raise Invalid(_("This network does not give messages from before a channel was connected."))
        now = timezone.now()
        if since >= now:
            raise Invalid(_("Choose a day in the past."))
        if channel.backfill.get("state") in (BackfillState.RUNNING, BackfillState.PAUSED):
            raise Conflict(_("Its past is being fetched already. Cancel that first."))
        channel.backfill = {
            "since": since.isoformat(),
            "started_at": now.isoformat(),
            "cursor": {},
            "found": 0,
            "reached": None,
            "state": BackfillState.RUNNING.value,
            "error": "",
            "run": uuid.uuid4().hex,
            "pages": 0,
            "failures": 0,
            "next_at": now.isoformat(),
            "seen": {},
        }
        channel.save(update_fields=["backfill"])
        _defer(channel_id)
        _tell("channel.backfill_started", actor, channel)


def pause(*, actor: User | None, channel_id: int) -> None:
    """Stop for now; what was found stays, and resuming goes on from there."""
    _change(actor, channel_id, {BackfillState.RUNNING}, BackfillState.PAUSED, "channel.backfill_paused")


def resume(*, actor: User | None, channel_id: int) -> None:
    """Go on after a pause or a failure."""
    stopped = {BackfillState.PAUSED, BackfillState.FAILED}
    _change(actor, channel_id, stopped, BackfillState.RUNNING, "channel.backfill_resumed")


def cancel(*, actor: User | None, channel_id: int) -> None:
    """Stop for good; what was found stays."""
    going = {BackfillState.RUNNING, BackfillState.PAUSED, BackfillState.FAILED}
    _change(actor, channel_id, going, BackfillState.CANCELLED, "channel.backfill_cancelled")


def gives_history(network: str) -> bool:
    """Whether a network lets us fetch what was said before."""
    try:
        return connector_class(network).capabilities.history
    except UnknownNetwork:
        return False


def settle_before(channel: Channel) -> datetime:
    """Cases that history opens and whose newest message is older than this ask nothing of anybody.

    A week before the past was asked for; but never after the channel was connected, for what was said to
    us since then is ours to answer.
    """
    started = parse_datetime(channel.backfill.get("started_at") or "")
    return min((started or timezone.now()) - FRESH, channel.created_at)


# By the worker --------------------------------------------------------------------------------------
def take_page(*, channel_id: int) -> None:
    """Fetch and store one page, and ask for the next. Running it twice at once stores once."""
    channel = Channel.objects.defer("credentials").filter(id=channel_id).first()
    if channel is None or channel.backfill.get("state") != BackfillState.RUNNING:
        return
    if channel.state != ChannelState.ACTIVE:
        _stop(channel, BackfillState.PAUSED, _("The channel is not active. It goes on when it is."))
        return
    try:
        until = _not_before(channel)
        if until is not None:
            _later(channel, until)
            return
        found = _fetch(channel)
    except CredentialsGone as error:
        disconnect(channel_id=channel.id, reason=str(error))
        _stop(channel, BackfillState.PAUSED, _("The channel must be connected again. Then it goes on."))
    except TryAgain as error:
        health.failed(channel_id=channel.id, reason=str(error), after=error.after)
        pause_s = health.backoff(channel.backfill.get("failures", 0) + 1, first=FIRST_RETRY)
        _later(channel, error.not_before(timezone.now(), pause_s), error=str(error))
    except NetworkError as error:
        _stop(channel, BackfillState.FAILED, str(error))
    else:
        health.succeeded(channel_id=channel.id)
        _store(channel, found)


def sweep() -> int:
    """Ask again for pages whose job was lost with its worker; returns how many."""
    lost = Channel.objects.filter(
        backfill__state=BackfillState.RUNNING.value,
        backfill__next_at__lt=(timezone.now() - LOST).isoformat(),
    ).values_list("id", flat=True)
    return sum(_defer(channel_id) for channel_id in lost)


def resume_after_reconnect(*, channel_id: int) -> None:
    """Go on with what stopped because the channel could not be called. In the caller's transaction."""
    channel = Channel.objects.only("id", "backfill").get(id=channel_id)
    if channel.backfill.get("state") == BackfillState.PAUSED and channel.backfill.get("error"):
        _write(
            channel,
            {"state": BackfillState.RUNNING.value, "error": "", "next_at": timezone.now().isoformat()},
        )
        _defer(channel_id)


def _not_before(channel: Channel) -> datetime | None:
    """When the channel may be called for its past, if not now: what is said now goes first."""
    resting = health.admit(channel_id=channel.id)
    if resting is not None:
        return resting
    rules = calls.rules_of(channel)
    return pacing.spend(channel_id=channel.id, rules=rules, budget="read", priority=pacing.Priority.BACKFILL)


def _fetch(channel: Channel) -> Polled:
    since = _since(channel)
    try:
        return calls.with_renewal(
            channel.id, lambda _channel, connector: connector.history(channel.backfill["cursor"], since=since)
        )
    except (NetworkError, DatabaseError, InterfaceError):
        raise
    except NotImplementedError as error:
        raise Refused(_("The network gives no history.")) from error
    except Exception as error:
        log.exception("connector %s failed in an unexpected way", channel.network)
        raise TryAgain(
            _("Unexpected error in the connector (%(name)s).") % {"name": type(error).__name__}
        ) from error


def _since(channel: Channel) -> datetime:
    return datetime.fromisoformat(channel.backfill["since"])


def _store(channel: Channel, found: Polled) -> None:
    now = timezone.now()
    known, times = parse_datetime(channel.backfill.get("reached") or ""), _times(channel, found.items)
    reached = min([*times, *([known] if known else [])], default=None)
    with transaction.atomic():
        if not _mine(channel):
            return
        new = store_raw(channel_id=channel.id, items=found.items, via=Via.HISTORY)
        seen = endless.Page(cursor=found.cursor, items=found.items, new=new, times=times)
        verdict = endless.judged(
            channel.backfill.get("seen") or {}, seen, since=_since(channel), reached=known
        )  # fmt: skip
        more = found.more and not verdict.stop
        stopped = found.more and verdict.stop
        state = BackfillState.FAILED if stopped else BackfillState.RUNNING if more else BackfillState.DONE
        next_at = now + (found.next_after or timedelta(0))
        _write(
            channel,
            {
                "cursor": storable_json(dict(found.cursor)),
                "found": channel.backfill["found"] + new,
                "reached": reached.isoformat() if reached else None,
                "pages": channel.backfill["pages"] + 1,
                "state": state.value,
                "error": verdict.stop if found.more else "",
                "seen": verdict.seen if more else {},
                "failures": 0,
                "next_at": next_at.isoformat(),
            },
        )
        if more:
            _defer(channel.id, at=next_at)


def _times(channel: Channel, items: Sequence[RawItem]) -> list[datetime]:
    """When the messages of a page were said: how far the past is known."""
    parse = connector_class(channel.network).parse
    times: list[datetime] = []
    for item in items:
        try:
            times += [
                event.sent_at for event in parse(item.kind, item.payload) if isinstance(event, MessageSeen)
            ]
        except Exception:  # it will be parked with its error when it is its turn
            log.debug("an event of the past cannot be read", exc_info=True)
    # A clock that is off by centuries is not progress.
    return [one for one in times if one.tzinfo is not None and one.year > 1980]


def _later(channel: Channel, until: datetime, *, error: str = "") -> None:
    with transaction.atomic():
        if not _mine(channel):
            return
        failures = channel.backfill.get("failures", 0) + 1 if error else channel.backfill.get("failures", 0)
        _write(
            channel,
            {"error": storable(error, limit=500), "failures": failures, "next_at": until.isoformat()},
        )
        _defer(channel.id, at=until)


def _stop(channel: Channel, state: BackfillState, error: str) -> None:
    with transaction.atomic():
        if _mine(channel):
            _write(channel, {"state": state.value, "error": storable(error, limit=500)})


def _mine(channel: Channel) -> bool:
    """Lock the row; whether nobody stored this page, cancelled or began anew since it was read."""
    now = (
        Channel.objects.select_for_update(no_key=True)
        .filter(id=channel.id)
        .values_list("backfill", flat=True)
        .get()
    )
    fields = ("run", "pages", "state")
    return all(now.get(name) == channel.backfill.get(name) for name in fields)


def _write(channel: Channel, fields: dict[str, Any]) -> None:
    channel.backfill = {**channel.backfill, **fields}
    channel.save(update_fields=["backfill"])


def _change(
    actor: User | None, channel_id: int, before: set[BackfillState], state: BackfillState, action: str
) -> None:
    with transaction.atomic():
        channel = _lock(actor, channel_id)
        if channel.backfill.get("state") == state:
            return
        if channel.backfill.get("state") not in before:
            raise Conflict(_("That is over already. Look at the channel's page again."))
        if state == BackfillState.RUNNING and channel.state != ChannelState.ACTIVE:
            raise Conflict(_("The channel is not active, so nothing can be fetched."))
        _write(
            channel,
            {
                "state": state.value,
                "error": "",
                "failures": 0,
                "next_at": timezone.now().isoformat(),
                "seen": {},
            },
        )
        if state == BackfillState.RUNNING:
            _defer(channel_id)
        _tell(action, actor, channel)


def _lock(actor: User | None, channel_id: int) -> Channel:
    channel = (
        Channel.objects.defer("credentials").select_for_update(no_key=True).filter(id=channel_id).first()
    )
    if channel is None:
        raise NotFound(_("There is no such channel, or you may not see it."))
    if actor is not None:
        require(actor, channel.brand_id, Permission.MANAGE_CHANNELS)
    return channel


def _defer(channel_id: int, *, at: datetime | None = None) -> int:
    """Ask for the next page in the caller's transaction; at most one waits. Returns 1 if it was asked for."""
    name = f"backfill-{channel_id}"
    try:
        with transaction.atomic():
            app.configure_task(TASK, queue=QUEUE, schedule_at=at, lock=name, queueing_lock=name).defer(
                channel_id=channel_id
            )
    except AlreadyEnqueued:
        return 0
    return 1


def _tell(action: str, actor: User | None, channel: Channel) -> None:
    record(
        action=action,
        actor_id=actor.id if actor is not None else None,
        brand_id=channel.brand_id,
        object_type="channel",
        object_id=channel.id,
        data={"since": channel.backfill["since"]},
    )
