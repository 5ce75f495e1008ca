"""Export → import → export gives the same file, in both formats, for imported and for live channels."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection

from rapport.brands.models import Brand, Channel
from rapport.imports.actions import import_file
from rapport.imports.export import ExportFormat, exported_rows, write_export
from rapport.inbox.models import Message
from rapport.ingest.record import lock_channel, record_events
from rapport.insights.queries import response_rows
from rapport.lib.tests.shared_data import shared_data
from rapport.networks.base import Author, Event, Media, MessageDeleted, MessageSeen

pytestmark = pytest.mark.django_db

START = datetime(2026, 11, 2, 9, tzinfo=UTC)


def exported(file_format: ExportFormat, brand_ids: list[int] | None = None) -> str:
    file = io.StringIO(newline="")
    write_export(rows=exported_rows(brand_ids=brand_ids), file=file, file_format=file_format)
    return file.getvalue()


def forget_everything() -> None:
    """What a newly installed Rapport looks like."""
    tables = [model._meta.db_table for model in apps.get_models() if model._meta.app_label != "audit"]
    ours = [
        name for name in tables if name.split("_")[0] in {"brands", "contacts", "inbox", "ingest", "imports"}
    ]
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        cursor.execute(f"TRUNCATE {', '.join(ours)} RESTART IDENTITY CASCADE")


def figures() -> list[tuple[object, ...]]:
    rows = response_rows(brand_ids=None, since=None, until=None, by="channel")
    return [(row.brand, row.conversations, row.messages_in, row.messages_out, row.turns, row.answered,
             row.first_response_median_s, row.every_response_p90_s) for row in rows]  # fmt: skip


def live_conversations() -> None:
    """Two brands on a live network: a private conversation, an edit, a deletion, a bot, odd characters."""
    acme = Brand.objects.create(slug="acme", name="ACME “Inc”, Ltd 👩‍💻")
    other = Brand.objects.create(slug="other", name="Other")
    main = Channel.objects.create(brand=acme, network="practice", external_id="10", handle="acme")
    Channel.objects.create(brand=other, network="practice", external_id="20", handle="other")

    def seen(number: int, by: str, text: str = "", **more: object) -> MessageSeen:
        author = Author(external_id=by, handle=f"h{by}", name=f"Name {by}")
        fields = {
            "external_id": str(number),
            "author": author,
            "text": text,
            "sent_at": START + timedelta(minutes=number),
        }
        return MessageSeen(**{**fields, **more})  # type: ignore[arg-type]

    events: list[Event] = [
        seen(1, "5", 'He said: "a, b"\r\nnew\rline', lang="en", url="https://example.com/1"),
        seen(2, "10", "Hello ^MK", parent_id="1", media=(Media(url="https://example.com/a.png", alt="é"),)),
        seen(3, "20", "We are another brand", parent_id="2"),
        seen(4, "5", "", parent_id="2", media=(Media(url="https://example.com/b.mp4", kind="video"),)),
        seen(5, "10", "I am a bot", parent_id="4", automatic=True),
        seen(6, "6", "สวัสดี", thread_key="dm-6", visibility="private"),
        seen(7, "10", "=1+1", thread_key="dm-6", visibility="private", edited_at=START + timedelta(hours=1)),
        seen(8, "7", "Deleted later"),
        MessageDeleted(external_id="8", deleted_at=START + timedelta(hours=2)),
    ]
    lock_channel(main.id)
    record_events(channel=main, events=[(event, START + timedelta(days=1)) for event in events])


@pytest.mark.parametrize("file_format", ["jsonl", "csv"])
def test_it_comes_back_as_it_went_from_a_live_network(file_format: ExportFormat, tmp_path: Path) -> None:
    live_conversations()
    first, before = exported(file_format), figures()
    assert len(before) == 1
    path = tmp_path / f"export.{file_format}"
    path.write_bytes(first.encode())
    forget_everything()
    summary = import_file(path=path, file_format=file_format)
    assert (summary.rows, summary.new, summary.rejected, summary.parked) == (8, 8, 0, 0)
    assert exported(file_format) == first
    assert figures() == before
    assert Message.objects.get(external_id="8").deleted_at == START + timedelta(hours=2)
    assert Brand.objects.get(slug="other").channels.get().external_id == "practice:20"


def test_it_does_not_double_conversations_of_a_channel_that_is_connected_here(tmp_path: Path) -> None:
    live_conversations()
    path = tmp_path / "export.jsonl"
    path.write_text(exported("jsonl"))
    summary = import_file(path=path, file_format="jsonl")
    assert (summary.new, summary.rejected) == (0, 8)
    assert Message.objects.count() == 8
    side_file = path.with_name("export.jsonl.rejected.jsonl")
    reasons = [json.loads(line)["reason"] for line in side_file.read_text().splitlines()]
    assert set(reasons) == {"this Rapport is connected to the channel practice:10 itself"}


def test_it_exports_only_what_is_asked_for() -> None:
    live_conversations()
    acme, other = Brand.objects.get(slug="acme"), Brand.objects.get(slug="other")
    rows = exported_rows(
        brand_ids=[acme.id], since=START + timedelta(minutes=2), until=START + timedelta(minutes=4)
    )
    assert [(row["id"], row["inbound"], row.get("author_brand")) for row in rows] == [
        ("2", False, "acme"),
        ("3", True, "other"),
    ]
    assert exported("jsonl", [other.id]) == ""


def test_it_carries_real_conversations(tmp_path: Path) -> None:
    import_file(path=shared_data("support/twcs_5000.csv"), file_format="twcs")
    first, before = exported("csv"), figures()
    path = tmp_path / "export.csv"
    path.write_bytes(first.encode())
    forget_everything()
    summary = import_file(path=path, file_format="csv")
    assert (summary.new, summary.rejected, summary.brands) == (5390, 0, 76)
    assert exported("csv") == first
    assert figures() == before
