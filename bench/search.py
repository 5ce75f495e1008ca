"""Search at any size: our terms beside PostgreSQL's own parser with ranking by time, and beside a plain ILIKE.

The baselines are what a project would write first: a ``tsvector`` column of the message with a GIN index, newest first,
and ``ILIKE``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench import tables
from bench.place import timed
from bench.plans import plan

# Above this the baselines take longer to build than anybody waits.
BASELINE_LIMIT = 1_000_000
PLANS = ("a phrase", "Thai inside words", "a frequent word in a month")


def _baseline() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE plain_words AS SELECT id, brand_id, thread_id, to_tsvector('simple', text) AS words FROM inbox_message"
        )
        cursor.execute("CREATE INDEX plain_words_gin ON plain_words USING gin (words)")
        cursor.execute("VACUUM ANALYZE plain_words")


_PLAIN = """
    SELECT DISTINCT ct.case_id FROM (
        SELECT thread_id FROM plain_words WHERE words @@ websearch_to_tsquery('simple', %s) ORDER BY id DESC LIMIT 1000
    ) hit JOIN inbox_casethread ct USING (thread_id)
"""
_ILIKE = """
    SELECT DISTINCT ct.case_id FROM (
        SELECT thread_id FROM inbox_message WHERE text ILIKE '%%' || %s || '%%' ORDER BY id DESC LIMIT 1000
    ) hit JOIN inbox_casethread ct USING (thread_id)
"""

QUERIES = {
    "a number of one message": "{number}",
    "a rare word": "the {rare}",
    "a frequent word": "the",
    "the beginning of a word": "lugg",
    "two frequent words": "luggage the",
    "a phrase": '"luggage the"',
    "a word without another": "refund -the",
    "Thai inside words": "กระเป๋าหาย",
    "two characters of Japanese": "返金",
    "a frequent word, open cases": "the is:open",
    "a frequent word in a month": "luggage on:{month}",
    "a customer's words": "from:{handle} the",
    "a name": "{handle}",
}


def _works(asked: dict[str, str], *, baseline: bool) -> dict[str, Callable[[], Any]]:
    from django.contrib.auth import get_user_model
    from django.db import connection

    from rapport.inbox.queries import CaseFilters, list_cases
    from rapport.inbox.queries.search_parse import parse_query
    from rapport.inbox.queries.search_snippets import snippets

    user = get_user_model().objects.get(id=tables.OWNER)

    def ours(text: str) -> Callable[[], Any]:
        def work() -> int:
            page = list_cases(user=user, filters=CaseFilters(text=text))
            return len(snippets(parse_query(text), page.hits))

        return work

    def plain(statement: str, text: str) -> Callable[[], Any]:
        def work() -> int:
            with connection.cursor() as cursor:
                cursor.execute(statement, [text])
                return len(cursor.fetchall())

        return work

    works = {}
    for name, query in QUERIES.items():
        text = query.format(**asked)
        works[f"{name}|ours"] = ours(text)
        if not baseline or ":" in text or name == "a name":
            continue
        works[f"{name}|parser"] = plain(_PLAIN, text)
        if "-" not in text:
            works[f"{name}|ilike"] = plain(_ILIKE, text.replace('"', ""))
    return works


def _asked() -> dict[str, str]:
    """What the queries look for, as it stands in the texts."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT to_char(percentile_disc(0.5) WITHIN GROUP (ORDER BY sent_at), 'YYYY-MM') "
            "FROM inbox_message TABLESAMPLE SYSTEM (10)"
        )
        month = cursor.fetchone()[0]
        # Words that few texts have have a digit behind them; see vocabulary.py.
        cursor.execute(
            "SELECT substring(text FROM '[a-z]+[0-9]'), substring(text FROM '[0-9]{9}$') FROM inbox_message "
            "WHERE lang = 'en' AND text ~ '[a-z][0-9].* [0-9]{9}$' ORDER BY id LIMIT 1"
        )
        rare, number = cursor.fetchone()
        cursor.execute("SELECT substr(handle, 2) FROM contacts_identity WHERE id = 60")
        return {"month": month, "rare": rare, "number": number, "handle": cursor.fetchone()[0]}


def _sizes() -> dict[str, int]:
    from django.db import connection

    names = ("inbox_messagewords", "words_of_messages", "inbox_knownword", "inbox_message")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, pg_relation_size(name::regclass) FROM unnest(%s::text[]) AS t(name)", [list(names)]
        )
        return dict(cursor.fetchall())


def measure(*, rounds: int, baseline: bool) -> dict[str, Any]:
    """Seconds and numbers of cases found of each, by ``query|way``; the plans; the sizes in bytes."""
    from django.db import connection

    if baseline:
        _baseline()
    found = _works(_asked(), baseline=baseline)
    times = {
        name: timed(work, rounds=3 if name.endswith("ilike") else rounds, warmup=2)
        for name, work in found.items()
    }
    if baseline:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE plain_words")
    return {
        "times": times,
        "cases": {name: work() for name, work in found.items() if name.endswith("ours")},
        "plans": {name: plan(found[f"{name}|ours"], "words @@") for name in PLANS},
        "sizes": _sizes(),
    }
