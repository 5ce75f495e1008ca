"""Forms as stored."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from rapport.networks.base import MessageSeen
from rapport.networks.testing import Fixture, fixtures, said
from rapport.networks.webform.connector import CONNECTOR
from rapport.networks.webform.submission import File, Submission, raw_item, reference

FIXTURES = list(fixtures(CONNECTOR))
AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


def seen(given: Submission) -> MessageSeen:
    item = raw_item(given)
    (event,) = CONNECTOR.parse(item.kind, item.payload)
    assert isinstance(event, MessageSeen)
    return event


@pytest.mark.parametrize("fixture", FIXTURES, ids=[one.name for one in FIXTURES])
def test_it_reads_every_fixture(fixture: Fixture) -> None:
    assert [said(event) for event in CONNECTOR.parse(fixture.kind, fixture.payload)] == fixture.says


def test_what_is_sent_is_what_is_read() -> None:
    given = Submission(
        nonce="n1", at=AT, message="It leaks.", name="Ana", email="Ana@Example.com", subject="Kettle", lang="hr",
        consent="Yes", files=[File(name="a.pdf", content_type="application/pdf", content=b"%PDF-1.4")],
    )  # fmt: skip
    message = seen(given)
    assert (message.text, message.visibility, message.sent_at, message.lang) == (
        "It leaks.",
        "private",
        AT,
        "hr",
    )
    author = message.author
    assert (author.external_id, author.handle, author.unproven) == (given.key, "Ana@Example.com", True)
    assert {name: message.facts[name] for name in ("kind", "subject", "consent")} == {
        "kind": "form",
        "subject": "Kettle",
        "consent": "Yes",
    }
    (file,) = message.media
    assert (file.kind, file.name, file.content) == ("file", "a.pdf", b"%PDF-1.4")
    assert message.thread_key == given.key
    more = seen(
        Submission(
            nonce="n2",
            at=AT,
            message="Still.",
            thread_key=given.key,
            author_id="mailto:ana@example.com",
        )
    )
    # Who wrote before addresses were known to prove nothing stays who they were.
    assert (more.thread_key, more.author.external_id) == (message.thread_key, "mailto:ana@example.com")
    assert more.external_id != message.external_id


@pytest.mark.parametrize("email", ["", "ana@example.com"])
def test_everybody_is_known_in_one_conversation_only(email: str) -> None:
    one, two = (seen(Submission(nonce=nonce, at=AT, message="Hi", name="Ana", email=email)) for nonce in "ab")
    assert one.author.external_id == one.thread_key != two.author.external_id
    assert one.author.unproven is bool(email)


def test_sending_twice_is_once_and_anything_else_is_another() -> None:
    base = {"nonce": "n", "at": AT, "message": "m", "name": "a", "email": "e@x.example", "subject": "s"}
    first = raw_item(Submission(**base))
    assert raw_item(Submission(**{**base, "at": datetime.now(UTC)})).key == first.key
    others: list[dict[str, Any]] = [
        {"nonce": "o"}, {"message": "n"}, {"name": "b"}, {"subject": "t"}, {"name": "as", "subject": ""},
        {"files": [File(name="f", content_type="text/plain", content=b"x")]}, {"thread_key": "form:A"},
    ]  # fmt: skip
    assert len({raw_item(Submission(**{**base, **other})).key for other in others} | {first.key}) == 8


def test_references_are_read_out_without_confusion() -> None:
    assert reference("0" * 40) == "2222-2222-2222"
    assert not set("01ILO") & set("".join(reference(f"{n * 7919**9:040x}") for n in range(200)))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda payload: payload.pop("message"),
        lambda payload: payload.update(at="2026-11-21T09:30:00"),
        lambda payload: payload.update(at="0001-01-01T00:00:00+14:00"),
        lambda payload: payload.update(thread=""),
        lambda payload: payload.update(files={}),
        lambda payload: payload.update(files=[1]),
        lambda payload: payload.update(files=[{"name": "x", "type": "image/png", "content": "***"}]),
        lambda payload: payload.update(files=[{"name": "x", "type": "image/png"}] * 21),
    ],
)
def test_it_refuses_what_is_no_form(spoil: Any) -> None:
    payload = copy.deepcopy(FIXTURES[0].payload)
    spoil(payload)
    with pytest.raises((ValueError, KeyError, TypeError)):
        CONNECTOR.parse(FIXTURES[0].kind, payload)
    with pytest.raises(ValueError, match="unknown kind"):
        CONNECTOR.parse("other", FIXTURES[0].payload)
