"""Who has a case open, and who writes there: said by each screen, told to the others of that case.

One row for each screen in an unlogged table, one statement each time. What others would see change is told
by NOTIFY to the screens that have the case open, by name, so that a busy desk hears no more of it than it
must. The words never come near here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Literal

from django.db import connection

from rapport.inbox.access import access_case
from rapport.inbox.models import Case
from rapport.lib.errors import Invalid
from rapport.lib.live import notify_looking
from rapport.staff.access import brand_ids_for, require
from rapport.staff.models import User
from rapport.staff.permissions import Permission

Writing = Literal["", "reply", "note"]

# For how long something counts, in words of the database.
TIMES: Mapping[str, str] = {
    "here": "40 seconds",  # a screen says every 20 s that it looks; who missed one turn is still there
    "writes": "8 seconds",  # and every 3 s that somebody writes
    "answers": "2 minutes",  # whoever pressed a key within this answers the customer
    "fresh": "15 minutes",  # words that wait unsent keep their writer's place in the line for so long
}
_SCREEN = re.compile(r"[a-z0-9]{6,16}")
_NEEDS = {"reply": Permission.REPLY, "note": Permission.NOTE}

_LOOK = """
WITH before AS (
    SELECT seen_at > now() - %(here)s::interval AS here, typed_at > now() - %(writes)s::interval AND writing <> '' AS wrote, writing,
           reply_typed_at > now() - %(answers)s::interval AS answered
    FROM inbox_caselook WHERE case_id = %(case)s AND user_id = %(user)s AND screen = %(screen)s
), look AS (
    INSERT INTO inbox_caselook AS l (case_id, user_id, screen, seen_at, writing, typed_at, reply_began_at, reply_typed_at)
    SELECT %(case)s, %(user)s, %(screen)s, now(), %(writing)s, CASE WHEN %(writing)s <> '' THEN now() END, replies, replies
    FROM (SELECT CASE WHEN %(writing)s = 'reply' THEN now() END AS replies) AS r
    ON CONFLICT (case_id, user_id, screen) DO UPDATE
    SET seen_at = now(), writing = excluded.writing, typed_at = coalesce(excluded.typed_at, l.typed_at),
        reply_typed_at = coalesce(excluded.reply_typed_at, l.reply_typed_at),
        reply_began_at = CASE WHEN l.reply_typed_at > now() - %(fresh)s::interval THEN l.reply_began_at
                              ELSE coalesce(excluded.reply_began_at, l.reply_began_at) END
)
SELECT coalesce((SELECT here AND (CASE WHEN wrote THEN writing ELSE '' END) = %(writing)s
                        AND (answered IS TRUE OR %(writing)s <> 'reply') FROM before), false)
"""
_LEAVE = """
WITH gone AS (
    UPDATE inbox_caselook SET seen_at = 'epoch', writing = ''
    WHERE case_id = %(case)s AND user_id = %(user)s AND screen = %(screen)s AND seen_at > 'epoch' RETURNING 1
)
SELECT count(*) FROM gone
"""


def look(*, user: User, case_id: int, screen: str, writing: Writing = "") -> Case:
    """``user`` has the case open on ``screen`` and, with ``writing``, pressed a key in that field just now.

    Returns the case. Raises NotFound and NotAllowed by who asks, and Invalid for a screen's name that is none.
    """
    case = access_case(user=user, case_id=case_id)
    _check(screen)
    if writing:
        require(user, case.brand_id, _NEEDS[writing])
    params = {"case": case.id, "user": user.id, "screen": screen, "writing": writing, **TIMES}
    with connection.cursor() as cursor:
        cursor.execute(_LOOK, params)
        (same,) = cursor.fetchone() or (False,)
    if not same:
        _tell(brand_id=case.brand_id, case_id=case.id, but=[screen])
    return case


def leave(*, user: User, case_id: int, screen: str) -> None:
    """The screen shows the case no more. What its writer began keeps its place for a while."""
    case = access_case(user=user, case_id=case_id)
    _check(screen)
    with connection.cursor() as cursor:
        cursor.execute(_LEAVE, {"case": case.id, "user": user.id, "screen": screen})
        (gone,) = cursor.fetchone() or (0,)
    if gone:
        _tell(brand_id=case.brand_id, case_id=case.id, but=[screen])


def stopped_answering(*, user_id: int, case_id: int) -> None:
    """What they wrote was sent, so nobody else need wait for it. In the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE inbox_caselook SET writing = '', reply_began_at = NULL, reply_typed_at = NULL "
            "WHERE case_id = %s AND user_id = %s",
            [case_id, user_id],
        )


def open_elsewhere(*, user: User, case_ids: Collection[int]) -> dict[int, tuple[str, ...]]:
    """Of these cases, which ones others have open now, with their names: three at most, whoever writes first.

    Of cases that ``user`` may not see nothing is said.
    """
    if not case_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT l.case_id, (array_agg(u.name ORDER BY l.writing DESC, u.name))[1:3]
            FROM (
                SELECT case_id, user_id, max(CASE WHEN typed_at > now() - %(writes)s::interval THEN writing ELSE '' END) AS writing
                FROM inbox_caselook
                WHERE case_id IN (SELECT id FROM inbox_case WHERE id = ANY(%(cases)s) AND brand_id = ANY(%(brands)s))
                  AND user_id <> %(user)s AND seen_at > now() - %(here)s::interval
                GROUP BY case_id, user_id
            ) l JOIN staff_user u ON u.id = l.user_id GROUP BY l.case_id
            """,
            {
                "cases": list(case_ids),
                "brands": brand_ids_for(user, Permission.VIEW_CASES),
                "user": user.id,
                **TIMES,
            },
        )
        return {case_id: tuple(names) for case_id, names in cursor.fetchall()}


def sweep_looks() -> int:
    """Forget screens that are gone and whose words, if there were any, no longer count. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM inbox_caselook WHERE seen_at < now() - %(here)s::interval "
            "AND (reply_typed_at IS NULL OR reply_typed_at < now() - %(fresh)s::interval)",
            TIMES,
        )
        return int(cursor.rowcount)


def _check(screen: str) -> None:
    if not _SCREEN.fullmatch(screen):
        raise Invalid("That is no name of a screen.")


def _tell(*, brand_id: int, case_id: int, but: Collection[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT screen FROM inbox_caselook WHERE case_id = %s AND seen_at > now() - %s::interval "
            "AND screen <> ALL(%s) ORDER BY seen_at DESC",
            [case_id, TIMES["here"], list(but)],
        )
        screens = [row[0] for row in cursor.fetchall()]
    notify_looking(brand_id=brand_id, case_id=case_id, screens=screens)
