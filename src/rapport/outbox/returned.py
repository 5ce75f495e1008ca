"""Files of a reply that was taken back: they go into the composer again, and along with the next one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from rapport.lib.errors import Invalid
from rapport.media.actions import kind_of
from rapport.outbox.checks import NewMedia
from rapport.outbox.models import Outgoing, OutgoingFile, OutgoingState, Verb
from rapport.staff.models import User


@dataclass(frozen=True, kw_only=True)
class ReturnedFile:
    """A file as the composer holds it. ``id``: of the row of the reply that was taken back."""

    id: int
    name: str
    alt: str


def returned_files(outgoing: Outgoing) -> tuple[ReturnedFile, ...]:
    """What went along with a reply that was taken back, in order."""
    found = outgoing.files.values_list("id", "file__name", "alt")
    return tuple(ReturnedFile(id=pk, name=name, alt=alt) for pk, name, alt in found)


def access_returned(
    *, user: User, brand_id: int, chosen: Sequence[tuple[int, str]]
) -> list[tuple[ReturnedFile, NewMedia]]:
    """The ``chosen`` files (id, description) of replies that ``user`` took back, ready to go again.

    Raises Invalid for one that is not among them.
    """
    rows = OutgoingFile.objects.filter(
        id__in=[pk for pk, _alt in chosen],
        outgoing__author=user,
        outgoing__brand_id=brand_id,
        outgoing__verb=Verb.POST,
        outgoing__state=OutgoingState.CANCELLED,
    )
    stored = {one.id: one.file for one in rows.select_related("file")}
    if any(pk not in stored for pk, _alt in chosen):
        raise Invalid(_("A file of the reply that was taken back is not there any more. Choose it again."))
    return [
        (
            ReturnedFile(id=pk, name=stored[pk].name, alt=alt),
            NewMedia(
                name=stored[pk].name,
                content=bytes(stored[pk].content),
                content_type=stored[pk].content_type,
                kind=kind_of(stored[pk].content_type),
                alt=alt,
            ),
        )
        for pk, alt in chosen
    ]
