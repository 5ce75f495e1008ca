"""Every periodic job, in one table. The worker registers it; the docs print it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.db import connection, transaction
from procrastinate.contrib.django import app

from rapport.channels.pending import forget_expired
from rapport.channels.rotation import forget_former_secrets
from rapport.inbox.actions import wake_due_cases
from rapport.inbox.receipts import sweep_waiting
from rapport.inbox.together import sweep_looks
from rapport.inbox.words import catch_up
from rapport.ingest import backfill, lookups
from rapport.ingest.renewal import renew_due
from rapport.ingest.silence import learn_silence
from rapport.ingest.watch import watch_channels
from rapport.mentions import backfill as past_of_queries
from rapport.mentions import hearing, mute_passes
from rapport.mentions.counters import fold_counters
from rapport.mentions.recording import forget_gone
from rapport.mentions.rule_failures import forget_failures
from rapport.mentions.spikes.watching import count_all_noise, watch
from rapport.notices.making import catch_up as make_notices
from rapport.notices.reading import sweep_notices
from rapport.notices.telling import tell_due
from rapport.outbox.delivery import sweep
from rapport.staff.sessions import SessionStore

QUEUE = "periodic"
# A worker that has not said for so long that it lives does not (it says so every ten seconds).
STALLED_S = 30
FINISHED_JOBS_KEPT_HOURS = 72


@dataclass(frozen=True)
class Job:
    """``cron`` has five fields, or a sixth for seconds. ``run`` is safe to repeat and to run twice at once."""

    name: str
    cron: str
    does: str
    run: Callable[[], object]


def recover_stalled_jobs() -> int:
    """Queue again what dead workers had begun; returns how many jobs.

    Where the same job (by its queueing lock) waits already, the begun one is dropped instead.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """
            WITH begun AS MATERIALIZED (
                SELECT j.id, j.queueing_lock
                FROM procrastinate_jobs j LEFT JOIN procrastinate_workers w ON w.id = j.worker_id
                WHERE j.status = 'doing'
                  AND (w.id IS NULL OR w.last_heartbeat < now() - make_interval(secs => %s))
                FOR UPDATE OF j SKIP LOCKED
            ), stalled AS (
                SELECT *, row_number() OVER (PARTITION BY coalesce(queueing_lock, id::text) ORDER BY id) AS nth
                FROM begun
            ), again AS (
                SELECT id FROM stalled s WHERE nth = 1 AND NOT EXISTS (
                    SELECT FROM procrastinate_jobs t
                    WHERE t.queueing_lock = s.queueing_lock AND t.status = 'todo')
            ), dropped AS (
                DELETE FROM procrastinate_jobs
                WHERE id IN (SELECT id FROM stalled) AND id NOT IN (SELECT id FROM again)
            )
            UPDATE procrastinate_jobs SET status = 'todo', worker_id = NULL, attempts = attempts + 1
            WHERE id IN (SELECT id FROM again)
            """,
            [STALLED_S],
        )
        return int(cursor.rowcount)


def delete_finished_jobs() -> int:
    """Forget failed, cancelled and aborted jobs of some days ago (succeeded ones go at once)."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            DELETE FROM procrastinate_jobs j
            WHERE j.status IN ('succeeded', 'failed', 'cancelled', 'aborted')
              AND NOT EXISTS (SELECT FROM procrastinate_events e
                              WHERE e.job_id = j.id AND e.at > now() - make_interval(hours => %s))
            """,
            [FINISHED_JOBS_KEPT_HOURS],
        )
        return int(cursor.rowcount)


