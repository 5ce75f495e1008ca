"""Looking up what a network only told of: stored and acknowledged first, asked for later, by a worker.

One job for each channel does what waits, oldest first. Rows stay as they are until the network has answered, so
a worker that dies loses nothing and repeats at most one call.
"""

from __future__ import annotations

import json
import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, InterfaceError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from rapport.brands import calls, health, pacing
from rapport.brands.models import Channel, ChannelState
from rapport.ingest.disconnecting import disconnect
from rapport.ingest.models import RawEvent, RawState
from rapport.lib.live import notify_ingest
from rapport.lib.text import storable, storable_json
from rapport.networks.base import Connector
from rapport.networks.errors import CredentialsGone, NetworkError, Refused, TryAgain

log = logging.getLogger(__name__)

QUEUE = "lookups"
TASK = "rapport.ingest.look_up"
# So many in one job; then other channels have their turn.
AT_ONCE = 20
FIRST_RETRY = timedelta(seconds=5)
# What waits for so long has no job any more.
LOST = timedelta(minutes=2)


def ask(channel_id: int, *, at: datetime | None = None) -> int:
    """Ask for the channel's job in the caller's transaction; at most one waits. Returns 1 if it was asked for."""
    name = f"lookup-{channel_id}"
    try:
        with transaction.atomic():
            app.configure_task(TASK, queue=QUEUE, schedule_at=at, lock=name, queueing_lock=name).defer(
                channel_id=channel_id
            )
    except AlreadyEnqueued:
        return 0
    return 1


def take(*, channel_id: int) -> None:
    """Look up what waits for the channel. Running it twice at once asks twice and stores once.

    A disconnected or paused channel's wait until it is active again (:func:`sweep`).
    """
    channel = Channel.objects.defer("credentials").filter(id=channel_id).first()
    if channel is None or channel.state != ChannelState.ACTIVE:
        return
    waiting = RawEvent.objects.filter(channel_id=channel_id, state=RawState.LOOKUP).order_by("id")
    for raw in waiting[:AT_ONCE]:
        try:
            until = _not_before(channel)
            if until is None:
                _found(raw, _looked_up(channel_id, raw))
                health.succeeded(channel_id=channel_id)
                continue
        except CredentialsGone as error:
            disconnect(channel_id=channel_id, reason=str(error))
            return
        except TryAgain as error:
            health.failed(channel_id=channel_id, reason=str(error), after=error.after)
            RawEvent.objects.filter(id=raw.id, state=RawState.LOOKUP).update(
                attempts=raw.attempts + 1, error=storable(str(error), limit=500)
            )
            until = error.not_before(timezone.now(), health.backoff(raw.attempts + 1, first=FIRST_RETRY))
        except NetworkError as error:
            _park(raw, str(error))
            continue
        ask(channel_id, at=until)
        return
    if waiting.exists():
        ask(channel_id)


def sweep() -> int:
    """Ask again for channels whose job was lost, or that could not be called; returns how many."""
    lost = (
        RawEvent.objects.filter(
            state=RawState.LOOKUP, received_at__lt=timezone.now() - LOST, channel__state=ChannelState.ACTIVE
        )
        .values_list("channel_id", flat=True)
        .distinct()
    )
    return sum(ask(channel_id) for channel_id in lost)


def _not_before(channel: Channel) -> datetime | None:
    """When the channel may be called, if not now. Somebody waits for an answer, as with what a poll brings."""
    resting = health.admit(channel_id=channel.id)
    if resting is not None:
        return resting
    rules = calls.rules_of(channel)
    return pacing.spend(channel_id=channel.id, rules=rules, budget="read", priority=pacing.Priority.POLL)


def _looked_up(channel_id: int, raw: RawEvent) -> Any:
    def call(_channel: Channel, connector: Connector) -> Any:
        return connector.look_up(raw.kind, raw.payload)

    try:
        return calls.with_renewal(channel_id, call)
    except (NetworkError, DatabaseError, InterfaceError):
        raise
    except Exception as error:
        # What it stands for may never be found, which must not hold up what came after it.
        log.exception("event %s cannot be looked up", raw.id)
        raise Refused(
            _("Unexpected error in the connector (%(name)s).") % {"name": type(error).__name__}
        ) from error


def _found(raw: RawEvent, payload: Any) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE ingest_rawevent SET payload = %s, state = 'pending', error = '' WHERE id = %s AND state = 'lookup'",
            [json.dumps(storable_json(payload), allow_nan=False), raw.id],
        )
        if cursor.rowcount:
            notify_ingest()


def _park(raw: RawEvent, reason: str) -> None:
    RawEvent.objects.filter(id=raw.id, state=RawState.LOOKUP).update(
        state=RawState.PARKED, error=storable(reason, limit=500), done_at=timezone.now()
    )
