"""The contact form: no script, no cookie; what was typed is never lost, and nobody is refused without words."""

from __future__ import annotations

import math

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from rapport.brands.models import Channel
from rapport.lib.text import storable
from rapport.networks.webform import limits, tokens
from rapport.networks.webform.tokens import BadToken
from rapport.web.contact_form import (
    ContactForm,
    MessageForm,
    Wants,
    browser_language,
    chosen_language,
    form_channel,
    framed,
    is_closed,
    now_submission,
    store,
)
from rapport.web.uploads import files_too_large, too_large


@csrf_exempt  # in another site's frame there are no cookies; the form's own token says that it is ours
@require_http_methods(["GET", "HEAD", "POST"])
def contact(request: HttpRequest, channel_id: int) -> HttpResponse:
    """The form. Sent, it leads to the conversation's page with the reference number."""
    channel = form_channel(channel_id)
    wants = Wants.of(channel)
    with translation.override(chosen_language(request) or translation.get_language()):
        if is_closed(channel):
            return framed(
                render(request, "web/form/closed.html", {"brand": channel.brand}, status=410), wants
            )
        return framed(_contact(request, channel, wants), wants)


def _contact(request: HttpRequest, channel: Channel, wants: Wants) -> HttpResponse:
    if request.method != "POST":
        return _page(request, channel, wants, ContactForm(wants=wants))
    if too_large(request):
        return _page(request, channel, wants, ContactForm(wants=wants), notice=files_too_large(), status=413)
    form = ContactForm(request.POST, request.FILES, wants=wants)
    if not form.is_valid():
        return _page(request, channel, wants, form, status=422)
    nonce, notice, status = admitted(request, channel, form, name=f"contact:{channel.id}")
    if notice:
        return _page(request, channel, wants, form, notice=notice, status=status)
    given = now_submission(
        form,
        nonce=nonce,
        lang=browser_language(request),
        name=storable(" ".join(form.cleaned_data["name"].split())),
        email=form.cleaned_data.get("email", ""),
        subject=storable(" ".join(form.cleaned_data["subject"].split())),
        consent=wants.consent if form.cleaned_data.get("consent") else "",
    )
    store(channel, given)
    to = reverse("form-thread", args=[tokens.thread_token(given.key)])
    lang = chosen_language(request)
    return HttpResponseRedirect(f"{to}?sent=1" + (f"&lang={lang}" if lang else ""), status=303)


def _page(
    request: HttpRequest,
    channel: Channel,
    wants: Wants,
    form: ContactForm,
    *,
    notice: str = "",
    status: int = 200,
) -> HttpResponse:
    files = bool(request.FILES) and status != 200
    return render(
        request,
        "web/form/contact.html",
        {
            "channel": channel,
            "brand": channel.brand,
            "wants": wants,
            "form": form,
            "notice": notice,
            "files_lost": files,
            "token": tokens.form_token(f"contact:{channel.id}"),
            "lang": chosen_language(request),
        },
        status=status,
    )


# What every form here does before it takes a message ------------------------------------------------
def admitted(request: HttpRequest, channel: Channel, form: MessageForm, *, name: str) -> tuple[str, str, int]:
    """``(nonce, notice, status)``: with a notice nothing is stored, and it says what to do.

    Whoever is taken for a program wrongly needs to press the button once more; nothing is dropped in
    silence.
    """
    try:
        token = tokens.read_form_token(form.cleaned_data.get("token", ""), name)
    except BadToken:
        return (
            "",
            _("This page was open for a long time, so nothing was sent yet. Please send it again."),
            422,
        )
    if form.cleaned_data.get("website") or token.age_s < tokens.MIN_AGE_S:
        return (
            "",
            _("To be sure that you are not a program: please send it once more. Nothing was sent yet."),
            422,
        )
    wait = limits.count(channel_id=channel.id, address=str(request.META.get("REMOTE_ADDR") or ""))
    if wait is None:
        return token.nonce, "", 200
    minutes = max(1, math.ceil(wait.total_seconds() / 60))
    notice = ngettext(
        "Too many messages came from here just now, so yours was not sent. Your words are still below: please send "
        "them again in %(n)d minute.",
        "Too many messages came from here just now, so yours was not sent. Your words are still below: please send "
        "them again in %(n)d minutes.",
        minutes,
    )
    return "", notice % {"n": minutes}, 429
