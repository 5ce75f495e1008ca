"""``python -m tests.crash``: the rounds, printed and written down."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import click

from tests.crash.rounds import VICTIMS, Report, run

_INTRODUCTION = """# Reliability: what survives `kill -9`

Rapport is started with `rapport up`; the practice network delivers by webhook and by polling, repeats a
fifth of its events and shuffles a fifth, loses the answer to 15 % of the posts it accepts, and in every
second round ignores idempotency keys. Customers post and agents answer all the time. In each round one
process, at a random moment, gets `kill -9`. At the end everything is left to become quiet, and the practice
network's own tables are compared with Rapport's: every post it told of is exactly one message, with its text
and a case; every reply is exactly one post, in the order it was written; no commit that was confirmed is
missing.

Repeat it:

```
{command}
```
"""


@click.command()
@click.option("--rounds", type=click.IntRange(1), default=20, show_default=True)
@click.option("--seed", type=int, help="Which moments and victims; random when missing.")
@click.option("--write", type=click.Path(dir_okay=False, path_type=Path), help="Write the report there.")
@click.option("--keep", is_flag=True, help="Keep the data directory and the log.")
def main(rounds: int, seed: int | None, write: Path | None, keep: bool) -> None:
    """Kill Rapport's processes at random moments, and check that nothing is lost and nothing done twice."""
    seed = seed if seed is not None else int(time.time()) % 1_000_000
    place = Path(tempfile.mkdtemp(prefix="rapport-crash-"))
    click.echo(f"seed {seed}, in {place}")
    try:
        report = run(rounds=rounds, seed=seed, data=place / "data", say=click.echo)
    except AssertionError:
        keep = True
        raise
    finally:
        if not keep:
            shutil.rmtree(place, ignore_errors=True)
    table = as_table(report)
    click.echo(table)
    if write is not None:
        command = f"python -m tests.crash --rounds {rounds} --seed {seed} --write {write}"
        write.write_text(_INTRODUCTION.format(command=command) + "\n" + table, encoding="utf-8")
    if report.result.broken:
        raise SystemExit(1)


def as_table(report: Report) -> str:
    """The report in Markdown."""
    machine = f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    kills = ", ".join(f"{name} {report.killed[name]}" for name in VICTIMS)
    rows = {
        "Date": f"{datetime.now(UTC):%Y-%m-%d}",
        "Machine": machine,
        "Rounds": f"{report.rounds} in {report.seconds:.0f} s (seed {report.seed})",
        "Killed": kills,
        "Quiet after": f"{report.quiet_after_s:.0f} s",
        **{name[0].upper() + name[1:]: str(count) for name, count in report.result.counts.items()},
        "Broken promises": "; ".join(report.result.broken) or "**none**",
    }
    return "| | |\n|---|---|\n" + "".join(f"| {name} | {value} |\n" for name, value in rows.items())


if __name__ == "__main__":
    main()
