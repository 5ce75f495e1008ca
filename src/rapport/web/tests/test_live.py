"""The live stream against a real LISTEN, in a real event loop."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
from asgiref.sync import sync_to_async
from django.db import connection, transaction
from django.test import AsyncClient, Client

from rapport.inbox.models import Case
from rapport.lib.live import DESK, notify_desk
from rapport.staff.models import Membership
from rapport.web import live
from rapport.web.live import Hello, Hint, Paused, Screen, hub, read_hint
from rapport.web.tests.conftest import Desk
from rapport.web.views.live import _open as _open_streams

PATIENCE_S = 10


async def _events(stream: AsyncIterator[bytes]) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    async for chunk in stream:
        for text in chunk.decode().split("\n\n"):
            if text.startswith("event: "):
                name, data = text.split("\n")
                yield name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


async def _open(desk: Desk, role: str):  # type: ignore[no-untyped-def]
    client = AsyncClient()
    await client.aforce_login(desk.people[role], backend="django.contrib.auth.backends.ModelBackend")
    answer = await client.get("/live/")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/event-stream"
    return client, _events(answer.streaming_content)


async def _next(events):  # type: ignore[no-untyped-def]
    return await asyncio.wait_for(anext(events), PATIENCE_S)


def _tell(brand_id: int, *case_ids: int) -> None:
    with transaction.atomic():
        notify_desk(brand_id=brand_id, case_ids=case_ids)


@pytest.mark.django_db(transaction=True)
def test_a_screen_hears_of_its_brands_and_of_no_other(desk: Desk) -> None:
    async def scenario() -> None:
        _client, events = await _open(desk, "agent")
        assert await _next(events) == ("hello", {})
        await sync_to_async(_tell)(desk.other_brand.id, desk.other_case.id)
        await sync_to_async(_tell)(desk.brand.id, desk.case.id)
        told = {"brand": desk.brand.id, "cases": [desk.case.id], "mine": False}
        assert await _next(events) == ("hint", told)
        await Case.objects.filter(id=desk.case.id).aupdate(assignee=desk.people["agent"])
        await sync_to_async(_tell)(desk.brand.id, desk.case.id)
        assert await _next(events) == ("hint", {**told, "mine": True})
        await events.aclose()

    asyncio.run(scenario())


@pytest.mark.django_db(transaction=True)
def test_who_is_logged_out_gets_no_stream(desk: Desk) -> None:
    async def scenario() -> int:
        return int((await AsyncClient().get("/live/")).status_code)

    assert asyncio.run(scenario()) == 401
    assert Client().head("/live/").status_code == 401
    assert desk.client().head("/live/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_one_login_cannot_hold_every_socket(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rapport.web.views.live._MOST_STREAMS", 1)

    async def scenario() -> None:
        client, events = await _open(desk, "agent")
        assert await _next(events) == ("hello", {})
        assert (await client.get("/live/")).status_code == 429
        _other, others = await _open(desk, "lead")
        assert await _next(others) == ("hello", {})

    asyncio.run(scenario())
    assert not _open_streams  # the end of the streams made room again


@pytest.mark.django_db(transaction=True)
def test_rights_that_end_end_the_hints_and_a_logout_ends_the_stream(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rapport.web.views.live._RECHECK_S", 0.0)

    async def scenario() -> None:
        client, events = await _open(desk, "agent")
        assert (await _next(events))[0] == "hello"
        await Membership.objects.filter(user=desk.people["agent"]).adelete()
        await sync_to_async(_tell)(desk.brand.id, desk.case.id)
        assert await _next(events) == ("hello", {})  # look again: what may be seen has changed
        await client.alogout()
        await sync_to_async(_tell)(desk.brand.id, desk.case.id)
        assert await _next(events) == ("bye", {})

    asyncio.run(scenario())


@pytest.mark.django_db(transaction=True)
def test_a_broken_connection_to_the_database_is_followed_by_a_look_at_everything(desk: Desk) -> None:
    def cut() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE query = %s AND pid <> pg_backend_pid()",
                [f"LISTEN {DESK}"],
            )
            assert cursor.fetchall() == [(True,)]

    async def scenario() -> list[str]:
        _client, events = await _open(desk, "agent")
        seen = [(await _next(events))[0]]
        await sync_to_async(cut)()
        seen += [(await _next(events))[0], (await _next(events))[0]]
        await sync_to_async(_tell)(desk.brand.id, desk.case.id)
        seen.append((await _next(events))[0])
        await events.aclose()
        return seen

    assert asyncio.run(scenario()) == ["hello", "paused", "hello", "hint"]


@pytest.mark.django_db(transaction=True)
def test_the_database_is_not_listened_to_when_nobody_looks(desk: Desk) -> None:
    def listeners() -> int:
        with psycopg.connect(**live._address()) as own:
            row = own.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE query = %s", [f"LISTEN {DESK}"]
            ).fetchone()
            assert row is not None
            return int(row[0])

    async def scenario() -> tuple[int, int]:
        async with hub().screen() as one, hub().screen() as two:
            for screen in (one, two):
                assert await asyncio.wait_for(screen.get_all(), PATIENCE_S) == [Hello()]
            during = await asyncio.to_thread(listeners)
        task = next(task for task in asyncio.all_tasks() if task.get_name() == "rapport-live")
        await asyncio.wait([task], timeout=PATIENCE_S)
        return during, await asyncio.to_thread(listeners)

    assert asyncio.run(scenario()) == (1, 0)


def test_a_screen_that_does_not_keep_up_is_told_to_look_at_everything() -> None:
    async def scenario() -> None:
        screen = Screen()
        for number in range(live.QUEUE_SIZE + 1):
            screen.put(Hint(1, (number,)))
        assert await screen.get_all() == [Hello()]
        screen.put(Paused())
        assert await screen.get_all() == [Paused()]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "payload", ["", "x", "[]", '{"brand": 1}', '{"brand": "x", "cases": []}', '{"brand":1,"cases":7}']
)
def test_a_foreign_notification_is_passed_over(payload: str) -> None:
    assert read_hint(payload) is None
