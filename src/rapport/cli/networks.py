"""``rapport networks``: what the installed connectors can do."""

from __future__ import annotations

import click

from rapport.cli.runtime import print_json


@click.command("networks")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> None:
    """Show every network that can be connected and what it allows. Needs no database."""
    from django.conf import settings as django_settings
    from rich.console import Console
    from rich.table import Table

    from rapport.networks.table import COLUMNS, rows

    # Nothing is read or written: this works before anything is installed or set.
    if not django_settings.configured:
        django_settings.configure(USE_I18N=False)
    found = rows()
    if as_json:
        print_json(found)
        return
    # In a terminal it fits the width, elsewhere nothing is cut.
    console = Console()
    if not console.is_terminal:
        console = Console(width=220)
    shown = Table(box=None, header_style="bold", pad_edge=False)
    shown.add_column("network", no_wrap=True)
    for name in COLUMNS:
        shown.add_column(name.replace("_", " "), justify="center")
    shown.add_column("tested against")
    for row in found:
        shown.add_row(row["label"], *("yes" if row[name] else "–" for name in COLUMNS), row["tested"])
    console.print(shown)
