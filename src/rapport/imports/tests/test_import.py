"""Importing files as they come: damaged, repeated, interrupted, without a brand."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapport.audit.models import AuditEntry
from rapport.brands.models import Brand, Channel
from rapport.imports.actions import import_file
from rapport.imports.canonical import COLUMNS as CANONICAL_COLUMNS
from rapport.imports.canonical import CanonicalSource
from rapport.imports.models import ImportRun
from rapport.inbox.models import Message
from rapport.ingest.models import RawEvent
from rapport.lib.errors import Invalid
from rapport.networks.files.connector import CONNECTOR

pytestmark = pytest.mark.django_db

COLUMNS = (
    "tweet_id",
    "author_id",
    "inbound",
    "created_at",
    "text",
    "response_tweet_id",
    "in_response_to_tweet_id",
)
START = datetime(2017, 10, 31, 22, tzinfo=UTC)


def tweet(
    tweet_id: int, author: str, parent: int | None = None, text: str = "Hi", minute: int = 0
) -> list[str]:
    moment = (START + timedelta(minutes=minute)).strftime("%a %b %d %H:%M:%S %z %Y")
    return [
        str(tweet_id),
        author,
        str(author.isdigit()),
        moment,
        text,
        "",
        "" if parent is None else str(parent),
    ]


def twcs_file(path: Path, rows: list[list[str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([list(COLUMNS), *rows])
    return path


def rejects(path: Path) -> list[tuple[int, str]]:
    lines = path.with_name(f"{path.name}.rejected.jsonl").read_text().splitlines()
    return [(row["line"], row["reason"]) for row in map(json.loads, lines)]


def messages(handle: str) -> set[str]:
    return set(Message.objects.filter(channel__handle=handle).values_list("external_id", flat=True))


def test_it_reports_every_kind_of_bad_row_and_imports_the_rest(tmp_path: Path) -> None:
    rows = [
        tweet(1, "100", text="@acme help"),
        tweet(2, "acme", 1, minute=5),
        tweet(2, "acme", 1, minute=5),  # the same row again
        tweet(2, "acme", 1, text="Something else", minute=5),
        tweet(3, "100", 2, text="x" * 100_001),
        tweet(4, "100", 2, text="nul \0"),
        [*tweet(5, "100", 2)[:3], "yesterday", *tweet(5, "100", 2)[4:]],
        ["six", *tweet(6, "100", 2)[1:]],
        tweet(7, "100", 2)[:5],
        tweet(8, "100", 3, minute=9, text="A reply to a rejected row"),
        tweet(9, "200", text="To nobody we know"),
        tweet(10, "acme", text="From tomorrow's tomorrow", minute=60 * 24 * 365 * 40),
    ]
    path = twcs_file(tmp_path / "rows.csv", rows)
    with path.open("ab") as file:
        file.write(b"11,100,True,Tue Oct 31 22:10:47 +0000 2017,caf\xe9 @acme,,\r\n")
    summary = import_file(path=path, file_format="twcs")
    found = dict(rejects(path))
    assert {line: reason.split(":")[0] for line, reason in found.items()} == {
        5: "tweet_id 2 was in an earlier row with other content",
        6: "text has 100001 characters; 100000 are possible",
        7: "text holds a NUL character",
        8: "created_at is not a time like 'Tue Oct 31 22",
        9: "tweet_id is not a tweet's number",
        10: "5 columns instead of 7",
        11: "no brand can be told",
        12: "no brand can be told",
        13: "created_at lies in the future",
        14: "text is not UTF-8",
    }
    assert (summary.rows, summary.new, summary.duplicates, summary.rejected) == (13, 2, 1, 10)
    assert summary.rejected_file == str(path) + ".rejected.jsonl"
    assert messages("acme") == {"1", "2"}
    again = import_file(path=path, file_format="twcs")
    assert (again.new, again.duplicates, again.rejected) == (0, 3, 10)
    assert dict(rejects(path)) == found


def test_it_removes_the_old_side_file_when_the_file_is_right_now(tmp_path: Path) -> None:
    path = twcs_file(tmp_path / "rows.csv", [tweet(1, "acme"), ["bad"]])
    assert import_file(path=path, file_format="twcs").rejected == 1
    twcs_file(path, [tweet(1, "acme")])
    assert import_file(path=path, file_format="twcs").rejected_file is None
    assert [one.name for one in tmp_path.iterdir()] == ["rows.csv"]


def test_it_writes_rejects_elsewhere_when_the_place_beside_the_file_cannot_be_used(tmp_path: Path) -> None:
    path = twcs_file(tmp_path / "rows.csv", [tweet(1, "acme"), ["bad"]])
    (tmp_path / "rows.csv.rejected.jsonl").mkdir()
    summary = import_file(path=path, file_format="twcs", rejects_fallback=tmp_path / "data" / "imports")
    assert summary.rejected_file == str(tmp_path / "data" / "imports" / "rows.csv.rejected.jsonl")
    assert Path(summary.rejected_file).exists()


def test_it_gives_a_conversation_without_company_to_those_it_mentions(tmp_path: Path) -> None:
    rows = [
        tweet(1, "100", text="@Acme and @OTHER, mail me at a@third"),
        tweet(2, "100", 1, text="Hello?"),
        tweet(3, "acme", 4),
        tweet(4, "200"),
        tweet(5, "other"),
        tweet(6, "third"),
    ]
    summary = import_file(path=twcs_file(tmp_path / "rows.csv", rows), file_format="twcs")
    assert messages("acme") == {"1", "2", "3", "4"}
    assert messages("other") == {"1", "2", "5"}
    assert messages("third") == {"6"}
    assert (summary.conversations, summary.links, summary.new, summary.copies) == (4, 2, 6, 2)


def test_it_knows_companies_of_earlier_imports(tmp_path: Path) -> None:
    import_file(path=twcs_file(tmp_path / "a.csv", [tweet(1, "acme")]), file_format="twcs")
    Channel.objects.filter(handle="acme").update(brand=Brand.objects.create(slug="renamed", name="Acme Ltd"))
    rows = [tweet(2, "100", text="@acme?"), tweet(3, "200", text="and me?")]
    path = twcs_file(tmp_path / "b.csv", rows)
    assert import_file(path=path, file_format="twcs").rejected == 1
    assert messages("acme") == {"1", "2"}
    # With --brand the rest is its too, and in the channel it has.
    assert import_file(path=path, file_format="twcs", brand="acme ltd").rejected == 0
    assert messages("acme") == {"1", "2", "3"}
    assert Channel.objects.count() == 1


def test_it_makes_a_brand_for_customers_only_when_told_its_name(tmp_path: Path) -> None:
    path = twcs_file(tmp_path / "rows.csv", [tweet(1, "100"), tweet(2, "acme")])
    summary = import_file(path=path, file_format="twcs", brand="My Shop")
    assert (summary.new, summary.skipped, summary.rejected) == (1, 1, 0)
    assert Channel.objects.get(brand__slug="my-shop", brand__name="My Shop").external_id == "file:my-shop"


def test_it_gives_what_names_nobody_to_the_company_that_was_asked_for(tmp_path: Path) -> None:
    path = twcs_file(tmp_path / "rows.csv", [tweet(1, "100"), tweet(2, "acme"), tweet(3, "___")])
    assert import_file(path=path, file_format="twcs", brand="ACME").skipped == 1
    assert messages("acme") == {"1", "2"}
    assert import_file(path=path, file_format="twcs").rejected == 1
    assert Brand.objects.get(name="___").slug == "brand-3"


def test_it_names_near_companies_when_a_brand_is_not_in_the_file(tmp_path: Path) -> None:
    path = twcs_file(tmp_path / "rows.csv", [tweet(1, "sprintcare"), tweet(2, "hulu_support")])
    with pytest.raises(Invalid, match=r"belongs to 'sprintcar'\. Did you mean sprintcare\?"):
        import_file(path=path, file_format="twcs", brand="sprintcar")
    assert not Brand.objects.exists()


def test_it_refuses_a_file_of_another_kind(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("airline,text\nx,y\n")
    with pytest.raises(Invalid, match="The header lacks tweet_id"):
        import_file(path=path, file_format="twcs")
    assert not ImportRun.objects.exists()


class Stopped(Exception):
    """Somebody pulled the plug."""


def test_it_goes_on_where_it_stopped(tmp_path: Path) -> None:
    rows = [
        tweet(number, "acme" if number % 2 else "100", number - 1 or None, minute=number)
        for number in range(1, 51)
    ]
    rows.insert(3, ["bad"])
    path = twcs_file(tmp_path / "rows.csv", rows)

    def stop(doing: str, done: int, total: int) -> None:
        if doing == "importing" and done == total:
            raise Stopped

    with pytest.raises(Stopped):
        import_file(path=path, file_format="twcs", batch_rows=15, progress=stop)
    run = ImportRun.objects.get()
    assert RawEvent.objects.count() == run.counts["new"] == 45
    assert run.rows_done == 46
    # What is before the mark is not stored again: the mark stands in one transaction with the rows.
    summary = import_file(path=path, file_format="twcs", batch_rows=15)
    assert (summary.rows, summary.new, summary.duplicates, summary.rejected) == (51, 50, 0, 1)
    assert summary.resumed_at == 46
    assert messages("acme") == {str(number) for number in range(1, 51)}
    assert rejects(path) == [(5, "1 columns instead of 7")]
    assert not RawEvent.objects.exclude(state="done").exists()
    assert AuditEntry.objects.filter(action="import.finished").count() == 1


def jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def said(message_id: str, *, by: str = "u1", inbound: bool = True, **more: Any) -> dict[str, Any]:
    return {
        "id": message_id, "author_id": by, "inbound": inbound, "text": f"text {message_id}",
        "created_at": "2026-11-01T10:00:00Z", **more,
    }  # fmt: skip


def test_it_imports_json_lines_into_a_brand(tmp_path: Path) -> None:
    rows = [
        said("1", thread_key="t", visibility="private", author_name="Ana", lang="hr"),
        said("2", by="agent 7", inbound=False, thread_key="t", visibility="private"),
        said("3", parent_id="1", author_name="Ana"),
        said("3", parent_id="1", author_name="Ana"),
        said("3", parent_id="2", author_name="Ana"),
        {**said("4"), "inbound": None},
        said("5", own=True),
    ]
    path = jsonl(tmp_path / "rows.jsonl", rows)
    summary = import_file(path=path, file_format="jsonl", brand="Café Ülm")
    assert (summary.new, summary.duplicates, summary.rejected, summary.conversations) == (3, 1, 3, 1)
    assert [line for line, _ in rejects(path)] == [5, 6, 7]
    brand = Brand.objects.get(slug="cafe-ulm")
    first, answer, third = (
        Message.objects.filter(brand=brand).select_related("identity").order_by("external_id")
    )
    assert (first.identity.external_id, first.identity.name, first.lang) == ("cafe-ulm:u1", "Ana", "hr")
    assert (first.own, answer.own, answer.identity.external_id) == (False, True, "file:cafe-ulm")
    assert first.thread_id == answer.thread_id == third.thread_id
    assert (first.visibility, third.visibility) == ("private", "public")


def test_it_imports_csv_as_it_imports_json_lines(tmp_path: Path) -> None:
    rows = [
        said("1", media=[{"url": "https://example.com/a.png", "kind": "image", "alt": ""}]),
        said("2", parent_id="1"),
    ]
    jsonl_path = jsonl(tmp_path / "rows.jsonl", rows)
    csv_path = tmp_path / "rows.csv"
    with csv_path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*rows[0], "parent_id"])
        writer.writeheader()
        writer.writerows(
            {**row, "inbound": "TRUE", "media": json.dumps(row["media"]) if "media" in row else ""}
            for row in rows
        )
    assert import_file(path=jsonl_path, file_format="jsonl", brand="acme").new == 2
    again = import_file(path=csv_path, file_format="csv", brand="ACME")
    assert (again.new, again.duplicates, again.rejected) == (0, 2, 0)
    assert Brand.objects.count() == 1


def test_it_needs_to_know_the_brand(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "rows.jsonl", [said("1"), said("2", brand="acme", brand_name="ACME Inc")])
    summary = import_file(path=path, file_format="jsonl")
    assert (summary.new, summary.rejected) == (1, 1)
    assert rejects(path) == [(1, "no brand can be told: fill the column brand, or use --brand")]
    assert Brand.objects.get().name == "ACME Inc"
    with pytest.raises(Invalid, match="needs a name"):
        import_file(path=path, file_format="jsonl", brand="!!!")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
odd_rows = st.dictionaries(st.sampled_from([*CANONICAL_COLUMNS, "own"]), json_values, max_size=6)


@given(st.lists(odd_rows, max_size=6), st.booleans())
def test_it_stores_or_rejects_any_row_and_never_fails(
    tmp_path_factory: Any, rows: list[Any], named: bool
) -> None:
    path = jsonl(
        tmp_path_factory.mktemp("odd") / "rows.jsonl", [said(str(n)) | row for n, row in enumerate(rows)]
    )
    source = CanonicalSource(path, file_format="jsonl", brand=("acme", "Acme") if named else None)
    source.prepare(lambda *_: None)
    fates = list(source.rows(lambda *_: None))
    assert len(fates) == len(rows)
    for fate in fates:
        assert bool(fate.rejected) + fate.repeated + (fate.item is not None) == 1
        if fate.item is not None:
            assert CONNECTOR.parse(fate.item.kind, fate.item.payload)
            assert set(fate.targets) <= source.targets()
