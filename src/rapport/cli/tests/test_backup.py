"""What was backed up comes back: every row, every sequence, the secrets, the files. All or nothing."""

from __future__ import annotations

import hashlib
import io
import json
import stat
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from rapport.cli.archive import BadArchive, verified_manifest
from rapport.cli.tests.conftest import Instance

WORLD = """
from uuid import uuid4
from rapport.inbox.tests.making import make_brand, make_channel, make_contact, make_user, say, case_of
from rapport.outbox.models import Outgoing
from rapport.outbox.defer import defer_delivery
from rapport.staff.actions import add_user
from rapport.ingest.actions import store_raw
from rapport.networks.base import RawItem
from rapport.inbox.actions import add_note, add_tag
brand = make_brand()
channel = make_channel(brand)
owner = add_user(actor_id=None, email="o@example.com", name="Olga", password="long enough pw", owner=True)
ana = make_contact(channel, "Ana\\tTab\\\\N")
asked = say(channel, ana, "Wo ist mein Koffer?\\n\\\\. ไทย 🧳 \\\\N")
case = case_of(asked)
add_note(actor=owner, case_id=case.id, text="Wichtig")
add_tag(actor=owner, case_id=case.id, name="Gepäck")
row = Outgoing.objects.create(brand=brand, channel=channel, case=case, thread_id=asked.thread_id,
    in_reply_to=asked, author=owner, visibility="public", text="Gleich.", form_key=uuid4(),
    not_before="2030-01-01T00:00:00Z")
defer_delivery(outgoing_id=row.id, not_before=asked.sent_at)
store_raw(channel_id=channel.id, items=[RawItem("post", {"n": n}) for n in range(500)])
"""


def checksums(instance: Instance) -> dict[str, object]:
    """A digest of every table, and every sequence."""
    found: dict[str, object] = {}
    with psycopg.connect(instance.url) as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        ).fetchall()
        for (name,) in tables:
            found[name] = connection.execute(
                sql.SQL("SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {} t").format(
                    sql.Identifier(name)
                )
            ).fetchone()
        names = connection.execute(
            "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public'"
        ).fetchall()
        for (name,) in names:
            found[name] = connection.execute(
                sql.SQL("SELECT last_value, is_called FROM {}").format(sql.Identifier(name))
            ).fetchone()
    return found


def filled(instance: Instance) -> Instance:
    instance.python(WORLD)
    (instance.data / "files" / "deep").mkdir(parents=True)
    (instance.data / "files" / "deep" / "bild.bin").write_bytes(bytes(range(256)) * 100)
    return instance


@dataclass(frozen=True)
class Backup:
    """``facts`` is what the command said, ``before`` what was in the database then."""

    source: Instance
    archive: Path
    before: dict[str, object]
    facts: dict[str, Any]


@pytest.fixture(scope="module")
def backup(shared_instance: Instance, tmp_path_factory: pytest.TempPathFactory) -> Backup:
    """A backup for all tests, which change neither it nor its source."""
    source = filled(shared_instance)
    before = checksums(source)
    archive = tmp_path_factory.mktemp("backup") / "rapport.tar.gz"
    return Backup(source, archive, before, source.json("backup", str(archive)))


def test_a_round_trip_changes_nothing(backup: Backup, new_instance: Callable[..., Instance]) -> None:
    source, target = backup.source, new_instance(blank=True)
    archive, before = backup.archive, backup.before
    assert before["ingest_rawevent"][0] == 500  # type: ignore[index]
    assert backup.facts["files"] == 1
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert checksums(source) == before

    target.run("restore", str(archive))
    assert checksums(target) == before
    secrets = target.data / "secrets.json"
    assert json.loads(secrets.read_text()) == json.loads((source.data / "secrets.json").read_text())
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o600
    restored = (target.data / "files" / "deep" / "bild.bin").read_bytes()
    assert restored == (source.data / "files" / "deep" / "bild.bin").read_bytes()
    # It lives: stored credentials can be read, new rows get new ids, triggers work again.
    said = target.python(
        "from rapport.brands.models import Channel\n"
        "print(Channel.objects.get().account().credentials)\n"
        "from rapport.inbox.tests.making import make_user\n"
        "print(make_user('Neu').pk)"
    )
    assert "'token': 'secret'" in said
    with psycopg.connect(target.url) as connection:
        try:
            connection.execute("DELETE FROM audit_auditentry")
        except psycopg.Error as error:
            refused = str(error)
    assert "append" in refused

    # Not over data, unless asked to; then the same again.
    assert "--replace" in target.run("restore", str(archive), code=1)
    target.run("restore", str(archive), "--replace")
    assert checksums(target) == before