JOBS: tuple[Job, ...] = (
    Job("outbox_sweep", "* * * * * */10", "Delivers replies whose worker died or whose job was lost.", sweep),
    Job(
        "wake_due_cases",
        "* * * * * */15",
        "Brings snoozed cases back when their time has come.",
        wake_due_cases,
    ),
    Job("sweep_looks", "* * * * * */30", "Forgets screens that show a case no more.", sweep_looks),
    Job("read_words", "* * * * * */5", "Makes new messages and names quick to search.", catch_up),
    Job("hear_channels", "* * * * * */5", "Looks for mentions in what channels heard.", hearing.catch_up),
    Job("make_notices", "* * * * * */3", "Tells people in the desk what concerns them.", make_notices),
    Job(
        "tell_due",
        "* * * * * */5",
        "Pushes and mails what was not seen, outside of quiet hours.",
        tell_due,
    ),
    Job("sweep_notices", "37 3 * * *", "Forgets notifications after ninety days.", sweep_notices),
    Job(
        "sweep_receipts",
        "47 3 * * *",
        "Forgets what was read of messages that did not come in four weeks.",
        sweep_waiting,
    ),
    Job(
        "backfill_sweep", "* * * * *", "Goes on fetching a channel's past whose job was lost.", backfill.sweep
    ),
    Job(
        "look_back_sweep",
        "* * * * *",
        "Goes on looking through the past for a query whose job was lost.",
        past_of_queries.sweep,
    ),
    Job(
        "mute_sweep",
        "* * * * *",
        "Goes on asking a mute of old mentions where the job for it was lost.",
        mute_passes.sweep,
    ),
    Job(
        "forget_gone",
        "57 * * * *",
        "Forgets versions of posts that were not stored, when no older one can come any more.",
        forget_gone,
    ),
    Job(
        "forget_failures",
        "7 4 * * *",
        "Forgets cases that rules could not open, once somebody dealt with the mention or a month is over.",
        forget_failures,
    ),
    Job(
        "fold_counters",
        "7 4 * * *",
        "Counts what was heard by the hour once it is a month old.",
        fold_counters,
    ),
    Job(
        "lookup_sweep",
        "* * * * *",
        "Looks up what networks only told of, where the job for it was lost.",
        lookups.sweep,
    ),
    Job(
        "forget_former_secrets",
        "*/10 * * * *",
        "Ends the day for which a replaced webhook secret was still good.",
        forget_former_secrets,
    ),
    Job(
        "forget_unfinished_channels",
        "*/10 * * * *",
        "Forgets what was typed for a channel that nobody finished connecting.",
        forget_expired,
    ),
    Job("renew_credentials", "*/2 * * * *", "Renews channels' credentials that end before long.", renew_due),
    Job(
        "learn_silence",
        "7 * * * *",
        "Learns from each channel's last four weeks how long a silence is usual.",
        learn_silence,
    ),
    Job(
        "watch_channels",
        "* * * * *",
        "Looks for channels in trouble, and tells their leads.",
        watch_channels,
    ),
    Job(
        "watch_mentions",
        "* * * * * 20",
        "Looks for far more mentions than are normal for the hour, and alerts leads once for each event.",
        watch,
    ),
    Job(
        "count_noise",
        "57 3 * * *",
        "Counts how many alerts each setting would have made in the last eight weeks.",
        count_all_noise,
    ),
    Job(
        "recover_stalled_jobs",
        "* * * * *",
        "Queues again what a dead worker had begun.",
        recover_stalled_jobs,
    ),
    Job("delete_finished_jobs", "17 3 * * *", "Forgets failed jobs after three days.", delete_finished_jobs),
    Job("clear_sessions", "27 3 * * *", "Forgets sessions that have expired.", SessionStore.clear_expired),
)


def register() -> None:
    """Make every job of the table known to this process's job worker."""
    for job in JOBS:
        _register(job)


def _register(job: Job) -> None:
    def run(timestamp: int) -> None:
        job.run()

    # At most one of each waits: after a pause there is nothing to catch up.
    task = app.task(name=f"rapport.jobs.{job.name}", queue=QUEUE, queueing_lock=job.name)(run)
    app.periodic(cron=job.cron, periodic_id=job.name)(task)
