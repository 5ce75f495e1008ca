"""The table of periodic jobs, and those of them that are made here."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from croniter import croniter
from django.db import connection

from rapport.cli.jobs import JOBS, Job, delete_finished_jobs, recover_stalled_jobs


def _job(status: str, *, worker: str = "NULL", lock: str = "NULL", days_ago: int = 0) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, status, queueing_lock, worker_id) "
            f"VALUES ('q', 't', '{status}', {lock}, {worker}) RETURNING id"
        )
        (job_id,) = cursor.fetchone()
        cursor.execute("DELETE FROM procrastinate_events WHERE job_id = %s", [job_id])
        cursor.execute(
            "INSERT INTO procrastinate_events (job_id, type, at) "
            "VALUES (%s, 'deferred', now() - make_interval(days => %s))",
            [job_id, days_ago],
        )
    return int(job_id)


def _worker(heartbeat: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '{heartbeat}') RETURNING id"
        )
        return str(cursor.fetchone()[0])


def _statuses() -> dict[int, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, status::text FROM procrastinate_jobs")
        return dict(cursor.fetchall())


@pytest.mark.django_db
def test_it_queues_again_what_dead_workers_had_begun() -> None:
    dead, alive = _worker("1 hour"), _worker("1 second")
    begun, ownerless = _job("doing", worker=dead), _job("doing")
    running = _job("doing", worker=alive)
    first, second = (_job("doing", worker=dead, lock="'twice'") for _ in range(2))
    waiting, replaced = _job("todo", lock="'waits'"), _job("doing", worker=dead, lock="'waits'")
    assert recover_stalled_jobs() == 3
    assert _statuses() == {
        begun: "todo", ownerless: "todo", running: "doing", first: "todo", waiting: "todo",
    }  # fmt: skip
    assert {second, replaced}.isdisjoint(_statuses())
    assert recover_stalled_jobs() == 0


@pytest.mark.django_db
def test_it_forgets_jobs_that_ended_days_ago() -> None:
    old = [_job("failed", days_ago=9), _job("succeeded", days_ago=9)]
    kept = [_job("failed"), _job("todo", days_ago=9)]
    assert delete_finished_jobs() == 2
    assert sorted(_statuses()) == sorted(kept)
    assert set(old).isdisjoint(_statuses())


@pytest.mark.django_db
@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_every_job_runs_and_comes_back(job: Job) -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    assert croniter(job.cron, now).get_next(datetime) > now
    assert job.does.endswith(".")
    job.run()
    job.run()


def test_every_job_has_a_name_of_its_own() -> None:
    assert len({job.name for job in JOBS}) == len(JOBS)
