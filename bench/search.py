"""Search at any size: our terms beside PostgreSQL's own parser with ranking by time, and beside a plain ILIKE.

Texts are made of a vocabulary with Zipf's law, as people's words are, in English, Thai and Chinese. The baselines are
what a project would write first: a ``tsvector`` column of the message with a GIN index, newest first, and ``ILIKE``.
"""

from __future__ import annotations

import argparse
import itertools
import random
import time
from collections.abc import Callable
from typing import Any

from bench.generate import generate
from bench.lists import EVERYTHING
from bench.place import fresh_database, milliseconds, table, timed

_THAI = [
    "เที่ยวบิน",
    "ล่าช้า",
    "กระเป๋า",
    "หาย",
    "ขอบคุณ",
    "มาก",
    "ค่ะ",
    "ครับ",
    "รอ",
    "นาน",
    "สนามบิน",
    "เมื่อวาน",
    "พนักงาน",
    "ช่วย",
    "ด้วย",
    "ตั๋ว",
    "คืนเงิน",
    "ที่นั่ง",
    "เลย",
    "ไม่",
]
_CHINESE = [
    "行李",
    "航班",
    "延误",
    "退款",
    "座位",
    "谢谢",
    "请问",
    "昨天",
    "机场",
    "客服",
    "怎么",
    "没有",
    "收到",
    "今天",
    "电话",
    "等待",
    "箱子",
    "损坏",
    "订单",
    "更改",
]
_WORDS = 40_000


def _texts(count: int, *, seed: int = 11) -> list[str]:
    """Texts of about fifteen words: four fifths in letters, the rest in Thai and Chinese without spaces."""
    chance = random.Random(seed)
    syllables = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]
    made = [
        "".join(chance.choice(syllables) for _ in range(2 + n % 3)) + ("" if n < 3000 else str(n % 7))
        for n in range(_WORDS)
    ]
    vocabulary = ["luggage", "the", "my", "is", "lost", "refund", *made]
    weights = list(itertools.accumulate(1 / (rank + 2) for rank in range(len(vocabulary))))
    found = []
    for _ in range(count):
        kind = chance.random()
        if kind < 0.1:
            found.append("".join(chance.choices(_THAI, k=12)))
        elif kind < 0.2:
            found.append("".join(chance.choices(_CHINESE, k=14)))
        else:
            found.append(" ".join(chance.choices(vocabulary, cum_weights=weights, k=15)))
    return found


def _fill(count: int) -> None:
    """Give the generated messages their texts, a hundred thousand different ones in turn; one is unique."""
    from django.db import connection

    from rapport.lib.pg import array

    texts = _texts(min(count, 100_000))
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE said AS SELECT n, t FROM unnest(%s::text[]) WITH ORDINALITY AS u(t, n)",
            [array(texts)],
        )
        cursor.execute("ALTER TABLE inbox_message DISABLE TRIGGER words_changed")
        cursor.execute(
            "UPDATE inbox_message m SET text = said.t FROM said WHERE said.n = 1 + m.id %% %s", [len(texts)]
        )
        cursor.execute(
            "UPDATE inbox_message SET text = text || ' zeppelin' WHERE id = (SELECT min(id) + 7 FROM inbox_message)"
        )
        cursor.execute("ALTER TABLE inbox_message ENABLE TRIGGER words_changed")
        cursor.execute("DROP TABLE said")


def _baseline() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE plain_words AS SELECT id, brand_id, thread_id, to_tsvector('simple', text) AS words FROM inbox_message"
        )
        cursor.execute("CREATE INDEX plain_words_gin ON plain_words USING gin (words)")
        cursor.execute("VACUUM ANALYZE")


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
    "a word of one message": "zeppelin",
    "a rare word": "the {rare}",
    "a frequent word": "the",
    "the beginning of a word": "lugg",
    "two frequent words": "luggage the",
    "a phrase": '"luggage the"',
    "a word without another": "refund -the",
    "Thai inside words": "กระเป๋าหาย",
    "two characters of Chinese": "退款",
    "a frequent word, open cases": "the is:open",
    "a frequent word in a month": "luggage on:{month}",
    "a customer's words": "from:customer17 luggage",
    "a name": "customer17",
}


