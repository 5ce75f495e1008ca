"""One channel: how it does, what people chose about it, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.html import escape
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from rapport.brands.hours import in_words
from rapport.brands.models import Channel, ChannelState
from rapport.channels import actions, rotation
from rapport.channels.access import access_channel
from rapport.ingest import backfill
from rapport.ingest.queries import parked_events
from rapport.lib.errors import Invalid
from rapport.networks.base import Connector
from rapport.networks.registry import connectors
from rapport.staff.access import granted
from rapport.staff.permissions import Permission
from rapport.web.channel_forms import OptionsForm, SinceForm, day_start, options_of
from rapport.web.health_words import health, notes
from rapport.web.hook_addresses import channel_address, network_address
from rapport.web.views.pages import DeskRequest, desk_view

_ALERTS = 10
# The one network whose place is a page of ours (web/form_urls.py).
FORM = "webform"


@dataclass(frozen=True)
class Past:
    """How far the fetching of a channel's past is. ``share``: of the time, 0 to 100, None when unknown."""

    state: str
    found: int
    since: datetime | None
    reached: datetime | None
    error: str
    share: int | None

    @property
    def going(self) -> bool:
        return self.state == backfill.BackfillState.RUNNING


def past_of(channel: Channel) -> Past | None:
    """None where it was never asked for."""
    kept = channel.backfill
    if not kept.get("state"):
        return None
    since, reached = (parse_datetime(kept.get(name) or "") for name in ("since", "reached"))
    share = None
    if kept["state"] == backfill.BackfillState.DONE:
        share = 100
    elif since is not None and reached is not None:
        now = timezone.now()
        share = round(100 * min(max((now - reached) / (now - since), 0), 1))
    return Past(kept["state"], kept.get("found", 0), since, reached, kept.get("error", ""), share)


@require_safe
@desk_view
def channel(request: DeskRequest, channel_id: int) -> HttpResponse:
    """The channel's page. Who may not change it sees how it does."""
    return _page(request, channel_id)


def _page(
    request: DeskRequest, channel_id: int, *, form: OptionsForm | None = None, problem: str = ""
) -> HttpResponse:
    found = access_channel(user=request.user, channel_id=channel_id, permission=Permission.VIEW_CASES)
    allowed = granted(request.user, found.brand_id)
    may_manage = Permission.MANAGE_CHANNELS in allowed
    connector = connectors().get(found.network)
    context: dict[str, Any] = {
        "channel": found,
        "health": health(found),
        "notes": notes([found], everything=True)[found.id],
        "guided": connector is not None and connector.guide is not None,
        "past": past_of(found),
        "hours": in_words(found.hours),
        "teams": list(found.teams.values_list("name", flat=True)),
        "may_manage": may_manage,
        "alerts": list(found.alerts.order_by("-began_at")[:_ALERTS]) if may_manage else [],
        "problem": problem,
    }
    if found.network == FORM:
        address = f"{settings.RAPPORT_BASE_URL}{reverse('form', args=[found.id])}"
        context["form_address"] = address
        # A plain string: the page escapes it once more, so that it is shown and not drawn.
        context["form_embed"] = (
            f'<iframe src="{escape(address)}" title="{escape(found.handle)}" width="100%" height="900" loading="lazy"></iframe>'
        )
    if Permission.REPLAY_EVENTS in allowed:
        context["parked"] = parked_events(brand_ids=[found.brand_id]).filter(channel=found).count()
    if may_manage and connector is not None:
        context |= _manage(request, found, connector, form)
    return render(request, "web/channel.html", context, status=422 if form or problem else 200)


def _manage(
    request: DeskRequest, found: Channel, connector: type[Connector], form: OptionsForm | None
) -> dict[str, Any]:
    can = connector.capabilities
    return {
        "form": form or OptionsForm(brand=found.brand, can=can, connecting=False, initial=options_of(found)),
        "can": can,
        "since_form": SinceForm(auto_id="past_%s") if can.history else None,
        "addresses": addresses(found, connector) if can.webhook else [],
        "secrets": _secrets(request, found) if can.webhook else [],
        "rotatable": rotation.rotatable(found.network) if can.webhook else [],
        "ours": rotation.OURS,
        "forgotten": found.state == ChannelState.DISCONNECTED
        and Channel.objects.filter(id=found.id, credentials__isnull=True).exists(),
    }


