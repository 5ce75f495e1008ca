"""Listeners that share a stream, really killed: what was heard is stored, all of it and once."""

from __future__ import annotations

import random
from pathlib import Path
from urllib.parse import quote

import pytest
from bench.streams import prepare, shared, write
from django.db import connection

from rapport.mentions.models import Mention, Post
from rapport.mentions.tests.nats_server import NatsServer, needed

pytestmark = [pytest.mark.crash, pytest.mark.xdist_group("crash"), pytest.mark.django_db(transaction=True)]

POSTS = 3000


def test_nothing_is_lost_or_stored_twice_when_listeners_are_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", _address())
    monkeypatch.setenv("RAPPORT_DATA", str(tmp_path / "data"))
    prepare(queries=5)
    file = tmp_path / "killed.jsonl"
    write(file, ["Late again, and nobody says why", "คำตอบอยู่ที่ไหน"], POSTS, "killed")
    with NatsServer(needed()) as server:
        done = shared(
            server.url, file, POSTS, "killed", listeners=2, kill_s=1.0, at_least=2, rng=random.Random(7)
        )
    assert done.kills >= 2
    assert (done.lost, done.twice) == (0, 0)
    assert done.heard >= POSTS
    assert Post.objects.count() == Mention.objects.count() == done.wanted > 100


def _address() -> str:
    """The tests' database, for other processes."""
    found = connection.settings_dict
    user, password = quote(found["USER"] or "", safe=""), quote(found["PASSWORD"] or "", safe="")
    host, port = str(found["HOST"] or ""), str(found["PORT"] or "")
    if host.startswith("/"):
        return f"postgresql://{user}:{password}@/{found['NAME']}?host={quote(host, safe='')}"
    return f"postgresql://{user}:{password}@{host}{f':{port}' if port else ''}/{found['NAME']}"
