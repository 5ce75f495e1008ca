"""Entries as stored, and the answers that are recorded."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from rapport.networks.base import Account, MessageSeen, OutgoingMessage
from rapport.networks.errors import Refused
from rapport.networks.letters.connector import CONNECTOR
from rapport.networks.letters.entry import Entry, Scan, author_id, raw_item
from rapport.networks.testing import Fixture, fixtures, said

FIXTURES = list(fixtures(CONNECTOR))
AT = datetime(2026, 11, 19, 11, tzinfo=UTC)


@pytest.mark.parametrize("fixture", FIXTURES, ids=[one.name for one in FIXTURES])
def test_it_reads_every_fixture(fixture: Fixture) -> None:
    assert [said(event) for event in CONNECTOR.parse(fixture.kind, fixture.payload)] == fixture.says


def test_what_is_entered_is_what_is_read() -> None:
    entry = Entry(
        key="k1", way="letter", at=AT, text="The kettle leaks.", recorded_by="Mara Kovač", name="Josip Horvat",
        address="Ilica 1\n10000 Zagreb", scans=[Scan(name="1.pdf", content_type="application/pdf", content=b"%PDF")],
    )  # fmt: skip
    item = raw_item(entry)
    (message,) = CONNECTOR.parse(item.kind, item.payload)
    assert isinstance(message, MessageSeen)
    assert (message.sent_at, message.visibility, message.thread_key) == (AT, "private", "letters:k1")
    assert message.facts == {
        "kind": "letter",
        "address": "Ilica 1\n10000 Zagreb",
        "recorded_by": "Mara Kovač",
    }
    assert message.media[0].content == b"%PDF"
    assert raw_item(entry).key == item.key


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"phone": "+385 91 123-4567"}, {"phone": "00385911234567", "name": "Ana"}, True),
        ({"phone": "091 1234567"}, {"phone": "091 1234568"}, False),
        ({"name": "Ana  Kos", "address": "Ilica 1"}, {"name": "ana kos", "address": "ILICA 1\n"}, True),
        ({"name": "Ana Kos", "address": "Ilica 1"}, {"name": "Ana Kos", "address": "Ilica 2"}, False),
        ({"name": "Ana Kos"}, {"name": "Ana Kos"}, False),
        ({"phone": "112"}, {"phone": "112"}, False),
    ],
)
def test_who_is_the_same_person(one: dict[str, str], other: dict[str, str], same: bool) -> None:
    blank = {"name": "", "phone": "", "address": ""}
    ids = [author_id(**{**blank, **given}, thread_key=f"letters:{n}") for n, given in enumerate((one, other))]
    assert (ids[0] == ids[1]) == same


@pytest.mark.parametrize(
    "spoil",
    [
        lambda payload: payload.update(way="telepathy"),
        lambda payload: payload.update(at="2026-11-19"),
        lambda payload: payload.update(id=""),
        lambda payload: payload.update(thread="x" * 201),
        lambda payload: payload.pop("author"),
        lambda payload: payload.update(files=[{"name": "x", "type": "image/png", "content": "%"}]),
        lambda payload: payload.update(files="none"),
    ],
)
def test_it_refuses_what_is_no_entry(spoil: Any) -> None:
    payload = copy.deepcopy(FIXTURES[0].payload)
    spoil(payload)
    with pytest.raises((ValueError, KeyError, TypeError)):
        CONNECTOR.parse("entered", payload)
    with pytest.raises(ValueError, match="unknown kind"):
        CONNECTOR.parse("left", FIXTURES[0].payload)


def test_an_answer_is_recorded_under_its_own_key() -> None:
    message = OutgoingMessage(
        idempotency_key="3f1c9f0e-8f3b-4a38-9d1f-0a4ad7c3a001", text="A new one is on its way.",
        visibility="private", thread_key="letters:k1", created_at=AT,
    )  # fmt: skip
    one = CONNECTOR(Account(external_id="letters", handle="", credentials={}, settings={}))
    found = one.find_sent(message)
    assert found is not None
    assert found.external_id == one.send(message).external_id
    assert one.send(message).thread_key == "letters:k1"
    with pytest.raises(Refused, match="name"):
        one.check()
