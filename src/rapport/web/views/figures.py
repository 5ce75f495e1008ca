"""Response figures, table first, with the definition of each beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_safe

from rapport.insights.metrics import BY_KEY, METRICS, Metric, Unit
from rapport.insights.queries import By, ResponseRow, WaitingRow, response_rows, waiting_now
from rapport.lib.errors import Invalid
from rapport.staff.access import brands_for
from rapport.staff.permissions import Permission
from rapport.web.durations import precise
from rapport.web.views.pages import DeskRequest, desk_view

_PERIODS: dict[str, str | Promise] = {
    "today": gettext_lazy("Today"),
    "7": gettext_lazy("7 days"),
    "30": gettext_lazy("30 days"),
    "all": pgettext_lazy("period", "All"),
}
_BY: dict[By, str | Promise] = {
    "brand": gettext_lazy("Brand"),
    "channel": gettext_lazy("Channel"),
    "agent": gettext_lazy("Agent"),
    "day": gettext_lazy("Day"),
    "hour": gettext_lazy("Hour"),
}
_COLUMNS = (
    "conversations",
    "messages_in",
    "messages_out",
    "response_rate",
    "unanswered",
    "first_response_median_s",
    "first_response_p90_s",
    "within_30m",
    "within_60m",
    "every_response_median_s",
    "every_response_p90_s",
)
# A rule stands before these: volume | share | first response | every response.
_GROUPS = frozenset({"response_rate", "first_response_median_s", "every_response_median_s"})
# Hours of a year would be a page of thousands of rows.
_MOST_ROWS = 500


@dataclass(frozen=True)
class Period:
    """``[since, until)`` in the desk's time zone; ``name`` is "" for a chosen pair of days."""

    name: str
    since: datetime | None
    until: datetime | None
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True)
class Cell:
    """One figure as it is shown; ``none``: there was nothing to measure; ``group``: a rule before it."""

    text: str
    none: bool
    group: bool


@require_safe
@desk_view
def figures(request: DeskRequest) -> HttpResponse:
    """Figures of the brands this person may see, for a period, by brand, channel, agent, day or hour."""
    brands = list(brands_for(request.user, Permission.VIEW_FIGURES).order_by("name"))
    chosen = request.GET.get("brand", "")
    ids = [brand.id for brand in brands if not chosen or str(brand.id) == chosen]
    by = _by(request.GET.get("by", "brand"))
    problem = ""
    try:
        period = _period(request)
    except Invalid as error:
        problem, period = str(error), _days(7)
    columns = [name for name in _COLUMNS if not (by == "agent" and name == "messages_in")]
    found = response_rows(brand_ids=ids, since=period.since, until=period.until, by=by)
    context: dict[str, Any] = {
        "brands": brands,
        "chosen_brand": chosen,
        "by": by,
        "by_choices": _BY,
        "by_label": _BY[by],
        "period": period,
        "periods": _PERIODS,
        "problem": problem,
        "columns": [BY_KEY[name] for name in columns],
        "rows": [(row, _cells(row, columns)) for row in found[:_MOST_ROWS]],
        "cut": len(found) > _MOST_ROWS,
        "most_rows": _MOST_ROWS,
        "waiting": _waiting(waiting_now(brand_ids=ids)),
        "metrics": METRICS,
        "groups": _GROUPS,
    }
    part = request.htmx and request.htmx.target == "figures"
    template = "web/figures_table.html" if part else "web/figures.html"
    return render(request, template, context, status=422 if problem else 200)


def _by(value: str) -> By:
    return next((known for known in _BY if known == value), "brand")


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _days(count: int) -> Period:
    today = timezone.localdate()
    return Period(str(count), _midnight(today - timedelta(days=count - 1)), None)


def _period(request: DeskRequest) -> Period:
    since, until = request.GET.get("since", ""), request.GET.get("until", "")
    if since or until:
        first, last = _date(since), _date(until)
        if first and last and first > last:
            raise Invalid(_("The first day is after the last one. These are the last 7 days instead."))
        return Period(
            "",
            _midnight(first) if first else None,
            _midnight(last + timedelta(days=1)) if last else None,
            first,
            last,
        )
    name = request.GET.get("period", "7")
    if name == "today":
        return Period(name, _midnight(timezone.localdate()), None)
    if name == "all":
        return Period(name, None, None)
    return _days(30 if name == "30" else 7)


def _date(value: str) -> date | None:
    if not value:
        return None
    try:
        day = parse_date(value)
    except ValueError:
        day = None
    if day is None or not 1970 <= day.year <= 9000:
        raise Invalid(_("That is not a day. These are the last 7 days instead."))
    return day


def _cells(row: ResponseRow, columns: list[str]) -> list[Cell]:
    return [_cell(BY_KEY[name], getattr(row, name)) for name in columns]


def _cell(metric: Metric, value: float | None) -> Cell:
    if value is None:
        text = "–"
    elif metric.unit is Unit.SHARE:
        text = f"{value * 100:.0f} %"
    elif metric.unit is Unit.SECONDS:
        text = precise(value)
    else:
        text = f"{value:,}".replace(",", "\u2009")
    return Cell(text, none=value is None, group=metric.key in _GROUPS)


def _waiting(rows: list[WaitingRow]) -> dict[str, Any]:
    """All chosen brands together: how many wait, and the longest wait."""
    longest = max((row.waiting_longest_s for row in rows if row.waiting_longest_s is not None), default=None)
    return {
        "count": sum(row.waiting for row in rows),
        "longest": precise(longest),
        "brands": [
            (row, precise(row.waiting_longest_s), precise(row.waiting_median_s))
            for row in rows
            if row.waiting
        ],
    }
