"""Hints that something changed, sent to every open desk through PostgreSQL's NOTIFY.

A hint carries ids, never content: the screen fetches what it may see. Losing one is harmless,
because a screen that reconnects fetches everything again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from django.db import connection

DESK = "rapport_desk"  # a case changed: {"brand": id, "cases": [ids]}; no ids: look at everything; "people": only they; "thread": the lists are as they were; "mentions": these changed, and no case
INGEST = "rapport_ingest"  # raw events wait


def notify_desk(*, brand_id: int, case_ids: Iterable[int]) -> None:
    """Say that cases of a brand changed; delivered when the transaction commits.

    A payload may hold 8000 bytes, and a screen gains nothing from a list of hundreds: above 200
    cases the hint is "everything".
    """
    ids = sorted(set(case_ids))
    if not ids:
        return
    payload = json.dumps({"brand": brand_id, "cases": ids if len(ids) <= 200 else []})
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [DESK, payload])


def notify_thread(*, brand_id: int, case_ids: Iterable[int]) -> None:
    """The same where only the thread of a case shows something new: no list need be fetched for it."""
    ids = sorted(set(case_ids))
    with connection.cursor() as cursor:
        for start in range(0, len(ids), 200):
            payload = json.dumps({"brand": brand_id, "cases": ids[start : start + 200], "thread": True})
            cursor.execute("SELECT pg_notify(%s, %s)", [DESK, payload])


def notify_mentions(*, brand_id: int) -> None:
    """Say that mentions of a brand came or changed. Duplicates within a transaction are folded by PostgreSQL."""
    payload = json.dumps({"brand": brand_id, "cases": [], "mentions": True})
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [DESK, payload])


def notify_people(*, brand_id: int, case_ids: Iterable[int], user_ids: Iterable[int]) -> None:
    """The same for the screens of these people alone: something changed there that is only theirs. Without cases
    they fetch all they show."""
    people = sorted(set(user_ids))
    ids = sorted(set(case_ids))
    if not people:
        return
    with connection.cursor() as cursor:
        for start in range(0, len(people), 200):
            payload = {"brand": brand_id, "cases": ids if len(ids) <= 200 else [],
                       "people": people[start : start + 200]}  # fmt: skip
            cursor.execute("SELECT pg_notify(%s, %s)", [DESK, json.dumps(payload)])


def notify_ingest() -> None:
    """Wake the workers: raw events wait. Duplicates within a transaction are folded by PostgreSQL."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [INGEST])


# So many names of screens fit into a payload; whoever is not among them hears of it at their next turn.
MOST_SCREENS = 350


def notify_looking(*, brand_id: int, case_id: int, screens: Sequence[str]) -> None:
    """Say to the screens that show a case that somebody came, went, or began or stopped to write there."""
    if not screens:
        return
    payload = json.dumps({"brand": brand_id, "look": case_id, "screens": screens[:MOST_SCREENS]})
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [DESK, payload])
