"""Migrations that were replaced by one for each app: what a database or a backup of before is to this version.

Who has had all of them has today's tables. Who has had only some needs the rest first, and their files are gone
(decision 0015): the way leads through the last commit that had them. Imported once Django is set up.
"""

from __future__ import annotations

from collections.abc import Collection

from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from rapport.cli.runtime import CommandError

Names = set[tuple[str, str]]

THROUGH = "commit 3cf069eb2f of 22 November 2026"


def missing(had: Collection[tuple[str, str]]) -> str | None:
    """The last replaced migration that is lacking, as ``app.name``, where others of its app were had; else None."""
    lacking: list[tuple[str, str]] = []
    for migration in MigrationLoader(None).replacements.values():
        lacks = [name for name in migration.replaces if name not in had]
        if 0 < len(lacks) < len(migration.replaces):
            lacking += lacks
    return ".".join(max(lacking)) if lacking else None


def todays(had: Collection[tuple[str, str]]) -> Names:
    """What was had in today's names: the replaced migrations as what replaced them."""
    names = set(had)
    for key, migration in MigrationLoader(None).replacements.items():
        replaced = set(migration.replaces)
        if replaced <= names:
            names = (names - replaced) | {key}
    return names


def applied() -> Names:
    """What the database has had, in the names it had then."""
    return set(MigrationRecorder(connection).applied_migrations())


def refuse_halfway() -> None:
    """Raises :class:`CommandError` for a database that this version cannot bring further."""
    if name := missing(applied()):
        raise CommandError(f"{too_old(name)} Nothing was changed. {advice()}")


def too_old(name: str) -> str:
    """What is wrong with the database that lacks ``name``."""
    return (
        f"The database is too old for this version of Rapport: it lacks {name}, which is not here any more."
    )


def advice() -> str:
    """What to do about it."""
    return f"Run 'rapport migrate' of {THROUGH} first, then of this version."
