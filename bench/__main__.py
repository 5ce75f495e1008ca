"""``make bench``: measure everything, print it, and write ``docs/performance.md``."""

from __future__ import annotations

import argparse
import datetime
import os
import platform
from pathlib import Path

from bench.place import fresh_database

PARTS = ["ingest", "parse", "lists", "channels", "latency"]
PAGE = Path(__file__).parent.parent / "docs" / "performance.md"


def main() -> None:
    """Parse the arguments and run the parts asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller sizes; writes nothing")
    parser.add_argument("parts", nargs="*", default=PARTS, help=", ".join(PARTS))
    arguments = parser.parse_args()
    sections = []
    if {"ingest", "parse", "lists", "channels"}.intersection(arguments.parts):
        with fresh_database():
            from bench import channels, ingest, lists, parse

            if "ingest" in arguments.parts:
                sections.append(ingest.run(quick=arguments.quick))
            if "parse" in arguments.parts:
                sections.append(parse.run(quick=arguments.quick))
            if "lists" in arguments.parts:
                sections.append(lists.run(large=100_000 if arguments.quick else 1_000_000))
            if "channels" in arguments.parts:
                sections.append(channels.run(quick=arguments.quick))
    if "latency" in arguments.parts:
        from bench import latency

        sections.append(latency.run(seconds=10 if arguments.quick else 30))
    if not arguments.quick and len(sections) == len(PARTS):
        PAGE.write_text(_head() + "\n".join(sections), encoding="utf-8")
        print(f"written: {PAGE}")


def _head() -> str:
    return (
        "# Performance\n\n"
        "Written by `make bench`; run it to repeat every figure. Ratios hold between machines, absolute figures do "
        f"not. This run: {datetime.datetime.now(datetime.UTC):%Y-%m-%d}, {os.cpu_count()} cores ({platform.machine()}), "
        f"Python {platform.python_version()}, embedded PostgreSQL with its default durability "
        "(`synchronous_commit` on).\n\n"
    )


if __name__ == "__main__":
    main()
