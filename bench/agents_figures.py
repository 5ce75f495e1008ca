"""What two hundred agents saw, and how late."""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field
from typing import Any

from bench.place import quantile


@dataclass
class Seen:
    """One agent's hints and refreshes, as times. ``cuts``: how often the stream ended."""

    hellos: list[float] = field(default_factory=list)
    hints: dict[int, list[float]] = field(default_factory=dict)  # by case
    everything: dict[int, list[float]] = field(default_factory=dict)  # by brand
    refreshes: list[tuple[float, float]] = field(default_factory=list)  # began, ended
    cuts: int = 0
    opened: list[float] = field(default_factory=list)

    def hello(self, now: float) -> None:
        self.hellos.append(now)

    def hint(self, now: float, brand_id: int, case_ids: list[int]) -> None:
        for case_id in case_ids:
            self.hints.setdefault(case_id, []).append(now)
        if not case_ids:
            self.everything.setdefault(brand_id, []).append(now)

    def heard(self, case_id: int, brand_id: int, since: float) -> float | None:
        """When this agent first knew of a change after ``since``."""
        places = (self.hints.get(case_id, []), self.everything.get(brand_id, []), self.hellos)
        found = [times[at] for times in places if (at := bisect.bisect_left(times, since)) < len(times)]
        return min(found, default=None)

    def shown(self, heard: float) -> float | None:
        """When the first list was there that was asked for after that."""
        at = bisect.bisect_left(self.refreshes, (heard, 0.0))
        return self.refreshes[at][1] if at < len(self.refreshes) else None


def figures(found: dict[str, Any]) -> dict[str, Any]:
    """The run in numbers."""
    to_hint, to_screen, never = [], [], 0
    for number, stored in found["stored"].items():
        case_id, brand_id = found["cases"].get(str(number), (0, 0))
        for seen, brands in zip(found["seen"], found["brands"], strict=True):
            if brand_id not in brands:
                continue
            heard = seen.heard(case_id, brand_id, stored)
            shown = None if heard is None else seen.shown(heard)
            if heard is None or shown is None:
                never += 1
                continue
            to_hint.append(heard - stored)
            to_screen.append(shown - stored)
    first, last = found["between"]
    refreshes = [
        ended - began for seen in found["seen"] for began, ended in seen.refreshes if first <= began < last
    ]
    opened = [took for seen in found["seen"] for took in seen.opened]
    before, connected, peak = found["memory"]
    return {
        "messages": len(found["stored"]),
        "without a case": sum(str(number) not in found["cases"] for number in found["stored"]),
        "to the hint": _spread(to_hint),
        "to the screen": _spread(to_screen),
        "a list": _spread(refreshes),
        "opening a case": _spread(opened),
        "lists/s": round(len(refreshes) / (last - first), 1),
        "events never on a screen": never,
        "screens wrong at the end": found["wrong"],
        "streams cut": sum(seen.cuts for seen in found["seen"]),
        "errors": len(found["problems"]),
        **({"which": ", ".join(sorted(set(found["problems"]))[:8])} if found["problems"] else {}),
        "web before, MB": round(before),
        "with all agents, MB": round(connected),
        "kB an agent": round((connected - before) * 1024 / len(found["seen"])),
        "at the end, MB": round(peak),
        "processor": ", ".join(f"{name} {share:.2f}" for name, share in found["load"].items()),
    }


def _spread(values: list[float]) -> str:
    if not values:
        return "–"
    return " / ".join(f"{quantile(values, q) * 1000:.0f}" for q in (0.5, 0.95, 0.99))


def rows(found: dict[str, dict[str, Any]]) -> list[list[str]]:
    """Lines of a table, a run in each column."""
    labels = {
        "to the hint": "stored to the hint, ms, median / p95 / p99",
        "to the screen": "stored to the screen",
        "a list": "fetching a list",
        "opening a case": "opening a case",
        "processor": "cores used",
    }
    names = [name for name in next(iter(found.values())) if name != "which"]
    return [[labels.get(name, name), *(str(one[name]) for one in found.values())] for name in names]
