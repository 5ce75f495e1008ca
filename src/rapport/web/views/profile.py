"""What somebody says of themselves: profile, picture, signatures, whether they are here, and their logins."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from rapport.lib.errors import Invalid, NotFound
from rapport.staff.actions import profile as actions
from rapport.staff.actions.roles import sign_out_elsewhere
from rapport.staff.models import Session
from rapport.web.devices import short_key
from rapport.web.numbers import whole_number
from rapport.web.views.account import account_page
from rapport.web.views.pages import DeskRequest, desk_view
from rapport.web.views.people import to_page


def part(view: Callable[[DeskRequest], str]) -> Callable[..., HttpResponse]:
    """For one form of the account page: says what came of it, or shows the page with what was typed."""

    def wrapped(request: DeskRequest) -> HttpResponse:
        try:
            said = view(request)
        except Invalid as error:
            return account_page(request, problem=str(error), part=view.__name__)
        messages.success(request, said)
        return to_page(request, f"{reverse('account')}#{view.__name__}")

    return require_POST(desk_view(wrapped))


@part
def profile(request: DeskRequest) -> str:
    """Name, initials, languages, skills, time zone."""
    given = request.POST
    actions.save_profile(
        user=request.user,
        name=given.get("name", ""),
        initials=given.get("initials", ""),
        speaks=[one for one in [*given.getlist("speaks"), given.get("add_language", "")] if one],
        skills=[*given.getlist("skill"), *given.get("add_skill", "").split(",")],
        time_zone=given.get("time_zone", ""),
    )
    return _("Your profile is saved.")


@part
def picture(request: DeskRequest) -> str:
    """A picture, or none."""
    if "remove" in request.POST:
        actions.remove_picture(user=request.user)
        return _("Your picture is removed.")
    given = request.FILES.get("picture")
    if not isinstance(given, UploadedFile):
        raise Invalid(_("Choose a picture first."))
    # One byte more than may be is enough to see that it is too large.
    actions.set_picture(user=request.user, content=given.read(actions.PICTURE_BYTES + 1))
    return _("Your picture is saved.")


@part
def signatures(request: DeskRequest) -> str:
    """What stands under replies, per brand."""
    given = {}
    for name in request.POST:
        brand_id = whole_number(name.removeprefix("initials-")) if name.startswith("initials-") else None
        if brand_id is not None:
            given[brand_id] = (request.POST[name], request.POST.get(f"name-{brand_id}", ""))
    actions.save_signatures(user=request.user, given=given)
    return _("Your signatures are saved.")


@part
def availability(request: DeskRequest) -> str:
    """Away, with an end and a reason if they like; or here again."""
    if request.POST.get("away") != "yes":
        actions.set_availability(user=request.user, away=False)
        return _("You are available again.")
    until = _until(request.POST.get("until", ""), request.POST.get("until_time", ""))
    actions.set_availability(user=request.user, away=True, until=until, reason=request.POST.get("reason", ""))
    return _("You are away. Colleagues see it where they hand out cases.")


def _until(choice: str, typed: str) -> datetime | None:
    """The end of being away, in the reader's time zone. Raises Invalid."""
    now = timezone.localtime()
    match choice:
        case "":
            return None
        case "hour":
            return now + timedelta(hours=1)
        case "tomorrow":
            return datetime.combine(now.date() + timedelta(days=1), time(8), now.tzinfo)
        case "monday":
            return datetime.combine(now.date() + timedelta(days=7 - now.weekday()), time(8), now.tzinfo)
        case _:
            try:
                moment = parse_datetime(typed)
            except ValueError:
                moment = None
            if moment is None:
                raise Invalid(_("Choose a day and a time."))
            try:
                return timezone.make_aware(moment) if timezone.is_naive(moment) else moment
            except (ValueError, OverflowError):
                raise Invalid(_("Choose a day and a time.")) from None


@part
def logins(request: DeskRequest) -> str:
    """End one login, or all others."""
    current = request.session.session_key
    which = request.POST.get("device", "")
    if which == "others":
        ended = sign_out_elsewhere(actor=request.user, keep=current)
        return ngettext("%(n)d login was ended.", "%(n)d logins were ended.", ended) % {"n": ended}
    own: dict[str, Any] = {
        short_key(one.session_key): one for one in Session.objects.filter(user=request.user)
    }
    found = own.get(which)
    if found is None:
        raise NotFound(_("This login ended already."))
    if found.session_key == current:
        raise Invalid(_("This is where you are. Log out instead."))
    found.delete()
    return _("That login is ended.")
