"""A case as one line of time: messages, notes, what waits to be sent, and what was done to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from rapport.inbox.models import CaseEvent, CaseEventKind, CloseReason, Note, Priority, Visibility
from rapport.inbox.queries.became import Became
from rapport.inbox.queries.detail import CaseDetail, OutgoingRow
from rapport.inbox.queries.reasons import reason_labels
from rapport.inbox.queries.receipts import Received
from rapport.inbox.queries.thread import MessageRow
from rapport.staff.models import Team, User
from rapport.web.durations import long_time

# Messages and notes stand for themselves.
_TOLD_ELSEWHERE = {CaseEventKind.RECEIVED, CaseEventKind.REPLIED, CaseEventKind.NOTED}


@dataclass(frozen=True)
class Told:
    """One change of the case, as a sentence. ``case_id``: the other case it speaks of."""

    id: int
    at: datetime
    sentence: str
    icon: str
    case_id: int | None = None


@dataclass
class Entry:
    """One stop on the line of time: exactly one of ``row``, ``note``, ``outgoing``, ``told``.

    ``quotes``: the message this one answers, where that is not the one right above it. ``day``: a new day
    begins here. ``unread``: the first message that the person has not seen. ``earlier``: from long before what
    follows. ``root``: the post of ours that the thread is about.
    """

    at: datetime
    row: MessageRow | None = None
    note: Note | None = None
    outgoing: OutgoingRow | None = None
    told: list[Told] = field(default_factory=list)
    quotes: MessageRow | None = None
    became: Became | None = None
    received: Received | None = None
    day: date | None = None
    unread: bool = False
    earlier: bool = False
    root: bool = False

    @property
    def key(self) -> str:
        """Names the entry for ever, so that the screen can tell what is new from what moved."""
        if self.row is not None:
            return f"m{self.row.message.id}"
        if self.note is not None:
            return f"n{self.note.id}"
        if self.outgoing is not None:
            return f"o{self.outgoing.id}"
        return f"e{self.told[0].id}"


def timeline(detail: CaseDetail) -> list[Entry]:
    """Everything that happened in the case while the page's messages were said, oldest first; what waits to
    be sent comes last, and what the page is about but lies before it comes first."""
    page = detail.thread
    roots = [Entry(at=row.message.sent_at, row=row, earlier=True, root=_is_post(row)) for row in page.roots]
    known = {row.message.id for row in page.roots}
    earlier = [
        Entry(at=row.message.sent_at, row=row, earlier=True)
        for row in page.earlier_of_contact
        if row.message.id not in known
    ]
    entries = [Entry(at=row.message.sent_at, row=row, root=_is_post(row)) for row in page.rows]
    entries += [Entry(at=note.created_at, note=note) for note in detail.notes]
    entries += [Entry(at=item.at, told=[item]) for item in told_of(detail.events)]
    entries.sort(key=lambda entry: entry.at)
    folded = _fold(entries)
    _days(folded)
    _quote(folded, detail)
    for entry in (*roots, *earlier, *folded):
        if entry.row is not None:
            entry.became = detail.became.get(entry.row.message.id)
            entry.received = detail.received.get(entry.row.message.id)
            entry.unread = entry.row.message.id == page.unread_id and not entry.earlier
    waiting = [Entry(at=row.created_at, outgoing=row) for row in detail.outgoing]
    return [*roots, *earlier, *folded, *waiting]


def _is_post(row: MessageRow) -> bool:
    """Whether it is a post of ours that people comment on, and not an answer."""
    message = row.message
    return message.own and not message.parent_external_id and message.visibility == Visibility.PUBLIC


def _fold(entries: Iterable[Entry]) -> list[Entry]:
    folded: list[Entry] = []
    for entry in entries:
        if entry.told and folded and folded[-1].told:
            folded[-1].told.extend(entry.told)
        else:
            folded.append(entry)
    return folded


def _days(entries: Iterable[Entry]) -> None:
    last: date | None = None
    for entry in entries:
        today = timezone.localdate(entry.at)
        if today != last:
            entry.day = last = today


def _quote(entries: Iterable[Entry], detail: CaseDetail) -> None:
    rows = {row.message.id: row for row in (*detail.earlier_of_contact, *detail.messages)}
    above: int | None = None
    for entry in entries:
        if entry.row is None:
            continue
        parent = entry.row.parent_id
        if parent is not None and parent != above:
            entry.quotes = rows.get(parent) or detail.thread.parents.get(parent)
        above = entry.row.message.id


def told_of(events: Sequence[CaseEvent]) -> list[Told]:
    """What colleagues did, as sentences: all but words, which stand for themselves."""
    shown = [event for event in events if event.kind not in _TOLD_ELSEWHERE]
    names = _Names(shown)
    return [
        Told(event.id, event.at, _sentence(event, names), _ICONS.get(event.kind, "clock"), _other(event))
        for event in shown
    ]


# Under which name an event has another case; in others, such as a change of hands, "to" is a person.
_OTHER_CASE: dict[str, str] = {
    CaseEventKind.MERGED: "into",  # a case that went into this one has nothing of its own to show
    CaseEventKind.PARTED: "case",
    CaseEventKind.SPLIT: "to",
    CaseEventKind.LINKED: "case",
    CaseEventKind.UNLINKED: "case",
}


def _other(event: CaseEvent) -> int | None:
    name = _OTHER_CASE.get(event.kind)
    found = event.data.get(name) if name else None
    return found if isinstance(found, int) else None


_ICONS: dict[str, str] = {
    CaseEventKind.OPENED: "inbox",
    CaseEventKind.ASSIGNED: "user-round-plus",
    CaseEventKind.PRIORITISED: "flag",
    CaseEventKind.TAGGED: "tag",
    CaseEventKind.UNTAGGED: "tag",
    CaseEventKind.SNOOZED: "alarm-clock",
    CaseEventKind.WOKE: "alarm-clock",
    CaseEventKind.CLOSED: "circle-check",
    CaseEventKind.REOPENED: "archive-restore",
    CaseEventKind.MERGED: "message-square",
    CaseEventKind.PARTED: "undo-2",
    CaseEventKind.SPLIT: "copy",
    CaseEventKind.LINKED: "link",
    CaseEventKind.UNLINKED: "link",
}


class _Names:
    """Names of the people and teams that events mention by id; two queries for all of them."""

    def __init__(self, events: Sequence[CaseEvent]) -> None:
        people = {
            event.data.get(key)
            for event in events
            for key in ("from", "to")
            if event.kind == CaseEventKind.ASSIGNED
        }
        teams = {event.data.get("to_team") for event in events}
        self.people = (
            dict(User.objects.filter(id__in=people - {None}).values_list("id", "name"))
            if people - {None}
            else {}
        )
        self.teams = (
            dict(Team.objects.filter(id__in=teams - {None}).values_list("id", "name"))
            if teams - {None}
            else {}
        )
        self.reasons = reason_labels(
            str(event.data.get("reason", "")) for event in events if event.kind == CaseEventKind.CLOSED
        )


def _sentence(event: CaseEvent, names: _Names) -> str:
    who = event.actor.name if event.actor else ""
    data: dict[str, Any] = event.data
    text = _what(event.kind, data, names, event.actor_id)
    if who:
        return _("%(who)s: %(what)s") % {"who": who, "what": text}
    return text[:1].upper() + text[1:]


def _what(kind: str, data: Mapping[str, Any], names: _Names, actor_id: int | None) -> str:
    match kind:
        case CaseEventKind.OPENED:
            return _("case opened")
        case CaseEventKind.ASSIGNED:
            return _assigned(data, names, actor_id)
        case CaseEventKind.PRIORITISED:
            return _("priority set to %(priority)s") % {"priority": _label(Priority, data.get("to"))}
        case CaseEventKind.TAGGED:
            return _("tagged “%(tag)s”") % {"tag": data.get("name", "")}
        case CaseEventKind.UNTAGGED:
            return _("tag “%(tag)s” removed") % {"tag": data.get("name", "")}
        case CaseEventKind.SNOOZED:
            return _("snoozed until %(time)s") % {"time": _time(data.get("until"))}
        case CaseEventKind.WOKE:
            return _("back from snooze")
        case CaseEventKind.CLOSED:
            return _closed(data, names)
        case CaseEventKind.REOPENED:
            return _("reopened")
        case CaseEventKind.MERGED if "into" in data:
            return _("became part of case %(case)s") % {"case": data["into"]}
        case CaseEventKind.MERGED:
            return _("case %(case)s became part of this one") % {"case": data.get("from", "?")}
        case CaseEventKind.PARTED:
            return _("case %(case)s is a case of its own again") % {"case": data.get("case", "?")}
        case CaseEventKind.SPLIT if "to" in data:
            return _("case %(case)s made of a part of this one") % {"case": data["to"]}
        case CaseEventKind.SPLIT:
            return _("split from case %(case)s") % {"case": data.get("from", "?")}
        case CaseEventKind.LINKED:
            return _("linked with case %(case)s") % {"case": data.get("case", "?")}
        case CaseEventKind.UNLINKED:
            return _("no longer linked with case %(case)s") % {"case": data.get("case", "?")}
        case _:
            return kind


def _closed(data: Mapping[str, Any], names: _Names) -> str:
    if data.get("by") == "import":
        return _("closed: %(reason)s") % {"reason": str(CloseReason.IMPORTED.label).lower()}
    code = str(data.get("reason", ""))
    # A brand's own words stay as the brand wrote them.
    label = names.reasons[code].lower() if code in CloseReason.values else names.reasons[code]
    return _("closed: %(reason)s") % {"reason": label}


def _assigned(data: Mapping[str, Any], names: _Names, actor_id: int | None) -> str:
    to, team = data.get("to"), data.get("to_team")
    if to is not None and to == actor_id:
        return _("took the case")
    if to is not None:
        return _("gave the case to %(name)s") % {"name": names.people.get(to, "?")}
    if team is not None:
        return _("gave the case to team %(name)s") % {"name": names.teams.get(team, "?")}
    return _("gave the case to nobody")


def _label(choices: Any, value: Any) -> str:
    try:
        return str(choices(value).label)
    except ValueError:
        return str(value)


def _time(value: Any) -> str:
    moment = parse_datetime(value) if isinstance(value, str) else None
    return long_time(moment) if moment else "?"
