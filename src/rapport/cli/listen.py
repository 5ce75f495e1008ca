"""``rapport listen``: asks networks that are polled for what is new."""

from __future__ import annotations

import click

from rapport.cli.processes import end_with_parent, stop_on_signals
from rapport.cli.runtime import django_ready, read_options


@click.command("listen")
def command() -> None:
    """Poll channels for what is new. Any number of these may run."""
    options = read_options()
    end_with_parent()
    with django_ready():
        from rapport.ingest.listener import Listener

        listener = Listener(concurrency=options.listen_concurrency)
        with stop_on_signals(listener.stop):
            listener.run()