def _secrets(request: DeskRequest, found: Channel) -> list[tuple[str, str, str]]:
    """What is ours and must be pasted at the network: name, label, value."""
    labels = dict(rotation.rotatable(found.network))
    kept = rotation.shown_secrets(actor=request.user, channel_id=found.id)
    return [(name, labels.get(name, name), value) for name, value in kept.items()]


def addresses(found: Channel, connector: type[Connector]) -> list[tuple[str, str]]:
    """Where the network may deliver: what each address is for, and the address."""
    own = channel_address(found.network, found.id)
    if connector.hook_per_app:
        return [(_("For this channel's app, and every account that uses the same app"), own)]
    listed = [(_("For this channel alone"), own)]
    shared = network_address(connector)
    if shared:
        listed.insert(0, (_("For every account of this network"), shared))
    return listed


@require_POST
@desk_view
def options(request: DeskRequest, channel_id: int) -> HttpResponse:
    """Change what people chose about it."""
    found = access_channel(user=request.user, channel_id=channel_id)
    connector = connectors().get(found.network)
    if connector is None:
        raise Invalid(_("The connector of this network is not installed."))
    form = OptionsForm(request.POST, brand=found.brand, can=connector.capabilities, connecting=False)
    if not form.is_valid():
        return _page(request, channel_id, form=form)
    actions.update_channel(actor=request.user, channel_id=channel_id, options=form.options())
    messages.success(request, _("Saved."))
    return _back(channel_id)


@sensitive_post_parameters()
@require_http_methods(["POST"])
@desk_view
def rotate(request: DeskRequest, channel_id: int) -> HttpResponse:
    """A new webhook secret; the one before is good for another day."""
    try:
        rotation.rotate_webhook_secret(
            actor=request.user,
            channel_id=channel_id,
            name=request.POST.get("name", ""),
            secret=request.POST.get("secret", "")[:1000],
        )
    except Invalid as error:
        return _page(request, channel_id, problem=str(error))
    messages.success(
        request, _("There is a new secret. Give it to the network today: the one before ends in 24 hours.")
    )
    return _back(channel_id)


@require_safe
@desk_view
def past(request: DeskRequest, channel_id: int) -> HttpResponse:
    """The part of the page that tells how far the past is fetched."""
    found = access_channel(user=request.user, channel_id=channel_id, permission=Permission.VIEW_CASES)
    if not request.htmx:
        return _back(channel_id)
    may_manage = Permission.MANAGE_CHANNELS in granted(request.user, found.brand_id)
    return render(
        request,
        "web/parts/past.html",
        {"channel": found, "past": past_of(found), "may_manage": may_manage, "since_form": None},
    )


@require_POST
@desk_view
def fetch_past(request: DeskRequest, channel_id: int) -> HttpResponse:
    """Fetch what was said before, since a day."""
    found = access_channel(user=request.user, channel_id=channel_id)
    form = SinceForm(request.POST)
    if not form.is_valid():
        return _page(request, channel_id, problem=_("Choose a day in the past."))
    try:
        since = day_start(form.cleaned_data["since"], found.brand)
        backfill.start(actor=request.user, channel_id=channel_id, since=since)
    except Invalid as error:
        return _page(request, channel_id, problem=str(error))
    return _back(channel_id)


# What a button of the page does, and what is said afterwards.
_ACTS: dict[str, tuple[Callable[..., object], Any]] = {
    "pause": (actions.pause_channel, lambda: _("Paused. Replies wait until it is resumed.")),
    "resume": (actions.resume_channel, lambda: _("It goes on where it was paused.")),
    "disconnect": (actions.disconnect_channel, lambda: _("Disconnected. Its credentials are forgotten.")),
    "past-pause": (backfill.pause, None),
    "past-resume": (backfill.resume, None),
    "past-cancel": (backfill.cancel, None),
}


@require_POST
@desk_view
def act(request: DeskRequest, channel_id: int, what: str) -> HttpResponse:
    """One of the page's buttons."""
    if what not in _ACTS:
        raise Invalid(_("There is no such button."))
    do, words = _ACTS[what]
    do(actor=request.user, channel_id=channel_id)
    if words is not None:
        messages.success(request, words())
    return _back(channel_id)


def _back(channel_id: int) -> HttpResponse:
    return HttpResponseRedirect(reverse("channel", args=[channel_id]))
