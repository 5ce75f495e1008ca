"""What hangs on a case and goes with it when it becomes part of another: notes, replies, and all that any
room may ever hang there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection, models
from psycopg import sql

from rapport.inbox.models import Case

# Its history, its threads, its tags and its own merges and links are dealt with apart; how far somebody has
# read it stays with it.
_STAYS = {
    "inbox_caseevent",
    "inbox_casethread",
    "inbox_case",
    "inbox_case_tags",
    "inbox_casemerge",
    "inbox_caselink",
    "inbox_caseseen",
}


@dataclass(frozen=True)
class _Hanging:
    """A table whose rows name a case. ``once``: columns of which there is one row for each case."""

    table: str
    column: str
    key: str
    once: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Rule:
    """What a room does about rows that cannot move, since the case that stays has its own. ``joined`` is asked
    after all else moved and returns what ``parted`` needs to take it back: ids, codes and times."""

    joined: Callable[[Mapping[int, int]], list[dict[str, Any]]]
    parted: Callable[[list[dict[str, Any]]], None]


# By name, under which what a rule did is written down. Rooms add theirs as they are loaded.
RULES: dict[str, Rule] = {}


def move(into: Mapping[int, int]) -> dict[str, list[Any]]:
    """Let everything that hangs on the cases (keys) hang on others (values); returns the keys of the moved
    rows by table, and what rules did by their names.

    Where there can be one row for each case (one draft for each person), the case that stays keeps its own,
    and the other's stays where it is, unless a rule has a better place for it.
    """
    moved: dict[str, list[Any]] = {}
    pairs = {"from": list(into), "to": list(into.values())}
    with connection.cursor() as cursor:
        for one in _hanging():
            cursor.execute(_statement(one), pairs)
            if keys := [row[0] for row in cursor.fetchall()]:
                moved[one.table] = sorted(keys)
    for name, rule in RULES.items():
        if done := rule.joined(into):
            moved[name] = done
    return moved


def move_back(moved: Mapping[str, list[Any]], *, source: int, target: int) -> None:
    """Give ``source`` the rows that :func:`move` took from it and that still hang on ``target``."""
    with connection.cursor() as cursor:
        for one in _hanging():
            if one.table not in moved:
                continue
            statement = sql.SQL(
                "UPDATE {table} SET {column} = %s WHERE {column} = %s AND {key} = ANY(%s)"
            ).format(
                table=sql.Identifier(one.table),
                column=sql.Identifier(one.column),
                key=sql.Identifier(one.key),
            )
            cursor.execute(statement.as_string(None), [source, target, list(moved[one.table])])
    for name, rule in RULES.items():
        if name in moved:
            rule.parted(moved[name])


def _statement(one: _Hanging) -> str:
    parts: dict[str, sql.Composable] = {
        "table": sql.Identifier(one.table),
        "column": sql.Identifier(one.column),
        "key": sql.Identifier(one.key),
    }
    clashes = [
        sql.SQL(
            " AND NOT EXISTS (SELECT FROM {table} y "
            "LEFT JOIN unnest(%(from)s::bigint[], %(to)s::bigint[]) AS q(source, target) ON q.source = y.{column} "
            "WHERE (y.{column} = p.target OR (q.target = p.target AND y.{key} < x.{key})){same})"
        ).format(
            **parts,
            same=sql.SQL("").join(
                sql.SQL(" AND y.{c} = x.{c}").format(c=sql.Identifier(column)) for column in columns
            ),
        )
        for columns in one.once
    ]
    moving = sql.SQL(
        "UPDATE {table} x SET {column} = p.target "
        "FROM unnest(%(from)s::bigint[], %(to)s::bigint[]) AS p(source, target) "
        "WHERE x.{column} = p.source{clashes} RETURNING x.{key}"
    ).format(**parts, clashes=sql.SQL("").join(clashes))
    return moving.as_string(None)


def _hanging() -> Iterator[_Hanging]:
    for relation in Case._meta.get_fields(include_hidden=True):
        if not isinstance(relation, models.ManyToOneRel):  # a OneToOneRel is one too
            continue
        model, field = relation.related_model, relation.field
        meta: Any = model._meta
        if meta.db_table in _STAYS or not meta.managed:
            continue
        unique = [set(group) for group in meta.unique_together]
        unique += [set(one.fields) for one in meta.constraints if isinstance(one, models.UniqueConstraint)]
        unique += [{field.name}] if field.unique else []
        once = tuple(
            tuple(sorted(meta.get_field(name).column for name in group - {field.name}))
            for group in unique
            if field.name in group
        )
        yield _Hanging(meta.db_table, str(field.column), str(meta.pk.column), once)
