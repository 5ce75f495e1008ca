"""What a case's page says of who has read what."""

from __future__ import annotations

import asyncio
import html
import re
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from rapport.inbox.models import Case
from rapport.ingest.record import lock_channel, record_events
from rapport.networks.base import Author, Event, MessageSeen, Receipt
from rapport.networks.events import ReceiptKind
from rapport.web.tests.conftest import Desk
from rapport.web.tests.test_live import _next, _open

KEY = "conversation-1-2"


def _record(desk: Desk, *events: Event) -> None:
    with transaction.atomic():
        lock_channel(desk.channel.id)
        record_events(channel=desk.channel, events=[(event, timezone.now()) for event in events])


def _dm(desk: Desk, name: str, author: str, ago: int) -> MessageSeen:
    return MessageSeen(
        external_id=name,
        author=Author(external_id=author, name=author),
        text=f"words of {name}",
        sent_at=timezone.now() - timedelta(minutes=ago),
        visibility="private",
        thread_key=KEY,
    )


def _receipt(ago: int, kind: ReceiptKind = "read") -> Receipt:
    at = timezone.now() - timedelta(minutes=ago)
    return Receipt(kind=kind, thread_key=KEY, reader_id="eva", at=at, until=at)


@pytest.fixture
def case(desk: Desk) -> Case:
    us = desk.channel.external_id
    _record(
        desk,
        _dm(desk, "q", "eva", 9),
        _dm(desk, "one", us, 8),
        _dm(desk, "two", us, 6),
        _dm(desk, "three", us, 1),
    )
    return Case.objects.get(contact__name="eva")


def _shown(desk: Desk, case: Case) -> dict[str, str]:
    """What stands at each message of the page about receipts."""
    page = desk.client().get(desk.url(case=case)).content.decode()
    found = {}
    for bubble in page.split('<article class="bubble">')[1:]:
        told = re.search(r'<span class="receipt".*?</footer>', bubble, re.DOTALL)
        words = re.search(r"words of (\w+)", bubble)
        if told and words:
            text = re.sub(r"<[^>]+>", " ", told[0].split("<div")[0].split("<a ")[0])
            found[words[1]] = " ".join(html.unescape(text).split())
    return found


def test_the_page_says_what_was_read_and_when_and_what_only_arrived(desk: Desk, case: Case) -> None:
    assert _shown(desk, case) == {}
    read = _receipt(5)
    _record(desk, read, _receipt(0, kind="delivered"))
    told = _shown(desk, case)
    assert set(told) == {"two", "three"}
    at = timezone.localtime(read.at)
    assert re.fullmatch(r"Read (.*, )?\d\d:\d\d", told["two"]), told
    assert f"{at:%M}" in told["two"]
    assert told["three"].startswith("Delivered ")


def test_a_page_with_nothing_private_of_ours_asks_nothing_more(desk: Desk, case: Case) -> None:
    client = desk.client()
    for url, asked in ((desk.url(), False), (desk.url(case=case), True)):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(url).status_code == 200
        assert any("inbox_receipt" in one["sql"] for one in queries) is asked


@pytest.mark.django_db(transaction=True)
def test_open_screens_are_told_and_lists_are_left_alone(desk: Desk, case: Case) -> None:
    async def scenario() -> None:
        _client, events = await _open(desk, "agent")
        assert await _next(events) == ("hello", {})
        await sync_to_async(_record)(desk, _receipt(0))
        told = {"brand": desk.brand.id, "cases": [case.id], "thread": True}
        assert await _next(events) == ("hint", told)
        await events.aclose()

    asyncio.run(scenario())
