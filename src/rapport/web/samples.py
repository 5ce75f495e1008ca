"""Made-up cases, messages and notes in every state, for the page of components. Nothing of it is stored."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone

from rapport.brands.models import Brand, Channel
from rapport.contacts.models import Identity
from rapport.inbox.models import Case, Message, Note
from rapport.inbox.queries.became import Became, Before
from rapport.inbox.queries.detail import OutgoingRow
from rapport.inbox.queries.receipts import Received
from rapport.inbox.queries.rows import CaseRow
from rapport.inbox.queries.thread import MessageRow
from rapport.staff.models import User
from rapport.web.kept_rows import ShownRow, shown_row
from rapport.web.place import Place
from rapport.web.timeline import Entry, Told
from rapport.web.together import open_words

# What customers write is in their own languages, and is not translated.
_WORDS = "My bag never arrived in Vienna. Flight AA 417, yesterday. https://example.com/claim"
_THAI = "กระเป๋าของฉันอยู่ที่ไหน เที่ยวบินเมื่อวานนี้"
_ARABIC = "أين حقيبتي؟ لقد وصلت أمس"
_LONG = "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen" * 7


def sample_rows() -> list[ShownRow]:
    """A row of the list in each state, leading nowhere."""
    now = timezone.now()
    usual = _row(now)
    waits = replace(usual, waiting_since=now - timedelta(minutes=12))
    rows = [
        waits,
        replace(usual, waiting_since=now - timedelta(hours=3), priority=4, tags=("refund", "lost bag")),
        replace(waits, visibility="private", preview="Can you send me the receipt?", priority=3),
        replace(waits, names_you=True, assignee_id=1, assignee_name="Mara Kovač", assignee_initials="MK"),
        usual,
        replace(usual, failed=True, preview="We could not find it yet."),
        replace(usual, status="snoozed", snoozed_until=now + timedelta(days=1)),
        replace(usual, status="closed", closed_at=now, preview=""),
        replace(waits, contact_name="สมชาย ใจดี", preview=_THAI, lang="th"),
        replace(waits, contact_name="ليلى حداد", preview=_ARABIC, lang="ar"),
        replace(waits, contact_name=_LONG, preview=_LONG, tags=(_LONG[:60],)),
    ]
    return [
        shown_row(
            replace(row, id=number),
            "#rows-title",
            selected=number == 2,
            may_pick=True,
            drafted=number == 5,
            open_by=open_words(["Ivo Perić"]) if number == 1 else "",
        )
        for number, row in enumerate(rows, start=1)
    ]


def _row(now: datetime) -> CaseRow:
    return CaseRow(
        id=0,
        version=1,
        status="open",
        priority=2,
        brand_id=0,
        brand_name="Aero Adria",
        brand_colour="",
        channel_id=0,
        channel_handle="@aero",
        network="practice",
        contact_id=0,
        contact_name="Ana Weber",
        handle="ana.w",
        avatar_url="",
        visibility="public",
        preview=_WORDS,
        lang="en",
        opened_at=now - timedelta(days=1),
        last_message_at=now - timedelta(minutes=12),
        waiting_since=None,
        snoozed_until=None,
        closed_at=None,
        close_reason="",
        assignee_id=None,
        assignee_name="",
        assignee_initials="",
        team_name="",
        tags=(),
        failed=False,
        names_you=False,
    )


def sample_case(reader: User) -> dict[str, Any]:
    """The context of a thread whose entries are one of each kind."""
    channel = Channel(id=0, network="practice", handle="@aero")
    case = Case(id=0, brand=Brand(id=0, name="Aero Adria", slug="aero"), channel=channel, version=1)
    return {
        "place": Place(),
        "case": case,
        "entries": _entries(channel, reader),
        "detail": {"files": {}},
        "composer": {"visibilities": ["public"], "may_edit": True, "may_delete": True},
        "may_reply": True,
        "may_work": True,
        "assignable": [reader],
        "undo_url": reverse("bulk-undo", args=[0]),
    }


def _entries(channel: Channel, reader: User) -> list[Entry]:
    now = timezone.now()
    theirs = {"name": "Ana Weber", "handle": "ana.w"}
    own = {"name": "Mara Kovač", "handle": "@aero", "own": True}
    said: list[dict[str, Any]] = [
        {**theirs, "text": _WORDS, "like_count": 2, "repost_count": 1, "facts": {"rating": 2, "rating_of": 5}},
        {**theirs, "text": _THAI, "lang": "th", "edited_at": now},
        {**own, "text": "Sorry to hear that, Ana. Which flight was it? ^MK"},
        {**own, "text": "Here is your claim, with the amount. ^MK", "visibility": "private"},
        {**theirs, "text": "Thank you. My number is below.", "visibility": "private"},
        {**own, "text": "We have it. ^MK", "visibility": "private"},
        {**theirs, "text": "Never mind.", "deleted_at": now},
        {**theirs, "text": "This one is hidden.", "hidden_at": now},
        {"name": "Joe King", "handle": "joe_k", "text": "Same here.", "other": True},
        {**own, "text": "We are closed today.", "automatic": True},
        {**theirs, "text": _LONG, "media": [{"url": "https://example.com/bag.jpg", "kind": "image", "alt": "A red bag"}]},
    ]  # fmt: skip
    entries = [_message(channel, number, one) for number, one in enumerate(said, start=1)]
    entries[0].day, entries[4].unread = timezone.localdate(), True
    entries[3].received = Received(read=True, at=now)
    entries[5].received = Received(read=False, at=now)
    entries[1].became = Became(edits=[Before(now, "กระเป๋าของฉัน")], reactions=[("like", 3), ("🎉", 1)])
    note = Note(
        id=1, author=reader, text=f"A regular. @{reader.name}, see https://example.com", created_at=now
    )
    told = [
        Told(1, now, "Mara Kovač took the case", "user-round-plus"),
        Told(2, now, "Mara Kovač set the priority to High", "flag"),
    ]
    return [
        *entries,
        Entry(at=now, note=note),
        Entry(at=now, told=told),
        *(Entry(at=now, outgoing=one) for one in _outgoing(now)),
    ]


def _message(channel: Channel, number: int, said: dict[str, Any]) -> Entry:
    given = dict(said)
    name, handle, other = given.pop("name"), given.pop("handle"), given.pop("other", False)
    own = given.pop("own", False)
    at = timezone.now() - timedelta(minutes=60 - number)
    fields = {"visibility": "public", "lang": "en", "facts": {}, **given}
    message = Message(id=number, channel=channel, sent_at=at, own=own, from_brand=own, **fields)
    row = MessageRow(
        message=message,
        identity=Identity(network="practice", handle=handle, name=name),
        parent_id=None,
        of_contact=not own and not other,
        author_name=name,
        outgoing_id=None,
    )
    return Entry(at=at, row=row)


def _outgoing(now: datetime) -> list[OutgoingRow]:
    usual = OutgoingRow(
        id=1,
        state="queued",
        text="We found it. It comes tomorrow. ^MK",
        visibility="public",
        author_id=0,
        author_name="Mara Kovač",
        in_reply_to_id=None,
        not_before=now + timedelta(minutes=1),
        created_at=now,
        attempts=0,
        doubtful=False,
        error="",
        close_after=False,
        verb="post",
        target_id=None,
        target_text="",
        files=(),
        typed="We found it. It comes tomorrow.",
        handle="@aero",
        snooze_until=None,
        scheduled_for=None,
        overtaken=False,
        follows_id=None,
        part=1,
        parts=1,
    )
    refusal = "The network refused it: the text is too long."
    return [
        usual,
        replace(usual, id=2, state="sending", visibility="private"),
        replace(usual, id=3, attempts=2, error="The network does not answer.", files=("claim.pdf",)),
        replace(usual, id=4, state="failed", attempts=1, error=refusal),
    ]
