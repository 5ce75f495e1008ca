"""What the contact form's pages share: the channel, what was typed, and who may show the page in a frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.core.validators import MaxLengthValidator
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext_lazy

from rapport.brands.models import Channel, ChannelState
from rapport.ingest.actions import store_raw
from rapport.ingest.models import Via
from rapport.lib.text import storable
from rapport.media.actions import IMAGES
from rapport.networks.webform import submission
from rapport.networks.webform.submission import File, Submission
from rapport.web.uploads import FilesField

NETWORK = "webform"
# What a customer may send us: agents open it.
ACCEPTED = IMAGES | {"application/pdf", "text/plain"}


def _text(limit: int) -> forms.CharField:
    too_long = ngettext_lazy(
        "This may have %(limit_value)d character; it has %(show_value)d.",
        "This may have %(limit_value)d characters; it has %(show_value)d.",
        "limit_value",
    )
    made = forms.CharField(max_length=limit, required=False)
    for validator in made.validators:
        if isinstance(validator, MaxLengthValidator):
            validator.message = too_long
    return made


class MessageForm(forms.Form):
    """The words and files of one message, and the two fields that only programs notice or forget."""

    message = _text(submission.MAX_MESSAGE)
    website = forms.CharField(required=False)
    token = forms.CharField(required=False)

    def __init__(self, *args: Any, attachments: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["message"].error_messages["required"] = _("Write your message.")
        self.fields["message"].required = True
        if attachments:
            self.fields["files"] = FilesField(
                count=submission.MAX_FILES,
                each=submission.MAX_FILE_BYTES,
                together=submission.MAX_ALL_BYTES,
                accepted=ACCEPTED,
            )


class ContactForm(MessageForm):
    """The whole form, as its channel's settings want it."""

    name = _text(submission.MAX_NAME)
    email = forms.EmailField(
        max_length=submission.MAX_EMAIL,
        required=False,
        error_messages={"invalid": lazy("Write an e-mail address such as name@example.com.")},
    )
    subject = _text(submission.MAX_SUBJECT)

    def __init__(self, *args: Any, wants: Wants, **kwargs: Any) -> None:
        super().__init__(*args, attachments=wants.attachments, **kwargs)
        if wants.email == "none":
            del self.fields["email"]
        elif wants.email == "required":
            self.fields["email"].required = True
            self.fields["email"].error_messages["required"] = _(
                "Write your e-mail address, so that we can answer."
            )
        if wants.consent:
            self.fields["consent"] = forms.BooleanField(
                error_messages={"required": _("Tick this box to agree, or we may not take your message.")}
            )


@dataclass(frozen=True, kw_only=True)
class Wants:
    """How an admin set the form up."""

    intro: str = ""
    email: str = "required"
    attachments: bool = True
    consent: str = ""
    mails: bool = False  # whether answers are mailed, and not on their page alone
    sites: Sequence[str] = field(default=())

    @classmethod
    def of(cls, channel: Channel) -> Wants:
        given = channel.settings
        email = str(given.get("email") or "required")
        sites = given.get("sites")
        return cls(
            intro=str(given.get("intro") or ""),
            email=email if email in {"required", "optional", "none"} else "required",
            attachments=bool(given.get("attachments", True)),
            consent=str(given.get("consent") or ""),
            mails=bool(str(given.get("smtp_host") or "").strip()),
            sites=tuple(str(one) for one in sites) if isinstance(sites, list) else (),
        )


def form_channel(channel_id: int) -> Channel:
    """The form's channel. Raises Http404. A paused one still takes messages: nothing said is lost."""
    found = (
        Channel.objects.select_related("brand").defer("credentials").filter(id=channel_id, network=NETWORK)
    )
    channel = found.first()
    if channel is None:
        raise Http404
    return channel


def is_closed(channel: Channel) -> bool:
    """Whether an admin has disconnected the form."""
    return channel.state == ChannelState.DISCONNECTED


def chosen_language(request: HttpRequest) -> str:
    """The site that shows the form may say its language (``?lang=hr``); else the browser's counts."""
    wanted = request.GET.get("lang", "")[:20]
    try:
        return translation.get_supported_language_variant(wanted) if wanted else ""
    except LookupError:
        return ""


def browser_language(request: HttpRequest) -> str:
    """The first language the browser asks for, "" when it does not say."""
    first = request.headers.get("Accept-Language", "")[:200].split(",")[0].split(";")[0].strip()
    return first if first.replace("-", "").isalnum() and first.isascii() and len(first) <= 16 else ""


def store(channel: Channel, given: Submission) -> None:
    """Keep what was sent, before anybody is told "thanks". Twice the same is once."""
    with transaction.atomic():
        store_raw(channel_id=channel.id, items=[submission.raw_item(given)], via=Via.WEBHOOK)


def now_submission(form: MessageForm, *, nonce: str, lang: str, **more: Any) -> Submission:
    """What a valid form says."""
    data = form.cleaned_data
    return Submission(
        nonce=nonce,
        at=timezone.now(),
        message=storable(data["message"]),
        files=tuple(
            File(name=one.name, content_type=one.content_type, content=one.content)
            for one in data.get("files") or ()
        ),
        lang=lang,
        **more,
    )


def framed(response: HttpResponse, wants: Wants) -> HttpResponse:
    """Let the form's sites show this page in a frame, and nobody else; keep it out of caches."""
    if wants.sites:
        response._csp_replace = {"frame-ancestors": ["'self'", *wants.sites]}  # type: ignore[attr-defined]  # django-csp reads it
        response.xframe_options_exempt = True
    patch_cache_control(response, no_store=True, private=True)
    patch_vary_headers(response, ["Accept-Language"])
    response["X-Robots-Tag"] = "noindex"
    return response
