"""The desk: lists of cases, and one case beside them."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from rapport.brands.models import Channel
from rapport.inbox.access import access_case
from rapport.inbox.models import Priority, Tag
from rapport.inbox.queries.detail import case_detail
from rapport.inbox.queries.lists import COUNT_LIMIT, CasePage, list_cases, view_counts
from rapport.inbox.queries.people import assignable_users, brand_tags
from rapport.inbox.queries.reasons import close_reasons, reason_label
from rapport.inbox.queries.search_fields import NotUnderstood
from rapport.staff.access import brands_for, granted
from rapport.staff.permissions import Permission
from rapport.web.composer import NOTHING, Typed, composer
from rapport.web.numbers import whole_number
from rapport.web.place import VIEW_HINTS, VIEW_LABELS, Place, place_of
from rapport.web.search import Found, found_in, found_url
from rapport.web.snooze import snooze_choices
from rapport.web.timeline import timeline
from rapport.web.views.pages import DeskRequest, desk_view
from rapport.web.window import window_of

_PAGE = 40
_LARGEST_PAGE = 200


def home(request: HttpRequest) -> HttpResponse:
    """Straight to the desk."""
    return HttpResponseRedirect(reverse("desk"))


@require_safe
@desk_view
def desk(request: DeskRequest, view: str = "all", case_id: int | None = None) -> HttpResponse:
    """A list, with or without a case beside it. Script may ask for one part of the same page."""
    place = place_of(request, view)
    target = request.htmx.target if request.htmx else None
    match target:
        case "rows-end":
            return render(request, "web/desk/rows.html", list_context(request, place, case_id))
        case "list":
            context = {**list_context(request, place, case_id), **views_context(request, place)}
            return render(request, "web/desk/list_parts.html", context)
        case "entries" if case_id is not None:
            return render(request, "web/desk/entries.html", case_context(request, place, case_id))
        case "case" if case_id is not None:
            return render(request, "web/desk/case.html", case_context(request, place, case_id))
        case "case":
            return render(request, "web/desk/case_none.html", {"place": place})
    if case_id is not None:
        merged_into = access_case(user=request.user, case_id=case_id).merged_into_id
        if merged_into is not None:
            return HttpResponseRedirect(place.case_url(merged_into))
    return desk_page(request, place, case_id)


def desk_page(
    request: DeskRequest, place: Place, case_id: int | None, *, typed: Typed = NOTHING, status: int = 200
) -> HttpResponse:
    """The whole page."""
    context = {
        **views_context(request, place),
        **list_context(request, place, case_id),
        **filters_context(request, place),
    }
    if case_id is not None:
        context |= case_context(request, place, case_id, typed=typed)
    return render(request, "web/desk/page.html", context, status=status)


def views_context(request: DeskRequest, place: Place) -> dict[str, Any]:
    """The views with how many cases each holds."""
    counts = view_counts(user=request.user, brand_id=place.brand)
    return {
        "place": place,
        "views": [
            {
                "label": label,
                "url": place.of_view(view).url,
                "current": view == place.view,
                "count": counts[view],
                "more": counts[view] >= COUNT_LIMIT,
                "shown": view != "closed",
            }
            for view, label in VIEW_LABELS.items()
        ],
    }


def list_context(request: DeskRequest, place: Place, case_id: int | None) -> dict[str, Any]:
    """One page of the list."""
    wanted = whole_number(request.GET.get("limit", ""))
    limit = _PAGE if wanted is None else min(wanted, _LARGEST_PAGE)
    try:
        page = list_cases(
            user=request.user, filters=place.filters, after=request.GET.get("after") or None, limit=limit
        )
        found = found_in(place, page)
    except NotUnderstood as error:
        page, found = CasePage(rows=(), next_cursor=None), Found(problem=str(error))
    return {
        "place": place,
        "page": page,
        "found": found,
        "rows": [(row, found_url(place, row.id, page.hits)) for row in page.rows],
        "selected_id": case_id,
        "empty_hint": VIEW_HINTS[place.view],
        "view_label": VIEW_LABELS[place.view],
    }


def filters_context(request: DeskRequest, place: Place) -> dict[str, Any]:
    """What the list can be narrowed to, among what this person may see."""
    brands = list(brands_for(request.user, Permission.VIEW_CASES).order_by("name"))
    known = {brand.id for brand in brands}
    brand_id = place.brand if place.brand in known else None
    only = brand_id or (brands[0].id if len(brands) == 1 else None)
    channels = (
        Channel.objects.filter(brand_id__in=[only] if only else known)
        .select_related("brand")
        .defer("credentials")
        .order_by("brand__name", "network", "handle")
    )
    people = list(assignable_users(brand_id=only)) if only else []
    tag = Tag.objects.filter(id=place.tag, brand_id__in=known).first() if place.tag else None
    return {
        "brands": brands,
        "brand": next((brand for brand in brands if brand.id == brand_id), None),
        "channels": channels,
        "channel": next((one for one in channels if one.id == place.channel), None)
        if place.channel
        else None,
        "tags": brand_tags(brand_id=only) if only else [],
        "tag": tag,
        "people": people,
        "person": next((one for one in people if one.id == place.assignee), None),
    }


def case_context(
    request: DeskRequest,
    place: Place,
    case_id: int,
    *,
    typed: Typed = NOTHING,
    problem: str = "",
    conflict: bool = False,
) -> dict[str, Any]:
    """One case with everything that can be done with it."""
    detail = case_detail(user=request.user, case_id=case_id, window=window_of(request))
    case = detail.case
    allowed = granted(request.user, case.brand_id)
    return {
        "place": place,
        "detail": detail,
        "case": case,
        "entries": timeline(detail),
        "several_channels": len({row.message.channel_id for row in detail.messages}) > 1,
        "composer": composer(
            detail=detail,
            author=request.user,
            typed=typed,
            answer_to=whole_number(request.GET.get("answer", "")),
        ),
        "problem": problem,
        "conflict": conflict,
        "may_reply": Permission.REPLY in allowed,
        "may_note": Permission.NOTE in allowed,
        "may_work": Permission.WORK_CASES in allowed,
        "may_set_reasons": Permission.MANAGE_CHANNELS in allowed,
        "assignable": assignable_users(brand_id=case.brand_id),
        "known_tags": brand_tags(brand_id=case.brand_id),
        "priorities": list(reversed(Priority.choices)),
        "reasons": close_reasons(brand_id=case.brand_id),
        "closed_because": reason_label(case.close_reason) if case.close_reason else "",
        "snooze_choices": snooze_choices(),
        "selected_id": case.id,
    }
