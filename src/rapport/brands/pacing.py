"""Budgets of calls: a busy hour delays politely, replies before polls, urgent replies first, never a ban.

A network states how many calls it takes in how much time (:class:`~rapport.networks.base.Budget`). Where it
says nothing more, we keep to half of that at once and half of it spread over the time, so that no window of
that length ever holds more calls than stated, wherever the network's own windows begin. Where its answers
tell what is left (:class:`~rapport.networks.base.SeenLimit`), that is taken instead, and all of it is used.

What is left is a row (:class:`~rapport.brands.models.Allowance`), changed in one statement, so any number of
processes share a budget. A channel whose network states no budget costs no query.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from django.db import connection, transaction

from rapport.networks.base import Budget, Capabilities, SeenLimit

# Who waits for a slow budget looks again after this long, because much may have changed.
_LONGEST_WAIT = timedelta(days=1)
# Networks' clocks and ours: two words about a window's end this near mean the same window.
_SLACK = timedelta(seconds=5)


class Priority(Enum):
    """What a call is for, and the share of the budget it leaves to what is more important."""

    URGENT = 0.0  # replies to cases of high or urgent priority
    REPLY = 0.05
    POLL = 0.20
    BACKFILL = 0.50


@dataclass(frozen=True, slots=True)
class Law:
    """A budget as a bucket: at most ``full`` calls at once, ``rate`` more in each second."""

    key: str
    calls: int
    full: float
    rate: float
    per: timedelta

    def floor(self, priority: Priority, *, of: float | None = None) -> float:
        """How many calls must stay in the bucket (or in ``of`` calls). Whatever is not urgent leaves one at least,
        unless that would leave nothing for itself."""
        ceiling = self.full if of is None else of
        if priority is Priority.URGENT:
            return 0.0
        share: float = priority.value
        return min(max(share * ceiling, 1.0), max(ceiling - 1.0, 0.0))


def law(budget: Budget) -> Law:
    """Half at once, half spread: in a window of ``budget.per`` there are at most ``budget.calls``."""
    seconds = budget.per.total_seconds()
    key = f"{budget.name}/{seconds:.0f}"[:40]
    if budget.calls <= 1:
        # The next call a whole window after the last.
        return Law(key, 1, 1.0, 1 / seconds, budget.per)
    full = float(-(-budget.calls // 2))
    return Law(key, budget.calls, full, (budget.calls - full) / seconds, budget.per)


def laws(rules: Capabilities, name: str) -> list[Law]:
    """The budgets called ``name``; a network may state several, by the quarter of an hour and by the day."""
    return [law(budget) for budget in rules.budgets if budget.name == name and budget.calls > 0]


def spend(
    *, channel_id: int, rules: Capabilities, budget: str, priority: Priority, calls: int = 1, ahead: int = 0
) -> datetime | None:
    """Take ``calls`` from a channel's budget: None when they may be made now, else when to ask again.

    ``rules``: the connector's. ``budget``: ``read`` or ``write``; without such a budget everything is
    allowed. ``ahead``: how many others wait that go first; what they need is left to them.
    """
    found = laws(rules, budget)
    if not found:
        return None
    if len(found) == 1:
        return _spend(channel_id, found[0], priority, calls, ahead)
    with transaction.atomic():
        waits = [
            wait for one in found if (wait := _spend(channel_id, one, priority, calls, ahead)) is not None
        ]
        # Where one of several budgets has no room, nothing is taken from the others.
        transaction.set_rollback(bool(waits))
    return max(waits, default=None)


# What is in the bucket now. The network's own count does not refill until its window ends; then all is there.
_NOW = """
CASE WHEN a.told_until > clock_timestamp() THEN a."left"
     WHEN a.told_until IS NOT NULL THEN %(full)s
     ELSE least(%(full)s, a."left" + %(rate)s
                * greatest(0, extract(epoch FROM clock_timestamp() - a.counted_at)::float8)) END
"""
_NEEDED = """
CASE WHEN a.told_until > clock_timestamp() THEN least(%(calls)s + %(told_floor)s + %(ahead)s, %(most)s)
     ELSE least(%(calls)s + %(floor)s + %(ahead)s, %(full)s) END
"""
_SPEND = f"""
INSERT INTO brands_allowance AS a (channel_id, budget, "left", counted_at)
VALUES (%(channel)s, %(key)s, %(full)s - %(calls)s, clock_timestamp())
ON CONFLICT (channel_id, budget) DO UPDATE
SET "left" = {_NOW} - %(calls)s, counted_at = greatest(a.counted_at, clock_timestamp()),
    told_until = CASE WHEN a.told_until > clock_timestamp() THEN a.told_until END
