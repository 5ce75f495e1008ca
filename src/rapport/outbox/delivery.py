"""Sending replies: claim, call the network, record. No lock and no transaction spans the call.

A claim is a lease: a worker that dies leaves a row whose lease runs out, and whoever takes it over
asks the network "did it post?" before it posts. The lease's own time is the token that a late
worker's result is checked against.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from psycopg import sql

from rapport.audit.actions import record
from rapport.brands import calls, health, pacing
from rapport.brands.models import Channel, ChannelState
from rapport.inbox.models import Priority
from rapport.ingest.disconnecting import disconnect
from rapport.lib.errors import Invalid
from rapport.lib.live import notify_desk
from rapport.lib.text import storable
from rapport.networks.base import Connector, OutgoingMessage, Sent
from rapport.networks.errors import CredentialsGone, NetworkError, Refused, TryAgain
from rapport.networks.registry import UnknownNetwork, connector_class
from rapport.outbox import checks
from rapport.outbox.defer import TASK, defer_deliveries, defer_delivery
from rapport.outbox.keeping import LEASE, Claim, Kept
from rapport.outbox.models import Outgoing, OutgoingState, Verb
from rapport.outbox.order import BEHIND, OVERTAKEN, hold_back, is_behind, next_of_case
from rapport.outbox.outcome import outgoing_message, record_change, record_sent

log = logging.getLogger(__name__)

# What must be left of a claim when a post begins: more than one call takes.
ROOM = timedelta(seconds=25)
FIRST_PAUSE = timedelta(seconds=2)
# How long a reply of a paused channel rests before it is looked at again.
PAUSED = timedelta(seconds=60)
# A network may ask us to wait, but not for ever.
LONGEST_WAIT = timedelta(hours=24)

_LEFT_BEHIND = sql.SQL(
    """
    SELECT o.id FROM outbox_outgoing o
    WHERE ((o.state = 'queued' AND o.not_before <= now())
           OR (o.state = 'sending' AND o.lease_until <= now()))
      AND NOT {behind}
      AND NOT EXISTS (SELECT 1 FROM procrastinate_jobs j WHERE j.status = 'todo'
                      AND j.task_name = %s AND (j.args ->> 'outgoing_id')::bigint = o.id
                      AND (j.scheduled_at IS NULL OR j.scheduled_at <= now()))
    ORDER BY o.id LIMIT 5000
    """
).format(behind=BEHIND)
_CLAIM = sql.SQL(
    """
    UPDATE outbox_outgoing o
    SET state = 'sending', lease_until = clock_timestamp() + make_interval(secs => %s), attempts = o.attempts + 1,
        doubtful = o.doubtful OR o.state = 'sending'
    WHERE o.id = %s
      AND ((o.state = 'queued' AND o.not_before <= now())
           OR (o.state = 'sending' AND o.lease_until <= now()))
      AND NOT {behind}
      AND NOT (o.state = 'queued' AND {overtaken})
    RETURNING o.lease_until, o.attempts, o.doubtful, o.brand_id, o.case_id
    """
).format(behind=BEHIND, overtaken=OVERTAKEN)


def deliver(*, outgoing_id: int) -> None:
    """Send one reply if it is due and its case's earlier replies have left.

    Any number of calls, from any number of processes, send it once. Does nothing for a reply that
    was undone, sent, or is being sent.
    """
    outgoing = (
        Outgoing.objects.filter(id=outgoing_id)
        .filter(state__in=[OutgoingState.QUEUED, OutgoingState.SENDING])
        .first()
    )
    if outgoing is None or _held_back(outgoing) or not _channel_takes_calls(outgoing):
        return
    claim = _claim(outgoing_id)
    if claim is None:
        return
    try:
        with Kept(claim):
            channel, message, sent = calls.with_renewal(outgoing.channel_id, partial(_call, outgoing, claim))
    except TryAgain as error:
        _failed_for_now(outgoing, claim, error)
    except Refused as error:
        _failed_for_good(outgoing, claim, str(error))
    except CredentialsGone as error:
        _failed_for_good(outgoing, claim, str(error))
        disconnect(channel_id=outgoing.channel_id, reason=str(error))
    else:
        health.succeeded(channel_id=outgoing.channel_id)
        try:
            if outgoing.verb == Verb.POST and sent is not None:
                record_sent(outgoing_id=outgoing_id, channel=channel, message=message, sent=sent)
            else:
                record_change(outgoing_id=outgoing_id, channel=channel, sent=sent)
        except ValueError as error:
            # An id or a time that cannot be kept will not get better by asking again every minute.
            log.exception("reply %s is posted but cannot be recorded", outgoing_id)
            reason = _("It was posted, but the network's answer cannot be kept ({error}).")
            _failed_for_good(outgoing, claim, reason.format(error=error), doubt=True)
    _wake_next(outgoing.case_id)


def sweep() -> int:
    """Ask again for deliveries that nobody will make: due replies without a job (the job was lost, or
    waited for an earlier reply) and leases that ran out (a worker died). Returns how many.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LEFT_BEHIND, [TASK])
        ids = [row[0] for row in cursor.fetchall()]
        defer_deliveries(outgoing_ids=ids)
    return len(ids)


