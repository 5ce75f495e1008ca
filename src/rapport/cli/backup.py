"""``rapport backup``: everything in one file, while Rapport runs."""

from __future__ import annotations

import json
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import click
import psycopg
from psycopg import sql

from rapport.cli.archive import SECRETS, Manifest, Table, Writer, writing
from rapport.cli.dbcopy import columns, connect, migrations, sequences, tables_in_order
from rapport.cli.runtime import CommandError, django_ready, print_json, read_options
from rapport.config.options import Options
from rapport.config.secret_store import load_secrets

# What is made anew by itself, or is in the archive in another form.
NOT_FILES = {"postgres", "postgres.new", "static", "secrets.json", "up.lock", ".postgres.lock", "schema.mark"}


@click.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(file: Path, as_json: bool) -> None:
    """Write database, secrets and files to FILE (.tar.gz). It holds secrets: keep it safe.

    It may run at any time: it sees one moment of the database, and stops nobody.
    """
    options = read_options()
    if file.exists():
        raise CommandError(f"{file} exists already. Choose another name, or remove it first.")
    if not file.parent.is_dir():
        raise CommandError(f"There is no directory {file.parent}.")
    with django_ready():
        try:
            with writing(file) as writer, connect() as connection:
                manifest = _write(writer, connection, options, spool=file.parent, avoid=file)
        except OSError as error:
            raise CommandError(f"{file} cannot be written ({error.strerror or error}).") from error
    rows = sum(table.rows for table in manifest.tables)
    facts = {
        "file": str(file),
        "bytes": file.stat().st_size,
        "tables": len(manifest.tables),
        "rows": rows,
        "files": sum(member.startswith("files/") for member in manifest.sha256),
    }
    if as_json:
        print_json(facts)
    else:
        click.echo(f"{file}: {rows} rows of {facts['tables']} tables, {facts['files']} files, the secrets.")


def _write(
    writer: Writer, connection: psycopg.Connection, options: Options, *, spool: Path, avoid: Path
) -> Manifest:
    # One snapshot for all tables. Sequences are outside of it and only ever ahead, which is harmless.
    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    manifest = Manifest(
        version=version("rapport"),
        created_at=datetime.now(UTC).isoformat(),
        postgresql=connection.info.parameter_status("server_version") or "",
        migrations=migrations(connection),
    )
    for number, name in enumerate(tables_in_order(connection), start=1):
        member = f"tables/{number:04}_{name}.copy"
        table = Table(name=name, columns=columns(connection, name), member=member, rows=0)
        query = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(
            sql.SQL(", ").join(map(sql.Identifier, table.columns)), sql.Identifier(name)
        )
        # A tar member's size comes before its content, so the table waits in a file.
        with tempfile.TemporaryFile(dir=spool) as rows, connection.cursor() as cursor:
            with cursor.copy(query) as copy:
                for data in copy:
                    rows.write(data)
            table.rows = cursor.rowcount
            size = rows.tell()
            rows.seek(0)
            writer.add(member, rows, size)
        manifest.tables.append(table)
    manifest.sequences = sequences(connection)
    secrets = load_secrets(options)
    body = {"secret_key": secrets.secret_key, "encryption_keys": list(secrets.encryption_keys)}
    writer.add_bytes(SECRETS, json.dumps(body).encode())
    _add_files(writer, options.data, avoid=avoid)
    writer.finish(manifest)
    return manifest


def _is_backup(path: Path, avoid: Path) -> bool:
    """The file being written, and earlier ones beside it: a backup of backups would double each time."""
    return path.parent.resolve() == avoid.parent.resolve() and (
        path.suffixes == avoid.suffixes or path.name.startswith(f".{avoid.name}.")
    )


def _add_files(writer: Writer, data: Path, *, avoid: Path) -> None:
    for top in sorted(data.iterdir()):
        if top.name in NOT_FILES or top.is_symlink():
            continue
        paths = sorted(top.rglob("*")) if top.is_dir() else [top]
        for path in paths:
            if not path.is_file() or path.is_symlink() or _is_backup(path, avoid):
                continue
            with path.open("rb") as source:
                # As long as it was when opened: a file that grows meanwhile is cut there.
                writer.add(f"files/{path.relative_to(data).as_posix()}", source, path.stat().st_size)
