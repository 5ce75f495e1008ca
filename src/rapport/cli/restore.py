"""``rapport restore``: bring back what ``rapport backup`` wrote. All of it, or nothing."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from pathlib import Path
from typing import IO

import click
import psycopg
from psycopg import sql

from rapport.cli.archive import SECRETS, BadArchive, Manifest, Table, for_each_member, verified_manifest
from rapport.cli.dbcopy import migrations, tables_in_order
from rapport.cli.runtime import CommandError, django_ready, print_json, read_options
from rapport.cli.up import LOCK
from rapport.config.locks import Held, file_lock
from rapport.config.options import Options
from rapport.config.secret_store import Secrets, replace_secrets, stored_secrets

_ASIDE = sql.Identifier("rapport_restore")
# Filled by 'rapport migrate' itself, so rows there do not make a database one that is in use.
_NOT_DATA = {"django_migrations", "django_content_type", "auth_permission"}


@click.command("restore")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Delete what the database holds now.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(file: Path, replace: bool, as_json: bool) -> None:
    """Restore FILE into an empty database, or with --replace into one that is in use.

    Rapport must not run meanwhile. Older backups are brought to this version.
    """
    options = read_options()
    try:
        manifest = verified_manifest(file)
        options.data.mkdir(parents=True, exist_ok=True)
        with file_lock(options.data / LOCK, wait=False), django_ready(check_migrations=False):
            _restore(file, manifest, options, replace=replace)
            _migrate_and_analyze()
        files = _restore_files(file, options.data)
    except BadArchive as error:
        raise CommandError(str(error)) from None
    except psycopg.Error as error:
        reason = str(error).strip().split("\n")[0]
        raise CommandError(f"{file} cannot be restored; nothing was changed ({reason}).") from error
    except Held:
        raise CommandError("Rapport runs on this data directory. Stop it first.") from None
    rows = sum(table.rows for table in manifest.tables)
    if as_json:
        print_json({"tables": len(manifest.tables), "rows": rows, "files": files})
        return
    click.echo(f"Restored {rows} rows of {len(manifest.tables)} tables, {files} files, the secrets.")
    if options.encryption_keys or options.secret_key:
        click.echo(
            "RAPPORT_SECRET_KEY or RAPPORT_ENCRYPTION_KEYS are set and count more than the restored ones: "
            "they must hold the keys of the backup for stored credentials to be readable."
        )


def _restore(file: Path, manifest: Manifest, options: Options, *, replace: bool) -> None:
    """Database and secrets: all of it becomes visible in one commit.

    The secrets are a file, which no transaction covers: from before the commit until after it, the file
    holds the keys of both, so that whichever database a crash leaves can be read.
    """
    from django.db import connection as django_connection
    from django.db import transaction

    from rapport.cli.replaced import todays

    before, found = stored_secrets(options.data), None
    django_connection.ensure_connection()
    connection: psycopg.Connection = django_connection.connection
    wanted = _wanted(manifest)
    _refuse_data(connection, replace=replace)
    rebuild = wanted != todays([(app, name) for app, name in migrations(connection)])
    schema = _schema(connection)
    try:
        if rebuild:
            _make_tables_aside(connection, manifest, wanted)
        with transaction.atomic():
            found = _load(connection, file, manifest)
            if found is not None:
                replace_secrets(options.data, _with_keys_of(before, found))
            if rebuild:
                connection.execute(
                    sql.SQL("DROP SCHEMA {0} CASCADE; ALTER SCHEMA {1} RENAME TO {0}").format(schema, _ASIDE)
                )
    except BaseException:
        if found is not None:
            # A connection that broke while it committed leaves open which database there is now.
            replace_secrets(options.data, _with_keys_of(before, found))
        raise
    finally:
        # A connection that broke says so by the error under way.
        with contextlib.suppress(psycopg.Error):
            connection.execute("RESET search_path")
            connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(_ASIDE))
    if found is not None:
        replace_secrets(options.data, found)


def _with_keys_of(first: Secrets, second: Secrets) -> Secrets:
    """The first, and able to read what the second has encrypted."""
    return Secrets(first.secret_key, tuple(dict.fromkeys((*first.encryption_keys, *second.encryption_keys))))


def _wanted(manifest: Manifest) -> set[tuple[str, str]]:
    """The backup's migrations, in today's names."""
    from rapport.cli.replaced import THROUGH, missing, todays

    had = {(app, name) for app, name in manifest.migrations}
    if lacking := missing(had):
        raise CommandError(
            f"The backup is too old for this version of Rapport: it lacks {lacking}, which is not here any more. "
            f"Nothing was changed. Restore it with {THROUGH}, and back up from there."
        )
    return todays(had)


def _refuse_data(connection: psycopg.Connection, *, replace: bool) -> None:
    if replace:
        return
    for name in tables_in_order(connection):
        if name in _NOT_DATA:
            continue
        query = sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.Identifier(name))
        if connection.execute(query).fetchone() == (True,):
            raise CommandError(
                f"The database is in use: {name} has rows. Restore into an empty one, or add --replace to "
                "delete what is there."
            )


def _schema(connection: psycopg.Connection) -> sql.Identifier:
    row = connection.execute("SELECT current_schema()").fetchone()
    if row is None or row[0] is None:
        raise CommandError("The database has no schema to restore into. Create one: CREATE SCHEMA public.")
    return sql.Identifier(row[0])


def _make_tables_aside(
    connection: psycopg.Connection, manifest: Manifest, wanted: set[tuple[str, str]]
) -> None:
    """Make the tables as they were when the backup was made, in a schema that nobody sees yet.

    Aside, because not every migration can run inside a transaction.
    """
    from django.apps import apps
    from django.db import connection as django_connection
    from django.db.migrations.executor import MigrationExecutor
    from django.db.migrations.loader import MigrationLoader

    known = {table.name for table in manifest.tables} | {"django_migrations"}
    known |= {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    strangers = [name for name in tables_in_order(connection) if name not in known]
    if strangers:
        raise CommandError(
            f"The database holds tables that are not Rapport's ({strangers[0]}). Restore into one of its own."
        )
    graph = MigrationLoader(None).graph
    unknown = sorted(key for key in wanted if key not in graph.nodes)
    if unknown:
        raise CommandError(
            f"The backup was made by a newer version of Rapport ({'.'.join(unknown[-1])}). Use that version."
        )
    connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {0} CASCADE; CREATE SCHEMA {0}").format(_ASIDE))
    connection.execute(sql.SQL("SET search_path TO {}").format(_ASIDE))
    # The last ones: those that no other wanted one needs.
    needed = {parent.key for key in wanted for parent in graph.node_map[key].parents}
    MigrationExecutor(django_connection).migrate(sorted(wanted - needed))


def _load(connection: psycopg.Connection, file: Path, manifest: Manifest) -> Secrets | None:
    """Fill the tables; returns the backup's secrets."""
    secrets: Secrets | None = None
    tables = {table.member: table for table in manifest.tables}
    there = tables_in_order(connection)
    missing = {table.name for table in manifest.tables} ^ set(there)
    if missing:
        raise CommandError(f"The backup's tables are not this version's ({sorted(missing)[0]}).")
    names = [sql.Identifier(name) for name in there]
    # Triggers did their work when the rows were first written.
    for name in names:
        connection.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(name))
    connection.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(names)))
    connection.execute("SET CONSTRAINTS ALL DEFERRED")

    def take(member: str, source: IO[bytes]) -> None:
        nonlocal secrets
        if member in tables:
            _copy_in(connection, tables[member], source)
        elif member == SECRETS:
            stored = json.load(source)
            secrets = Secrets(str(stored["secret_key"]), tuple(map(str, stored["encryption_keys"])))

    for_each_member(file, take)
    connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for name in names:
        connection.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(name))
    for sequence, value, used in manifest.sequences:
        connection.execute("SELECT setval(%s::regclass, %s, %s)", [f'"{sequence}"', value, used])
    return secrets


def _copy_in(connection: psycopg.Connection, table: Table, source: IO[bytes]) -> None:
    query = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, table.columns))
    )
    with connection.cursor() as cursor:
        with cursor.copy(query) as copy:
            while chunk := source.read(1 << 18):
                copy.write(chunk)
        if cursor.rowcount != table.rows:
            raise BadArchive(f"{table.name} came back with {cursor.rowcount} of {table.rows} rows.")


def _migrate_and_analyze() -> None:
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", interactive=False, verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _restore_files(file: Path, data: Path) -> int:
    count = 0

    def take(member: str, source: IO[bytes]) -> None:
        nonlocal count
        if not member.startswith("files/"):
            return
        target = data / member.removeprefix("files/")
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = target.with_name(f".{target.name}.part")
        with aside.open("wb") as out:
            shutil.copyfileobj(source, out)
        os.replace(aside, target)
        count += 1

    for_each_member(file, take)
    return count
