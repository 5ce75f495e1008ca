"""Connecting a channel, step by step: network, guide, (the network's login), the account, its options."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from rapport.brands.hours import day_in_words
from rapport.brands.models import Brand, Channel
from rapport.channels import pending as steps
from rapport.channels.access import access_channel
from rapport.channels.models import PendingChannel, PendingStage
from rapport.lib.errors import ActionError, Invalid, NotAllowed, NotFound
from rapport.networks.base import Capabilities, Connector, Guide
from rapport.networks.registry import connectors
from rapport.staff.access import access_brand, brands_for
from rapport.staff.permissions import Permission
from rapport.web.channel_forms import GuideForm, OptionsForm
from rapport.web.hook_addresses import network_address
from rapport.web.numbers import whole_number
from rapport.web.views.pages import DeskRequest, desk_view, status_of


@dataclass(frozen=True)
class Guided:
    """A network that a person can connect. (A template would call a class, so it is not handed one.)"""

    network: str
    label: str
    guide: Guide
    can: Capabilities

    @classmethod
    def of(cls, connector: type[Connector]) -> Guided | None:
        if connector.guide is None:
            return None
        return cls(connector.network, str(connector.label), connector.guide, connector.capabilities)


def _session(request: DeskRequest) -> str:
    return request.session.session_key or ""


def _brands(request: DeskRequest) -> list[Brand]:
    found = list(brands_for(request.user, Permission.MANAGE_CHANNELS))
    if not found:
        raise NotAllowed(_("Only admins connect channels. Ask one of your brand's."))
    return found


def _brand(request: DeskRequest, brands: Sequence[Brand]) -> Brand:
    slug = request.GET.get("brand", "")
    return access_brand(request.user, slug, Permission.MANAGE_CHANNELS) if slug else brands[0]


def _guided(network: str) -> Guided:
    cls = connectors().get(network)
    guided = Guided.of(cls) if cls is not None else None
    if guided is None:
        raise NotFound(_("There is no such network here, or it is not connected by hand."))
    return guided


@require_safe
@desk_view
def pick(request: DeskRequest) -> HttpResponse:
    """For which brand, and on which network."""
    brands = _brands(request)
    networks = [guided for cls in connectors().values() if (guided := Guided.of(cls)) is not None]
    networks.sort(key=lambda one: one.label.casefold())
    return render(
        request,
        "web/connect/pick.html",
        {"brands": brands, "brand": _brand(request, brands), "networks": networks},
    )


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@desk_view
def guide(request: DeskRequest, network: str) -> HttpResponse:
    """What it takes, and the form. What was typed stays on the page when it fails, but for secrets."""
    guided = _guided(network)
    channel = _again(request, network)
    brand = channel.brand if channel else _brand(request, _brands(request))
    login = _by_login(guided.guide, request.POST.get("way", ""))
    form = GuideForm(
        guided.guide,
        request.POST if request.method == "POST" else None,
        login=login,
        known=channel.settings if channel else None,
    )
    problem: Invalid | None = None
    if request.method == "POST":
        try:
            if form.is_valid():
                return _begin(request, guided, brand, channel, form, login=login)
            problem = Invalid(_("Something is missing or cannot be right. See below."))
        except Invalid as error:
            problem = error
    return render(
        request,
        "web/connect/guide.html",
        {
            "guided": guided,
            "brand": brand,
            "channel": channel,
            "form": form,
            "problem": problem,
            "to_paste": _to_paste(guided),
            "secrets_lost": form.secrets_typed(),
        },
        status=status_of(problem) if problem else 200,
    )


def _by_login(guide: Guide, way: str) -> bool:
    """Whether the network's own login comes next: the way a button says, where the guide leaves a choice."""
    if guide.oauth_optional:
        return way == "login"
    return guide.oauth


def _to_paste(guided: Guided) -> list[tuple[str, str]]:
    """Addresses of ours that the network wants to know beforehand."""
    listed = []
    if guided.guide.oauth or guided.guide.oauth_optional:
        listed.append(
            (_("Callback address, to which the network sends you back"), _redirect_uri(guided.network))
        )
    shared = network_address(connectors()[guided.network])
    if shared:
        listed.append((_("Webhook address, to which it delivers"), shared))
    return listed


def _again(request: DeskRequest, network: str) -> Channel | None:
    """The channel that is to be connected again, if one is named."""
    channel_id = whole_number(request.GET.get("channel", ""))
    if channel_id is None:
        return None
    channel = access_channel(user=request.user, channel_id=channel_id)
    if channel.network != network:
        raise NotFound(_("That channel is on another network."))
    return channel


def _begin(
    request: DeskRequest,
    guided: Guided,
    brand: Brand,
    channel: Channel | None,
    form: GuideForm,
    *,
    login: bool,
) -> HttpResponse:
    network = guided.network
    channel_id = channel.id if channel else None
    if login:
        pending, _url = steps.begin_login(
            actor=request.user,
            session=_session(request),
            brand_id=brand.id,
            network=network,
            values=form.values(),
            redirect_uri=_redirect_uri(network),
            channel_id=channel_id,
        )
        return _to_step(pending)
    pending = steps.begin_typed(
        actor=request.user,
        session=_session(request),
        brand_id=brand.id,
        network=network,
        values=form.values(),
        channel_id=channel_id,
    )
    if channel_id is None:
        return _to_step(pending)
    try:
        return _reconnect(request, pending, channel_id)
    except Invalid:
        pending.delete()
        raise


