"""Coming in, going out, and how the desk looks to one person."""

from __future__ import annotations

import zoneinfo
from typing import Any

from axes.helpers import get_client_ip_address, get_cool_off, get_lockout_response
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import PasswordChangeForm
from django.db import transaction
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language_info
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from rapport.audit.actions import record
from rapport.staff.access import brands_for
from rapport.staff.actions.profile import languages
from rapport.staff.actions.roles import sign_out_elsewhere
from rapport.staff.models import Signature, User
from rapport.staff.permissions import Permission
from rapport.staff.queries import skills_in_use
from rapport.web.devices import devices, remember_device
from rapport.web.first_login import begins
from rapport.web.preferences import LOOKS, looks_of, remember

_YEAR = 365 * 24 * 3600
# An office behind one address mistypes a lot; somebody who tries one password on everybody does more.
_ACCOUNTS_PER_ADDRESS = 10
_LANGUAGES = dict(settings.LANGUAGES)


class Login(auth_views.LoginView):
    """E-mail address and password. Wrong tries are counted, and lock, in django-axes."""

    http_method_names = ("get", "head", "post", "options")
    template_name = "web/login.html"
    redirect_authenticated_user = True

    def get_redirect_url(self, request: HttpRequest | None = None) -> str:
        """Never back to this page: for somebody who is logged in that would be a circle."""
        wanted: str = super().get_redirect_url()
        return "" if wanted.partition("?")[0] == self.request.path else wanted

    def get_success_url(self) -> str:
        """Where they wanted to go; an owner of an instance without a brand begins with one."""
        wanted: str = super().get_success_url()
        user = self.request.user
        return reverse("start") if wanted in {"/", reverse("desk")} and begins(user) else wanted

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Refuse an address that guesses at many accounts before its password costs us a hash."""
        if _wrong_tries_from(request) >= settings.AXES_FAILURE_LIMIT * _ACCOUNTS_PER_ADDRESS:
            locked: HttpResponse = get_lockout_response(request)
            return locked
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        remember_device(self.request)
        language = form.get_user().language
        if language in _LANGUAGES:
            set_language_cookie(response, self.request, language)
        return response


def _wrong_tries_from(request: HttpRequest) -> int:
    since = timezone.now() - get_cool_off(request)
    tries = AccessAttempt.objects.filter(
        ip_address=get_client_ip_address(request), attempt_time__gte=since
    ).aggregate(count=Sum("failures_since_start"))
    return tries["count"] or 0


def set_language_cookie(response: HttpResponse, request: HttpRequest, language: str) -> None:
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME, language, max_age=_YEAR, samesite="Lax", secure=request.is_secure()
    )


def _next(request: HttpRequest, fallback: str) -> str:
    wanted = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure()):
        return wanted
    return reverse(fallback)


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Choose the language; kept with the account when there is one."""
    chosen = request.POST.get("language", "")
    response = HttpResponseRedirect(_next(request, "home"))
    if chosen in _LANGUAGES:
        set_language_cookie(response, request, chosen)
        if isinstance(request.user, User) and request.user.language != chosen:
            request.user.language = chosen
            request.user.save(update_fields=["language"])
    return response


@require_POST
@login_required
def look(request: HttpRequest) -> HttpResponse:
    """Choose light or dark, the contrast, and the size of the text. What is not named stays."""
    response = HttpResponseRedirect(_next(request, "account"))
    for kind in LOOKS:
        value = request.POST.get(kind.name)
        if value is not None and value in kind.values:
            remember(response, request, kind.cookie, value)
    return response


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def account(request: HttpRequest) -> HttpResponse:
    """One's own profile, look, password and logins."""
    assert isinstance(request.user, User)
    form = PasswordChangeForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            form.save()
            record(
                action="password_changed",
                actor_id=request.user.id,
                object_type="user",
                object_id=request.user.id,
            )
        update_session_auth_hash(request, request.user)
        sign_out_elsewhere(actor=request.user, keep=request.session.session_key)
        messages.success(request, _("Your password was changed. Other devices are logged out."))
        return HttpResponseRedirect(reverse("account"))
    return account_page(request, form=form)


def account_page(
    request: HttpRequest,
    *,
    form: PasswordChangeForm | None = None,
    problem: str = "",
    part: str = "",
) -> HttpResponse:
    """The page; with a ``problem`` the form called ``part`` shows what was typed into it."""
    user = request.user
    assert isinstance(user, User)
    form = form or PasswordChangeForm(user)
    if not form.errors:  # the page begins at its top, not at its last form
        form.fields["old_password"].widget.attrs.pop("autofocus", None)
    context = {
        "form": form,
        "looks": looks_of(request),
        "languages": settings.LANGUAGES,
        "chosen_language": translation.get_language(),
        "problem": problem,
        "part": part,
        "typed": request.POST if part else {},
        **profile_context(request, user, typed=part == "profile"),
    }
    return render(request, "web/account.html", context, status=422 if form.errors or problem else 200)


def profile_context(request: HttpRequest, user: User, *, typed: bool) -> dict[str, Any]:
    """What the profile's forms show: what is stored, or with ``typed`` what was just given."""
    given = request.POST
    own = Signature.objects.filter(user=user)
    signatures = {one.brand_id: one for one in own}
    speaks = given.getlist("speaks") if typed else user.speaks
    names = {code: get_language_info(code)["name_translated"] for code in languages()}
    return {
        "profile": {
            "name": given.get("name", "") if typed else user.name,
            "initials": given.get("initials", "") if typed else user.initials,
            "time_zone": given.get("time_zone", "") if typed else user.time_zone,
            "speaks": [(code, names.get(code, code)) for code in speaks],
            "skills": given.getlist("skill") if typed else user.skills,
            "add_skill": given.get("add_skill", "") if typed else "",
        },
        "more_languages": sorted(
            ((code, name) for code, name in names.items() if code not in speaks), key=lambda one: one[1]
        ),
        "skills_in_use": skills_in_use(user=user),
        "time_zones": sorted(zone for zone in zoneinfo.available_timezones() if "/" in zone or zone == "UTC"),
        "instance_zone": settings.TIME_ZONE,
        "signatures": [(brand, signatures.get(brand.pk)) for brand in brands_for(user, Permission.REPLY)],
        "devices": devices(user, current=request.session.session_key),
    }