def test_a_damaged_or_foreign_file_changes_nothing(backup: Backup, tmp_path: Path) -> None:
    source, archive = backup.source, backup.archive
    before, secrets = checksums(source), (source.data / "secrets.json").read_text()
    body = archive.read_bytes()
    damaged = tmp_path / "damaged.tar.gz"
    for content in (b"", b"not a tar", body[: len(body) // 2], body[:-5000], _changed(archive, tmp_path)):
        damaged.write_bytes(content)
        with pytest.raises(BadArchive, match=r"damaged\.tar\.gz (is|cannot be read)"):
            verified_manifest(damaged)
    assert "is damaged" in source.run("restore", str(damaged), "--replace", code=1)
    # Whole by its checksums, but its rows break a constraint: found at the end, and undone.
    assert "cannot be restored" in source.run(
        "restore", str(_orphaned(archive, tmp_path)), "--replace", code=1
    )
    assert checksums(source) == before
    assert (source.data / "secrets.json").read_text() == secrets


def test_killed_while_it_restores_it_loses_no_credentials(
    backup: Backup, new_instance: Callable[..., Instance], tmp_path: Path
) -> None:
    """The secrets are a file and the rows are not: there is a moment between the two."""
    source, target, archive = backup.source, filled(new_instance()), backup.archive
    before = checksums(target)
    script = (
        "import os, sys\n"
        "from rapport.cli import restore\n"
        "write = restore.replace_secrets\n"
        "restore.replace_secrets = lambda *given: (write(*given), os._exit(9))\n"
        "restore.command(sys.argv[1:])\n"
    )
    target.close()
    killed = subprocess.run(
        [sys.executable, "-c", script, str(archive), "--replace"], env=target.env(), cwd=tmp_path, check=False
    )
    assert killed.returncode == 9
    assert checksums(target) == before
    read = "from rapport.brands.models import Channel\nprint(Channel.objects.get().credentials)\n"
    assert "token" in target.python(read)
    target.run("restore", str(archive), "--replace")
    assert "token" in target.python(read)
    kept = (json.loads((one.data / "secrets.json").read_text()) for one in (source, target))
    assert len(set(map(str, kept))) == 1


def test_it_does_not_overwrite_a_file(instance: Instance, tmp_path: Path) -> None:
    archive = tmp_path / "rapport.tar.gz"
    archive.write_text("precious")
    assert "exists already" in instance.run("backup", str(archive), code=1)
    assert archive.read_text() == "precious"
    assert "no directory" in instance.run("backup", str(tmp_path / "none" / "x"), code=1)


def _members(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as tar:
        return {info.name: tar.extractfile(info).read() for info in tar}  # type: ignore[union-attr]


def _pack(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, body in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
    return path


def _changed(archive: Path, tmp_path: Path) -> bytes:
    """One byte of one table is another."""
    members = _members(archive)
    name = next(name for name in members if name.endswith("staff_user.copy"))
    members[name] = members[name].replace(b"Olga", b"Olgb")
    return _pack(tmp_path / "changed.tar.gz", members).read_bytes()


def _orphaned(archive: Path, tmp_path: Path) -> Path:
    """Brands are missing, and the manifest agrees with that."""
    members = _members(archive)
    manifest = json.loads(members["manifest.json"])
    for table in manifest["tables"]:
        if table["name"] == "brands_brand":
            members[table["member"]] = b""
            manifest["sha256"][table["member"]] = hashlib.sha256(b"").hexdigest()
            table["rows"] = 0
    members["manifest.json"] = json.dumps(manifest).encode()
    return _pack(tmp_path / "orphaned.tar.gz", members)
