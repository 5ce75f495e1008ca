"""Share of voice: what a brand's queries and its competitors' found in the same time, side by side.

Counted are mentions by the network's clock, copies and passed-on posts included, without spam and what is muted.
A share is one of the mentions that any of the compared queries found; a mention that two of them found counts for
both, so shares may add up to more than the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection

from rapport.brands.models import Brand
from rapport.lib.errors import Invalid
from rapport.mentions.models import Query, QueryKind
from rapport.staff.access import require
from rapport.staff.models import User
from rapport.staff.permissions import Permission


@dataclass(frozen=True, kw_only=True)
class Voice:
    """One query in the time. ``query`` None: all of the brand's own together, each mention once.

    ``reach``: the sum of the mentions' reach. ``languages``: the most frequent, with their numbers. ``days``: the
    number of each day in the brand's time zone, none left out.
    """

    query: Query | None
    mentions: int
    authors: int
    reach: int
    share: float | None
    languages: tuple[tuple[str, int], ...]
    days: tuple[int, ...]

    @property
    def most(self) -> int:
        return max(self.days, default=0)


@dataclass(frozen=True, kw_only=True)
class Answers:
    """How the brand answered those of its own mentions that became cases. Seconds; None: nothing to say it of."""

    cases: int
    answered: int
    median_s: float | None
    p90_s: float | None
    waiting: int


@dataclass(frozen=True, kw_only=True)
class Compared:
    """``whole``: mentions that any of the queries found. ``heard``: posts that came in that time, matched or not."""

    voices: tuple[Voice, ...]
    whole: int
    heard: int
    dates: tuple[date, ...]
    answers: Answers


_LANGUAGES = 5
# Each query as a group of its own, and all of the brand's own as group 0.
_MATCHES = """
WITH grouped AS (
    SELECT id AS query_id, id AS voice FROM unnest(%(queries)s::bigint[]) AS q(id)
    UNION ALL SELECT id, 0 FROM unnest(%(own)s::bigint[]) AS q(id)
), said AS MATERIALIZED (
    SELECT DISTINCT g.voice, m.id, m.sent_at, m.reach, p.lang, p.network,
           coalesce(nullif(p.author_id_there, ''), nullif(p.author, ''), p.external_id) AS author
    FROM grouped g
    JOIN mentions_match x ON x.query_id = g.query_id AND x.sent_at >= %(since)s AND x.sent_at < %(until)s
    JOIN mentions_mention m ON m.id = x.mention_id AND m.state NOT IN ('spam', 'muted')
    JOIN mentions_post p ON p.id = m.post_id
)
"""
_TOTALS = """
SELECT voice, count(*), count(DISTINCT (network, author)), coalesce(sum(reach), 0)::bigint FROM said GROUP BY voice
UNION ALL
SELECT -1, count(DISTINCT id), 0, 0 FROM said
"""
_BY_LANGUAGE = "SELECT voice, lang, count(*) FROM said GROUP BY voice, lang ORDER BY count(*) DESC, lang"
_BY_DAY = "SELECT voice, (sent_at AT TIME ZONE %(zone)s)::date, count(*) FROM said GROUP BY 1, 2"
_ANSWERS = """
WITH ours AS (
    SELECT DISTINCT m.case_id FROM mentions_match x
    JOIN mentions_mention m ON m.id = x.mention_id AND m.case_id IS NOT NULL
    WHERE x.query_id = ANY(%(own)s::bigint[]) AND x.sent_at >= %(since)s AND x.sent_at < %(until)s
), first AS (
    SELECT o.case_id, min(t.response_s) FILTER (WHERE t.number = 1) AS response_s,
           c.status <> 'closed' AND c.waiting_since IS NOT NULL AS waits
    FROM ours o JOIN inbox_case c ON c.id = o.case_id
    LEFT JOIN inbox_casethread ct ON ct.case_id = o.case_id
    LEFT JOIN inbox_turn t ON t.thread_id = ct.thread_id
    GROUP BY o.case_id, c.status, c.waiting_since
)
SELECT count(*), count(response_s), percentile_cont(0.5) WITHIN GROUP (ORDER BY response_s),
       percentile_cont(0.9) WITHIN GROUP (ORDER BY response_s), count(*) FILTER (WHERE waits)
FROM first
"""


def compare(*, user: User, brand: Brand, since: datetime, until: datetime, dates: Sequence[date]) -> Compared:
    """The brand's queries and its competitors' from ``since`` until before ``until``. ``dates``: the days between,
    in the brand's time zone. Raises NotFound or NotAllowed."""
    require(user, brand.id, Permission.VIEW_CASES)
    if not since < until:
        raise Invalid("A time that ends before it begins.")
    queries = list(
        Query.objects.filter(
            brand=brand, deleted_at__isnull=True, kind__in=[QueryKind.BRAND, QueryKind.COMPETITOR]
        ).order_by("kind", "name", "id")
    )
    own = [one.pk for one in queries if one.kind == QueryKind.BRAND]
    given: dict[str, Any] = {
        "queries": [one.pk for one in queries],
        "own": own if len(own) > 1 else [],
        "since": since,
        "until": until,
        "zone": brand.time_zone,
    }
    with connection.cursor() as cursor:
        cursor.execute(_MATCHES + _TOTALS, given)
        totals = {row[0]: row[1:] for row in cursor.fetchall()}
        cursor.execute(_MATCHES + _BY_LANGUAGE, given)
        languages: dict[int, list[tuple[str, int]]] = {}
        for voice, lang, number in cursor.fetchall():
            languages.setdefault(voice, []).append((lang, number))
        cursor.execute(_MATCHES + _BY_DAY, given)
        by_day = {(voice, day): number for voice, day, number in cursor.fetchall()}
        cursor.execute(_ANSWERS, {**given, "own": own})
        answers = Answers(**dict(zip(_ANSWER_FIELDS, cursor.fetchone(), strict=True)))
        cursor.execute(
            "SELECT coalesce(sum(heard), 0) FROM mentions_denominator WHERE at >= %s AND at < %s",
            [since, until],
        )
        heard = int(cursor.fetchone()[0])
    whole = totals.get(-1, (0, 0, 0))[0]
    voices: list[Query | None] = [None] if len(own) > 1 else []

    def voice_of(query: Query | None) -> Voice:
        key = query.pk if query is not None else 0
        number, authors, reach = totals.get(key, (0, 0, 0))
        return Voice(
            query=query,
            mentions=number,
            authors=authors,
            reach=reach,
            share=number / whole if whole else None,
            languages=tuple(languages.get(key, [])[:_LANGUAGES]),
            days=tuple(by_day.get((key, day), 0) for day in dates),
        )

    return Compared(
        voices=tuple(voice_of(one) for one in [*voices, *queries]),
        whole=whole,
        heard=heard,
        dates=tuple(dates),
        answers=answers,
    )


_ANSWER_FIELDS = ("cases", "answered", "median_s", "p90_s", "waiting")
