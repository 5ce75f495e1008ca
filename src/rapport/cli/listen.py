"""``rapport listen``: asks networks that are polled for what is new, and reads the streams of those that have one."""

from __future__ import annotations

import threading

import click

from rapport.cli.processes import end_with_parent, stop_on_signals
from rapport.cli.runtime import django_ready, read_options

# How long a stop waits for networks to answer what they were asked; half an answer is asked for again.
PATIENCE_S = 2.0


@click.command("listen")
def command() -> None:
    """Poll channels for what is new, and read their streams. Any number of these may run."""
    options = read_options()
    end_with_parent()
    with django_ready():
        from rapport.ingest.listener import Listener
        from rapport.ingest.streams import Streams
        from rapport.networks.ending import end_calls

        listener = Listener(concurrency=options.listen_concurrency)
        streams = Streams(most=options.streams)
        reading = threading.Thread(target=streams.run, name="streams", daemon=True)

        def stop() -> None:
            listener.stop()
            streams.stop()
            cut = threading.Timer(PATIENCE_S, end_calls)
            cut.daemon = True
            cut.start()

        with stop_on_signals(stop):
            if options.streams:
                reading.start()
            try:
                listener.run()
            finally:
                streams.stop()
                if options.streams:
                    reading.join(timeout=5)
