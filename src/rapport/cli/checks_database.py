"""What ``rapport doctor`` checks in the database. Imported once Django is set up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from rapport.brands.alerts import open_alerts, words
from rapport.brands.models import Alert, AlertKind, Brand, Channel, ChannelState
from rapport.cli import replaced
from rapport.cli.checks import Finding, Level
from rapport.ingest.queries import OnlyPolled, backlog, only_polled
from rapport.ingest.stray import stray_today
from rapport.staff.models import User

OLDEST_VERSION = 150000
LATE = timedelta(minutes=1)
VERY_LATE = timedelta(minutes=15)
CLOCK = timedelta(seconds=5)


def database() -> Iterator[Finding]:
    """Reachable (we are here), new enough, with room for connections."""
    version, name, size, used, most, encoding = _row(
        """
        SELECT current_setting('server_version_num')::int, current_setting('server_version'),
               pg_size_pretty(pg_database_size(current_database())),
               (SELECT count(*) FROM pg_stat_activity), current_setting('max_connections')::int,
               pg_encoding_to_char(encoding)
        FROM pg_database WHERE datname = current_database()
        """
    )
    text = f"PostgreSQL {name.split()[0]}, {size}, {used} of {most} connections used"
    if version < OLDEST_VERSION:
        yield Finding("database", Level.PROBLEM, text, "Rapport needs PostgreSQL 15 or newer.")
    elif encoding != "UTF8":
        yield Finding("database", Level.PROBLEM, f"{text}, encoding {encoding}", "Create it with UTF8.")
    elif used > most * 0.9:
        yield Finding("database", Level.WARNING, text, "Raise max_connections, or run fewer processes.")
    else:
        yield Finding("database", Level.OK, text)


def migrations() -> Iterator[Finding]:
    """The tables are this version's."""
    had = replaced.applied()
    if name := replaced.missing(had):
        yield Finding("migrations", Level.PROBLEM, replaced.too_old(name), replaced.advice())
        return
    executor = MigrationExecutor(connection)
    behind = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    unknown = sorted(key for key in replaced.todays(had) if key not in executor.loader.graph.nodes)
    ours = [f"{app}.{name}" for app, name in unknown if app in executor.loader.migrated_apps]
    if behind:
        yield Finding(
            "migrations", Level.PROBLEM, f"The database is {behind} behind.", "Run 'rapport migrate'."
        )
    elif ours:
        yield Finding(
            "migrations",
            Level.PROBLEM,
            f"The database was made by a newer version ({ours[-1]}).",
            "Run that version, or restore a backup of this one.",
        )
    else:
        yield Finding("migrations", Level.OK, "up to date")


def clock() -> Iterator[Finding]:
    """Ours against the database's: clocks of cases are made of both."""
    before = timezone.now()
    (theirs,) = _row("SELECT clock_timestamp()")
    after = timezone.now()
    off = max(before - theirs, theirs - after, timedelta(0))
    if off > CLOCK:
        yield Finding(
            "clock",
            Level.PROBLEM,
            f"This machine and the database differ by {off.total_seconds():.0f} s.",
            "Switch on time synchronisation (NTP) on both.",
        )
    else:
        yield Finding("clock", Level.OK, "agrees with the database")


def jobs() -> Iterator[Finding]:
    """Jobs are done as they come."""
    waiting, oldest, failed, workers = _row(
        """
        SELECT count(*) FILTER (WHERE status = 'todo'),
               min(coalesce(j.scheduled_at, e.at)) FILTER (WHERE status = 'todo'),
               count(*) FILTER (WHERE status = 'failed'),
               (SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - interval '30 seconds')
        FROM procrastinate_jobs j
        LEFT JOIN LATERAL (SELECT min(at) AS at FROM procrastinate_events e WHERE e.job_id = j.id) e ON true
        WHERE status IN ('todo', 'failed') AND (j.scheduled_at IS NULL OR j.scheduled_at <= now())
        """
    )
    if not workers:
        yield Finding(
            "worker", Level.WARNING, "No worker runs: nothing is processed or sent.", "Start 'rapport up'."
        )
    else:
        yield Finding("worker", Level.OK, f"{workers} running")
    yield _lag("jobs", f"{waiting} due", oldest, "Start more workers, or look at their log for errors.")
    if failed:
        yield Finding(
            "jobs",
            Level.WARNING,
            f"{failed} failed in the last days.",
            "Look for them in the worker's log; replies are asked for again by themselves.",
        )


def ingest() -> Iterator[Finding]:
    """What networks sent is processed as it comes."""
    state = backlog()
    yield _lag(
        "incoming", f"{state.pending} to process", state.oldest, "Start more workers, or look at their log."
    )
    if state.parked:
        yield Finding(
            "parked events",
            Level.WARNING,
            f"{state.parked} could not be understood; none is lost.",
            "'rapport events list' says why; after a fix, 'rapport events replay --all'.",
        )
    else:
        yield Finding("parked events", Level.OK, "none")
    for network, count in stray_today().items():
        yield Finding(
            f"deliveries by {network}",
            Level.WARNING,
            f"{count} today (UTC) for accounts that are not connected here; they are not kept.",
            "Connect the account, or end its subscription at the network.",
        )


