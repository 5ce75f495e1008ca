"""``rapport listen``: asks networks that are polled for what is new, reads their streams, and the sources that are
listened to without a channel; or hears the posts of a file."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rapport.cli.processes import end_with_parent, stop_on_signals
from rapport.cli.runtime import CommandError, django_ready, read_options
from rapport.config.options import Options

if TYPE_CHECKING:
    from rapport.cli.listen_file import Told
    from rapport.cli.query_posts import BadLine
    from rapport.mentions.sources.nats_stream import NatsStream

# How long a stop waits for networks to answer what they were asked; half an answer is asked for again.
PATIENCE_S = 2.0
_BAD_LINES_NAMED = 10


@click.command("listen", context_settings={"ignore_unknown_options": True})
@click.option(
    "--from",
    "file",
    type=click.Path(),
    help="Hear the posts of this file and end. It may be - for standard input.",
)
@click.option(
    "--network",
    default="file",
    metavar="NAME",
    help="With --from: where posts are from that do not say so, such as x for twcs.",
)
@click.argument("query", required=False)
@click.pass_context
def command(context: click.Context, file: str | None, network: str, query: str | None) -> None:
    """Poll channels for what is new, and read their streams and all sources. Any number of these may run.

    With --from, the posts of a file are matched with the saved queries instead, and those that match are kept: JSON
    lines or CSV, as 'rapport query match' reads them. Run again, it goes on where it stopped. With a QUERY, posts
    that match it are printed, nothing is kept, and no database is needed.
    """
    if file is None:
        if query is not None:
            raise click.UsageError("QUERY goes with --from FILE.")
        _listen()
    elif query is not None:
        from rapport.cli import query as queries

        context.invoke(queries.command)
        context.invoke(queries.match, file=file, query=query, as_json=False)
    else:
        _hear(file, network)


def _listen() -> None:
    options = read_options()
    end_with_parent()
    with django_ready():
        from rapport.ingest.listener import Listener
        from rapport.ingest.streams import Streams
        from rapport.mentions.listeners import Sources
        from rapport.mentions.sharing import Shared
        from rapport.networks.ending import end_calls

        sharing = _stream_of(options)
        listener = Listener(concurrency=options.listen_concurrency)
        beside: list[Streams | Sources | Shared] = []
        if options.streams:
            beside += [Streams(most=options.streams), Sources(most=options.streams, sharing=sharing)]
        if sharing is not None:
            beside.append(Shared(sharing))
        threads = [threading.Thread(target=one.run, name=type(one).__name__, daemon=True) for one in beside]

        def stop() -> None:
            listener.stop()
            for one in beside:
                one.stop()
            cut = threading.Timer(PATIENCE_S, end_calls)
            cut.daemon = True
            cut.start()

        with stop_on_signals(stop):
            for thread in threads:
                thread.start()
            try:
                listener.run()
            finally:
                for one in beside:
                    one.stop()
                for thread in threads:
                    thread.join(timeout=5)
                if sharing is not None:
                    sharing.close()


def _stream_of(options: Options) -> NatsStream | None:
    """The stream between processes, if there is to be one."""
    if options.stream_url is None:
        return None
    if find_spec("nats") is None:
        raise CommandError(
            "RAPPORT_STREAM is set, but the client of NATS is not installed. Run: pip install 'rapport[nats]'"
        )
    from rapport.mentions.sources.nats_stream import NatsStream

    return NatsStream(options.stream_url)


def _hear(file: str, network: str) -> None:
    options = read_options()
    with django_ready():
        from django.db import DatabaseError

        from rapport.cli.listen_file import STDIN, Busy, listen_to
        from rapport.mentions.sources.base import NotShared

        named = 0

        def bad(line: BadLine) -> None:
            nonlocal named
            named += 1
            if named <= _BAD_LINES_NAMED:
                click.echo(f"Line {line.number}: {line.reason}", err=True)

        sharing = _stream_of(options)
        path = STDIN if file == STDIN else str(Path(file).absolute())
        try:
            with (
                _opened(file) as opened,
                _bar(opened, shown=file != STDIN and sys.stderr.isatty()) as progress,
            ):
                told, number = listen_to(
                    opened, path, network=network, sharing=sharing, bad=bad, progress=progress
                )
        except Busy:
            raise CommandError(f"Another process reads {file} now.") from None
        except (NotShared, DatabaseError) as error:
            raise CommandError(
                f"What was read could not be stored ({str(error).splitlines()[0]}). Run the same command again to "
                "go on from here."
            ) from None
        except KeyboardInterrupt:
            raise CommandError("Stopped. Run the same command again to go on from here.") from None
        finally:
            if sharing is not None:
                sharing.close()
    if named > _BAD_LINES_NAMED:
        click.echo(f"… and {named - _BAD_LINES_NAMED:,} more lines that are no posts.", err=True)
    if told.resumed_at:
        click.echo(f"Went on after {told.resumed_at:,} bytes, where it had stopped.")
    handed = "heard" if sharing is None else "handed on to the listeners"
    click.echo(f"{told.posts:,} posts {handed}, {told.bad:,} lines passed over (source {number}).")


@contextlib.contextmanager
def _opened(file: str) -> Iterator[Any]:
    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        if not Path(file).is_file():
            raise CommandError(
                f"{file} is no file that can be read again; give it on standard input: --from -"
            )
        with open(file, "rb") as opened:
            yield opened
    except OSError as error:
        if error.filename != file:
            raise
        raise CommandError(f"{file} cannot be read: {error.strerror or error}.") from None


@contextlib.contextmanager
def _bar(opened: Any, *, shown: bool) -> Iterator[Any]:
    if not shown:
        yield lambda told: None
        return
    import os

    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=os.fstat(opened.fileno()).st_size)

        def progress(told: Told) -> None:
            bar.update(task, completed=told.offset, description=f"{told.posts:,} posts")

        yield progress