def _held_back(outgoing: Outgoing) -> bool:
    """Whether a scheduled reply stays, because the customer has written since."""
    if outgoing.scheduled_for is None:
        return False
    with transaction.atomic():
        held = hold_back(outgoing.id)
        if held:
            notify_desk(brand_id=outgoing.brand_id, case_ids=[outgoing.case_id])
    if held:
        _wake_next(outgoing.case_id)
    return held


def _channel_takes_calls(outgoing: Outgoing) -> bool:
    """Hold the reply, with the reason, while its channel is paused or its network rests."""
    channel = Channel.objects.only("state", "open_until", "network", "external_id", "handle", "settings").get(
        id=outgoing.channel_id
    )
    if channel.state == ChannelState.PAUSED:
        _hold(outgoing, timezone.now() + PAUSED, _("The channel is paused."))
        return False
    if channel.state == ChannelState.DISCONNECTED:
        claim = _claim(outgoing.id)
        if claim is not None:
            _failed_for_good(outgoing, claim, _("The channel is disconnected. Connect it, then retry."))
            _wake_next(outgoing.case_id)
        return False
    if not _due(outgoing):
        return False
    # A rest is looked at before the budget, so that nothing is spent on calls that are not made, and the probe
    # after one is asked for last, so that it is not spent on a reply that waits for the budget.
    until = channel.open_until
    if until is None or until <= timezone.now():
        until = _paced(outgoing, channel)
        if until is not None:
            _hold(
                outgoing, until, _("The network takes only so many calls. This one goes when there is room.")
            )
            return False
        until = health.admit(channel_id=channel.id)
    if until is not None:
        _hold(outgoing, until, _("The network does not answer well; waiting before the next try."))
        return False
    return True


def _paced(outgoing: Outgoing, channel: Channel) -> datetime | None:
    """When the channel's budget has room for this reply, if not now. Of several that wait, those of urgent
    cases go first, then the older ones. Without a budget nothing is asked of the database."""
    try:
        rules = calls.rules_of(channel)
    except Refused:
        return None  # the attempt itself will say so
    if not pacing.laws(rules, "write"):
        return None
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT mine.priority >= %(high)s,
                   (SELECT count(*) FROM outbox_outgoing o JOIN inbox_case c ON c.id = o.case_id
                    WHERE o.channel_id = %(channel)s AND o.state = 'queued' AND o.attempts = 0 AND o.id <> %(id)s
                      AND (o.scheduled_for IS NULL OR o.scheduled_for <= now())
                      AND NOT EXISTS (SELECT 1 FROM outbox_outgoing p
                                      WHERE p.id = o.follows_id AND p.state <> 'sent')
                      AND (c.priority >= %(high)s, -o.id) > (mine.priority >= %(high)s, -%(id)s))
            FROM inbox_case mine WHERE mine.id = %(case)s
            """,
            {"high": Priority.HIGH, "channel": channel.id, "id": outgoing.id, "case": outgoing.case_id},
        )
        urgent, ahead = cursor.fetchone()
    priority = pacing.Priority.URGENT if urgent else pacing.Priority.REPLY
    return pacing.spend(channel_id=channel.id, rules=rules, budget="write", priority=priority, ahead=ahead)


def _due(outgoing: Outgoing) -> bool:
    """A look before the claim, so that the one probe of an open breaker is not spent on nothing."""
    now = timezone.now()
    if is_behind(outgoing.id):
        return False
    if outgoing.state == OutgoingState.SENDING:
        return outgoing.lease_until is not None and outgoing.lease_until <= now
    return outgoing.not_before <= now


def _hold(outgoing: Outgoing, until: datetime, reason: str) -> None:
    with transaction.atomic():
        held = Outgoing.objects.filter(
            id=outgoing.id, state=OutgoingState.QUEUED, not_before__lt=until
        ).update(not_before=until, error=reason)
        if held:
            defer_delivery(outgoing_id=outgoing.id, not_before=until)
            notify_desk(brand_id=outgoing.brand_id, case_ids=[outgoing.case_id])


def _claim(outgoing_id: int) -> Claim | None:
    """Lease the reply, if it is due, nothing is before it, and the customer has not overtaken it."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CLAIM, [LEASE.total_seconds(), outgoing_id])
        row = cursor.fetchone()
        if row is None:
            return None
        notify_desk(brand_id=row[3], case_ids=[row[4]])
    return Claim(outgoing_id, lease_until=row[0], attempts=row[1], doubtful=row[2])


def _call(
    outgoing: Outgoing, claim: Claim, channel: Channel, connector: Connector
) -> tuple[Channel, OutgoingMessage, Sent | None]:
    message = outgoing_message(outgoing)
    return channel, message, _carry_out(connector, outgoing, message, claim)