def outbox() -> Iterator[Finding]:
    """Replies leave when they are due."""
    due, oldest, failed = _row(
        """
        SELECT count(*) FILTER (WHERE state <> 'failed'), min(not_before) FILTER (WHERE state <> 'failed'),
               count(*) FILTER (WHERE state = 'failed')
        FROM outbox_outgoing o
        WHERE state = 'failed' OR (
            state IN ('queued', 'sending') AND not_before <= now()
            -- A post that goes on from one that failed waits for a person.
            AND NOT EXISTS (SELECT FROM outbox_outgoing p WHERE p.id = o.follows_id AND p.state <> 'sent'))
        """
    )
    yield _lag("replies", f"{due} due", oldest, "See whether a worker runs and which channels have trouble.")
    if failed:
        yield Finding(
            "replies",
            Level.WARNING,
            f"{failed} could not be delivered.",
            "Their cases show the reason and a button to try again.",
        )


def channels() -> Iterator[Finding]:
    """Every channel hears and speaks."""
    # Credentials stay out: one that cannot be decrypted must not hide the other channels.
    found = list(Channel.objects.select_related("brand").defer("credentials").order_by("id"))
    missed = only_polled(channel_ids=[channel.id for channel in found])
    troubles: dict[int, list[Alert]] = {}
    for alert in open_alerts(brands=Brand.objects.all()):
        troubles.setdefault(alert.channel_id, []).append(alert)
    for channel in found:
        yield _channel(channel)
        yield from _more(channel, troubles.get(channel.id, []), missed.get(channel.id))


def _more(channel: Channel, troubles: list[Alert], missed: OnlyPolled | None) -> Iterator[Finding]:
    """What the channel's row alone does not show."""
    subject = f"channel {channel.brand.slug} {channel}"
    for alert in troubles:
        if alert.kind in (AlertKind.SILENT, AlertKind.EXPIRING):
            said = words(alert)
            yield Finding(subject, Level.WARNING, said.sentence, said.advice)
    if missed is not None and missed.last_day:
        yield Finding(
            subject,
            Level.WARNING,
            f"{missed.last_day} events of the last 24 hours were found by polling only ({missed.total} so far)",
            "Its webhook or stream misses events; see that the network delivers to the address on its page.",
        )


def _channel(channel: Channel) -> Finding:
    subject = f"channel {channel.brand.slug} {channel}"
    now = timezone.now()
    if channel.state == ChannelState.DISCONNECTED:
        return Finding(
            subject, Level.PROBLEM, f"disconnected: {channel.last_error}", "Connect it again in the desk."
        )
    if channel.state == ChannelState.PAUSED:
        return Finding(subject, Level.OK, "paused")
    if channel.open_until is not None and channel.open_until > now:
        return Finding(
            subject,
            Level.WARNING,
            f"{channel.failures} failures in a row, resting until {_clock(channel.open_until)}: "
            f"{channel.last_error}",
            "The network has trouble or limits us; it is tried again by itself.",
        )
    if channel.failures:
        return Finding(
            subject, Level.WARNING, f"{channel.failures} failures in a row: {channel.last_error}",
            "It is tried again by itself.",
        )  # fmt: skip
    if channel.polled and channel.next_poll_at is not None and now - channel.next_poll_at > VERY_LATE:
        return Finding(
            subject,
            Level.WARNING,
            f"its poll was due at {_clock(channel.next_poll_at)}",
            "Start 'rapport up'.",
        )
    heard = f"last heard {_clock(channel.last_event_at)}" if channel.last_event_at else "nothing heard yet"
    return Finding(subject, Level.OK, heard)


def users() -> Iterator[Finding]:
    """Somebody can log in."""
    if User.objects.filter(is_active=True, is_superuser=True).exists():
        yield Finding("users", Level.OK, f"{User.objects.filter(is_active=True).count()} active")
    else:
        yield Finding(
            "users", Level.WARNING, "There is no owner.", "Run: rapport users add you@example.com --owner"
        )


def _lag(subject: str, text: str, oldest: datetime | None, advice: str) -> Finding:
    late = timezone.now() - oldest if oldest is not None else timedelta(0)
    if late > LATE:
        text += f", the oldest for {_duration(late)}"
    level = Level.PROBLEM if late > VERY_LATE else Level.WARNING if late > LATE else Level.OK
    return Finding(subject, level, text, advice if level is not Level.OK else "")


def _duration(length: timedelta) -> str:
    seconds = int(length.total_seconds())
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} seconds"


def _clock(at: datetime) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M:%S %Z")


def _row(query: str) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        row: tuple[Any, ...] = cursor.fetchone()
        return row
