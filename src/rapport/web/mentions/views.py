"""The stream of mentions beside the inbox: the list, one mention, and what is done with them."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.contrib import messages
from django.http import HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from rapport.lib.errors import ActionError, Conflict, Invalid
from rapport.mentions import acts, case_making
from rapport.mentions.acts import Outcome, Pick
from rapport.mentions.models import Mention, MentionAct, MentionState, Query, QueryKind
from rapport.mentions.stream import COUNTED, LARGEST_PAGE, ORDERS, list_mentions, state_counts
from rapport.mentions.stream_detail import MentionDetail, choices, mention_detail
from rapport.staff.access import brands_for, may, may_anywhere
from rapport.staff.models import User
from rapport.staff.permissions import Permission
from rapport.web.mentions.shown import SINCE_DAYS, Shown, Stream, pieces, snippet, stream_of
from rapport.web.numbers import whole_number
from rapport.web.text import language_name
from rapport.web.views.pages import DeskRequest, desk_view

_PAGE = 40


@require_safe
@desk_view
def mentions(request: DeskRequest, mention_id: int | None = None) -> HttpResponse:
    """The list, with or without a mention beside it. Script may ask for one part of the same page."""
    brands = list(brands_for(request.user, Permission.VIEW_CASES))
    stream = stream_of(request.GET, brands)
    target = request.htmx.target if request.htmx else None
    if target == "mention":
        return render(request, "web/mentions/mention.html", _detail_context(request, stream, mention_id))
    context = _list_context(request, stream, mention_id)
    if target == "mention-rows-end":
        return render(request, "web/mentions/rows.html", context)
    context |= _head_context(request, stream)
    if target == "mention-list":
        return render(request, "web/mentions/list.html", context)
    context |= _detail_context(request, stream, mention_id) | {
        "brands": brands,
        "done": _done_words(request),
        **_choices(request.user, stream),
    }
    return render(request, "web/mentions/page.html", context)


def _list_context(request: DeskRequest, stream: Stream, mention_id: int | None) -> dict[str, Any]:
    wanted = whole_number(request.GET.get("limit", ""))
    page = list_mentions(
        user=request.user,
        filters=stream.filters,
        after=request.GET.get("after") or None,
        limit=wanted or _PAGE,
    )
    return {
        "stream": stream,
        "page": page,
        "further": bool(request.GET.get("after")),
        "rows": [Shown(row, snippet(row.text, row.found), stream.mention_url(row.id)) for row in page.rows],
        "selected_id": mention_id,
        "may_pick": may_anywhere(request.user, Permission.WORK_CASES),
    }


def _head_context(request: DeskRequest, stream: Stream) -> dict[str, Any]:
    counts = state_counts(user=request.user, brand_id=stream.filters.brand_id)
    states = [(MentionState(one).value, MentionState(one).label) for one in MentionState] + [
        ("all", _("All"))
    ]
    shown = stream.filters.state or "all"
    return {
        "states": [
            {
                "id": state,
                "label": label,
                "url": stream.changed("state", "" if state == MentionState.NEW else state),
                "current": state == shown,
                "count": _counted(counts.get(state, 0)),
            }
            for state, label in states
        ],
        "sorts": [
            {
                "label": order.label,
                "url": stream.changed("sort", "" if name == "newest" else name),
                "current": name == stream.filters.order,
            }
            for name, order in ORDERS.items()
        ],
        "sort_label": ORDERS[stream.filters.order].label,
        "any_query": bool(sum(counts.values())) or _listens(request.user),
        "may_mute_any": may_anywhere(request.user, Permission.MANAGE_LISTENING),
    }


def _listens(user: User) -> bool:
    brands = brands_for(user, Permission.VIEW_CASES)
    return Query.objects.filter(brand__in=brands, deleted_at__isnull=True).exists()


def _counted(number: int) -> str:
    return f"{COUNTED - 1}+" if number >= COUNTED else str(number) if number else ""


def _choices(user: User, stream: Stream) -> dict[str, Any]:
    known = choices(user=user)
    return {
        "queries": known["queries"],
        "networks": known["networks"],
        "langs": sorted(((one, language_name(one)) for one in known["langs"]), key=lambda one: one[1]),
        "kinds": QueryKind.choices,
        "sinces": [
            (
                days,
                ngettext("Last %(n)s day", "Last %(n)s days", days) % {"n": days}
                if days > 1
                else _("Last 24 hours"),
            )
            for days in SINCE_DAYS
        ],
        "given": dict(stream.params),
    }


def _detail_context(request: DeskRequest, stream: Stream, mention_id: int | None) -> dict[str, Any]:
    if mention_id is None:
        return {"stream": stream, "detail": None}
    detail: MentionDetail = mention_detail(user=request.user, mention_id=mention_id)
    mention = detail.mention
    return {
        "stream": stream,
        "detail": detail,
        "mention": mention,
        "post": mention.post,
        "title_pieces": pieces(mention.post.title, detail.found, "title"),
        "text_pieces": pieces(mention.post.text, detail.found),
        "language": language_name(mention.post.lang) if mention.post.lang else "",
        "may_work": may(request.user, mention.brand_id, Permission.WORK_CASES),
        "may_mute": may(request.user, mention.brand_id, Permission.MANAGE_LISTENING),
        "handled": mention.state != MentionState.NEW,
        "undo_act": case_making.act_to_undo(user=request.user, mention=mention),
    }


def _done_words(request: DeskRequest) -> dict[str, Any] | None:
    """What was just done, with the way back, when the address names it and it is theirs and not undone."""
    act_id = whole_number(request.GET.get("did", ""))
    act = (
        MentionAct.objects.filter(id=act_id, actor=request.user, undone_at__isnull=True).first()
        if act_id
        else None
    )
    if act is None:
        return None
    words = {
        "seen": ngettext("%(n)s mention is seen.", "%(n)s mentions are seen.", act.number),
        "spam": ngettext("%(n)s mention is spam.", "%(n)s mentions are spam.", act.number),
        "mute": ngettext(
            "The author of %(n)s mention is muted.", "The authors of %(n)s mentions are muted.", act.number
        ),
        "case": ngettext("%(n)s mention is a case now.", "%(n)s mentions are cases now.", act.number),
    }
    return {"text": words[act.what] % {"n": act.number}, "url": reverse("mention-undo", args=[act.pk])}


_ACTS = {
    "seen": acts.mark_seen,
    "spam": acts.mark_spam,
    "mute": acts.mute_authors,
    "case": case_making.make_many,
}


def _back(request: DeskRequest, did: int | None = None, *, to: int | None = None) -> HttpResponse:
    """To the list or the mention that the form names, or else to the mention ``to``; narrowed as it was."""
    params = [one for one in parse_qsl(request.POST.get("narrowed", "")[:2000]) if one[0] != "did"]
    more: dict[str, int] = {}
    # As many rows as were loaded, so that nobody loses their place; the address of the list itself stays as it is.
    if (limit := whole_number(request.POST.get("limit", ""))) is not None:
        more["limit"] = min(max(limit, _PAGE), LARGEST_PAGE)
    if did is not None:
        more["did"] = did
    clean = stream_of(QueryDict(urlencode(params)), list(brands_for(request.user, Permission.VIEW_CASES)))
    asked = whole_number(request.POST["next"]) if "next" in request.POST else to
    # Whoever may not see it, or no longer can, comes to the list.
    shown = (
        asked is not None
        and Mention.objects.filter(
            id=asked, brand__in=brands_for(request.user, Permission.VIEW_CASES)
        ).exists()
    )
    url = clean.mention_url(asked) if shown and asked is not None else clean.url
    if more:
        url += f"{'&' if '?' in url else '?'}{urlencode(more)}"
    return HttpResponseRedirect(url)


@require_POST
@desk_view
def act(request: DeskRequest) -> HttpResponse:
    """Seen, spam or muted: what was picked, or the mention that is open."""
    do = _ACTS.get(request.POST.get("do", ""))
    picks = [one for one in map(_pick, request.POST.getlist("pick")) if one is not None]
    if do is None or not picks:
        raise Invalid(_("Say what to do, and with which mentions."))
    try:
        outcome: Outcome = do(user=request.user, picks=picks)
    except ActionError as error:
        messages.error(request, str(error))
        return _back(request)
    if outcome.left:
        messages.error(
            request,
            ngettext(
                "%(n)s mention was left as it is: a colleague changed it, or it is not yours to change.",
                "%(n)s mentions were left as they are: a colleague changed them, or they are not yours to change.",
                outcome.left,
            )
            % {"n": outcome.left},
        )
    for why in outcome.why:
        messages.error(request, why)
    return _back(request, outcome.act_id)


def _pick(value: str) -> Pick | None:
    number, _colon, version = value.partition(":")
    mention_id = whole_number(number)
    return Pick(mention_id, whole_number(version)) if mention_id is not None else None


@require_POST
@desk_view
def undo_act(request: DeskRequest, act_id: int) -> HttpResponse:
    """Back as it was before; from the desk to the mention that was made a case there."""
    only = case_making.only_mention(user=request.user, act_id=act_id)
    try:
        outcome = acts.undo(user=request.user, act_id=act_id)
    except Conflict as error:
        messages.error(request, str(error))
        return _back(request, to=only)
    if outcome.left:
        messages.error(
            request,
            ngettext(
                "Undone, but %(n)s mention was changed since and stays.",
                "Undone, but %(n)s mentions were changed since and stay.",
                outcome.left,
            )
            % {"n": outcome.left},
        )
    else:
        messages.success(request, _("Undone."))
    return _back(request, to=only)


@desk_view
def case(request: DeskRequest, mention_id: int) -> HttpResponse:
    """Make a case of it, and go there."""
    if request.method in {"GET", "HEAD"}:
        return HttpResponseRedirect(reverse("mention", args=[mention_id]))
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    try:
        made, act_id = case_making.make_one(user=request.user, mention_id=mention_id)
    except Invalid as error:
        messages.error(request, str(error))
        return _back(request)
    if act_id is not None:
        messages.success(
            request, _("The mention is a case now."), extra_tags=reverse("mention-undo", args=[act_id])
        )
    return HttpResponseRedirect(reverse("desk-case", args=["all", made.id]))
