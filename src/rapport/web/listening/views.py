"""Pages of saved queries: all of them, writing and changing one, its versions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from rapport.brands.models import Brand
from rapport.lib.errors import ActionError, NotAllowed, NotFound
from rapport.listening.dialects import Dialect, convert
from rapport.mentions import saving
from rapport.mentions.examples import Example, ExamplesFail, kept_examples
from rapport.mentions.models import Query, QueryState
from rapport.mentions.query_queries import access_query, changes_of, queries_for
from rapport.staff.access import brands_for, may
from rapport.staff.permissions import Permission
from rapport.web.listening.builder import ANY, Group, text_of
from rapport.web.listening.editor import DIALECTS, context_of
from rapport.web.listening.forms import Form, example_from, given, of_query
from rapport.web.listening.previewing import preview_of
from rapport.web.numbers import whole_number
from rapport.web.views.pages import DeskRequest, desk_view, status_of

_SHOWN = 500
_VERSIONS_SHOWN = 100


@require_safe
@desk_view
def queries(request: DeskRequest) -> HttpResponse:
    """Every query of this person's brands."""
    return _list(request)


def _list(request: DeskRequest, *, problem: str = "", status: int = 200) -> HttpResponse:
    brands = list(brands_for(request.user, Permission.VIEW_CASES))
    brand = next((one for one in brands if one.slug == request.GET.get("brand")), None)
    found = queries_for(user=request.user, most=_SHOWN + 1, brand_id=brand.pk if brand else None)
    managed = list(brands_for(request.user, Permission.MANAGE_LISTENING))
    context = {
        "rows": found[:_SHOWN],
        "cut": len(found) > _SHOWN,
        "shown": _SHOWN,
        "brands": brands,
        "brand": brand,
        "managed": managed,
        "managed_ids": {one.pk for one in managed},
        "deleted": _deleted(request),
        "problem": problem,
    }
    return render(request, "web/listening/queries.html", context, status=status)


def _deleted(request: DeskRequest) -> Query | None:
    """The one that was deleted a moment ago, while it can be had back."""
    query_id = whole_number(request.GET.get("deleted", ""))
    if query_id is None:
        return None
    try:
        found = access_query(
            user=request.user, query_id=query_id, permission=Permission.MANAGE_LISTENING, deleted=True
        )
    except (NotFound, NotAllowed):
        return None
    return found if found.deleted_at is not None else None


@desk_view
def new(request: DeskRequest) -> HttpResponse:
    """Write one."""
    brands = _managed(request)
    if request.method == "POST":
        return _posted(request, given(request.POST), brands)
    if request.method not in {"GET", "HEAD"}:
        return HttpResponseNotAllowed(["GET", "POST"])
    brand = next((one for one in brands if one.slug == request.GET.get("brand")), brands[0])
    form = Form(brand_id=brand.pk)
    if request.GET.get("start") == "name":
        form = replace(form, name=brand.name[: saving.NAME_LENGTH], text=text_of([Group(ANY, (brand.name,))]))
    return _editor(request, form, brands)


def _managed(request: DeskRequest) -> list[Brand]:
    brands = list(brands_for(request.user, Permission.MANAGE_LISTENING).order_by("name"))
    if not brands:
        raise NotAllowed(_("Queries are saved by leads. Ask one of your team."))
    return brands


@desk_view
def query(request: DeskRequest, query_id: int) -> HttpResponse:
    """Change one; for who may not, read it."""
    found = access_query(user=request.user, query_id=query_id)
    if request.method == "POST":
        access_query(user=request.user, query_id=query_id, permission=Permission.MANAGE_LISTENING)
        form = replace(given(request.POST), brand_id=found.brand_id)
        return _posted(request, form, [found.brand], found)
    if request.method not in {"GET", "HEAD"}:
        return HttpResponseNotAllowed(["GET", "POST"])
    form = of_query(found, kept_examples(found))
    if not may(request.user, found.brand_id, Permission.MANAGE_LISTENING):
        context = {**context_of(form), "query": found}
        return render(request, "web/listening/queries_read.html", context)
    return _editor(request, form, [found.brand], found)


def _posted(
    request: DeskRequest, form: Form, brands: list[Brand], found: Query | None = None
) -> HttpResponse:
    """The button that was pressed: without script all of them send the whole form."""
    kept = "must" in request.POST or "must-not" in request.POST
    match "example" if kept else request.POST.get("do", "save"):
        case "build":
            return _editor(request, replace(form, text=text_of(form.groups)), brands, found)
        case "convert":
            return _converted(request, form, brands, found)
        case "preview":
            seen = preview_of(request, form)
            return _editor(request, form, brands, found, preview=seen)
        case "example":
            return _editor(request, with_example(request, form), brands, found)
        case "save":
            return _save(request, form, brands, found)
    return _editor(request, form, brands, found)


