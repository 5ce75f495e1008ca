"""Teams: people of one brand who share work, and the channels that only they answer from."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from rapport.brands.models import Channel
from rapport.inbox.actions import handover
from rapport.lib.errors import Invalid, NotFound
from rapport.staff import queries
from rapport.staff.access import brands_for
from rapport.staff.actions import teams as team_actions
from rapport.staff.models import Team, User
from rapport.staff.people import access_team
from rapport.staff.permissions import Permission
from rapport.web.numbers import whole_number
from rapport.web.views.pages import DeskRequest, desk_view
from rapport.web.views.people import undo_context


@require_safe
@desk_view
def teams(request: DeskRequest) -> HttpResponse:
    """The teams of one's brands."""
    return _page(request)


def _page(request: DeskRequest, *, typed: str = "", problem: str = "") -> HttpResponse:
    brands = list(brands_for(request.user, Permission.VIEW_CASES))
    managed = list(brands_for(request.user, Permission.MANAGE_TEAM))
    brand = next((one for one in brands if one.slug == request.GET.get("brand")), None)
    shown = [brand] if brand else brands
    context = {
        "teams": queries.teams_of(user=request.user, brand_ids=[one.pk for one in shown]),
        "brands": brands,
        "brand": brand,
        "managed": managed,
        "may_make": [one for one in managed if one in shown],
        "typed": typed,
        "problem": problem,
        "room": "teams",
        **undo_context(request),
    }
    return render(request, "web/people/teams.html", context, status=422 if problem else 200)


@require_POST
@desk_view
def create(request: DeskRequest) -> HttpResponse:
    """Make a team, and go on to who is in it."""
    brand_id = whole_number(request.POST.get("brand", ""))
    name = request.POST.get("name", "")
    if brand_id is None:
        raise NotFound(_("There is no such brand, or you may not see it."))
    try:
        made = team_actions.create_team(actor=request.user, brand_id=brand_id, name=name)
    except Invalid as error:
        return _page(request, typed=name, problem=str(error))
    return HttpResponseRedirect(reverse("team", args=[made.pk]))


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view
def team(request: DeskRequest, team_id: int) -> HttpResponse:
    """One team: its name, its people, its channels."""
    found = access_team(request.user, team_id)
    if request.method != "POST":
        members = set(found.members.values_list("id", flat=True))
        channels = set(found.channels.values_list("id", flat=True))
        return _team(request, found, name=found.name, members=members, channels=channels)
    name = request.POST.get("name", "")
    members, channels = _numbers(request, "member"), _numbers(request, "channel")
    try:
        team_actions.save_team(
            actor=request.user, team_id=team_id, name=name, member_ids=members, channel_ids=channels
        )
    except Invalid as error:
        return _team(request, found, name=name, members=members, channels=channels, problem=str(error))
    messages.success(request, _("Saved."))
    return HttpResponseRedirect(reverse("teams"))


def _team(
    request: DeskRequest,
    found: Team,
    *,
    name: str,
    members: set[int],
    channels: set[int],
    problem: str = "",
) -> HttpResponse:
    candidates = User.objects.filter(
        Q(id__in=team_actions.team_candidates(found.brand_id).values("user_id"))
    ).order_by("name", "id")
    context: dict[str, Any] = {
        "team": found,
        "name": name,
        "people": [(one, one.pk in members) for one in candidates],
        "channels": [
            (one, one.pk in channels)
            for one in Channel.objects.filter(brand_id=found.brand_id)
            .defer("credentials")
            .order_by("network", "handle")
        ],
        "problem": problem,
        "room": "teams",
    }
    return render(request, "web/people/team.html", context, status=422 if problem else 200)


@require_POST
@desk_view
def delete(request: DeskRequest, team_id: int) -> HttpResponse:
    """Delete a team, with a way back."""
    done = handover.delete_team(actor=request.user, team_id=team_id)
    messages.success(request, _("The team is deleted. Its open cases stay with whoever has them."))
    return HttpResponseRedirect(f"{reverse('teams')}?undo={done.reversal.pk}")


def _numbers(request: DeskRequest, name: str) -> set[int]:
    """The ids ticked in a form. Raises Invalid for what is no number."""
    numbers = [whole_number(value) for value in request.POST.getlist(name)]
    if None in numbers:
        raise Invalid(_("Choose from the list."))
    return {number for number in numbers if number is not None}
