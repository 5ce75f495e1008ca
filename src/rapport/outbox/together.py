"""Two people and one case: who answers it already, what is new since somebody began, and asking once.

A reply that would go out beside another's, or past what its writer has not seen, is asked about once and
sent when they say so. Nothing is locked for good, and no words are lost.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from django.db import connection
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from rapport.inbox.models import Case, CaseEvent, CaseEventKind, Note
from rapport.inbox.queries.detail import written_since
from rapport.inbox.together import TIMES
from rapport.lib.errors import Conflict
from rapport.outbox.models import Outgoing, OutgoingState, Verb
from rapport.staff.models import User

SHOWN = 5
_MOST = 3  # of each kind of news, the newest
_ON_ITS_WAY = (OutgoingState.QUEUED, OutgoingState.SENDING, OutgoingState.HELD)
# Changes that may make an answer wrong; a tag or a priority does not.
_TOLD = (
    CaseEventKind.ASSIGNED,
    CaseEventKind.CLOSED,
    CaseEventKind.REOPENED,
    CaseEventKind.SNOOZED,
    CaseEventKind.MERGED,
    CaseEventKind.PARTED,
    CaseEventKind.SPLIT,
)


@dataclass(frozen=True, kw_only=True)
class Colleague:
    """Somebody else at the case. ``writing``: "reply" or "note" while they press keys. ``answers_since``: since
    when they answer it, None when they do not."""

    id: int
    name: str
    initials: str
    here: bool
    writing: str
    answers_since: datetime | None


@dataclass(frozen=True, kw_only=True)
class Company:
    """Who else is at a case. ``here``: who looks at it, whoever writes first, and ``more`` others.
    ``before``: who began an answer before the reader did, ``after``: who began one after."""

    here: tuple[Colleague, ...] = ()
    more: int = 0
    before: tuple[Colleague, ...] = ()
    after: tuple[Colleague, ...] = ()


_COMPANY = """
WITH looks AS (
    SELECT user_id, bool_or(seen_at > now() - %(here)s::interval) AS here,
           coalesce(max(writing) FILTER (WHERE typed_at > now() - %(writes)s::interval AND seen_at > now() - %(here)s::interval), '') AS writing,
           min(reply_began_at) FILTER (WHERE reply_typed_at > now() - %(fresh)s::interval) AS began_at,
           coalesce(bool_or(reply_typed_at > now() - %(answers)s::interval), false) AS answers
    FROM inbox_caselook WHERE case_id = %(case)s GROUP BY user_id
), drafts AS (
    SELECT user_id, typed_at FROM outbox_draft
    WHERE case_id = %(case)s AND field = 'reply' AND btrim(text) <> '' AND typed_at > now() - %(fresh)s::interval
), people AS (
    SELECT coalesce(l.user_id, d.user_id) AS user_id, coalesce(l.here, false) AS here,
           coalesce(l.writing, '') AS writing,
           CASE WHEN l.answers OR d.user_id IS NOT NULL THEN coalesce(l.began_at, d.typed_at) END AS since
    FROM looks l FULL JOIN drafts d ON d.user_id = l.user_id
)
SELECT u.id, u.name, u.initials, p.here, p.writing, p.since, count(*) FILTER (WHERE p.here AND u.id <> %(user)s) OVER ()
FROM people p JOIN staff_user u ON u.id = p.user_id
WHERE u.is_active AND (p.here OR p.since IS NOT NULL)
ORDER BY u.id = %(user)s DESC, p.since NULLS LAST, p.writing = '', u.name, u.id LIMIT %(most)s
"""


def company(*, user: User, case_id: int) -> Company:
    """Who is at the case beside ``user``, who may see it; in one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            _COMPANY,
            {
                "case": case_id,
                "user": user.id,
                **TIMES,
                "most": 4 * SHOWN,
            },
        )
        found = cursor.fetchall()
    people = [
        Colleague(id=pk, name=name, initials=initials, here=here, writing=writing, answers_since=since)
        for pk, name, initials, here, writing, since, _all in found
    ]
    mine = next((one.answers_since for one in people if one.id == user.id), None)
    others = [one for one in people if one.id != user.id]
    here = [one for one in others if one.here][:SHOWN]
    answering = [one for one in others if one.answers_since is not None]
    before = tuple(one for one in answering if mine is None or _first(one, mine, user))
    return Company(
        here=tuple(here),
        more=(found[0][6] if found else 0) - len(here),
        before=before,
        after=tuple(one for one in answering if one not in before),
    )


