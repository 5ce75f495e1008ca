"""Hints that something changed, sent to every open desk through PostgreSQL's NOTIFY.

A hint carries ids, never content: the screen fetches what it may see. Losing one is harmless,
because a screen that reconnects fetches everything again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from django.db import connection

DESK = "rapport_desk"  # a case changed: {"brand": id, "cases": [ids]}; no ids: look at everything
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


def notify_ingest() -> None:
    """Wake the workers: raw events wait. Duplicates within a transaction are folded by PostgreSQL."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [INGEST])
