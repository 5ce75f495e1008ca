"""``rapport doctor``: is everything well, and if not, what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import click

from rapport.cli.checks import Finding, Level, disk, embedded_log, settings
from rapport.cli.runtime import CommandError, django_ready, print_json, read_options
from rapport.config.options import Options
from rapport.config.postgres import EmbeddedPostgres

_MARKS = {Level.OK: ("ok", "green"), Level.WARNING: ("warning", "yellow"), Level.PROBLEM: ("problem", "red")}


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> None:
    """Check database, migrations, jobs, channels, disk and clock. Exit code 1 when there is a problem."""
    options = read_options()
    findings: list[Finding] = []
    for finding in _examine(options):
        findings.append(finding)
        if not as_json:
            _print(finding)
    if as_json:
        print_json([finding.facts() for finding in findings])
    if any(finding.level is Level.PROBLEM for finding in findings):
        raise SystemExit(1)


def _examine(options: Options) -> Iterator[Finding]:
    yield from settings(options)
    yield from disk(options)
    if options.database_url is None:
        embedded = EmbeddedPostgres(options.data)
        running = embedded.pid() is not None
        if not running and not (options.data / "postgres").exists():
            yield Finding(
                "database", Level.WARNING, "There is none yet.", "'rapport up' makes it on first start."
            )
            return
        if not running:
            yield Finding(
                "processes",
                Level.WARNING,
                "Rapport does not run; the database is started for this check only.",
                "Start it with 'rapport up'.",
            )
        yield from embedded_log(embedded)
    try:
        with django_ready(check_migrations=False):
            yield from _with_database()
    except CommandError as error:
        yield Finding(
            "database", Level.PROBLEM, str(error.message), "Check that it runs and who may connect."
        )


def _with_database() -> Iterator[Finding]:
    from rapport.cli import checks_database as checks
    from rapport.cli import checks_sources

    yield from checks.database()
    behind = list(checks.migrations())
    yield from behind
    if any(finding.level is not Level.OK for finding in behind):
        # The other checks read tables that may not be as this version expects.
        return
    rest: tuple[Callable[[], Iterator[Finding]], ...] = (
        checks.clock,
        checks.jobs,
        checks.ingest,
        checks.outbox,
        checks.channels,
        checks_sources.sources,
        checks.users,
    )
    for check in rest:
        yield from check()


def _print(finding: Finding) -> None:
    word, colour = _MARKS[finding.level]
    click.echo(f"{click.style(f'{word:<8}', fg=colour)} {finding.subject}: {finding.text}")
    if finding.advice and finding.level is not Level.OK:
        click.echo(f"{'':<8} → {finding.advice}")
