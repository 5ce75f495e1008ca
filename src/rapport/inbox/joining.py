"""Two cases become one because a person says so, and two again when the person thinks better of it.

Nothing is deleted: the case that goes points to the one that stays, and what moved is written down
(:class:`~rapport.inbox.models.CaseMerge`), so that exactly this goes back. What came afterwards stays
with the case that was kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils.dateparse import parse_datetime

from rapport.brands.locks import lock_channels
from rapport.inbox import cases, hanging
from rapport.inbox.models import Case, CaseMerge, CaseStatus, CaseThread
from rapport.staff.models import User

# What a merge may change of the case that stays. Each group is given back whole, or not at all when a colleague
# has changed part of it since.
_GROUPS = (
    ("status", "snoozed_until", "closed_at", "close_reason", "settled_at"),
    ("assignee_id", "team_id"),
    ("priority",),
)
_TIMES = {"snoozed_until", "closed_at", "settled_at"}
_RANK = {CaseStatus.OPEN: 2, CaseStatus.SNOOZED: 1, CaseStatus.CLOSED: 0}


def lock_threads(case_ids: Sequence[int]) -> None:
    """Keep every channel from hearing while the cases' threads change hands. Before any case's row is locked:
    whoever hears holds its channel first and then writes cases."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT t.channel_id FROM inbox_casethread ct JOIN inbox_thread t ON t.id = ct.thread_id "
            "WHERE ct.case_id = ANY(%s)",
            [list(case_ids)],
        )
        lock_channels(row[0] for row in cursor.fetchall())


def join(*, source: Case, target: Case, actor: User) -> None:
    """Make ``source`` part of ``target``, both locked and of one brand and contact.

    Whoever works on one works on the whole; it is open if either is, and as urgent as the more urgent.
    """
    before = {"source": _state(source), "target": _state(target)}
    waited = [_written(source.waiting_since), _written(target.waiting_since)]
    links = _links(source.id)
    kept_links = _links(target.id)
    tags = _copy_tags(source.id, target.id)
    rows = hanging.move({source.id: target.id})
    # What was dealt with in one of them stays dealt with, and what waits in the other goes on waiting.
    CaseThread.objects.filter(case_id=source.id).update(case_id=target.id)
    _settle([*_settled(links, source), *_settled(kept_links, target)])
    fields = _whole(source, target)
    Case.objects.filter(id=target.id).update(**fields)
    Case.objects.filter(id=source.id).update(
        status=CaseStatus.MERGED, merged_into=target, waiting_since=None, snoozed_until=None
    )
    target.refresh_from_db()
    CaseMerge.objects.create(
        source=source,
        target=target,
        made_by=actor,
        moved={
            **before,
            "after": _state(target),
            "waited": waited,
            "links": links,
            "kept_links": kept_links,
            "tags": tags,
            "rows": rows,
        },
    )
    cases.write(channel_id=target.channel_id, case_ids=[target.id])


def part(*, merge: CaseMerge) -> bool:
    """Undo :func:`join`; both cases are locked. Returns whether it could be done.

    It cannot when all of the source's threads have become part of others in the meantime.
    """
    source_id, target_id, moved = merge.source_id, merge.target_id, merge.moved
    links = [(thread, contact) for thread, contact, _settled_at in moved["links"]]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE inbox_casethread ct SET case_id = %s "
            "FROM unnest(%s::bigint[], %s::bigint[]) AS l(thread_id, contact_id) "
            "WHERE ct.case_id = %s AND ct.thread_id = l.thread_id AND ct.contact_id = l.contact_id",
            [source_id, [one for one, _ in links], [other for _, other in links], target_id],
        )
        if links and not cursor.rowcount:
            return False
    _settle([*moved["links"], *moved["kept_links"]])
    hanging.move_back(moved["rows"], source=source_id, target=target_id)
    # Replies that were written since go with the conversation they belong to.
    target = Case.objects.get(id=target_id)
    threads = CaseThread.objects.filter(case_id=source_id).values("thread_id")
    target.outgoing.filter(thread_id__in=threads).update(case_id=source_id)
    Case.tags.through.objects.filter(case_id=target_id, tag_id__in=moved["tags"]).delete()
    now = _state(target)
    back: dict[str, Any] = {}
    for group in _GROUPS:
        if all(now[name] == moved["after"][name] for name in group):
            back |= {name: _value(name, moved["target"][name]) for name in group}
    Case.objects.filter(id=target_id).update(**back)
    state = {name: _value(name, value) for name, value in moved["source"].items()}
    Case.objects.filter(id=source_id).update(merged_into=None, **state)
    cases.write(channel_id=target.channel_id, case_ids=sorted({source_id, target_id}))
    # A closed case remembers since when somebody waited, for whoever reopens it.
    for case_id, waited in zip((source_id, target_id), moved["waited"], strict=True):
        Case.objects.filter(id=case_id, status=CaseStatus.CLOSED).update(
            waiting_since=waited and parse_datetime(waited)
        )
    return True


def _state(case: Case) -> dict[str, Any]:
    return {name: _written(getattr(case, name)) for group in _GROUPS for name in group}


def _written(value: Any) -> Any:
    # Django's own encoder would cut times to thousandths of a second.
    return value.isoformat() if isinstance(value, datetime) else value


def _value(name: str, kept: Any) -> Any:
    return parse_datetime(kept) if name in _TIMES and kept is not None else kept


def _whole(source: Case, target: Case) -> dict[str, Any]:
    """The fields of the case that stays. Its threads keep for themselves what had been dealt with."""
    fields: dict[str, Any] = {"settled_at": None, "priority": max(source.priority, target.priority)}
    if target.assignee_id is None and target.team_id is None:
        fields |= {"assignee_id": source.assignee_id, "team_id": source.team_id}
    elif target.assignee_id is None and source.team_id in (None, target.team_id):
        fields |= {"assignee_id": source.assignee_id}
    if _RANK[CaseStatus(source.status)] > _RANK[CaseStatus(target.status)]:
        names = ("status", "snoozed_until", "closed_at", "close_reason")
        fields |= {name: getattr(source, name) for name in names}
    return fields


def _links(case_id: int) -> list[list[Any]]:
    """``[thread, contact, settled until]`` of each of the case's threads."""
    rows = CaseThread.objects.filter(case_id=case_id).order_by("thread_id", "contact_id")
    found = rows.values_list("thread_id", "contact_id", "settled_at")
    return [[thread, contact, _written(settled)] for thread, contact, settled in found]


def _settled(links: list[list[Any]], case: Case) -> list[list[Any]]:
    """The links, with what the case's last closing dealt with."""
    at = case.settled_at
    return [
        [thread, contact, max(filter(None, (settled, at)), default=None)]
        for thread, contact, settled in links
    ]


def _settle(links: Sequence[Sequence[Any]]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE inbox_casethread ct SET settled_at = l.at "
            "FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[]) AS l(thread_id, contact_id, at) "
            "WHERE ct.thread_id = l.thread_id AND ct.contact_id = l.contact_id",
            [
                [thread for thread, _, _ in links],
                [contact for _, contact, _ in links],
                [_written(settled) for _, _, settled in links],
            ],
        )


def _copy_tags(source_id: int, target_id: int) -> list[int]:
    """The tags that ``target`` got and had not."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO inbox_case_tags (case_id, tag_id) SELECT %s, tag_id FROM inbox_case_tags "
            "WHERE case_id = %s ON CONFLICT DO NOTHING RETURNING tag_id",
            [target_id, source_id],
        )
        return sorted(row[0] for row in cursor.fetchall())
