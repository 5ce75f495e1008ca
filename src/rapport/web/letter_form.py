"""The form in which an agent enters a letter, a call or a visit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

from django import forms
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rapport.brands.models import Brand, Channel, SignatureStyle
from rapport.channels.actions import ChannelOptions, connect_channel
from rapport.ingest.actions import store_raw
from rapport.ingest.models import Via
from rapport.lib.errors import Conflict
from rapport.lib.text import storable
from rapport.media.actions import IMAGES
from rapport.networks.letters import entry
from rapport.networks.letters.entry import ACCOUNT, Entry, Scan
from rapport.web.uploads import FilesField

NETWORK = "letters"
WAYS = (
    ("letter", gettext_lazy("Letter")),
    ("call", gettext_lazy("Telephone call")),
    ("visit", gettext_lazy("In person")),
)
_EARLIEST = date(1990, 1, 1)
_NOON = time(12)


class LetterForm(forms.Form):
    """Who, when, what, and the paper. ``cleaned_data["at"]`` is when it was written or said, with a zone."""

    key = forms.UUIDField()
    brand = forms.ModelChoiceField(queryset=Brand.objects.none(), to_field_name="slug")
    way = forms.ChoiceField(choices=WAYS, initial="letter")
    name = forms.CharField(max_length=entry.MAX_NAME, required=False)
    phone = forms.CharField(max_length=entry.MAX_PHONE, required=False)
    address = forms.CharField(max_length=entry.MAX_ADDRESS, required=False)
    date = forms.DateField(error_messages={"invalid": gettext_lazy("Write a date such as 2026-11-21.")})
    time = forms.TimeField(
        required=False, error_messages={"invalid": gettext_lazy("Write a time such as 14:30.")}
    )
    text = forms.CharField(max_length=entry.MAX_TEXT)

    def __init__(self, brands: Sequence[Brand], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["brand"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Brand.objects.filter(id__in=[one.id for one in brands])
        self.fields["date"].error_messages["required"] = _("Say when it was written or said.")
        self.fields["text"].error_messages["required"] = _("Write what it says, or sum it up.")
        self.fields["files"] = FilesField(
            count=entry.MAX_FILES,
            each=entry.MAX_FILE_BYTES,
            together=entry.MAX_ALL_BYTES,
            accepted=IMAGES | {"application/pdf"},
            required=False,
        )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        day, hour = data.get("date"), data.get("time")
        if day is None or self.errors.get("time"):
            return data
        now = timezone.now()
        today = timezone.localdate(now)
        if day > today:
            self.add_error("date", _("This day is still to come. Write when it was written or said."))
            return data
        if day < _EARLIEST:
            self.add_error("date", _("This is very long ago. Look at the year again."))
            return data
        # Without an hour: the middle of that day, or now.
        at = (
            now
            if day == today and hour is None
            else timezone.make_aware(datetime.combine(day, hour or _NOON))
        )
        if at > now:
            self.add_error("time", _("This time is still to come. Write when it was written or said."))
        data["at"] = at
        return data


def letters_channel(brand: Brand) -> Channel:
    """The brand's channel for letters and calls, made when there is none."""
    known = Channel.objects.select_related("brand").filter(brand=brand, network=NETWORK, external_id=ACCOUNT)
    channel = known.first()
    if channel is None:
        try:
            channel = connect_channel(
                actor=None,
                brand_id=brand.id,
                network=NETWORK,
                credentials={},
                settings={"name": _("Letters and calls")},
                options=ChannelOptions(signature=SignatureStyle.NONE, polled=False, streamed=False),
            )
        except Conflict:  # somebody entered the first letter at the same moment
            channel = known.get()
    return channel


def store(
    channel: Channel,
    form: LetterForm,
    *,
    recorded_by: str,
    thread_key: str | None = None,
    author: tuple[str, str, str] | None = None,
) -> str:
    """Keep a valid form; returns the message's external id. ``author``: id, name and number of somebody known."""
    data = form.cleaned_data
    author_id, name, phone = author or (None, data["name"], data["phone"])
    given = Entry(
        key=str(data["key"]),
        way=data["way"],
        at=data["at"],
        text=storable(data["text"]),
        recorded_by=recorded_by,
        name=storable(name),
        phone=storable(phone),
        address=storable(data["address"]),
        thread_key=thread_key,
        author_id=author_id,
        scans=[
            Scan(name=one.name, content_type=one.content_type, content=one.content) for one in data["files"]
        ],
    )
    item = entry.raw_item(given)
    with transaction.atomic():
        store_raw(channel_id=channel.id, items=[item], via=Via.WEBHOOK)
    return str(item.payload["id"])
