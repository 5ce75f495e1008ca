"""What the reply and note fields hold and offer for one case."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from rapport.brands.models import Channel
from rapport.inbox.models import Case, Visibility
from rapport.inbox.queries.detail import CaseDetail, MessageRow
from rapport.lib.errors import Invalid
from rapport.outbox import checks
from rapport.staff.models import User


@dataclass(frozen=True, kw_only=True)
class Typed:
    """What a form brought that could not be done, so that it is shown again; or, after a success, the
    empty fields. ``clear``: these replace what the screen holds."""

    text: str = ""
    note: str = ""
    visibility: str = ""
    in_reply_to: int | None = None
    form_key: uuid.UUID | None = None
    error: str = ""
    conflict: bool = False
    mode: str = "reply"
    clear: bool = True


NOTHING = Typed(clear=False)


@dataclass(frozen=True, kw_only=True)
class Composer:
    """The fields as the template draws them.

    ``answers``: the contact's message the reply goes to, ``chosen`` when somebody picked it.
    ``length`` is what ``typed.text`` counts with the signature, as the network counts. ``refusal``
    says why nothing can be sent, "" when it can.
    """

    typed: Typed
    form_key: uuid.UUID
    visibilities: tuple[Visibility, ...]
    visibility: Visibility
    answers: MessageRow | None
    chosen: bool
    channel: Channel
    to: str
    signature: str = ""
    limit: int = 0
    length: int = 0
    refusal: str = ""


def composer(
    *, detail: CaseDetail, author: User, typed: Typed = NOTHING, answer_to: int | None = None
) -> Composer:
    """The fields for a case. ``answer_to``: the message somebody chose to answer."""
    case, refusal = detail.case, ""
    limits = checks.Limits(max_length=0, signature="", visibilities=())
    try:
        limits = checks.limits(channel=case.channel, author=author)
    except Invalid as error:
        refusal = str(error)
    rows = [row for row in (*detail.earlier_of_contact, *detail.messages) if row.of_contact]
    wanted = typed.in_reply_to or answer_to
    picked = next((row for row in rows if row.message.id == wanted), None)
    answers = picked or _newest(rows)
    return Composer(
        typed=typed,
        form_key=typed.form_key or uuid.uuid4(),
        visibilities=limits.visibilities,
        visibility=_visibility(case, answers, typed, limits.visibilities),
        answers=answers,
        chosen=picked is not None and picked is not _newest(rows),
        channel=case.channel,
        to=(answers.identity.handle or answers.author_name) if answers else case.contact.name,
        signature=limits.signature,
        limit=limits.max_length,
        length=counted(channel=case.channel, author=author, text=typed.text) if limits.visibilities else 0,
        refusal=refusal,
    )


def counted(*, channel: Channel, author: User, text: str) -> int:
    """How long ``text`` is once it is signed, as the network counts; 0 while nothing is written.

    Raises Invalid for a network that is not installed.
    """
    words = text.replace("\r\n", "\n").strip()
    if not words:
        return 0
    signature = checks.signature(channel=channel, author=author)
    return checks.connector_of(channel).length(checks.signed(text=words, signature=signature))


def unsigned(*, text: str, signature: str) -> str:
    """``text`` as its author typed it, for going back into the field."""
    return text.removesuffix(signature).rstrip() if signature else text


def _newest(rows: Sequence[MessageRow]) -> MessageRow | None:
    kept = [row for row in rows if row.message.deleted_at is None]
    return kept[-1] if kept else None


def _visibility(
    case: Case, answers: MessageRow | None, typed: Typed, offered: tuple[Visibility, ...]
) -> Visibility:
    # What came privately is answered privately.
    wanted = typed.visibility or (answers.message.visibility if answers else case.visibility)
    if wanted in offered:
        return Visibility(wanted)
    return offered[0] if offered else Visibility(case.visibility)
