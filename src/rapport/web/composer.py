"""What the reply and note fields hold and offer for one case."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from rapport.brands.models import Channel
from rapport.inbox.models import Case, Visibility
from rapport.inbox.queries.detail import CaseDetail, MessageRow
from rapport.lib.errors import Invalid, NotAllowed
from rapport.networks.base import MediaRules
from rapport.outbox import checks
from rapport.outbox.outcome import heard_at
from rapport.staff.access import require_answer_from
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
    says why nothing can be sent, "" when it can. ``window``: until when a private reply is possible;
    ``window_over``: it is too late for one.
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
    limit_private: int = 0
    length: int = 0
    refusal: str = ""
    accepts: str = ""
    most_files: int = 0
    may_edit: bool = False
    may_delete: bool = False
    window: checks.OpenWindow | None = None
    window_over: bool = False


def composer(
    *, detail: CaseDetail, author: User, typed: Typed = NOTHING, answer_to: int | None = None
) -> Composer:
    """The fields for a case. ``answer_to``: the message somebody chose to answer."""
    case, refusal = detail.case, ""
    limits = checks.Limits(max_length=0, signature="", visibilities=())
    try:
        require_answer_from(author, case.channel)
        limits = checks.limits(channel=case.channel, author=author)
    except (Invalid, NotAllowed) as error:
        refusal = str(error)
    rows = [row for row in (*detail.earlier_of_contact, *detail.messages) if row.of_contact]
    wanted = typed.in_reply_to or answer_to
    picked = next((row for row in rows if row.message.id == wanted), None)
    answers = picked or _newest(rows)
    visibilities = limits.visibilities
    if answers and answers.message.visibility == Visibility.PUBLIC and not limits.private_to_public:
        visibilities = tuple(one for one in visibilities if one != Visibility.PRIVATE)
    window = None
    if limits.windows and answers and answers.message.visibility == Visibility.PRIVATE:
        heard = heard_at(case_id=case.id, thread_id=answers.message.thread_id)
        window = checks.open_window(windows=limits.windows, heard_at=heard, now=timezone.now())
    files = [one for one in (limits.media, limits.media_private) if one is not None]
    return Composer(
        typed=typed,
        form_key=typed.form_key or uuid.uuid4(),
        visibilities=visibilities,
        visibility=_visibility(case, answers, typed, visibilities),
        answers=answers,
        chosen=picked is not None and picked is not _newest(rows),
        channel=case.channel,
        to=(answers.identity.handle or answers.author_name) if answers else case.contact.name,
        signature=limits.signature,
        limit=limits.max_length,
        limit_private=limits.max_length_private,
        accepts=accepted(files),
        most_files=max((one.max_count for one in files), default=0),
        may_edit=limits.edit,
        may_delete=limits.delete,
        window=window,
        window_over=bool(limits.windows)
        and window is None
        and answers is not None
        and answers.message.visibility == Visibility.PRIVATE,
        length=counted(channel=case.channel, author=author, text=typed.text) if limits.visibilities else 0,
        refusal=refusal,
    )


def accepted(rules: Sequence[MediaRules]) -> str:
    """The files a network takes, as a file field's ``accept`` wants them; "" for any."""
    types: list[str] = []
    for one in rules:
        if "file" in one.max_bytes and not one.content_types:
            return ""
        types += one.content_types or [f"{kind}/*" for kind in one.max_bytes if kind != "file"]
    return ",".join(dict.fromkeys(types))


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
