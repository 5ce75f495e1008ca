"""``rapport listen --from``: a file's posts are heard once, wherever it was stopped."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rapport.cli import listen_file
from rapport.cli.listen_file import Busy, Told, listen_to
from rapport.cli.main import run
from rapport.inbox.tests.making import make_brand
from rapport.mentions.listeners import claim_sources
from rapport.mentions.models import Denominator, Post, Source
from rapport.mentions.tests.making import make_query

TEXTS = ["aero is late", "nothing", 'aero "again",\nand again', "ágain", "aero 🛫"]


def lines(texts: list[str], first: int = 0) -> bytes:
    return "".join(
        json.dumps({"id": str(number), "text": text}, ensure_ascii=False) + "\n"
        for number, text in enumerate(texts, first)
    ).encode()


def table(texts: list[str]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["id", "text", "lang"])
    writer.writerows([number, text, "en"] for number, text in enumerate(texts))
    return out.getvalue().encode()


class Stopped(Exception):
    pass


def hear(content: bytes, *, path: str = "/tmp/posts", after: int | None = None) -> Told:
    """``after``: the process is stopped once so many batches are stored."""
    batches = 0

    def progress(_told: Told) -> None:
        nonlocal batches
        batches += 1
        if batches == after:
            raise Stopped

    told, _number = listen_to(
        io.BytesIO(content),
        path,
        network="forum",
        sharing=None,
        bad=lambda _line: None,
        progress=progress,
    )
    return told


def heard() -> int:
    return sum(Denominator.objects.values_list("heard", flat=True))


@pytest.mark.django_db
@pytest.mark.parametrize("content", [lines(TEXTS), table(TEXTS)], ids=["lines", "table"])
def test_it_goes_on_where_it_was_stopped(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listen_file, "BATCH", 2)
    make_query(make_brand(), "aero")
    with pytest.raises(Stopped):
        hear(content, after=1)
    assert (heard(), Post.objects.count()) == (2, 1)
    told = hear(content)
    assert told.resumed_at > 0
    assert told.posts == 3
    assert heard() == 5
    found = Post.objects.order_by("external_id").values_list("external_id", "network", "text")
    assert list(found) == [(str(number), "forum", TEXTS[number]) for number in (0, 2, 4)]
    source = Source.objects.get()
    assert (source.kind, source.name, source.lease_until) == ("file", "posts", None)

    again = hear(content)
    assert (again.posts, heard()) == (0, 5)


@pytest.mark.django_db
def test_what_is_added_is_heard_and_another_file_of_that_name_from_its_beginning() -> None:
    make_query(make_brand(), "aero")
    hear(lines(TEXTS))
    assert hear(lines([*TEXTS, "aero grows"])).posts == 1
    assert hear(lines(["aero other"] * 3, first=50)).posts == 3
    assert Source.objects.count() == 1
    assert Post.objects.count() == 7


@pytest.mark.django_db
def test_lines_that_are_no_posts_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listen_file, "BATCH", 1)
    make_query(make_brand(), "aero")
    told = hear(b"{broken\n" + lines(["aero"]) + b'{"id": "x"}\n\xff\xfe\n')
    assert (told.posts, told.bad, Post.objects.count()) == (1, 3, 1)


@pytest.mark.django_db
def test_two_processes_do_not_read_one_file() -> None:
    hear(lines(TEXTS))
    claim_sources(limit=1, source_id=Source.objects.get().pk)
    with pytest.raises(Busy):
        hear(lines(TEXTS))


def test_a_query_of_its_own_needs_no_database(tmp_path: Path) -> None:
    environment = {
        "PATH": "",
        "RAPPORT_DATA": "/nonexistent",
        "DATABASE_URL": "postgresql://nowhere.invalid/x",
    }
    done = subprocess.run(
        [sys.executable, "-m", "rapport.cli", "listen", "--from", "-", "aero -again"],
        input=lines(TEXTS), env=environment, cwd=tmp_path, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [one.split("\t")[0] for one in done.stdout.decode().splitlines()] == ["0", "4"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["aero"], "QUERY goes with --from"),
        (["--from", "/nonexistent/posts", "aero"], "/nonexistent/posts cannot be read"),
    ],
)
def test_what_cannot_be_is_a_sentence(arguments: list[str], said: str) -> None:
    result: Any = CliRunner().invoke(run, ["listen", *arguments], prog_name="rapport")
    assert result.exit_code == 2
    assert said in result.output
