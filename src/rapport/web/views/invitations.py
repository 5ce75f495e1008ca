"""Inviting people: the list of open invitations, and the page that a link leads to."""

from __future__ import annotations

from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from rapport.lib.errors import ActionError, Invalid, NotFound
from rapport.staff import queries
from rapport.staff.access import brands_for
from rapport.staff.actions import invitations as actions
from rapport.staff.actions.invitations import Invited
from rapport.staff.models import Invitation, Role, Team, User
from rapport.staff.people import grantable, role_of
from rapport.staff.permissions import Permission
from rapport.web.devices import remember_device
from rapport.web.invitation_mail import link_of, mail
from rapport.web.numbers import whole_number
from rapport.web.views.account import set_language_cookie
from rapport.web.views.pages import DeskRequest, desk_view, status_of

# Whom wrong links are counted against, together with the address they come from.
_GUESSER = {"username": "invitation"}
_BACKEND = "django.contrib.auth.backends.ModelBackend"
_LANGUAGES = dict(settings.LANGUAGES)


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view
def invitations(request: DeskRequest) -> HttpResponse:
    """Invite somebody; and who was invited and has not come yet."""
    if request.method != "POST":
        return _page(request)
    given = request.POST
    brand_id = whole_number(given.get("brand", ""))
    team_ids = [whole_number(value) for value in given.getlist("team")]
    if brand_id is None:
        raise NotFound(_("There is no such brand, or you may not see it."))
    try:
        if None in team_ids:
            raise Invalid(_("That team does not belong to this brand."))
        invited = actions.invite(
            actor=request.user,
            email=given.get("email", ""),
            brand_id=brand_id,
            role=given.get("role", ""),
            team_ids=[one for one in team_ids if one is not None],
        )
    except Invalid as error:
        return _page(request, problem=str(error))
    return _made(request, invited)


def _page(request: DeskRequest, *, problem: str = "", **more: object) -> HttpResponse:
    brands = list(brands_for(request.user, Permission.MANAGE_TEAM))
    given = request.POST if problem else request.GET
    brand = next((one for one in brands if given.get("brand") in {one.slug, str(one.pk)}), None)
    brand = brand or next(iter(brands), None)
    context: dict[str, Any] = {
        "brands": brands,
        "brand": brand,
        "roles": reversed(grantable(role_of(request.user, brand.pk))) if brand else (),
        "role": given.get("role") or Role.AGENT,
        "teams": Team.objects.filter(brand=brand) if brand else (),
        "chosen_teams": given.getlist("team"),
        "email": given.get("email", ""),
        "open": queries.open_invitations(user=request.user),
        "may_mail": settings.RAPPORT_SMTP,
        "problem": problem,
        "room": "invitations",
        **more,
    }
    return render(request, "web/people/invitations.html", context, status=422 if problem else 200)


def _made(request: DeskRequest, invited: Invited) -> HttpResponse:
    """The page with the link on it: it is shown this once, and can be had anew."""
    sent = mail(invited)
    return _page(request, made=invited.invitation, link=link_of(invited), sent=sent)


@require_POST
@desk_view
def renew(request: DeskRequest, invitation_id: int) -> HttpResponse:
    """A new link, mailed where that is possible."""
    try:
        invited = actions.renew(actor=request.user, invitation_id=invitation_id)
    except Invalid as error:
        return _page(request, problem=str(error))
    return _made(request, invited)


@require_POST
@desk_view
def revoke(request: DeskRequest, invitation_id: int) -> HttpResponse:
    """Take an invitation back."""
    found = actions.revoke(actor=request.user, invitation_id=invitation_id)
    messages.success(request, _("The invitation of %(email)s is taken back.") % {"email": found.email})
    return HttpResponseRedirect(reverse("invitations"))


# The link -----------------------------------------------------------------------------------------------
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Where an invitation's link leads: a newcomer makes a login, somebody who has one adds to it."""
    if not AxesProxyHandler.is_allowed(request, _GUESSER):
        return render(request, "web/people/accept_refused.html", {"guessing": True}, status=429)
    try:
        found = actions.open_by_token(token)
    except ActionError as error:
        if isinstance(error, NotFound):
            user_login_failed.send(sender=__name__, credentials=_GUESSER, request=request)
        status = 404 if isinstance(error, NotFound) else 410
        return render(request, "web/people/accept_refused.html", {"error": str(error)}, status=status)
    known = User.objects.filter(email=found.email).first()
    if isinstance(request.user, User):
        return _accept_as(request, token, found, request.user)
    if known is not None:
        context = {"invitation": found, "known": known, "ended": not known.is_active}
        return render(request, "web/people/accept_login.html", context)
    return _accept_as_newcomer(request, token, found)


def _accept_as(request: HttpRequest, token: str, found: Invitation, user: User) -> HttpResponse:
    context: dict[str, object] = {"invitation": found, "known": user, "other": user.email != found.email}
    if request.method == "POST":
        try:
            actions.accept_as(token=token, user=user)
        except ActionError as error:
            return render(
                request,
                "web/people/accept_login.html",
                {**context, "problem": str(error)},
                status=status_of(error),
            )
        messages.success(request, _("You work for %(brand)s now.") % {"brand": found.brand.name})
        return HttpResponseRedirect(reverse("people"))
    return render(request, "web/people/accept_login.html", context)


def _accept_as_newcomer(request: HttpRequest, token: str, found: Invitation) -> HttpResponse:
    given = request.POST
    language = given.get("language", "")
    context = {
        "invitation": found,
        "name": given.get("name", ""),
        "languages": settings.LANGUAGES,
        "language": language if language in _LANGUAGES else translation.get_language(),
    }
    if request.method != "POST":
        return render(request, "web/people/accept.html", context)
    try:
        user = actions.accept_as_newcomer(
            token=token,
            name=given.get("name", ""),
            password=given.get("password", ""),
            language=language if language in _LANGUAGES else "",
        )
    except ActionError as error:
        context["problem"] = str(error)
        return render(request, "web/people/accept.html", context, status=status_of(error))
    login(request, user, backend=_BACKEND)
    remember_device(request)
    response = HttpResponseRedirect(reverse("desk"))
    if user.language:
        set_language_cookie(response, request, user.language)
    return response
