"""``rapport export``: messages to a file that ``rapport import`` reads."""

from __future__ import annotations

import io
import os
import sys
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from rapport.cli.periods import Moment, refuse_backwards
from rapport.cli.runtime import CommandError, django_ready


@click.command("export")
@click.option("--brand", "brands", multiple=True, metavar="NAME_OR_SLUG", help="Only this brand; repeatable.")
@click.option("--since", type=Moment(), help="First moment that counts; a date is its beginning.")
@click.option("--until", type=Moment(), help="First moment that no longer counts; a date is its beginning.")
@click.option(
    "--format", "file_format", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write, whole or not at all. Without it: standard output.",
)
def command(
    brands: Sequence[str],
    since: datetime | None,
    until: datetime | None,
    file_format: Any,
    output: Path | None,
) -> None:
    """Export messages, one per row.

    The file holds what people wrote, private messages included: keep it as safe as the database.
    Agents' names, notes, tags and assignments are not in it; 'rapport backup' carries everything.
    """
    refuse_backwards(since, until)
    with django_ready():
        from rapport.imports.export import exported_rows, write_export
        from rapport.insights.selection import brands_named
        from rapport.lib.errors import ActionError

        try:
            brand_ids = [one.id for one in brands_named(names=brands)] if brands else None
            rows = exported_rows(brand_ids=brand_ids, since=since, until=until)
            if output is None:
                _write_to_stdout(rows, file_format)
                return
            # Into a file beside it first: a disk that fills up must not leave half an export.
            handle, temporary = tempfile.mkstemp(dir=output.parent, prefix=f".{output.name}.")
            try:
                with open(handle, "w", encoding="utf-8", newline="") as file:
                    count = write_export(rows=rows, file=file, file_format=file_format)
                Path(temporary).replace(output)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
        except ActionError as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(
                f"{output or 'Standard output'} cannot be written: {error.strerror or error}."
            ) from None
    click.echo(f"{count:,} messages are in {output}", err=True)


def _write_to_stdout(rows: Any, file_format: Any) -> None:
    from rapport.imports.export import write_export

    sys.stdout.flush()
    # In UTF-8 and with the format's own line ends, whatever the terminal is set to.
    file = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="")
    try:
        write_export(rows=rows, file=file, file_format=file_format)
        file.flush()
    except BrokenPipeError:
        # The reader has seen enough (`rapport export | head`); what is still buffered goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    finally:
        file.detach()