def _works(months: str, rare: str) -> dict[str, tuple[str, Callable[[], Any]]]:
    from django.db import connection

    from rapport.inbox.queries import CaseFilters, list_cases
    from rapport.inbox.queries.search_parse import parse_query
    from rapport.inbox.queries.search_snippets import snippets
    from rapport.staff.models import User

    user = User.objects.create_superuser("search@example.com", "a long password", name="Owner", initials="O")

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
        text = query.format(month=months, rare=rare)
        works[f"{name}|ours"] = (text, ours(text))
        if ":" not in text and "customer" not in text:
            works[f"{name}|parser"] = (text, plain(_PLAIN, text))
            if "-" not in text:
                works[f"{name}|ilike"] = (text, plain(_ILIKE, text.replace('"', "")))
    return works


def _sizes() -> dict[str, int]:
    from django.db import connection

    names = (
        "inbox_messagewords",
        "words_of_messages",
        "inbox_knownword",
        "plain_words",
        "plain_words_gin",
        "inbox_message",
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, pg_relation_size(name::regclass) FROM unnest(%s::text[]) AS t(name)", [list(names)]
        )
        return dict(cursor.fetchall())


def run(*, messages: int = 1_000_000, rounds: int = 15) -> str:
    """Empty the present database, measure, and return a section of Markdown."""
    from django.db import connection

    from rapport.inbox import words

    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {EVERYTHING}, inbox_wordswanted, inbox_knownword CASCADE")
    generate(messages=messages)
    _fill(messages)
    began, taken = time.perf_counter(), 0
    while batch := words.catch_up():
        taken += batch
    rate = taken / (time.perf_counter() - began)
    _baseline()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT to_char(percentile_disc(0.5) WITHIN GROUP (ORDER BY sent_at), 'YYYY-MM') FROM inbox_message"
        )
        month = cursor.fetchone()[0]
        cursor.execute(
            "SELECT word FROM ts_stat('SELECT words FROM plain_words TABLESAMPLE SYSTEM (1)') WHERE ndoc = 1 AND word ~ '^[a-z]+$' LIMIT 1"
        )
        rare = cursor.fetchone()[0]
    found: dict[str, dict[str, str]] = {}
    for name, (_text, work) in _works(month, rare).items():
        query, way = name.split("|")
        times = timed(work, rounds=rounds if way != "ilike" else 3, warmup=2 if way != "ilike" else 1)
        found.setdefault(query, {})[way] = f"{milliseconds(times)} ({work()})"
        print(f"search, {name}: {found[query][way]}", flush=True)
    sizes = _sizes()
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE plain_words")
    rows = [
        [query, ways["ours"], ways.get("parser", "–"), ways.get("ilike", "–")]
        for query, ways in found.items()
    ]
    mb = {name: f"{size / 1e6:.0f} MB" for name, size in sizes.items()}
    print(f"search, reading: {rate:,.0f} texts/s; sizes {mb}", flush=True)
    return (
        f"## Search\n\nMilliseconds, median / p95 of {rounds} calls at {messages:,} messages, and in brackets how many cases "
        "came (ours: on the first page; the others: of the newest thousand messages). Ours is the whole list with its "
        "marked pieces of text; beside it only the statement that finds cases, over PostgreSQL's own parser (`simple`) and "
        "over `ILIKE`.\n\n"
        + table(["", "Rapport", "tsvector of the parser", "ILIKE"], rows)
        + f"\n\nRead behind the ingest: {rate:,.0f} texts/s. Terms {mb['inbox_messagewords']}, their index "
        f"{mb['words_of_messages']}, known words {mb['inbox_knownword']}; the parser's {mb['plain_words']} and "
        f"{mb['plain_words_gin']}; the messages themselves {mb['inbox_message']}.\n\nLimit: some twenty statements for the "
        "list and its pieces of text. The parser finds no piece of a Thai or Chinese text, and sorts every match of a frequent word.\n"
    )


def main() -> None:
    """``python -m bench.search --messages 100000``: print, and write nothing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    with fresh_database():
        print(run(messages=arguments.messages, rounds=arguments.rounds))


if __name__ == "__main__":
    main()
