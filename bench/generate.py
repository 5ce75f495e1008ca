"""A desk's history of any size, made inside the database: ten million messages in minutes.

Six brands of very different size on three networks, 200 agents, customers of whom few write very often, eight
languages, one case in twenty open; with notes, tags, mentions, turns, events, replies and the terms that search reads.
Whatever the database held before is gone. On a server of its own (see ``place.py``) two connections fill tables that
do not depend on one another, without looking at indexes, which are built afterwards.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterable

import psycopg
from django.db import connection

from bench import tables, vocabulary

_TEXTS = 20_000
# After PREPARE and PEOPLE and CASES; the two rows at the same time.
_ONE = ("CONTACTS", "THREADS", "MESSAGES", "TURNS")
_OTHER = ("WORDS", "EVENTS")
_LAST = ("LONG_THREADS", "AROUND")
_SESSION = """
    SET session_replication_role = replica; SET synchronous_commit = off; SET jit = off;
    SET work_mem = '512MB'; SET maintenance_work_mem = '{memory}MB'; SET max_parallel_workers_per_gather = 0
"""
_EMPTY = """
    SELECT 'TRUNCATE ' || string_agg(quote_ident(relname), ', ') || ' CASCADE' FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname ~ '^(brands|staff|contacts|inbox|outbox|ingest)_'
"""
# An index that is not ready is left alone by writers, and REINDEX makes it ready and valid again.
_INDEXES = """
    SELECT indexrelid::regclass::text FROM pg_index i JOIN pg_class t ON t.oid = indrelid
    WHERE relnamespace = 'public'::regnamespace AND relname ~ '^(contacts|inbox|outbox)_' ORDER BY relname !~ 'words', relname
"""
_SEQUENCES = """
    SELECT format('SELECT setval(%L, greatest((SELECT max(id) FROM %s), 1))', pg_get_serial_sequence(c.oid::regclass::text, 'id'), c.oid::regclass)
    FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid AND attname = 'id' AND attidentity <> ''
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""
_DROP = """
    DROP FUNCTION bench_share, bench_message; DROP TABLE bench_text, bench_lang, bench_name, bench_agent, bench_team, bench_case
"""


def generate(*, messages: int, memory_mb: int = 512) -> int:
    """Fill the present database anew; returns how many messages there are. ``memory_mb`` is for each of two
    connections that build indexes."""
    size = tables.size_of(messages)
    address = connection.get_connection_params()
    connection.close()
    work = _Work(
        {key: address[key] for key in ("dbname", "user", "password", "host", "port") if address.get(key)},
        size,
        memory_mb,
    )
    work.step("empty", work.empty)
    work.step("texts", work.texts)
    for name in ("PEOPLE", "CASES"):
        work.step(name.lower(), work.table(name))
    work.at_once(
        [(name.lower(), work.table(name)) for name in _ONE],
        [(name.lower(), work.table(name)) for name in _OTHER],
    )
    for name in _LAST:
        work.step(name.lower(), work.table(name))
    indexes = queue.SimpleQueue[str]()
    for index in work.rows(_INDEXES):
        indexes.put(index)
    work.at_once([("indexes", lambda: work.build(indexes))], [("other indexes", lambda: work.build(indexes))])
    work.step("settled", work.settle)
    return work.number("SELECT count(*) FROM inbox_message")


class _Work:
    """The steps, each with its own connection, and what they took."""

    def __init__(self, address: dict[str, str], size: tables.Size, memory_mb: int) -> None:
        self._address, self._size, self._memory = address, size, memory_mb

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        made = psycopg.connect(**self._address, autocommit=True)  # type: ignore[arg-type]
        made.execute(_SESSION.format(memory=self._memory))
        return made

    def run(self, statements: str) -> None:
        with self._connect() as session:
            session.execute(statements)

    def rows(self, statement: str) -> list[str]:
        with self._connect() as session:
            return [str(row[0]) for row in session.execute(statement)]

    def number(self, statement: str) -> int:
        return int(self.rows(statement)[0])

    def table(self, name: str) -> Callable[[], None]:
        statements: str = getattr(tables, name)
        return lambda: self.run(statements.format(**self._size.values))

    def step(self, name: str, work: Callable[[], None]) -> None:
        began = time.perf_counter()
        work()
        print(f"  {name}: {time.perf_counter() - began:.1f} s", flush=True)

    def at_once(self, *rows: Iterable[tuple[str, Callable[[], None]]]) -> None:
        failed: list[BaseException] = []

        def work(row: Iterable[tuple[str, Callable[[], None]]]) -> None:
            try:
                for name, one in row:
                    self.step(name, one)
            except psycopg.Error as error:
                failed.append(error)

        threads = [threading.Thread(target=work, args=(row,)) for row in rows]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failed:
            raise failed[0]

    def empty(self) -> None:
        with self._connect() as session:
            (statement,) = session.execute(_EMPTY).fetchone() or ("",)
            session.execute(str(statement))
            for index in self.rows(_INDEXES):
                session.execute(
                    "UPDATE pg_index SET indisready = false, indisvalid = false WHERE indexrelid = %s::regclass",
                    [index],
                )

    def texts(self) -> None:
        values = self._size.values
        found = vocabulary.texts(min(_TEXTS, int(values["messages"]) // 5))
        with self._connect() as session, session.cursor() as cursor:
            cursor.execute(tables.PREPARE.format(**values))
            with cursor.copy("COPY bench_text FROM STDIN") as copy:
                for one in found:
                    copy.write_row((one.number, one.lang, one.text, one.vector))
            with cursor.copy("COPY bench_name FROM STDIN") as copy:
                for number, name in enumerate(vocabulary.names(), 1):
                    copy.write_row((number, *name))
            with cursor.copy("COPY inbox_knownword FROM STDIN") as copy:
                for word in vocabulary.known_words(found):
                    copy.write_row((word,))
            cursor.execute(
                "INSERT INTO bench_lang SELECT b, t.lang, min(n.number), count(*) FROM generate_series(0, 99) b "
                "JOIN bench_text t ON t.number = 1 + b * (SELECT count(*) FROM bench_text) / 100 "
                "JOIN bench_text n ON n.lang = t.lang GROUP BY b, t.lang; ANALYZE bench_text; ANALYZE bench_name; ANALYZE bench_lang"
            )

    def build(self, indexes: queue.SimpleQueue[str]) -> None:
        with self._connect() as session, contextlib.suppress(queue.Empty):
            while True:
                session.execute(f"REINDEX INDEX {indexes.get_nowait()}")

    def settle(self) -> None:
        self.run(_DROP)
        for statement in self.rows(_SEQUENCES):
            self.run(statement)
        self.run("VACUUM (ANALYZE)")
