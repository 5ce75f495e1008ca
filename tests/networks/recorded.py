"""How many recorded payloads each network reads, by kind: ``python -m tests.networks.recorded docs/recorded.md``.

Runs the tests that read recorded payloads (those named so) and counts what they give to ``parse``. The payloads
themselves are others' and stay outside the repository; ``RAPPORT_SHARED_DATA`` says where.
"""

from __future__ import annotations

import functools
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

_NOTICE = "<!-- Written by `python -m tests.networks.recorded docs/recorded.md` from recorded payloads. -->\n"


class Counting:
    """A plugin that counts calls of ``parse`` by network, kind and what came of them."""

    def __init__(self) -> None:
        self.read: Counter[tuple[str, str]] = Counter()
        self.nothing: Counter[tuple[str, str]] = Counter()
        self.refused: Counter[tuple[str, str]] = Counter()

    def pytest_collection(self) -> None:
        """Before test modules are imported, so that a name they give to ``parse`` is the counting one."""
        from rapport.networks.registry import connectors

        for connector in connectors().values():
            connector.parse = staticmethod(self._counted(connector.network, connector.parse))  # type: ignore[method-assign]  # what is counted is the class's own

    def _counted(
        self, network: str, parse: Callable[[str, Any], list[Any]]
    ) -> Callable[[str, Any], list[Any]]:
        @functools.wraps(parse)
        def counted(kind: str, payload: Any) -> list[Any]:
            try:
                found = parse(kind, payload)
            except (ValueError, KeyError, TypeError):
                self.refused[network, kind] += 1
                raise
            (self.read if found else self.nothing)[network, kind] += 1
            return found

        return counted


def main(page: Path) -> int:
    counting = Counting()
    code = pytest.main(
        ["src/rapport/networks", "-k", "recorded and not under_its_own", "-q", "-p", "no:cacheprovider"],
        plugins=[counting],
    )
    if code:
        return int(code)
    from docs.generate import table

    from rapport.networks.registry import connector_class

    keys = sorted({*counting.read, *counting.nothing, *counting.refused})
    rows = [
        (
            connector_class(key[0]).label,
            f"`{key[1]}`",
            counting.read[key],
            counting.nothing[key],
            counting.refused[key],
        )
        for key in keys
    ]
    page.write_text(
        f"{_NOTICE}\n# Recorded payloads\n\nPayloads that others recorded from the networks, and published, read by our "
        "connectors. *Nothing for us*: known, and without a message. *Refused*: recorded without a field that we ask "
        "the network for, such as the author; each network's tests list which and why. Files that hold no events at all "
        "are listed there too, each with its reason.\n\n"
        + table(("Network", "Raw event", "Read", "Nothing for us", "Refused"), rows),
        encoding="utf-8",
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