WHERE {_NOW} >= {_NEEDED}
"""  # noqa: S608 - constants of this module
_WAIT = f"""
SELECT CASE WHEN a.told_until > clock_timestamp() THEN a.told_until
            ELSE clock_timestamp() + make_interval(secs => least(%(longest)s,
                 greatest(0, %(calls)s + %(floor)s + %(ahead)s - {_NOW}) / %(rate)s)) END
FROM brands_allowance a WHERE a.channel_id = %(channel)s AND a.budget = %(key)s
"""  # noqa: S608 - constants of this module


def _spend(channel_id: int, one: Law, priority: Priority, calls: int, ahead: int) -> datetime | None:
    given: dict[str, Any] = {
        "channel": channel_id,
        "key": one.key,
        "full": one.full,
        "rate": one.rate,
        "most": float(one.calls),
        "calls": float(calls),
        "ahead": float(ahead),
        "floor": one.floor(priority),
        "told_floor": one.floor(priority, of=float(one.calls)),
        "longest": _LONGEST_WAIT.total_seconds(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_SPEND, given)
        if cursor.rowcount:
            return None
        cursor.execute(_WAIT, given)
        row = cursor.fetchone()
    wait: datetime = row[0]
    return wait


def observed(*, channel_id: int, rules: Capabilities, seen: Sequence[SeenLimit]) -> None:
    """Take the network's own word for what is left of a channel's budgets, over ours.

    Answers overtake each other: within one window the lower count holds, and a word about an earlier window
    than the one we know is not heard. No window ends later than it is long: an answer that says so (a clock that
    is wrong, milliseconds for seconds) would keep the channel silent for as long as it likes.
    """
    rows = []
    for limit in seen:
        found = laws(rules, limit.budget)
        if found and limit.remaining >= 0:
            rows.append((_meant(found, limit), limit))
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            INSERT INTO brands_allowance AS a (channel_id, budget, "left", counted_at, told_until)
            VALUES (%(channel)s, %(key)s, %(left)s, clock_timestamp(), %(until)s)
            ON CONFLICT (channel_id, budget) DO UPDATE
            SET "left" = CASE WHEN a.told_until >= excluded.told_until - interval '5 seconds'
                              THEN least(a."left", excluded."left") ELSE excluded."left" END,
                counted_at = excluded.counted_at,
                told_until = greatest(a.told_until, excluded.told_until)
            WHERE a.told_until IS NULL OR excluded.told_until >= a.told_until - interval '5 seconds'
               OR a.told_until <= clock_timestamp()
            """,
            [
                {
                    "channel": channel_id,
                    "key": one.key,
                    "left": float(min(limit.remaining, one.calls)),
                    "until": min(limit.reset_at, datetime.now(limit.reset_at.tzinfo) + one.per),
                }
                for one, limit in rows
            ],
        )


def _meant(found: Sequence[Law], limit: SeenLimit) -> Law:
    """Which of several budgets of one name an answer tells of: the shortest window that can end so late."""
    now = datetime.now(limit.reset_at.tzinfo)
    by_length = sorted(found, key=lambda one: one.per)
    for one in by_length:
        if limit.reset_at - now <= one.per + _SLACK:
            return one
    return by_length[-1]


@dataclass(frozen=True, slots=True)
class Left:
    """How much of a budget is left: ``calls`` may be made at once, of ``of``; all again at ``resets_at``
    where the network said so."""

    budget: str
    per: timedelta
    calls: int
    of: int
    resets_at: datetime | None


def left(rules: Mapping[int, Capabilities]) -> dict[int, list[Left]]:
    """What is left of channels' budgets now. ``rules``: the connector's, by channel id. One query for all."""
    stated = {
        (channel_id, one.key): (budget.name, one)
        for channel_id, can in rules.items()
        for budget in can.budgets
        if budget.calls > 0
        for one in [law(budget)]
    }
    if not stated:
        return {}
    known: dict[tuple[int, str], tuple[float, datetime | None]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT channel_id, budget, "left", told_until, clock_timestamp(),
                   greatest(0, extract(epoch FROM clock_timestamp() - counted_at))::float8
            FROM brands_allowance WHERE channel_id = ANY(%s)
            """,
            [sorted({channel_id for channel_id, _key in stated})],
        )
        for channel_id, key, calls, until, now, elapsed in cursor.fetchall():
            one = stated.get((channel_id, key), ("", None))[1]
            if one is None:
                continue
            if until is None:
                calls = min(one.full, calls + elapsed * one.rate)
            elif until <= now:
                calls, until = one.full, None
            known[channel_id, key] = (calls, until)
    found: dict[int, list[Left]] = {}
    for (channel_id, key), (name, one) in stated.items():
        calls, until = known.get((channel_id, key), (one.full, None))
        of = one.calls if until is not None else int(one.full)
        found.setdefault(channel_id, []).append(Left(name, one.per, max(0, int(calls)), of, until))
    return found
