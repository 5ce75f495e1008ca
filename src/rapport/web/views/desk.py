"""The desk: lists of cases, and one case beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from rapport.inbox.mentions import mark_seen
from rapport.inbox.models import Priority, SavedView
from rapport.inbox.queries.counts import view_counts
from rapport.inbox.queries.detail import case_detail
from rapport.inbox.queries.filters import CaseFilters
from rapport.inbox.queries.lists import CasePage, list_cases
from rapport.inbox.queries.people import brand_tags, colleagues_of
from rapport.inbox.queries.reasons import close_reasons, reason_label
from rapport.inbox.queries.search_fields import NotUnderstood
from rapport.inbox.queries.views import ORDERS, VIEW_TABLE
from rapport.inbox.saved import may_change, views_for
from rapport.inbox.together import open_elsewhere
from rapport.notices.reading import mark_read
from rapport.outbox.drafts import cases_with_drafts
from rapport.outbox.together import Asked
from rapport.staff.access import brands_for, granted, may_anywhere
from rapport.staff.models import Team, User
from rapport.staff.permissions import Permission
from rapport.web.composer import NOTHING, Typed, composer
from rapport.web.kept_rows import shown_row
from rapport.web.narrowing import narrowing_context
from rapport.web.numbers import whole_number
from rapport.web.place import Place, place_from_saved, place_of
from rapport.web.search import Found, found_in, found_url
from rapport.web.snooze import snooze_choices
from rapport.web.timeline import timeline
from rapport.web.together import coming_of, open_words, together
from rapport.web.views.pages import DeskRequest, desk_view
from rapport.web.window import window_of

_PAGE = 40
_LARGEST_PAGE = 200
_COUNTED_VIEWS = 12  # of the saved ones, the first
_OFFERED_TAGS = 200


@require_safe
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
    return desk_page(request, place, case_id, follow_merge=True)


def desk_page(
    request: DeskRequest,
    place: Place,
    case_id: int | None,
    *,
    typed: Typed = NOTHING,
    problem: str = "",
    asked: Asked | None = None,
    handing: str = "",
    follow_merge: bool = False,
    status: int = 200,
) -> HttpResponse:
    """The whole page; with ``follow_merge`` of a case that was merged the way to the one that took it in."""
    views = views_context(request, place)
    saved = [one["view"] for one in views["saved_views"]]
    context = {
        **views,
        **list_context(request, place, case_id),
        **filters_context(request, place, saved),
    }
    if case_id is not None:
        context |= case_context(
            request,
            place,
            case_id,
            typed=typed,
            problem=problem,
            asked=asked,
            handing=handing,
            at_hand=context,
        )
        merged_into = context["case"].merged_into_id
        if merged_into is not None and follow_merge:
            return HttpResponseRedirect(place.case_url(merged_into))
    return render(request, "web/desk/page.html", context, status=status)


def views_context(request: DeskRequest, place: Place) -> dict[str, Any]:
    """The lists and the saved views, with how many cases each holds."""
    saved = [(view, place_from_saved(view)) for view in views_for(user=request.user)]
    counted = [where.filters if where else CaseFilters(view="closed") for _view, where in saved]
    counts = view_counts(user=request.user, brands=place.brands, saved=counted[:_COUNTED_VIEWS])
    saved_counts = [*counts.saved, *([None] * (len(saved) - len(counts.saved)))]
    return {
        "place": place,
        "views": [
            {
                "id": view,
                "label": spec.label,
                "key": spec.key,
                "url": place.of_view(view).url,
                "current": view == place.view and not place.saved,
                "count": counts.views.get(view),
            }
            for view, spec in VIEW_TABLE.items()
        ],
        "saved_views": [
            {
                "view": view,
                "url": where.url,
                "current": view.id == place.saved,
                "count": count,
            }
            for (view, where), count in zip(saved, saved_counts, strict=True)
            if where is not None
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
    ids = [row.id for row in page.rows]
    open_by = open_elsewhere(user=request.user, case_ids=ids)
    drafted = cases_with_drafts(user=request.user, case_ids=ids)
    picks = may_pick(request.user)
    return {
        "place": place,
        "page": page,
        "found": found,
        "rows": [
            shown_row(
                row,
                found_url(place, row.id, page.hits),
                selected=row.id == case_id,
                may_pick=picks,
                drafted=row.id in drafted,
                open_by=open_words(open_by.get(row.id, ())),
                snippet=found.snippets.get(row.id),
            )
            for row in page.rows
        ],
        "selected_id": case_id,
        "may_pick": picks,
        "empty_hint": VIEW_TABLE[place.view].hint,
        "view_label": VIEW_TABLE[place.view].label,
    }


def filters_context(request: DeskRequest, place: Place, views: Sequence[SavedView]) -> dict[str, Any]:
    """What the list can be narrowed to and sorted by, and how that can be kept as a view. ``views``: those the
    person has."""
    spec = VIEW_TABLE[place.view]
    saved = next((one for one in views if one.id == place.saved), None)
    may_change_saved = saved is not None and may_change(user=request.user, view=saved)
    context = narrowing_context(request.user, place)
    only = context["only_brand"]
    return {
        **context,
        "sorts": [
            {
                "label": ORDERS[sort].label,
                "url": place.sorted_by(sort).url,
                "current": sort == place.filters.order,
            }
            for sort in spec.sorts
        ],
        "sort_label": ORDERS[place.filters.order].label,
        "saved_view": saved,
        "saved_changed": saved is not None
        and may_change_saved
        and (saved.view, saved.filters) != (place.view, place.params),
        "share_brands": brands_for(request.user, Permission.SHARE_VIEWS).order_by("name"),
        **(pick_context(only.id if only else None) if may_pick(request.user) else {}),
    }


def may_pick(user: User) -> bool:
    """Whether there is any brand whose cases this person works on."""
    return may_anywhere(user, Permission.WORK_CASES)


def pick_context(brand_id: int | None) -> dict[str, Any]:
    """What can be done to picked cases; people and tags where they are all of one brand."""
    return {
        "bulk_people": colleagues_of(brand_id=brand_id) if brand_id else [],
        "bulk_tags": brand_tags(brand_id=brand_id)[:_OFFERED_TAGS] if brand_id else [],
        "bulk_priorities": list(reversed(Priority.choices)),
        "bulk_reasons": close_reasons(brand_id=brand_id),
        "bulk_snoozes": snooze_choices(),
    }


def case_context(
    request: DeskRequest,
    place: Place,
    case_id: int,
    *,
    typed: Typed = NOTHING,
    problem: str = "",
    conflict: bool = False,
    asked: Asked | None = None,
    handing: str = "",
    at_hand: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """One case with everything that can be done with it. ``asked``: what a reply is asked about before it goes.
    ``handing``: the words of a handover that could not be done. ``at_hand``: what the page has for its list, where
    that is all of one brand."""
    detail = case_detail(user=request.user, case_id=case_id, window=window_of(request))
    mark_seen(user=request.user, case_id=case_id)
    mark_read(user=request.user, case_id=case_id)
    case = detail.case
    listed = at_hand or {}
    brand = listed.get("only_brand")
    same = brand is not None and brand.id == case.brand_id and "bulk_people" in listed
    allowed = granted(request.user, case.brand_id)
    others = together(
        user=request.user,
        case=case,
        coming=coming_of(detail, request.user),
        handed=detail.there.handovers,
        asked=asked,
    )
    return {
        "place": place,
        "together": others,
        "beside": others.beside,
        "brand_teams": Team.objects.filter(brand_id=case.brand_id),
        "handing": handing,
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
        "assignable": listed["bulk_people"] if same else colleagues_of(brand_id=case.brand_id),
        "known_tags": brand_tags(brand_id=case.brand_id),
        "priorities": list(reversed(Priority.choices)),
        "reasons": listed["bulk_reasons"] if same else close_reasons(brand_id=case.brand_id),
        "closed_because": reason_label(case.close_reason) if case.close_reason else "",
        "snooze_choices": snooze_choices(),
        "selected_id": case.id,
    }