def _first(one: Colleague, mine: datetime, user: User) -> bool:
    return one.answers_since is not None and (one.answers_since, one.id) < (mine, user.id)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What somebody had on their screen when they began: the case's version, and the newest event, reply and
    message of it. Written into the form, so that nothing need be remembered for anybody."""

    version: int
    event: int
    outgoing: int
    message: int

    def __str__(self) -> str:
        return f"{self.version}.{self.event}.{self.outgoing}.{self.message}"

    @classmethod
    def read(cls, value: str) -> Seen | None:
        """What a form brought; None for anything that is no such thing."""
        parts = value[:80].split(".")
        if len(parts) != 4 or not all(part.isascii() and part.isdigit() and len(part) < 19 for part in parts):
            return None
        return cls(version=int(parts[0]), event=int(parts[1]), outgoing=int(parts[2]), message=int(parts[3]))


def seen_now(*, case: Case) -> Seen:
    """What whoever opens the case now sees, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT coalesce((SELECT max(id) FROM inbox_caseevent WHERE case_id = %(case)s), 0),
                   coalesce((SELECT max(id) FROM outbox_outgoing WHERE case_id = %(case)s), 0),
                   coalesce((SELECT max(m.id) FROM inbox_casethread ct
                             CROSS JOIN LATERAL (SELECT max(id) AS id FROM inbox_message WHERE thread_id = ct.thread_id) m
                             WHERE ct.case_id = %(case)s), 0)
            """,
            {"case": case.id},
        )
        event, outgoing, message = cursor.fetchone() or (0, 0, 0)
    return Seen(version=case.version, event=event, outgoing=outgoing, message=message)


@dataclass(frozen=True, kw_only=True)
class Words:
    """Words that came since. ``kind``: "customer", "brand" (said on the network itself), "reply" (a colleague's,
    on its way or sent) or "note". ``entry``: where they stand on the page. ``leaves_at``: they are a reply that goes
    out then and not before; ``held``: one that does not leave by itself, because the customer wrote."""

    kind: str
    who: str
    text: str
    entry: str
    leaves_at: datetime | None = None
    held: bool = False


@dataclass(frozen=True, kw_only=True)
class News:
    """What came to a case since somebody began: ``words`` said, and ``events`` of colleagues."""

    words: tuple[Words, ...] = ()
    events: tuple[CaseEvent, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.words or self.events)


def news_since(*, user: User, case: Case, seen: Seen) -> News:
    """What colleagues and the customer did since ``seen``: of each kind the newest three, oldest first.

    Nothing of ``user``'s own, and nothing that makes no difference to an answer. Four queries, or none when
    the case has not changed.
    """
    if case.version == seen.version:
        return News()
    return News(
        words=(*_said(user, case, seen), *_replied(user, case, seen), *_noted(user, case, seen)),
        events=tuple(
            reversed(
                CaseEvent.objects.filter(case=case, id__gt=seen.event, kind__in=_TOLD)
                .exclude(actor=user)
                .select_related("actor")
                .defer("actor__password")
                .order_by("-id")[:_MOST]
            )
        ),
    )


def _said(user: User, case: Case, seen: Seen) -> list[Words]:
    """The customer's words, and ours that somebody wrote on the network itself."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT m.id, m.own, coalesce(nullif(i.name, ''), i.handle), m.text
            FROM inbox_casethread ct
            CROSS JOIN LATERAL (
                SELECT id, own, from_brand, text, identity_id FROM inbox_message
                WHERE thread_id = ct.thread_id AND id > %(message)s AND NOT automatic AND deleted_at IS NULL
                ORDER BY id DESC LIMIT 50
            ) m
            JOIN contacts_identity i ON i.id = m.identity_id
            WHERE ct.case_id = %(case)s AND (
                (i.contact_id = %(contact)s AND NOT m.from_brand)
                OR (m.own AND NOT EXISTS (SELECT FROM outbox_outgoing o WHERE o.message_id = m.id))
            )
            ORDER BY m.id DESC LIMIT %(most)s
            """,
            {"case": case.id, "contact": case.contact_id, "message": seen.message, "most": _MOST},
        )
        found = cursor.fetchall()
    return [
        Words(kind="brand" if own else "customer", who=who, text=text, entry=f"m{pk}")
        for pk, own, who, text in reversed(found)
    ]


def _replied(user: User, case: Case, seen: Seen) -> list[Words]:
    """Colleagues' replies, whether they are still on their way or there."""
    replies = (
        Outgoing.objects.filter(case=case, id__gt=seen.outgoing, verb=Verb.POST)
        .exclude(author=user)
        .exclude(state__in=[OutgoingState.CANCELLED, OutgoingState.FAILED])
        .select_related("author")
        .annotate(newer=written_since(case))
        .order_by("-id")[:_MOST]
    )
    return [
        Words(
            kind="reply",
            who=one.author.name,
            text=one.text,
            entry=f"m{one.message_id}" if one.message_id else f"o{one.id}",
            leaves_at=leaves_at(one),
            held=_held(one, newer=one.newer),
        )
        for one in reversed(replies)
    ]


