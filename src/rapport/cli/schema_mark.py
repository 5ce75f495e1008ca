"""A note of which code last brought the database up to date, so that a restart need not ask Django again.

Asking takes a Python with all of Django, seconds on a small machine. Every process checks the schema for
itself when it starts, so a wrong note ends in their sentence ("run rapport migrate") and in no harm.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import distributions
from pathlib import Path

import psycopg

import rapport
from rapport.config.options import Options

_NOTE = "schema.mark"


def is_noted(options: Options, url: str) -> bool:
    """Whether this very code has migrated this very database."""
    try:
        return (options.data / _NOTE).read_text(encoding="utf-8") == _fingerprint(url)
    except OSError:
        return False


def note(options: Options, url: str) -> None:
    """Remember that it has."""
    (options.data / _NOTE).write_text(_fingerprint(url), encoding="utf-8")


def _fingerprint(url: str) -> str:
    """Our migrations, every installed package's version, and how many migrations the database has had."""
    packages = sorted(f"{one.name} {one.version}" for one in distributions())
    migrations = sorted(
        str(path) for folder in rapport.__path__ for path in Path(folder).glob("**/migrations/*.py")
    )
    parts = [*packages, *migrations, str(_applied(url))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _applied(url: str) -> int | None:
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            row = connection.execute("SELECT count(*) FROM django_migrations").fetchone()
    except psycopg.Error:
        return None
    return None if row is None else int(row[0])
