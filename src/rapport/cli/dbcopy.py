"""What backup and restore ask PostgreSQL about its tables. Reads the catalogue, so that no table is
forgotten: other applications' tables in the schema come along too."""

from __future__ import annotations

from typing import Any

import psycopg
from procrastinate.contrib.django.utils import connector_params
from psycopg import sql


def connect() -> psycopg.Connection:
    """A connection of our own, in a transaction from its first statement."""
    return psycopg.connect(**connector_params())


def tables_in_order(connection: psycopg.Connection) -> list[str]:
    """Every table of the schema, a table after those it refers to.

    Cycles are cut anywhere: the constraints Django makes are checked when the transaction ends.
    """
    names = [
        row[0]
        for row in connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace "
            "AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY relname"
        )
    ]
    needs: dict[str, set[str]] = {name: set() for name in names}
    for child, parent in connection.execute(
        "SELECT c.relname, p.relname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid "
        "JOIN pg_class p ON p.oid = k.confrelid WHERE k.contype = 'f' AND NOT k.condeferrable "
        "AND c.relnamespace = current_schema()::regnamespace"
    ):
        if child in needs and parent in needs and child != parent:
            needs[child].add(parent)
    order: list[str] = []
    while needs:
        ready = [name for name, parents in needs.items() if not parents] or [min(needs)]
        for name in ready:
            del needs[name]
        order += ready
        for parents in needs.values():
            parents.difference_update(ready)
    return order


def columns(connection: psycopg.Connection, table: str) -> list[str]:
    """The table's columns, without those that are computed from others."""
    return [
        row[0]
        for row in connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 "
            "AND NOT attisdropped AND attgenerated = '' ORDER BY attnum",
            [sql.Identifier(table).as_string(connection)],
        )
    ]


def sequences(connection: psycopg.Connection) -> list[list[Any]]:
    """Every sequence of the schema: name, last value, whether that value was given out."""
    names = [
        row[0]
        for row in connection.execute(
            "SELECT sequencename FROM pg_sequences WHERE schemaname = current_schema() ORDER BY 1"
        )
    ]
    found: list[list[Any]] = []
    for name in names:
        row = connection.execute(
            sql.SQL("SELECT last_value, is_called FROM {}").format(sql.Identifier(name))
        ).fetchone()
        if row is not None:
            found.append([name, row[0], row[1]])
    return found


def migrations(connection: psycopg.Connection) -> list[list[str]]:
    """Which migrations the tables went through."""
    if connection.execute("SELECT to_regclass('django_migrations')").fetchone() == (None,):
        return []
    rows = connection.execute("SELECT app, name FROM django_migrations ORDER BY id")
    return [[app, name] for app, name in rows]