def with_example(request: DeskRequest, form: Form) -> Form:
    """The form with one more example: that of a sample's button, or an empty one to write into."""
    for field, must_match in (("must", True), ("must-not", False)):
        if field in request.POST:
            example = example_from(request.POST[field], must_match=must_match)
            return form if example is None else replace(form, examples=(*form.examples, example))
    return replace(form, examples=(*form.examples, Example("")))


def _converted(request: DeskRequest, form: Form, brands: list[Brand], found: Query | None) -> HttpResponse:
    """A query of another tool, in our language in the text's field; what was left out is told."""
    foreign = request.POST.get("foreign", "").strip()
    dialect = request.POST.get("dialect", "")
    if not foreign or dialect not in DIALECTS:
        return _editor(request, form, brands, found)
    made = convert(saving.clean_text(foreign), Dialect(dialect))
    return _editor(
        request,
        replace(form, text=made.query),
        brands,
        found,
        converted={"lost": made.lost, "tool": DIALECTS[Dialect(dialect)]},
    )


def _save(request: DeskRequest, form: Form, brands: list[Brand], found: Query | None) -> HttpResponse:
    brand_id = form.brand_id if form.brand_id is not None else brands[0].pk
    try:
        saved = saving.save_query(
            user=request.user,
            brand_id=brand_id,
            name=form.name,
            text=form.text,
            kind=form.kind,
            query_id=found.pk if found else None,
            mark=form.mark if found else None,
            examples=form.examples,
            anyway="anyway" in request.POST,
        )
    except ActionError as error:
        fails = isinstance(error, ExamplesFail)
        return _editor(request, form, brands, found, problem=str(error), fails=fails, status=status_of(error))
    messages.success(request, _("“%(name)s” is saved.") % {"name": saved.name})
    return HttpResponseRedirect(f"{reverse('queries')}#query-{saved.pk}")


def _editor(
    request: DeskRequest,
    form: Form,
    brands: list[Brand],
    found: Query | None = None,
    *,
    problem: str = "",
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    context = {**context_of(form), "brands": brands, "query": found, "problem": problem, **more}
    return render(request, "web/listening/queries_edit.html", context, status=status)


@desk_view
def versions(request: DeskRequest, query_id: int) -> HttpResponse:
    """What a query said before; one of them is brought back with a POST."""
    found = access_query(user=request.user, query_id=query_id)
    if request.method not in {"GET", "HEAD", "POST"}:
        return HttpResponseNotAllowed(["GET", "POST"])
    problem, status, fails = "", 200, 0
    if request.method == "POST":
        number = whole_number(request.POST.get("number", "")) or 0
        try:
            saving.bring_back(
                user=request.user,
                query_id=query_id,
                number=number,
                mark=request.POST.get("mark", ""),
                anyway="anyway" in request.POST,
            )
        except ActionError as error:
            if isinstance(error, NotFound | NotAllowed):
                raise
            problem, status = str(error), status_of(error)
            fails = number if isinstance(error, ExamplesFail) else 0
        else:
            messages.success(request, _("Version %(n)s is back, as the newest.") % {"n": number})
            return HttpResponseRedirect(reverse("query", args=[query_id]))
    context = {
        "query": found,
        "changes": changes_of(found, most=_VERSIONS_SHOWN),
        "mark": saving.mark_of(found),
        "may_change": may(request.user, found.brand_id, Permission.MANAGE_LISTENING),
        "problem": problem,
        "fails": fails,
        "shown": _VERSIONS_SHOWN,
    }
    return render(request, "web/listening/queries_versions.html", context, status=status)


@require_POST
@desk_view
def act(request: DeskRequest, query_id: int, what: str) -> HttpResponse:
    """Pause, resume, delete or restore one, or look through its past again."""
    match what:
        case "pause" | "resume":
            state = QueryState.PAUSED if what == "pause" else QueryState.ACTIVE
            done = saving.set_state(user=request.user, query_id=query_id, state=state)
            said = _("“%(name)s” is paused.") if what == "pause" else _("“%(name)s” listens again.")
            messages.success(request, said % {"name": done.name})
        case "past":
            saving.look_back_again(user=request.user, query_id=query_id)
        case "delete":
            gone = saving.delete_query(user=request.user, query_id=query_id)
            return HttpResponseRedirect(f"{reverse('queries')}?deleted={gone.pk}")
        case "restore":
            try:
                done = saving.restore_query(user=request.user, query_id=query_id)
            except ActionError as error:
                if isinstance(error, NotFound | NotAllowed):
                    raise
                return _list(request, problem=str(error), status=status_of(error))
            messages.success(request, _("“%(name)s” is back.") % {"name": done.name})
        case _:
            raise NotFound(_("There is no such thing, or you may not see it."))
    return HttpResponseRedirect(f"{reverse('queries')}#query-{query_id}")
