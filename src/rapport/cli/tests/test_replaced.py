"""A database or a backup of before the migrations that were replaced (decision 0015) is this version's, or says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import LiteralString

import psycopg

from rapport.cli.replaced import THROUGH
from rapport.cli.tests.conftest import Instance
from rapport.cli.tests.test_backup import checksums


def back_up_as_it_is(instance: Instance, archive: Path) -> None:
    """As an older version does: ``rapport backup`` refuses to write what is behind."""
    instance.python(
        "from pathlib import Path\n"
        "from rapport.cli.archive import writing\n"
        "from rapport.cli.backup import _write\n"
        "from rapport.cli.dbcopy import connect\n"
        "from rapport.config.options import options\n"
        f"path = Path({str(archive)!r})\n"
        "with writing(path) as writer, connect() as connection:\n"
        "    _write(writer, connection, options(), spool=path.parent, avoid=path)"
    )


def test_an_older_backup_is_brought_to_this_version(
    new_instance: Callable[..., Instance], tmp_path: Path
) -> None:
    """It lacks a room's tables, and its name for the others is one that was replaced since."""
    old, target = new_instance(), new_instance()
    old.python(
        "from django.core.management import call_command\n"
        "call_command('migrate', 'imports', 'zero', verbosity=0)\n"
        "from rapport.staff.actions import add_user\n"
        "add_user(actor_id=None, email='o@example.com', name='Olga', password='long enough pw')"
    )
    change(old, "DELETE FROM django_migrations WHERE name = '0100_beginning'")
    assert "behind" in old.run("backup", str(tmp_path / "no.tar.gz"), code=1)
    archive = tmp_path / "old.tar.gz"
    back_up_as_it_is(old, archive)
    target.run("restore", str(archive))
    assert target.rows("SELECT email FROM staff_user") == [("o@example.com",)]
    assert target.rows("SELECT count(*) FROM imports_importrun") == [(0,)]
    (names,) = target.rows("SELECT array_agg(name ORDER BY name) FROM django_migrations WHERE app = 'audit'")
    assert names == (["0001_initial", "0002_initial", "0003_append_only", "0100_beginning"],)
    assert "up to date" in target.run("doctor")


def test_a_database_with_all_of_the_replaced_migrations_is_up_to_date(instance: Instance) -> None:
    change(instance, "DELETE FROM django_migrations WHERE name = '0100_beginning'")
    assert "up to date" in instance.run("doctor")
    assert "up to date" in instance.run("migrate")
    assert instance.rows("SELECT count(*) FROM django_migrations WHERE name = '0100_beginning'") == [(10,)]


def test_what_had_only_some_of_them_is_told_which_version_leads_on(
    new_instance: Callable[..., Instance], tmp_path: Path
) -> None:
    halfway, target = new_instance(), new_instance()
    archive, good = tmp_path / "halfway.tar.gz", tmp_path / "good.tar.gz"
    target.run("backup", str(good))
    # Nothing builds on the practice network's tables: Django alone would see nothing wrong with these.
    change(
        halfway,
        "DELETE FROM django_migrations WHERE app = 'practice' AND name IN ('0003_readings', '0100_beginning')",
    )
    before = checksums(halfway)
    for command in ("migrate", "worker", "doctor"):
        options = ("--json",) if command == "doctor" else ()
        said = halfway.run(command, *options, code=1)
        assert "lacks practice.0003_readings" in said
        assert f"of {THROUGH}" in said
    assert checksums(halfway) == before
    # And where others do build on them.
    change(halfway, "DELETE FROM django_migrations WHERE app = 'inbox' AND name > '0010'")
    assert "lacks practice.0003_readings" in halfway.run("migrate", code=1)

    back_up_as_it_is(halfway, archive)
    before = checksums(target)
    assert f"Restore it with {THROUGH}" in target.run("restore", str(archive), "--replace", code=1)
    assert checksums(target) == before
    # What it holds may be replaced by what this version understands.
    halfway.run("restore", str(good), "--replace")
    assert "up to date" in halfway.run("doctor")


def change(instance: Instance, query: LiteralString) -> None:
    """One statement, on the instance's database."""
    with psycopg.connect(instance.url) as connection:
        connection.execute(query)
