"""What the reply and note fields hold and offer for one case."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from django.utils import timezone

from rapport.brands.models import Channel
from rapport.contacts.models import Identity
from rapport.inbox.models import Case, Visibility
from rapport.inbox.queries.detail import CaseDetail, MessageRow
from rapport.lib.errors import Invalid, NotAllowed
from rapport.networks.base import MediaRules
from rapport.outbox import checks
from rapport.outbox.composing import split
from rapport.outbox.drafts import DraftState, drafts_of
from rapport.outbox.models import DraftField
from rapport.outbox.outcome import heard_at
from rapport.outbox.returned import ReturnedFile
from rapport.outbox.splitting import fitting
from rapport.outbox.voices import voices
from rapport.staff.access import require_answer_from
from rapport.staff.models import User
from rapport.web.snooze import Snooze, snooze_choices


@dataclass(frozen=True, kw_only=True)
class Typed:
    """What a form brought that could not be done, so that it is shown again; or, after a success, the
    empty fields. ``clear``: these replace what the screen holds. ``files``: of a reply that was taken back."""

    text: str = ""
    note: str = ""
    visibility: str = ""
    in_reply_to: int | None = None
    form_key: uuid.UUID | None = None
    error: str = ""
    conflict: bool = False
    mode: str = "reply"
    clear: bool = True
    files: tuple[ReturnedFile, ...] = ()
    channel_id: int | None = None

    @property
    def clears_reply(self) -> bool:
        """Whether the reply's fields are replaced; what is done with a note leaves them alone."""
        return self.clear and self.mode == "reply"

    @property
    def clears_note(self) -> bool:
        """Whether the note's field is replaced."""
        return self.clear and self.mode == "note"


NOTHING = Typed(clear=False)


@dataclass(frozen=True, kw_only=True)
class Composer:
    """The fields as the template draws them.

    ``answers``: the contact's message the reply goes to, ``chosen`` when somebody picked it.
    ``length`` is what ``text`` counts with the signature and ``addition``, as the network counts;
    ``addition`` is what the network wants in every text. ``refusal`` says why nothing can be written here,
    ``blocked`` why nothing can be sent for now, "" when it can. ``outsider``: the channel belongs to teams
    that this person is not in. ``windows``: until when a private reply is possible, the one that counts
    first; ``window_over``: it is too late for one. ``now``: when all this was so. ``draft`` and
    ``note_draft``: what the person wrote before, here or on another device. ``voices``: the channels that a
    public answer can leave from, ``voice`` the one it does. ``threads``: a long public one may go out in several posts.
    ``times``: when it can leave, or the case come back, with one choice.
    """

    typed: Typed
    form_key: uuid.UUID
    visibilities: tuple[Visibility, ...]
    visibility: Visibility
    answers: MessageRow | None
    chosen: bool
    channel: Channel
    to: str
    now: datetime
    signature: str = ""
    addition: str = ""
    limit: int = 0
    limit_private: int = 0
    length: int = 0
    refusal: str = ""
    blocked: str = ""
    outsider: bool = False
    accepts: str = ""
    most_files: int = 0
    may_edit: bool = False
    may_delete: bool = False
    windows: tuple[checks.OpenWindow, ...] = ()
    window_over: bool = False
    draft: DraftState = field(default_factory=DraftState)
    note_draft: DraftState = field(default_factory=DraftState)
    voices: tuple[Channel, ...] = ()
    voice: Channel | None = None
    threads: bool = False
    times: Sequence[Snooze] = ()

    @property
    def text(self) -> str:
        """What the reply's field holds."""
        return self.typed.text or self.draft.text

    @property
    def note(self) -> str:
        """What the note's field holds."""
        return self.typed.note or self.note_draft.text

    @property
    def closed(self) -> bool:
        """Whether nothing can be sent as the fields stand."""
        return bool(self.blocked) or (self.window_over and self.visibility == Visibility.PRIVATE)


