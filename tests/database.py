"""What makes the tests' database quick: one migration for all processes, and emptying only what was filled."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
from django.contrib.contenttypes.management import create_contenttypes
from django.core.management import call_command
from django.db import connection
from django.db.backends.postgresql.operations import DatabaseOperations
from django.db.models.signals import post_migrate

from rapport.config.locks import file_lock

_TEMPLATE = "rapport_template"
# The queue is not Django's, which empties all the others.
_QUEUE = ["procrastinate_jobs", "procrastinate_events", "procrastinate_periodic_defers"]


def make_careless(url: str) -> None:
    """A server that is thrown away need not survive that the machine loses its power."""
    with psycopg.connect(url, autocommit=True) as server:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            server.execute(f"ALTER SYSTEM SET {setting} = off".encode())
        server.execute("SELECT pg_reload_conf()")


def copy_from_template(url: str, lock: Path) -> None:
    """The test database of each process of the run at ``url`` is a copy."""
    connection.settings_dict["TEST"]["TEMPLATE"] = template(url, lock)


def template(url: str, lock: Path) -> str:
    """Name of a database to be copied, which the first process of the run to come migrates."""
    with file_lock(lock, wait=True), psycopg.connect(url, autocommit=True) as server:
        if not server.execute("SELECT FROM pg_database WHERE datname = %s", [_TEMPLATE]).rowcount:
            server.execute(f"CREATE DATABASE {_TEMPLATE} ENCODING 'UTF8'".encode())
            _migrate(_TEMPLATE)
    return _TEMPLATE


def _migrate(name: str) -> None:
    connection.close()
    before = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = name
    try:
        call_command("migrate", verbosity=0)
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before


def empty_quickly() -> None:
    """After a test that commits: a tenth of the time of truncating all tables and writing permissions anew."""
    # Nobody asks for Django's own permissions.
    post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")
    post_migrate.disconnect(create_contenttypes)
    setattr(DatabaseOperations, "sql_flush", _emptied)  # noqa: B010 - Django has no setting for it


def _emptied(self: DatabaseOperations, style: Any, tables: Sequence[str], **options: Any) -> list[str]:
    names = [*tables, *_QUEUE]
    return [
        f"""
        DO $$ DECLARE one text; filled bool; BEGIN
            IF NOT current_setting('is_superuser')::bool THEN
                TRUNCATE {", ".join(names)};
                RETURN;
            END IF;
            SET LOCAL session_replication_role = replica;
            FOREACH one IN ARRAY '{{{",".join(names)}}}'::text[] LOOP
                EXECUTE format('SELECT EXISTS (SELECT FROM %I)', one) INTO filled;
                IF filled THEN EXECUTE format('DELETE FROM %I', one); END IF;
            END LOOP;
        END $$
        """
    ]
