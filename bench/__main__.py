"""``make bench``: measure everything, print it, and write ``docs/performance.md``."""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import re
from pathlib import Path

from bench import scale
from bench.place import fresh_database

PARTS = [
    "ingest",
    "parse",
    "lists",
    "search",
    "channels",
    "latency",
    "pages",
    "agents",
    "matching",
    "spikes",
    "recall",
    "streams",
]
_SECTION = re.compile(r"^(?=## )", re.M)
_HEAD = (
    "# Performance\n\n"
    "Written by `make bench`; run it to repeat every figure, or a part with `python -m bench parse`. Ratios hold between "
    "machines, absolute figures do not. Embedded PostgreSQL with its default durability (`synchronous_commit` on).\n\n"
)
PAGE = Path(__file__).parent.parent / "docs" / "performance.md"


def main() -> None:
    """Parse the arguments and run the parts asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller sizes; writes nothing")
    parser.add_argument("--messages", type=int, default=1_000_000, help="the large size of lists and search")
    parser.add_argument("--posts", type=int, help="posts of each way of streams; 1,000,000 unless quick")
    parser.add_argument(
        "--keep", type=Path, help="a directory for the filled databases, taken again by later runs"
    )
    parser.add_argument("parts", nargs="*", default=PARTS, help=", ".join(PARTS))
    arguments = parser.parse_args()
    sections = []
    if {"ingest", "parse", "channels"}.intersection(arguments.parts):
        with fresh_database():
            from bench import channels, ingest, parse

            if "ingest" in arguments.parts:
                sections.append(ingest.run(quick=arguments.quick))
            if "parse" in arguments.parts:
                sections.append(parse.run(quick=arguments.quick))
            if "channels" in arguments.parts:
                sections.append(channels.run(quick=arguments.quick))
    if parts := [part for part in scale.PARTS if part in arguments.parts]:
        messages = 2 * scale.SMALL if arguments.quick else arguments.messages
        sections += scale.run(messages, keep=arguments.keep, parts=parts)
    if "latency" in arguments.parts:
        from bench import latency

        sections.append(latency.run(seconds=10 if arguments.quick else 30))
    if "pages" in arguments.parts:
        from bench import pages

        sections.append(pages.run(runs=1 if arguments.quick else 3))
    if "agents" in arguments.parts:
        from bench import agents

        sections.append(agents.run(seconds=15 if arguments.quick else 60))
    if "matching" in arguments.parts:
        from bench import matching

        sections += filter(None, [matching.run(quick=arguments.quick)])
    if "spikes" in arguments.parts:
        from bench import spikes

        sections += filter(None, [spikes.run(quick=arguments.quick)])
    if "recall" in arguments.parts:
        from bench import recall

        sections += filter(None, [recall.run()])
    if "streams" in arguments.parts:
        from bench import streams

        sections += filter(None, [streams.run(quick=arguments.quick, posts=arguments.posts)])
    if not arguments.quick:
        PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8"), sections), encoding="utf-8")
        print(f"written: {PAGE}")


def renewed(page: str, sections: list[str]) -> str:
    """The page with these sections in place of the ones of the same heading; new ones come last."""
    _, *kept = _SECTION.split(page)
    found = {one.splitlines()[0]: one.strip() for one in kept}
    for section in sections:
        found[section.strip().splitlines()[0]] = f"{section.strip()}\n\n{_run()}"
    return _HEAD + "\n\n".join(found.values()) + "\n"


def _run() -> str:
    return (
        f"*Measured {datetime.datetime.now(datetime.UTC):%Y-%m-%d}: {os.cpu_count()} cores ({platform.machine()}), "
        f"Python {platform.python_version()}.*"
    )


if __name__ == "__main__":
    main()
