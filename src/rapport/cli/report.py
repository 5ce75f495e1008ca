"""``rapport report``: the figures, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from rapport.cli.periods import Moment, refuse_backwards
from rapport.cli.runtime import CommandError, django_ready, print_json

if TYPE_CHECKING:
    from rapport.insights.queries import ResponseRow

# The columns of the table for people; --json has every figure.
_SHOWN = (
    "conversations", "answered", "response_rate", "first_response_median_s", "first_response_p90_s",
    "within_30m", "within_60m", "unanswered",
)  # fmt: skip


@click.group("report")
def command() -> None:
    """Show how well we answer. What each figure means: docs/metrics.md."""


@command.command("responses")
@click.option("--brand", "brands", multiple=True, metavar="NAME_OR_SLUG", help="Only this brand; repeatable.")
@click.option("--since", type=Moment(), help="First moment that counts; a date is its beginning.")
@click.option("--until", type=Moment(), help="First moment that no longer counts; a date is its beginning.")
@click.option(
    "--by",
    type=click.Choice(["brand", "channel", "agent", "day", "hour"]),
    default="brand",
    show_default=True,
    help="One row per brand and this; days and hours are those of the brand's time zone.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a list of rows as JSON, with every figure.")
def responses(
    brands: Sequence[str], since: datetime | None, until: datetime | None, by: Any, as_json: bool
) -> None:
    """How many conversations were answered, and how fast.

    A conversation belongs to the period in which its first contact message was sent.
    """
    refuse_backwards(since, until)
    with django_ready():
        from rapport.insights.queries import response_rows
        from rapport.insights.selection import brands_named
        from rapport.lib.errors import ActionError

        try:
            brand_ids = [one.id for one in brands_named(names=brands)] if brands else None
        except ActionError as error:
            raise CommandError(str(error)) from None
        rows = response_rows(brand_ids=brand_ids, since=since, until=until, by=by)
        if as_json:
            print_json([_json_row(row, by) for row in rows])
        else:
            _print(rows, by)


def _json_row(row: ResponseRow, by: str) -> dict[str, Any]:
    values = asdict(row)
    key, label = values.pop("key"), values.pop("label")
    if by in {"channel", "agent"}:
        values = {f"{by}_id": int(key) if key else None, by: label, **values}
    elif by != "brand":
        values = {by: key, **values}
    return {"brand": values.pop("brand"), **values}


def _print(rows: Sequence[ResponseRow], by: str) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from rapport.insights.metrics import BY_KEY

    if not rows:
        click.echo("Nothing happened in this period.")
        return
    cells = [[_cell(BY_KEY[key].unit, getattr(row, key)) for key in _SHOWN] for row in rows]
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1))
    table.add_column("Brand", no_wrap=True)
    if by != "brand":
        table.add_column(by.capitalize(), no_wrap=True)
    for key in _SHOWN:
        title = str(BY_KEY[key].title)
        table.add_column(title, justify="right", min_width=max(10, *map(len, title.split())))
    for row, figures in zip(rows, cells, strict=True):
        name = [] if by == "brand" else [row.label or "nobody here"]
        table.add_row(row.brand, *name, *figures)
    console = Console()
    # Narrower than this every figure would be folded; a pipe has no width of its own.
    console.print(table, width=max(console.width, 150), soft_wrap=True)


def _cell(unit: str, value: float | None) -> str:
    if value is None:
        return "–"
    if unit == "share":
        return f"{value:.0%}"
    return _duration(value) if unit == "seconds" else f"{value:,}"


def _duration(seconds: float) -> str:
    """Two largest units: ``2d 3h``, ``14m 5s``."""
    rest = round(seconds)
    parts: list[str] = []
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")):
        amount, rest = divmod(rest, size)
        if amount or (unit == "s" and not parts):
            parts.append(f"{amount}{unit}")
    return " ".join(parts[:2])