def _carry_out(
    connector: Connector, outgoing: Outgoing, message: OutgoingMessage, claim: Claim
) -> Sent | None:
    """Call the network; None for a deletion. What a connector must not raise is a doubt."""
    try:
        if outgoing.verb == Verb.POST:
            if outgoing.scheduled_for is not None and not claim.doubtful:
                _check_window(connector, message)
            return _post(connector, message, claim)
        # Changing or deleting twice does no harm, so after a doubt it is simply done again.
        if claim.attempts > settings.RAPPORT_SEND_ATTEMPTS:
            raise Refused(_("It was tried too often without an answer."))
        if outgoing.target is None:
            raise Refused(_("The message it changes is gone."))
        target = outgoing.target
        if outgoing.verb == Verb.EDIT:
            return connector.edit(target.external_id, outgoing.text, parent_id=target.parent_external_id)
        connector.delete(target.external_id)
        return None
    except NetworkError:
        raise
    except Exception as error:
        log.exception("connector %s failed in an unexpected way", connector.network)
        reason = _("Unexpected error in the connector ({name}).").format(name=type(error).__name__)
        raise TryAgain(reason, doubt=True) from error


def _check_window(connector: Connector, message: OutgoingMessage) -> None:
    """What was scheduled waited long, so the network's time for it is looked at again. Raises Refused."""
    if message.visibility != "private" or message.parent_visibility != "private":
        return
    try:
        checks.check_window(
            windows=connector.rules.windows,
            heard_at=message.heard_at,
            now=timezone.now(),
            by_person=message.by_person,
        )
    except Invalid as error:
        raise Refused(str(error)) from error


def _post(connector: Connector, message: OutgoingMessage, claim: Claim) -> Sent:
    """Post it. After a doubt the network is asked first whether it has it."""
    if claim.doubtful:
        found = connector.find_sent(message)
        if found is not None:
            return found
    if claim.attempts > settings.RAPPORT_SEND_ATTEMPTS:
        raise Refused(_("It was tried too often without an answer."))
    if timezone.now() >= claim.lease_until - ROOM:
        raise TryAgain(_("Looking for an earlier try, or renewing the credentials, took too long."))
    return connector.send(message)


def _failed_for_now(outgoing: Outgoing, claim: Claim, error: TryAgain) -> None:
    health.failed(channel_id=outgoing.channel_id, reason=str(error), after=error.after)
    if claim.attempts >= settings.RAPPORT_SEND_ATTEMPTS:
        _failed_for_good(outgoing, claim, str(error), doubt=error.doubt)
        return
    pause = health.backoff(claim.attempts, first=FIRST_PAUSE)
    until = min(error.not_before(timezone.now(), pause), timezone.now() + LONGEST_WAIT)
    if error.doubt:
        # Asked too soon, the network would not know its own post yet, and would get another.
        until = max(until, timezone.now() + _find_lag(outgoing))
    with transaction.atomic():
        changed = _leased(claim).update(
            state=OutgoingState.QUEUED,
            lease_until=None,
            not_before=until,
            error=storable(str(error), limit=1000),
            # Once in doubt, in doubt until the network was asked and said no.
            doubtful=error.doubt or claim.doubtful,
        )
        if changed:
            defer_delivery(outgoing_id=outgoing.id, not_before=until)
            notify_desk(brand_id=outgoing.brand_id, case_ids=[outgoing.case_id])


def _find_lag(outgoing: Outgoing) -> timedelta:
    try:
        network = Channel.objects.values_list("network", flat=True).get(id=outgoing.channel_id)
        return connector_class(network).capabilities.find_lag
    except UnknownNetwork:
        return timedelta(0)


def _failed_for_good(outgoing: Outgoing, claim: Claim, reason: str, *, doubt: bool = False) -> None:
    with transaction.atomic():
        changed = _leased(claim).update(
            state=OutgoingState.FAILED,
            lease_until=None,
            error=storable(reason, limit=1000),
            doubtful=doubt or claim.doubtful,
        )
        if changed:
            record(
                action="outgoing.failed",
                actor_id=outgoing.author_id,
                brand_id=outgoing.brand_id,
                object_type="outgoing",
                object_id=outgoing.id,
                data={"case": outgoing.case_id, "attempts": claim.attempts},
            )
            notify_desk(brand_id=outgoing.brand_id, case_ids=[outgoing.case_id])


def _leased(claim: Claim) -> QuerySet[Outgoing]:
    return Outgoing.objects.filter(
        id=claim.outgoing_id, state=OutgoingState.SENDING, lease_until=claim.lease_until
    )


def _wake_next(case_id: int) -> None:
    """The case's next reply waited for this one."""
    with transaction.atomic():
        next_id = next_of_case(case_id)
        if next_id is not None:
            defer_deliveries(outgoing_ids=[next_id])