def _redirect_uri(network: str) -> str:
    return f"{settings.RAPPORT_BASE_URL}{reverse('connect-back', args=[network])}"


def _to_step(pending: PendingChannel) -> HttpResponse:
    return HttpResponseRedirect(reverse("connect-step", args=[pending.network, pending.id]))


@require_safe
@desk_view
def back(request: DeskRequest, network: str) -> HttpResponse:
    """The browser comes back from the network's login. A "no" is a page with a way on, not an error."""
    guided = _guided(network)
    try:
        pending = steps.come_back(
            actor=request.user,
            session=_session(request),
            network=network,
            query={name: str(value) for name, value in request.GET.items()},
            redirect_uri=_redirect_uri(network),
        )
    except steps.NotLetIn as error:
        if error.pending.data["granted"]:
            return _choose(request, guided, error.pending, problem=error)
        return _refused(request, guided, error, error.pending)
    except NotFound as error:
        return _refused(request, guided, error)
    return _to_step(pending)


def _refused(
    request: DeskRequest, guided: Guided, problem: ActionError, pending: PendingChannel | None = None
) -> HttpResponse:
    """Why nothing was connected. With ``pending`` the login can be tried again as it was begun."""
    return render(
        request,
        "web/connect/refused.html",
        {"guided": guided, "problem": problem, "pending": pending},
        status=422 if pending else status_of(problem),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view
def step(request: DeskRequest, network: str, pending_id: UUID) -> HttpResponse:
    """Where this connection stands: going to the login, choosing an account, or looking at it."""
    guided = _guided(network)
    try:
        pending = steps.access_pending(actor=request.user, session=_session(request), pending_id=pending_id)
    except NotFound as error:
        return _refused(request, guided, error)
    if pending.network != network:
        raise NotFound(_("That is another network."))
    if pending.stage == PendingStage.AWAY:
        url = (pending.data or {}).get("url", "")
        return render(request, "web/connect/login.html", {"guided": guided, "pending": pending, "url": url})
    if pending.stage == PendingStage.GRANTED:
        if pending.data and not pending.data["granted"]:
            return _once_more(request, guided, pending)
        return _choose(request, guided, pending)
    return _account(request, guided, pending)


def _once_more(request: DeskRequest, guided: Guided, pending: PendingChannel) -> HttpResponse:
    problem = Invalid(_("The login brought no account."))
    if request.method == "POST":
        try:
            begun = steps.log_in_again(
                actor=request.user,
                session=_session(request),
                pending=pending,
                redirect_uri=_redirect_uri(guided.network),
            )
            return _to_step(begun)
        except Invalid as error:
            problem = error
    return _refused(request, guided, problem, pending)


def _choose(
    request: DeskRequest, guided: Guided, pending: PendingChannel, *, problem: Invalid | None = None
) -> HttpResponse:
    if not pending.data:
        return _refused(request, guided, NotFound(_("This login was used already. Begin again.")))
    if request.method == "POST":
        number = whole_number(request.POST.get("account", ""))
        try:
            return _to_step(steps.choose(pending=pending, number=-1 if number is None else number))
        except Invalid as error:
            problem = error
    labels = [one["label"] for one in pending.data["granted"]]
    return render(
        request,
        "web/connect/choose.html",
        {"guided": guided, "pending": pending, "labels": labels, "problem": problem},
        status=422 if problem else 200,
    )


def _account(request: DeskRequest, guided: Guided, pending: PendingChannel) -> HttpResponse:
    """Whose account it is, and what people choose about it; then it is saved."""
    again = steps.existing(pending)
    form = OptionsForm(
        request.POST if request.method == "POST" and again is None else None,
        brand=pending.brand,
        can=guided.can,
        connecting=True,
        initial={f"hours_{day}": day_in_words(spans) for day, spans in pending.brand.hours.items()},
    )
    problem: Invalid | None = None
    if request.method == "POST":
        try:
            if again is not None:
                return _reconnect(request, pending, again.id)
            if form.is_valid():
                channel = steps.connect_pending(
                    actor=request.user, pending=pending, options=form.options(), backfill_since=form.since()
                )
                messages.success(
                    request,
                    _("%(handle)s is connected. It is heard from now on.") % {"handle": channel.handle},
                )
                return HttpResponseRedirect(reverse("channel", args=[channel.id]))
            problem = Invalid(_("Something is missing or cannot be right. See below."))
        except Invalid as error:
            problem = error
    return render(
        request,
        "web/connect/account.html",
        {
            "guided": guided,
            "pending": pending,
            "brand": pending.brand,
            "profile": steps.profile_of(pending),
            "existing": again,
            "form": form,
            "problem": problem,
        },
        status=422 if problem else 200,
    )


def _reconnect(request: DeskRequest, pending: PendingChannel, channel_id: int) -> HttpResponse:
    channel = steps.reconnect_pending(actor=request.user, pending=pending, channel_id=channel_id)
    messages.success(
        request,
        _("%(handle)s is connected again. What customers wrote meanwhile is fetched now.")
        % {"handle": channel.handle},
    )
    return HttpResponseRedirect(reverse("channel", args=[channel.id]))
