"""The desk at a small and at a large size, each on a server of its own: pages, counts and search, in one run.

``python -m bench.scale MESSAGES [--keep DIR]`` measures one size and prints JSON.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench import lists, search
from bench.place import filled_database, milliseconds, quantile, table
from bench.plans import folded

SMALL = 100_000
PARTS = ("lists", "search")
_MARK = "measured: "


def measure(messages: int, *, keep: Path | None, parts: list[str], rounds: int) -> dict[str, Any]:
    """What each part finds at one size."""
    with filled_database(messages, keep):
        found: dict[str, Any] = {}
        if "lists" in parts:
            found["lists"] = lists.measure(rounds=rounds)
        if "search" in parts:
            found["search"] = search.measure(rounds=rounds, baseline=messages <= search.BASELINE_LIMIT)
        return found


def run(messages: int, *, keep: Path | None, parts: list[str], rounds: int = 40) -> list[str]:
    """Measure at both sizes, and return sections of Markdown."""
    found = {size: _apart(size, keep, parts, rounds) for size in (SMALL, messages)}
    sections = []
    if "lists" in parts:
        sections.append(_pages(found[SMALL]["lists"], found[messages]["lists"], messages, rounds))
    if "search" in parts:
        sections.append(_search(found[SMALL]["search"], found[messages]["search"], messages, rounds))
    return sections


def _apart(messages: int, keep: Path | None, parts: list[str], rounds: int) -> dict[str, Any]:
    """In a process of its own, because Django is told once where its database is."""
    command = [sys.executable, "-m", "bench.scale", str(messages), "--rounds", str(rounds), "--parts", *parts]
    with subprocess.Popen(
        [*command, *(["--keep", str(keep)] if keep else [])], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        measured: dict[str, Any] = {}
        for line in process.stdout:
            if line.startswith(_MARK):
                measured = json.loads(line.removeprefix(_MARK))
            else:
                print(line, end="", flush=True)
    if process.returncode:
        raise SystemExit(process.returncode)
    return measured


def _compared(name: str, small: list[float], large: list[float], size: int) -> list[str]:
    ratio = quantile(large, 0.5) / quantile(small, 0.5)
    print(
        f"{name}: {milliseconds(small)} ms at {SMALL:,}, {milliseconds(large)} ms at {size:,}, {ratio:.2f}x",
        flush=True,
    )
    return [name, milliseconds(small), milliseconds(large), f"**{ratio:.2f}×**"]


def _pages(small: dict[str, Any], large: dict[str, Any], size: int, rounds: int) -> str:
    rows = [_compared(name, small["times"][name], times, size) for name, times in large["times"].items()]
    plans = "\n\n".join(
        folded(f"Plan: {name}, {size:,} messages", text) for name, text in large["plans"].items()
    )
    return (
        "## Pages\n\n"
        f"Server time in milliseconds, median / p95 of {rounds} calls, one after the other, with {SMALL:,} and with "
        f"{size:,} messages: six brands of very different size, a fifth as many cases as messages, one in twenty open. "
        "Requests go through all of the middleware; who asks sees every brand, but for “mine” and “my teams”. Lists are "
        "the part that a live update fetches, with the counts of all lists; a case is fetched anew each time, forty "
        "different ones in turn.\n\n"
        + table(["", f"{SMALL:,}", f"{size:,}", "ratio of medians"], rows)
        + "\n\nLimit: rendering templates in Python; the queries walk partial indexes and cost the same at both sizes. "
        f"The plain page sorts and counts every open case.\n\n{plans}\n"
    )


def _search(small: dict[str, Any], large: dict[str, Any], size: int, rounds: int) -> str:
    rows = []
    for query in search.QUERIES:
        times = large["times"]
        row = _compared(query, small["times"][f"{query}|ours"], times[f"{query}|ours"], size)
        beside = times if f"{query}|parser" in times else small["times"]
        others = [
            milliseconds(beside[key]) if (key := f"{query}|{way}") in beside else "–"
            for way in ("parser", "ilike")
        ]
        rows.append([*row, str(large["cases"][f"{query}|ours"]), *others])
    at = size if size <= search.BASELINE_LIMIT else SMALL
    mb = {name: f"{number / 1e6:,.0f} MB" for name, number in large["sizes"].items()}
    plans = "\n\n".join(
        folded(f"Plan: {name}, {size:,} messages", text) for name, text in large["plans"].items()
    )
    head = [
        "",
        f"{SMALL:,}",
        f"{size:,}",
        "ratio of medians",
        "cases shown",
        f"parser, {at:,}",
        f"ILIKE, {at:,}",
    ]
    return (
        f"## Search\n\nMilliseconds, median / p95 of {rounds} calls: the first page of the list with its marked pieces of "
        "text. Beside it only the statement that finds a thousand messages' cases, over PostgreSQL's own parser "
        "(`simple`) and over `ILIKE`.\n\n"
        + table(head, rows)
        + f"\n\nTerms {mb['inbox_messagewords']}, their index {mb['words_of_messages']}, known words "
        f"{mb['inbox_knownword']}; the messages themselves {mb['inbox_message']}.\n\nLimit: the statements of the list "
        "and its pieces of text, and some twenty statements in turn. The parser finds no piece of a Thai or Japanese text, and sorts every match of a "
        f"frequent word.\n\n{plans}\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("messages", type=int)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--parts", nargs="*", default=list(PARTS))
    parser.add_argument("--rounds", type=int, default=40)
    arguments = parser.parse_args()
    found = measure(arguments.messages, keep=arguments.keep, parts=arguments.parts, rounds=arguments.rounds)
    print(_MARK + json.dumps(found))


if __name__ == "__main__":
    main()
