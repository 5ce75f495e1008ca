"""Alerts: the list, one of them, and how a brand is alerted."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_safe

from rapport.lib.errors import Invalid
from rapport.mentions.models import Alert
from rapport.mentions.spikes import actions, queries
from rapport.mentions.spikes.telling import alert_key, hook_secret
from rapport.mentions.spikes.watching import CHOICES
from rapport.notices.reading import mark_thing_read
from rapport.staff.access import access_brand, brands_for, may
from rapport.staff.permissions import Permission
from rapport.web.numbers import whole_number
from rapport.web.views.pages import DeskRequest, desk_view

_RATES: dict[float, str | Promise] = {
    0.05: gettext_lazy("Hardly any: one in some months for each query"),
    0.2: gettext_lazy("Few: one in five weeks for each query"),
    1.0: gettext_lazy("Some: one a week for each query"),
    3.0: gettext_lazy("Many: three a week for each query"),
}


@require_safe
@desk_view
def alerts(request: DeskRequest) -> HttpResponse:
    """Every alert of one's brands, the newest first."""
    context = {
        "page": queries.alerts_of(user=request.user, after=request.GET.get("after")),
        "first": "after" not in request.GET,
        "managed": list(brands_for(request.user, Permission.MANAGE_LISTENING)),
        "now": timezone.now(),
    }
    return render(request, "web/alerts/list.html", context)


@desk_view
def alert(request: DeskRequest, alert_id: int) -> HttpResponse:
    """One alert: what it is about, and what is done about it."""
    found = actions.access_alert(user=request.user, alert_id=alert_id)
    mark_thing_read(user=request.user, key=alert_key(alert_id))
    problem = ""
    if request.method == "POST":
        try:
            messages.success(request, _act(request, found))
        except Invalid as error:
            problem = str(error)
        else:
            return HttpResponseRedirect(request.path)
    elif request.method not in {"GET", "HEAD"}:
        return HttpResponseNotAllowed(["GET", "POST"])
    return _page(request, found, problem)


def _page(request: DeskRequest, found: Alert, problem: str) -> HttpResponse:
    known, contacts = queries.contacts_of(found)
    now = timezone.now()
    context = {
        "alert": found,
        "hours": queries.hours_of(found),
        "posts": queries.posts_of(found),
        "known": known,
        "contacts": contacts,
        "may_manage": may(request.user, found.brand_id, Permission.MANAGE_LISTENING),
        "muted": found.muted_until is not None and found.muted_until > now,
        "mute_hours": actions.MUTE_HOURS,
        "typed": request.POST.get("incident", found.incident),
        "problem": problem,
        "hook_failed": found.told.get("hook_failed", "") if "hook" not in found.told else "",
    }
    return render(request, "web/alerts/alert.html", context, status=422 if problem else 200)


def _act(request: DeskRequest, found: Alert) -> str:
    user, alert_id = request.user, found.pk
    match request.POST.get("do"):
        case "acknowledge":
            actions.acknowledge(user=user, alert_id=alert_id)
            return _("You have taken it on. Pages tell it no more.")
        case "mute":
            hours = whole_number(request.POST.get("hours", ""))
            actions.mute_alert(user=user, alert_id=alert_id, hours=-1 if hours is None else hours)
            return _muted(hours or 0)
        case "incident":
            actions.link_incident(user=user, alert_id=alert_id, address=request.POST.get("incident", ""))
            return _("The link is kept.")
        case "right" | "noise" | "unjudged" as verdict:
            actions.judge_alert(
                user=user, alert_id=alert_id, verdict="" if verdict == "unjudged" else verdict
            )
            return _("Your verdict is kept.")
        case _:
            raise Invalid(_("Choose what to do."))


def _muted(hours: int) -> str:
    if not hours:
        return _("Alerts are told again.")
    return ngettext(
        "Nobody is told for %(n)d hour. Alerts are kept all the same.",
        "Nobody is told for %(n)d hours. Alerts are kept all the same.",
        hours,
    ) % {"n": hours}


@desk_view
def settings_page(request: DeskRequest, slug: str) -> HttpResponse:
    """How a brand is alerted, and how many alerts each choice would have made."""
    brand = access_brand(request.user, slug, Permission.MANAGE_LISTENING)
    problem = ""
    if request.method == "POST":
        try:
            messages.success(request, _set(request, brand.pk))
        except Invalid as error:
            problem = str(error)
        else:
            return HttpResponseRedirect(request.path)
    elif request.method not in {"GET", "HEAD"}:
        return HttpResponseNotAllowed(["GET", "POST"])
    own = queries.setting_of(brand.pk)
    counted: dict[str, int] = own.replayed.get("alerts", {})
    form: dict[str, Any] = {
        "on": own.on,
        "rate": str(own.false_per_week),
        "least": own.least,
        "emails": own.emails,
        "webhook_url": own.webhook_url,
        "country": own.country,
    }
    if problem:
        given = _wanted(request)
        form |= {
            "on": given.on,
            "rate": given.false_per_week,
            "least": given.least,
            "emails": given.emails,
            "webhook_url": given.webhook_url,
            "country": given.country,
        }
    total, right, noise = queries.verdicts_of(brand.pk)
    context = {
        "brand": brand,
        "form": form,
        "rates": [(str(rate), _RATES[rate], counted.get(str(rate))) for rate in CHOICES],
        "counted_at": parse_datetime(own.replayed.get("at", "")),
        "counted_least": own.replayed.get("least"),
        "muted": own.muted_until if own.muted_until and own.muted_until > timezone.now() else None,
        "mute_hours": actions.MUTE_HOURS,
        "secret": hook_secret(brand.pk) if own.webhook_url else "",
        "mails_possible": settings.RAPPORT_SMTP,
        "total": total,
        "right": right,
        "noise": noise,
        "problem": problem,
    }
    return render(request, "web/alerts/settings.html", context, status=422 if problem else 200)


def _wanted(request: DeskRequest) -> actions.Wanted:
    given = request.POST
    return actions.Wanted(
        on="on" in given,
        false_per_week=given.get("rate", ""),
        least=given.get("least", "").strip(),
        emails="emails" in given,
        webhook_url=given.get("webhook_url", ""),
        country=given.get("country", ""),
    )


def _set(request: DeskRequest, brand_id: int) -> str:
    match request.POST.get("do"):
        case "mute":
            hours = whole_number(request.POST.get("hours", ""))
            actions.mute_brand(user=request.user, brand_id=brand_id, hours=-1 if hours is None else hours)
            return _muted(hours or 0)
        case "count":
            actions.ask_for_noise(brand_id)
            return _("It is being counted. Look again in a minute.")
        case _:
            actions.save_setting(user=request.user, brand_id=brand_id, wanted=_wanted(request))
            return _("It is kept. How many alerts it would have made is being counted.")