def composer(
    *, detail: CaseDetail, author: User, typed: Typed = NOTHING, answer_to: int | None = None
) -> Composer:
    """The fields for a case. ``answer_to``: the message somebody chose to answer."""
    case, refusal, blocked, outsider, now = detail.case, "", "", False, timezone.now()
    rows = detail.answerable
    wanted = typed.in_reply_to or answer_to
    picked = next((row for row in rows if row.message.id == wanted), None)
    answers = picked or _newest(rows)
    came = Visibility(answers.message.visibility) if answers else None
    channel = _channel(case, answers)
    limits = checks.Limits(max_length=0, signature="", visibilities=())
    try:
        require_answer_from(author, channel)
        limits = checks.limits(channel=channel, author=author, answering=came)
    except (Invalid, NotAllowed) as error:
        refusal, outsider = str(error), isinstance(error, NotAllowed)
    try:
        checks.check_connected(channel)
    except Invalid as error:
        blocked = str(error)
    windows: tuple[checks.OpenWindow, ...] = ()
    limited = bool(limits.windows) and answers is not None and came == Visibility.PRIVATE
    if limited and answers is not None:
        heard = heard_at(case_id=case.id, thread_id=answers.message.thread_id)
        windows = checks.open_windows(windows=limits.windows, heard_at=heard, now=now)
    files = [one for one in (limits.media, limits.media_private) if one is not None]
    visibility = _visibility(case, answers, typed, limits.visibilities)
    identity = answers.identity if answers else None
    drafts = drafts_of(user=author, case_id=case.id)
    draft = drafts[DraftField.REPLY]
    public = Visibility.PUBLIC in limits.visibilities and came == Visibility.PUBLIC
    speakers = voices(user=author, channel=channel) if public else (channel,)
    speaks = next((one for one in speakers if one.id == typed.channel_id), channel)
    return Composer(
        typed=typed,
        form_key=typed.form_key or uuid.uuid4(),
        visibilities=limits.visibilities,
        visibility=visibility,
        answers=answers,
        chosen=picked is not None and picked is not _newest(rows),
        channel=channel,
        to=(answers.identity.handle or answers.author_name) if answers else case.contact.name,
        now=now,
        signature=checks.signature(channel=speaks, author=author) if speaks != channel else limits.signature,
        addition=checks.addition(channel=channel, visibility=visibility, recipient=identity)
        if limits.visibilities
        else "",
        limit=limits.max_length,
        limit_private=limits.max_length_private,
        accepts=accepted(files),
        most_files=max((one.max_count for one in files), default=0),
        may_edit=limits.edit,
        may_delete=limits.delete,
        windows=windows,
        window_over=limited and not windows,
        length=counted(
            channel=speaks,
            author=author,
            text=typed.text or draft.text,
            visibility=visibility,
            recipient=identity,
        )
        if limits.visibilities
        else 0,
        refusal=refusal,
        blocked=blocked,
        outsider=outsider,
        draft=draft,
        note_draft=drafts[DraftField.NOTE],
        voices=speakers,
        voice=speaks,
        threads=limits.threads and public,
        times=snooze_choices(),
    )


def _channel(case: Case, answers: MessageRow | None) -> Channel:
    """Where the reply goes: in a case of several threads not always the case's own channel."""
    if answers is None or answers.message.channel_id == case.channel_id:
        return case.channel
    return Channel.objects.defer("credentials").get(id=answers.message.channel_id)


def accepted(rules: Sequence[MediaRules]) -> str:
    """The files a network takes, as a file field's ``accept`` wants them; "" for any."""
    types: list[str] = []
    for one in rules:
        if "file" in one.max_bytes and not one.content_types:
            return ""
        types += one.content_types or [f"{kind}/*" for kind in one.max_bytes if kind != "file"]
    return ",".join(dict.fromkeys(types))


def counted(
    *, channel: Channel, author: User, text: str, visibility: Visibility, recipient: Identity | None
) -> int:
    """How long ``text`` is with all that goes along, as the network counts; 0 while nothing is written.

    Raises Invalid for a network that is not installed.
    """
    words = _typed(text)
    if not words:
        return 0
    words = checks.signed(text=words, signature=checks.signature(channel=channel, author=author))
    return checks.length(channel=channel, text=words, visibility=visibility, recipient=recipient)


def cut(
    *, channel: Channel, author: User, text: str, visibility: Visibility, recipient: Identity | None
) -> int:
    """Where the limit falls in ``text``: so many of its UTF-16 units fit, which is how scripts count."""
    signature = checks.signature(channel=channel, author=author)
    fits = checks.fits(channel=channel, visibility=visibility, recipient=recipient)
    plain = text.replace("\r\n", "\n")
    lead = plain[: len(plain) - len(plain.lstrip())]
    words = plain.strip()
    until = fitting(words, lambda part: fits(checks.signed(text=part, signature=signature)))
    return len((lead + words[:until]).encode("utf-16-le", "surrogatepass")) // 2


def posts(
    *, channel: Channel, author: User, text: str, recipient: Identity | None, numbered: bool
) -> list[dict[str, object]]:
    """The posts that a public text too long for one would be: [{"text", "length"}]. Raises Invalid."""
    pieces = split(
        channel=channel,
        text=checks.clean_text(text),
        signature=checks.signature(channel=channel, author=author),
        visibility=Visibility.PUBLIC,
        recipient=recipient,
        numbered=numbered,
    )
    count = partial(checks.length, channel=channel, visibility=Visibility.PUBLIC, recipient=recipient)
    return [{"text": one.text, "length": count(text=one.text)} for one in pieces]


def _typed(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


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
