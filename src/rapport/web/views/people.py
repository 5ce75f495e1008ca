"""Who works here: the list, one person, what each role may do, and letting somebody go."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from rapport.brands.models import Brand
from rapport.inbox.actions import handover
from rapport.inbox.queries.people import assignable_users
from rapport.lib.errors import ActionError, Invalid, NotFound
from rapport.staff import queries
from rapport.staff.access import access_brand, brands_for
from rapport.staff.actions import roles as role_actions
from rapport.staff.models import Availability, Membership, Picture, Reversal, Role, User
from rapport.staff.people import access_person, grantable, may_rule, power, visible_people
from rapport.staff.permissions import GRANTS, ROLES_BY_POWER, Permission, roles_with
from rapport.web.numbers import whole_number
from rapport.web.views.pages import DeskRequest, desk_view, status_of

_PAGE = 50
_ANSWER = roles_with(Permission.REPLY)


@dataclass(frozen=True)
class RoleCell:
    """Somebody's role for a brand, and what the reader may make of it."""

    brand: Brand
    role: Role
    choices: tuple[Role, ...] = ()

    @property
    def answers(self) -> bool:
        return self.role in _ANSWER


@dataclass(frozen=True)
class Row:
    """One person of the list."""

    person: User
    roles: list[RoleCell] = field(default_factory=list)


class Reader:
    """What the one who reads may see and change, asked once for a whole page."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.brands = list(brands_for(user, Permission.VIEW_CASES))
        self.managed = list(brands_for(user, Permission.MANAGE_TEAM))
        own = dict(Membership.objects.filter(user=user).values_list("brand_id", "role"))
        self._roles: dict[int, Role] = {
            brand.pk: Role.ADMIN if user.is_superuser else Role(own[brand.pk]) for brand in self.managed
        }

    def choices(self, person: User, brand_id: int, role: Role | str | None) -> tuple[Role, ...]:
        """The roles the reader may give ``person`` for a brand, none where theirs is out of reach."""
        mine = self._roles.get(brand_id)
        if mine is None or power(role) > power(mine) or person.is_superuser or not person.is_active:
            return ()
        return grantable(mine)

    def row(self, person: User) -> Row:
        """``person`` must come from :func:`rapport.staff.queries.people`."""
        cells = [
            RoleCell(one.brand, Role(one.role), self.choices(person, one.brand_id, one.role))
            for one in person.memberships.all()
        ]
        return Row(person, cells)


def undo_context(request: DeskRequest) -> dict[str, Any]:
    """What the address says can be undone (``?undo=3``), where it is the reader's and still can be."""
    number = whole_number(request.GET.get("undo", ""))
    if number is None:
        return {}
    found = Reversal.objects.filter(id=number, actor=request.user, undone_at=None).first()
    return {"undo": found.pk} if found else {}


def to_page(request: DeskRequest, fallback: str) -> HttpResponse:
    """Back to where the form was, if that is here."""
    wanted = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure()):
        wanted = fallback
    return HttpResponseRedirect(wanted)


@require_safe
@desk_view
def people(request: DeskRequest) -> HttpResponse:
    """The colleagues of one's brands, narrowed as the address says."""
    reader = Reader(request.user)
    given = request.GET
    brand = next((one for one in reader.brands if one.slug == given.get("brand")), None)
    team_id = whole_number(given.get("team", ""))
    inactive = given.get("login") == "ended" and bool(reader.managed)
    wanted = queries.Wanted(
        text=given.get("q", "").replace("\0", "")[:200],
        brand_ids=(brand.pk,) if brand else None,
        role=given.get("role", ""),
        team_id=team_id,
        availability=given.get("availability", ""),
        active=not inactive,
    )
    found = queries.people(user=request.user, wanted=wanted)
    page = Paginator(found, _PAGE).get_page(given.get("page"))
    kept = given.copy()
    for name in ("page", "undo"):
        kept.pop(name, None)
    context = {
        "rows": [reader.row(person) for person in page],
        "page": page,
        "reader": reader,
        "brand": brand,
        "wanted": wanted,
        "inactive": inactive,
        "narrowed": any(given.get(name) for name in ("q", "brand", "role", "team", "availability", "login")),
        "query": kept.urlencode(),
        "roles": [*Role.choices, ("owner", _("Owner"))],
        "availabilities": Availability.choices,
        "teams": queries.teams_of(
            user=request.user, brand_ids=[brand.pk] if brand else [one.pk for one in reader.brands]
        ),
        "room": "people",
        **undo_context(request),
    }
    return render(request, "web/people/list.html", context)


