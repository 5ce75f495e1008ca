"""How PostgreSQL carries a page's statements out, for the page of figures."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connection

_LONGEST = 60  # lines of a plan that are printed


@dataclass(frozen=True)
class Statement:
    sql: str
    params: Any
    seconds: float


def statements(work: Callable[[], object]) -> list[Statement]:
    """What ``work`` asks the database, in order."""
    found: list[Statement] = []

    def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        began = time.perf_counter()
        answer = execute(sql, params, many, context)
        found.append(Statement(sql, params, time.perf_counter() - began))
        return answer

    with connection.execute_wrapper(note):
        work()
    return found


def plan(work: Callable[[], object], having: str = "") -> str:
    """The plan, as carried out, of the slowest statement of ``work`` that holds ``having``."""
    found = [
        one
        for one in statements(work)
        if having in one.sql and one.sql.lstrip().startswith(("SELECT", "WITH"))
    ]
    slowest = max(found, key=lambda one: one.seconds)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {slowest.sql}", slowest.params)
        lines = [row[0] for row in cursor.fetchall()]
    if len(lines) > _LONGEST:
        lines = [*lines[: _LONGEST - 4], f"… {len(lines) - _LONGEST} lines", *lines[-4:]]
    return "\n".join(line[:200] for line in lines)


def folded(title: str, text: str) -> str:
    """Preformatted text that opens when asked to, in Markdown."""
    return f"<details><summary>{title}</summary>\n\n```text\n{text}\n```\n\n</details>"
