"""What somebody is told: the bell, the page, and how they want to be told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from rapport.brands.hours import DAYS
from rapport.inbox.queries.filters import NOBODY
from rapport.lib.errors import Invalid, NotFound
from rapport.notices import choosing, devices, queries, reading, webpush
from rapport.notices.kinds import KINDS, WAYS, NoticeKind, Way
from rapport.notices.models import Notice
from rapport.notices.quiet import zone_of
from rapport.web.devices import called
from rapport.web.numbers import whole_number
from rapport.web.views.pages import DeskRequest, desk_view

_UNDO_SALT = "rapport.notices.undo"
_UNDO_S = 600


@require_safe
@desk_view
def notices(request: DeskRequest) -> HttpResponse:
    """The page, and for a live update its list alone. ``show=all``: also what was seen."""
    every = request.GET.get("show") == "all"
    page = queries.news(user=request.user, unread=not every, after=request.GET.get("after"))
    context = {
        "page": page,
        "every": every,
        "first": "after" not in request.GET,
        "undo": request.GET.get("undo", "")[:200],
        "unread": queries.unread_count(request.user),
    }
    part = request.htmx and request.htmx.target == "notices"
    return render(request, "web/notices/list.html" if part else "web/notices/page.html", context)


@require_safe
@desk_view
def notice(request: DeskRequest, notice_id: int) -> HttpResponse:
    """Read one notice that is of no one case, and go where it leads: the alert, or a list of the cases."""
    found = reading.mark_one_read(user=request.user, notice_id=notice_id)
    return HttpResponseRedirect(_leads_to(found))


def _leads_to(found: Notice) -> str:
    if found.case_id is not None:
        return reverse("desk-case", args=["all", found.case_id])
    match found.kind:
        case NoticeKind.ALERT:
            return reverse("alert", args=[found.data["alert"]])
        case NoticeKind.ASSIGNED:
            return reverse("desk-list", args=["mine"])
        case NoticeKind.TEAM:
            return reverse("desk-list", args=["teams"])
    # Whoever has them now, or nobody.
    whose = urlencode({"assignee": found.data.get("to") or NOBODY})
    return f"{reverse('desk-list', args=['all'])}?{whose}"


@require_safe
@desk_view
def bell(request: DeskRequest) -> HttpResponse:
    """The bell of the rail with its count, for a live update."""
    return render(request, "web/notices/bell.html")


@require_POST
@desk_view
def read(request: DeskRequest) -> HttpResponse:
    """One case or one notice is read, or everything, which can be undone."""
    case_id = whole_number(request.POST.get("case", ""))
    every = "?show=all" if request.POST.get("show") == "all" else "?"
    notice_id = whole_number(request.POST.get("notice", ""))
    if notice_id is not None:
        reading.mark_one_read(user=request.user, notice_id=notice_id)
        return HttpResponseRedirect(reverse("notices") + every.rstrip("?"))
    if case_id is not None:
        reading.mark_read(user=request.user, case_id=case_id)
        return HttpResponseRedirect(reverse("notices") + every.rstrip("?"))
    count, moment = reading.mark_all_read(user=request.user)
    if not count:
        return HttpResponseRedirect(reverse("notices") + every.rstrip("?"))
    token = signing.dumps([request.user.pk, moment.isoformat()], salt=_UNDO_SALT)
    return HttpResponseRedirect(f"{reverse('notices')}{every}&undo={token}")


@require_POST
@desk_view
def unread(request: DeskRequest) -> HttpResponse:
    """Take "mark all as read" back."""
    try:
        user_id, moment = signing.loads(request.POST.get("undo", ""), salt=_UNDO_SALT, max_age=_UNDO_S)
        if user_id != request.user.pk:
            raise signing.BadSignature
    except signing.BadSignature:
        raise Invalid(_("That was too long ago to be taken back.")) from None
    back = reading.unread_again(user=request.user, moment=datetime.fromisoformat(moment))
    text = ngettext("%(n)d notification is unread again.", "%(n)d notifications are unread again.", back)
    messages.success(request, text % {"n": back})
    return HttpResponseRedirect(reverse("notices"))


# How one wants to be told --------------------------------------------------------------------------
@desk_view
def settings_page(request: DeskRequest) -> HttpResponse:
    """Kinds and ways, e-mails, quiet hours, devices."""
    if request.method in {"GET", "HEAD"}:
        return _settings(request)
    if request.method != "POST":
        return HttpResponseNotAllowed(["GET", "POST"])
    part = request.POST.get("part", "")
    save = _PARTS.get(part)
    if save is None:
        raise Invalid(_("There is nothing to save."))
    try:
        said = save(request)
    except Invalid as error:
        return _settings(request, problem=str(error), part=part)
    messages.success(request, said)
    return HttpResponseRedirect(f"{reverse('account-notices')}#{part}")


def _save_ways(request: DeskRequest) -> str:
    chosen = set(request.POST.getlist("way"))
    wanted = {kind: frozenset(way for way in Way if f"{kind.value}-{way}" in chosen) for kind in NoticeKind}
    choosing.save_ways(user=request.user, wanted=wanted)
    return _("Saved what you are told of.")


def _save_mail(request: DeskRequest) -> str:
    given = request.POST
    choosing.save_mail(
        user=request.user,
        wanted=given.get("mails") == "yes",
        after=given.get("after", ""),
        words=given.get("words") == "yes",
    )
    return _("Saved what leaves the desk.")


def _save_quiet(request: DeskRequest) -> str:
    given = request.POST
    choosing.save_quiet(
        user=request.user,
        hours={day: (given.get(f"{day}-from", ""), given.get(f"{day}-until", "")) for day in DAYS},
        urgent_through=given.get("urgent") == "yes",
    )
    return _("Saved when you are left alone.")


_PARTS: dict[str, Callable[[DeskRequest], str]] = {
    "ways": _save_ways,
    "mail": _save_mail,
    "quiet": _save_quiet,
}


def _settings(request: DeskRequest, *, problem: str = "", part: str = "") -> HttpResponse:
    user, typed = request.user, request.POST if part else {}
    own = queries.preferences_of(user)
    chosen = queries.choices_of(user)
    context = {
        "ways": WAYS,
        "rows": [
            {
                "kind": kind.value,
                "label": kind.label,
                "icon": spec.icon,
                "ways": [(way.value, words, way in chosen[kind]) for way, words in WAYS.items()],
            }
            for kind, spec in KINDS.items()
        ],
        "own": own,
        "mails_possible": settings.RAPPORT_SMTP,
        "minutes": choosing.MAIL_AFTER,
        "days": [
            (day, name, *_times(typed, own.quiet, day, typed_here=part == "quiet"))
            for day, name in DAYS.items()
        ],
        "zone": zone_of(user).key,
        "devices": [
            {"row": one, "name": called(one.agent), "here": one.session_id == request.session.session_key}
            for one in queries.devices_of(user)
        ],
        "push_key": webpush.public_key(),
        "problem": problem,
        "part": part,
    }
    return render(request, "web/notices/settings.html", context, status=422 if problem else 200)


def _times(typed: object, kept: dict[str, list[str]], day: str, *, typed_here: bool) -> tuple[str, str]:
    if typed_here and hasattr(typed, "get"):
        return str(typed.get(f"{day}-from", "")), str(typed.get(f"{day}-until", ""))
    start, end = kept.get(day, ["", ""])
    return start, end


# Devices -------------------------------------------------------------------------------------------
@require_POST
@desk_view
def device(request: DeskRequest) -> HttpResponse:
    """A browser says that it takes pushes, or with ``gone`` that it takes no more."""
    given = request.POST
    endpoint = given.get("endpoint", "")
    if given.get("gone") == "yes":
        devices.forget_endpoint(user=request.user, endpoint=endpoint)
        return HttpResponse(status=204)
    devices.add_device(
        user=request.user,
        session_key=request.session.session_key or "",
        endpoint=endpoint,
        p256dh=given.get("p256dh", ""),
        auth=given.get("auth", ""),
        agent=request.headers.get("User-Agent", ""),
    )
    return HttpResponse(status=204)


@require_POST
@desk_view
def device_remove(request: DeskRequest, device_id: int) -> HttpResponse:
    """Tell one device nothing more."""
    devices.remove_device(user=request.user, device_id=device_id)
    messages.success(request, _("That device is told nothing more."))
    return HttpResponseRedirect(f"{reverse('account-notices')}#devices")


@require_POST
@desk_view
def device_try(request: DeskRequest, device_id: int) -> HttpResponse:
    """Send one device something to see."""
    devices.try_device(user=request.user, device_id=device_id)
    messages.success(request, _("Sent. It should show on that device within a few seconds."))
    return HttpResponseRedirect(f"{reverse('account-notices')}#devices")


# The link in e-mails -------------------------------------------------------------------------------
@csrf_exempt
@never_cache
def stop(request: HttpRequest, token: str) -> HttpResponse:
    """Stop the e-mails, without a login: a page that asks, and what its button, or a mailbox's own
    (RFC 8058), sends."""
    if request.method not in {"GET", "HEAD", "POST"}:
        return HttpResponseNotAllowed(["GET", "POST"])
    try:
        user = choosing.user_of_token(token)
    except NotFound as error:
        return render(request, "web/notices/stop.html", {"error": str(error)}, status=404)
    if request.method == "POST":
        choosing.stop_mail(user=user)
    return render(request, "web/notices/stop.html", {"stopped": choosing.mail_is_stopped(user)})