@require_safe
@desk_view
def person(request: DeskRequest, person_id: int) -> HttpResponse:
    """One colleague, and what the reader may change about them."""
    reader = Reader(request.user)
    row = _row(reader, person_id)
    has = {cell.brand.pk for cell in row.roles}
    context = {
        "row": row,
        "person": row.person,
        "reader": reader,
        "can_add": [
            (brand, reader.choices(row.person, brand.pk, None))
            for brand in reader.managed
            if brand.pk not in has and reader.choices(row.person, brand.pk, None)
        ],
        "may_rule": may_rule(actor=request.user, person=row.person),
        "may_own": request.user.is_superuser and row.person.is_active,
        "room": "people",
        **undo_context(request),
    }
    return render(request, "web/people/person.html", context)


def _row(reader: Reader, person_id: int) -> Row:
    access_person(reader.user, person_id)
    for active in (True, False):
        found = queries.people(user=reader.user, wanted=queries.Wanted(active=active)).filter(id=person_id)
        shown = found.first()
        if shown is not None:
            return reader.row(shown)
    raise NotFound(_("There is no such person, or you may not see them."))


@require_POST
@desk_view
def role(request: DeskRequest, person_id: int) -> HttpResponse:
    """Give somebody another role for a brand, in place."""
    brand = _brand(request)
    wanted = request.POST.get("role", "")
    expected = request.POST.get("expected")
    role_actions.give_role(
        actor=request.user, person_id=person_id, brand_id=brand.pk, role=wanted, expected=expected
    )
    reader = Reader(request.user)
    row = _row(reader, person_id)
    said = _("%(name)s is now %(role)s of %(brand)s.") % {
        "name": row.person.name,
        "role": Role(wanted).label,
        "brand": brand.name,
    }
    if not request.htmx:
        messages.success(request, said)
        return to_page(request, reverse("person", args=[person_id]))
    context = {
        "row": row,
        "reader": reader,
        "said": said,
        "changed": brand.pk,
        "was": expected if expected != wanted else "",
        "is": wanted,
        "brand": brand if request.POST.get("only") else None,
    }
    return render(request, "web/people/row_answer.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view
def leave(request: DeskRequest, person_id: int) -> HttpResponse:
    """Somebody goes: from one brand (``brand``), to a role that only reads (``role``), or altogether."""
    given = request.POST if request.method == "POST" else request.GET
    brand = _brand(request) if given.get("brand") else None
    stays = Role.VIEWER if given.get("role") == Role.VIEWER and brand else None
    problem: ActionError | None = None
    if request.method == "POST":
        try:
            return _leave(request, person_id, brand, stays)
        except Invalid as error:
            problem = error
    leaver = access_person(request.user, person_id)
    held = handover.held_by(actor=request.user, person_id=person_id, brand_id=brand.pk if brand else None)
    context = {
        "person": leaver,
        "brand": brand,
        "stays": stays,
        "held": [
            (
                one,
                assignable_users(brand_id=one.brand.pk).exclude(id=leaver.pk),
                given.get(f"to-{one.brand.pk}"),
            )
            for one in held
        ],
        "total": sum(one.count for one in held),
        "allowed": brand in Reader(request.user).managed
        if brand
        else may_rule(actor=request.user, person=leaver),
        "problem": str(problem) if problem else "",
        "room": "people",
    }
    return render(request, "web/people/leave.html", context, status=status_of(problem) if problem else 200)


def _leave(request: DeskRequest, person_id: int, brand: Brand | None, stays: Role | None) -> HttpResponse:
    heirs: dict[int, int | None] = {}
    for name in request.POST:
        value = request.POST.get(name, "")
        brand_id = whole_number(name.removeprefix("to-")) if name.startswith("to-") else None
        if brand_id is not None and value:
            heir = whole_number(value)
            if heir is None:
                raise Invalid(_("Somebody you chose cannot answer for that brand. Choose somebody who can."))
            heirs[brand_id] = heir
    done = handover.leave(
        actor=request.user,
        person_id=person_id,
        brand_id=brand.pk if brand else None,
        role=stays,
        heirs=heirs,
    )
    messages.success(
        request,
        ngettext(
            "Done. %(n)d open case was handed over.", "Done. %(n)d open cases were handed over.", done.cases
        )
        % {"n": done.cases}
        if done.cases
        else _("Done. There was no open case to hand over."),
    )
    return HttpResponseRedirect(f"{reverse('people')}?undo={done.reversal.pk}")


@require_POST
@desk_view
def undo(request: DeskRequest, reversal_id: int) -> HttpResponse:
    """Take back that somebody left, or that a team was deleted."""
    done = handover.undo(actor=request.user, reversal_id=reversal_id)
    said = _("Undone. Everything is as it was.")
    if done.kept:
        said = (
            ngettext(
                "Undone, except for %(n)d case that somebody changed since.",
                "Undone, except for %(n)d cases that somebody changed since.",
                done.kept,
            )
            % {"n": done.kept}
        )  # fmt: skip
    messages.success(request, said)
    where = "teams" if done.reversal.kind == Reversal.Kind.TEAM else "people"
    return HttpResponseRedirect(reverse(where))


@require_POST
@desk_view
def reactivate(request: DeskRequest, person_id: int) -> HttpResponse:
    """Let somebody in again."""
    found = role_actions.reactivate(actor=request.user, person_id=person_id)
    messages.success(request, _("%(name)s can log in again.") % {"name": found.name})
    return HttpResponseRedirect(reverse("person", args=[person_id]))


@require_POST
@desk_view
def sign_out(request: DeskRequest, person_id: int) -> HttpResponse:
    """End every login of a colleague."""
    ended = role_actions.sign_out(actor=request.user, person_id=person_id)
    messages.success(
        request,
        ngettext("%(n)d login was ended.", "%(n)d logins were ended.", ended) % {"n": ended}
        if ended
        else _("They were logged in nowhere."),
    )
    return HttpResponseRedirect(reverse("person", args=[person_id]))


@require_POST
@desk_view
def owner(request: DeskRequest, person_id: int) -> HttpResponse:
    """Make somebody an owner, or no longer."""
    wanted = request.POST.get("owner") == "yes"
    found = role_actions.make_owner(actor=request.user, person_id=person_id, owner=wanted)
    said = _("%(name)s is an owner now.") if wanted else _("%(name)s is no owner any more.")
    messages.success(request, said % {"name": found.name})
    return HttpResponseRedirect(reverse("person", args=[person_id]))


@require_safe
@desk_view
def permissions(request: DeskRequest) -> HttpResponse:
    """Who may do what for a brand: the table that the checks read, with the people in each role."""
    brands = list(brands_for(request.user, Permission.VIEW_CASES))
    slug = request.GET.get("brand", "")
    brand = access_brand(request.user, slug, Permission.VIEW_CASES) if slug else next(iter(brands), None)
    context = {
        "brands": brands,
        "brand": brand,
        "groups": queries.people_by_role(user=request.user, brand=brand) if brand else [],
        "grants": [
            (grant.allows, [role in roles_with(one) for role in ROLES_BY_POWER])
            for one, grant in GRANTS.items()
        ],
        "room": "permissions",
    }
    return render(request, "web/people/permissions.html", context)


@require_safe
@login_required
def picture(request: DeskRequest, person_id: int) -> HttpResponse:
    """A colleague's picture. The address names which, so it may be kept; it is drawn and never run."""
    if not visible_people(request.user).filter(id=person_id).exists():
        raise Http404
    found = Picture.objects.filter(user_id=person_id).first()
    if found is None:
        raise Http404
    response = HttpResponse(bytes(found.content), content_type=found.content_type)
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, max-age=86400, immutable"
    return response


def _brand(request: DeskRequest) -> Brand:
    given = request.POST if request.method == "POST" else request.GET
    number = whole_number(given.get("brand", ""))
    found = brands_for(request.user, Permission.VIEW_CASES).filter(id=number).first() if number else None
    if found is None:
        raise NotFound(_("There is no such brand, or you may not see it."))
    return found
