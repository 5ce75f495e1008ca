"""``rapport worker``: processes what was heard, sends what was answered, runs what is due."""

from __future__ import annotations

import asyncio
import logging
import signal
from typing import Any

import click

from rapport.cli.processes import end_with_parent, raise_stopped, stop_on_signals
from rapport.cli.runtime import django_ready, read_options

log = logging.getLogger("rapport.worker")

POLL_S = 1.0


@click.command("worker")
def command() -> None:
    """Process what networks sent, deliver replies and run periodic jobs."""
    options = read_options()
    end_with_parent()
    with stop_on_signals(raise_stopped), django_ready():
        from rapport.cli import jobs
        from rapport.cli.ingest_thread import IngestThread

        jobs.register()
        ingest = IngestThread()
        ingest.start()
        try:
            asyncio.run(_run(concurrency=options.worker_concurrency, ingest=ingest))
        finally:
            ingest.stop()
    if ingest.failure is not None:
        raise SystemExit(1)


async def _run(*, concurrency: int, ingest: Any) -> None:
    """Run jobs until a signal comes or the ingest thread dies."""
    from procrastinate import PsycopgConnector
    from procrastinate.contrib.django import app
    from procrastinate.contrib.django.utils import connector_params

    # Django's own connector cannot wait for notifications.
    worker_app = app.with_connector(PsycopgConnector(kwargs=connector_params()))
    async with worker_app.open_async():
        worker = asyncio.create_task(
            worker_app.run_worker_async(
                concurrency=concurrency,
                fetch_job_polling_interval=POLL_S,
                install_signal_handlers=False,
                shutdown_graceful_timeout=3,
                delete_jobs="successful",
            )
        )
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, stopped.set)
        ingest.on_failure = lambda: loop.call_soon_threadsafe(stopped.set)
        waiting = asyncio.create_task(stopped.wait())
        done, _ = await asyncio.wait({worker, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if worker in done:
            waiting.cancel()
            worker.result()
            log.error("the job worker ended by itself")
            raise SystemExit(1)
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
