"""Published hours: the times of each weekday, in the brand's own time zone.

Kept as ``{"mon": [["09:00", "12:00"], ["13:00", "17:00"]], …}``. A day that is missing is closed; {} says
that no hours are published. A day ends at ``24:00`` at the latest.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

Hours = Mapping[str, Sequence[Sequence[str]]]

DAYS: dict[str, str | Promise] = {
    "mon": gettext_lazy("Monday"),
    "tue": gettext_lazy("Tuesday"),
    "wed": gettext_lazy("Wednesday"),
    "thu": gettext_lazy("Thursday"),
    "fri": gettext_lazy("Friday"),
    "sat": gettext_lazy("Saturday"),
    "sun": gettext_lazy("Sunday"),
}
_TIME = r"(\d{1,2})(?:[:.](\d{2}))?"
_SPAN = re.compile(rf"^\s*{_TIME}\s*[-–—]\s*{_TIME}\s*$")
_MINUTES = 24 * 60


def read_day(text: str) -> list[list[str]]:
    """The times in ``9-12, 13:00–17:30``; [] for nothing. Raises ValueError with what to change."""
    spans: list[tuple[int, int]] = []
    for part in re.split(r"[,;]", text):
        if not part.strip():
            continue
        found = _SPAN.match(part)
        if found is None:
            raise ValueError(
                _("“%(text)s” is not understood. Write times as 9:00–17:00.") % {"text": part.strip()}
            )
        start, end = _minutes(found[1], found[2]), _minutes(found[3], found[4])
        if end <= start:
            raise ValueError(
                _("“%(text)s” ends before it begins. Hours after midnight belong to the next day.")
                % {"text": part.strip()}
            )
        spans.append((start, end))
    spans.sort()
    if any(later[0] < earlier[1] for earlier, later in itertools.pairwise(spans)):
        raise ValueError(_("These times overlap."))
    return [[_clock(start), _clock(end)] for start, end in spans]


def _minutes(hour: str, minute: str | None) -> int:
    found = int(hour) * 60 + int(minute or 0)
    if found > _MINUTES or int(minute or 0) > 59:
        raise ValueError(_("There is no such time as %(time)s.") % {"time": f"{hour}:{minute or '00'}"})
    return found


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def day_in_words(spans: Sequence[Sequence[str]]) -> str:
    """One day's times as :func:`read_day` reads them."""
    return ", ".join(f"{start}–{end}" for start, end in spans)


def in_words(hours: Hours) -> str:
    """The week in a line, days with the same times together: ``Monday–Friday 09:00–17:00``."""
    groups: list[tuple[list[str], str]] = []
    for day in DAYS:
        words = day_in_words(hours.get(day, []))
        if groups and groups[-1][1] == words:
            groups[-1][0].append(day)
        else:
            groups.append(([day], words))
    lines = []
    for days, words in groups:
        if words:
            first, last = str(DAYS[days[0]]), str(DAYS[days[-1]])
            lines.append(f"{first if len(days) == 1 else f'{first}–{last}'} {words}")
    return "; ".join(lines)


def times_in(text: str) -> frozenset[str]:
    """Every time of day that a text names, as ``09:00``: what two ways of wording hours have in common."""
    return frozenset(
        f"{int(hour):02d}:{minute}" for hour, minute in re.findall(r"\b(\d{1,2})[:.](\d{2})\b", text)
    )
