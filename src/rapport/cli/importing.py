"""``rapport import``: bring conversations from a file."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rapport.cli.runtime import CommandError, django_ready, print_json, read_options

if TYPE_CHECKING:
    from rapport.imports.actions import Summary
    from rapport.imports.source import Progress


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["twcs", "jsonl", "csv"]),
    required=True,
    help="twcs: the public 'Customer Support on Twitter' data set. jsonl, csv: Rapport's own columns.",
)
@click.option(
    "--brand",
    default="",
    metavar="NAME_OR_SLUG",
    help="twcs: import only this company's conversations. jsonl, csv: the brand to import into.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def command(file: Path, file_format: Any, brand: str, as_json: bool) -> None:
    """Import the conversations in FILE.

    Importing twice is the same as importing once, and an interrupted import goes on where it stopped.
    Rows that cannot be used are written to FILE.rejected.jsonl with their line numbers and the reasons.
    """
    _refuse_unreadable(file)
    with django_ready():
        from rapport.imports.actions import import_file
        from rapport.lib.errors import ActionError

        try:
            with _progress(shown=not as_json and sys.stderr.isatty()) as progress:
                summary = import_file(
                    path=file,
                    file_format=file_format,
                    brand=brand,
                    rejects_fallback=read_options().data / "imports",
                    progress=progress,
                )
        except ActionError as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(
                f"{error.filename or file} cannot be used: {error.strerror or error}."
            ) from None
        except KeyboardInterrupt:
            raise CommandError("Stopped. Run the same command again to go on from here.") from None
    if as_json:
        print_json(asdict(summary))
    else:
        _print(summary)


def _refuse_unreadable(file: Path) -> None:
    try:
        if file.is_dir():
            raise CommandError(f"{file} is a directory; give it a file.")
        if file.exists() and not file.is_file():
            raise CommandError(
                f"{file} is not a regular file; it must be one, because it is read more than once."
            )
        with file.open("rb"):
            pass
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror or error}.") from None


@contextlib.contextmanager
def _progress(*, shown: bool) -> Iterator[Progress | None]:
    if not shown:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("")
        yield lambda doing, done, total: bar.update(task, description=doing, completed=done, total=total)


def _print(summary: Summary) -> None:
    click.echo(
        f"{summary.rows:,} rows: {summary.new:,} new, {summary.duplicates:,} already here, "
        f"{summary.skipped:,} of other brands, {summary.rejected:,} rejected."
    )
    click.echo(
        f"{summary.conversations:,} conversations of {summary.brands:,} brands; "
        f"{summary.messages:,} messages in their channels."
    )
    if summary.resumed_at:
        click.echo(f"Went on at row {summary.resumed_at + 1:,}, where the last import had stopped.")
    if summary.rejected_file:
        click.echo(f"Rejected rows and the reasons are in {summary.rejected_file}")
    if summary.parked:
        click.echo(f"{summary.parked:,} events could not be processed; see 'rapport events list'.")
