"""A customer's own page of their conversation. Its address is the key to it, so nothing passes it on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.dateparse import parse_datetime
from django.utils.http import content_disposition_header
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from rapport.brands.models import Channel
from rapport.inbox.models import Message
from rapport.ingest.models import RawEvent, RawState
from rapport.media.actions import IMAGES
from rapport.media.models import StoredFile
from rapport.networks.webform import tokens
from rapport.networks.webform.tokens import BadToken
from rapport.web.contact_form import (
    NETWORK,
    MessageForm,
    Wants,
    browser_language,
    chosen_language,
    framed,
    is_closed,
    now_submission,
    store,
)
from rapport.web.uploads import files_too_large, too_large
from rapport.web.views.form import admitted

_SHOWN = 200


@dataclass(frozen=True)
class Shown:
    """One message as its customer sees it. ``ours``: written by the brand."""

    text: str
    at: datetime
    ours: bool
    files: Sequence[tuple[int | None, str, str, bool]] = ()  # id, name, description, whether it is a picture


@dataclass(frozen=True)
class Conversation:
    """``author``: the customer's id, name and address, None until the first message is read."""

    channel: Channel
    key: str
    messages: Sequence[Shown]
    author: tuple[str, str, str]

    @property
    def reference(self) -> str:
        return self.key.removeprefix("form:")


@csrf_exempt  # as the form itself
@require_http_methods(["GET", "HEAD", "POST"])
def thread(request: HttpRequest, token: str) -> HttpResponse:
    """What was said, and a field to write on."""
    found = _conversation(token)
    wants = Wants.of(found.channel)
    with translation.override(chosen_language(request) or translation.get_language()):
        return framed(_thread(request, token, found, wants), wants)


def _thread(request: HttpRequest, token: str, found: Conversation, wants: Wants) -> HttpResponse:
    closed = is_closed(found.channel)
    blank = MessageForm(attachments=wants.attachments)
    if request.method != "POST" or closed:
        return _page(request, token, found, wants, blank, closed=closed)
    if too_large(request):
        return _page(request, token, found, wants, blank, notice=files_too_large(), status=413)
    form = MessageForm(request.POST, request.FILES, attachments=wants.attachments)
    if not form.is_valid():
        return _page(request, token, found, wants, form, status=422)
    nonce, notice, status = admitted(request, found.channel, form, name=found.key)
    if notice:
        return _page(request, token, found, wants, form, notice=notice, status=status)
    author, name, email = found.author
    given = now_submission(
        form,
        nonce=nonce,
        lang=browser_language(request),
        thread_key=found.key,
        author_id=author,
        name=name,
        email=email,
    )
    store(found.channel, given)
    lang = chosen_language(request)
    to = reverse("form-thread", args=[token])
    return HttpResponseRedirect(f"{to}?sent=2" + (f"&lang={lang}" if lang else ""), status=303)


@require_safe
def file(request: HttpRequest, token: str, file_id: int) -> HttpResponse:
    """A file of the conversation. Pictures are shown, everything else is downloaded."""
    found = _conversation(token)
    if file_id not in {one for message in found.messages for one, *_rest in message.files}:
        raise Http404
    stored = StoredFile.objects.filter(id=file_id, brand_id=found.channel.brand_id).first()
    if stored is None:
        raise Http404
    shown = stored.content_type in IMAGES
    response = HttpResponse(
        bytes(stored.content), content_type=stored.content_type if shown else "application/octet-stream"
    )
    disposition = content_disposition_header(as_attachment=not shown, filename=stored.name)
    response["Content-Disposition"] = disposition or "attachment"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cache-Control"] = "private, no-store"
    return response


def _page(
    request: HttpRequest,
    token: str,
    found: Conversation,
    wants: Wants,
    form: MessageForm,
    *,
    notice: str = "",
    closed: bool = False,
    status: int = 200,
) -> HttpResponse:
    context = {
        "channel": found.channel,
        "brand": found.channel.brand,
        "found": found,
        "address": request.build_absolute_uri(request.path),
        "wants": wants,
        "form": form,
        "notice": notice,
        "closed": closed,
        "sent": status == 200 and request.GET.get("sent", ""),
        "files_lost": bool(request.FILES) and status != 200,
        "thread": token,
        "token": tokens.form_token(found.key),
        "lang": chosen_language(request),
    }
    return render(request, "web/form/thread.html", context, status=status)


def _conversation(token: str) -> Conversation:
    """Raises Http404 for anything that is not a conversation of ours."""
    try:
        key = tokens.read_thread_token(token)
    except BadToken as error:
        raise Http404 from error
    channels = list(Channel.objects.filter(network=NETWORK).values_list("id", flat=True))
    # What waits is asked for first: a message that is read between the two is then in both, and never in neither.
    waiting = RawEvent.objects.filter(
        channel_id__in=channels, state__in=[RawState.PENDING, RawState.PARKED], payload__thread=key
    ).order_by("id")
    raw = list(waiting.values_list("channel_id", "payload"))
    customers = Message.objects.filter(channel_id__in=channels, thread_key=key, own=False)
    known = customers.select_related("identity").order_by("sent_at", "id").first()
    if raw and known is not None:
        read = set(
            customers.filter(external_id__in=[one.get("id") for _, one in raw]).values_list(
                "external_id", flat=True
            )
        )
        raw = [(channel_id, one) for channel_id, one in raw if one.get("id") not in read]
    if known is not None:
        identity = known.identity
        author = (identity.external_id, identity.name, identity.handle)
        channel_id, messages = known.channel_id, _said(known)
    elif raw:
        channel_id, payload = raw[0]
        author = (
            str(payload.get("author") or key),
            str(payload.get("name", "")),
            str(payload.get("email", "")),
        )
        messages = []
    else:
        raise Http404
    channel = Channel.objects.select_related("brand").defer("credentials").get(id=channel_id)
    messages += [_unread(payload) for _channel, payload in raw]
    return Conversation(channel, key, messages[-_SHOWN:], author)


def _said(first: Message) -> list[Shown]:
    """The conversation's messages, oldest first. What was taken away is not shown."""
    said = Message.objects.filter(
        channel_id=first.channel_id, thread_key=first.thread_key, deleted_at=None, hidden_at=None
    ).order_by("-sent_at", "-id")[:_SHOWN]
    return [
        Shown(one.text, one.sent_at, one.own, tuple(_file(item) for item in one.media))
        for one in reversed(said)
    ]


def _unread(payload: dict[str, Any]) -> Shown:
    """A message that was stored a moment ago and is not in the inbox yet."""
    at = parse_datetime(str(payload.get("at", "")))
    files = [(None, str(one.get("name", "")), "", False) for one in payload.get("files", [])]
    return Shown(
        str(payload.get("message", "")), at or datetime.now().astimezone(), ours=False, files=tuple(files)
    )


def _file(item: dict[str, Any]) -> tuple[int | None, str, str, bool]:
    found = item.get("file")
    return (
        found if isinstance(found, int) else None,
        str(item.get("name") or item.get("url") or ""),
        str(item.get("alt") or ""),
        item.get("kind") == "image",
    )