def _noted(user: User, case: Case, seen: Seen) -> list[Words]:
    ids = CaseEvent.objects.filter(case=case, id__gt=seen.event, kind=CaseEventKind.NOTED).exclude(actor=user)
    wanted = [data.get("note") for data in ids.order_by("-id").values_list("data", flat=True)[:_MOST]]
    notes = Note.objects.filter(id__in=wanted).select_related("author").order_by("id")
    return [Words(kind="note", who=one.author.name, text=one.text, entry=f"n{one.id}") for one in notes]


class Waits(Protocol):
    """What of a reply says when it leaves, whether it is the row itself or a page's copy of it."""

    @property
    def state(self) -> str: ...
    @property
    def error(self) -> str: ...
    @property
    def scheduled_for(self) -> datetime | None: ...


def leaves_at(reply: Waits) -> datetime | None:
    """The time somebody chose for a reply, while that lies ahead; None for one that leaves as soon as it can."""
    chosen = reply.scheduled_for
    ahead = chosen is not None and chosen > timezone.now()
    return chosen if ahead and reply.state == OutgoingState.QUEUED and not reply.error else None


def _held(reply: Waits, *, newer: bool) -> bool:
    """Whether a reply waits for somebody to look: ``newer`` says that the customer wrote since, which holds a
    scheduled one."""
    return reply.state == OutgoingState.HELD or (newer and leaves_at(reply) is not None)


def on_its_way(*, user: User, case: Case) -> list[Words]:
    """Replies of colleagues that have not left yet, oldest first; of one in several posts the next to leave."""
    waiting = (
        Outgoing.objects.filter(case=case, state__in=_ON_ITS_WAY, verb=Verb.POST)
        .filter(Q(follows=None) | Q(follows__state=OutgoingState.SENT))
        .exclude(author=user)
        .select_related("author")
        .annotate(newer=written_since(case))
        .order_by("id")[:_MOST]
    )
    return [
        Words(
            kind="reply",
            who=one.author.name,
            text=one.text,
            entry=f"o{one.id}",
            leaves_at=leaves_at(one),
            held=_held(one, newer=one.newer),
        )
        for one in waiting
    ]


class Asked(Conflict):
    """The reply was not sent: somebody should look first, and say so once more.

    ``answering``: who answers already and was not spoken of before; ``news``: what the writer has not seen.
    """

    def __init__(self, *, answering: Collection[Colleague], news: News) -> None:
        self.answering = tuple(answering)
        self.news = news
        if news:
            text = _(
                "Something is new since you began. Your words are kept and nothing is sent: look, then send again."
            )
        else:
            text = _(
                "Somebody else is answering this. Your words are kept and nothing is sent: send again if yours should go too."
            )
        super().__init__(text)


def ask(*, user: User, case: Case, seen: Seen | None, anyway: Collection[int]) -> None:
    """Whether ``user``'s reply may go as it is: with the case locked, in the transaction that queues it.

    ``anyway``: ids of colleagues whose answers the writer knows of. Raises :class:`Asked`; with no ``seen``
    only colleagues count.
    """
    answering = [one for one in company(user=user, case_id=case.id).before if one.id not in anyway]
    news = news_since(user=user, case=case, seen=seen) if seen else News()
    if answering or news:
        raise Asked(answering=answering, news=news)
