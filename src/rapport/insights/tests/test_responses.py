"""Response figures against a slow, obvious reference, and the keys they are grouped by."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from rapport.brands.models import Brand, Channel
from rapport.inbox.models import Case, Message, Turn
from rapport.ingest.record import lock_channel, record_events
from rapport.insights.metrics import METRICS, Unit, markdown_table
from rapport.insights.queries import ResponseRow, WaitingRow, response_rows, waiting_now
from rapport.networks.base import Author, MessageSeen
from rapport.staff.models import User

pytestmark = pytest.mark.django_db

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
EVER = {"brand_ids": None, "since": None, "until": None}


@dataclass(frozen=True)
class Said:
    """One message of a generated conversation. ``by``: own, contact, bot (automatic), rival (a brand)."""

    conversation: int
    by: str
    minute: int


def make_channel(slug: str, account: str, *, zone: str = "UTC") -> Channel:
    brand = Brand.objects.create(slug=slug, name=slug.title(), time_zone=zone)
    return Channel.objects.create(brand=brand, network="practice", external_id=account, handle=slug)


def record(
    channel: Channel,
    said: Sequence[Said],
    *,
    start: datetime = START,
    written_by: dict[str, int] | None = None,
) -> None:
    author = {"own": channel.external_id, "rival": "rival-account", "bot": channel.external_id}
    events = [
        MessageSeen(
            external_id=str(number),
            author=Author(external_id=author.get(one.by, f"contact-{one.conversation}")),
            text="…",
            sent_at=start + timedelta(minutes=one.minute),
            thread_key=f"conversation-{one.conversation}",
            automatic=one.by == "bot",
        )
        for number, one in enumerate(said)
    ]
    with transaction.atomic():
        lock_channel(channel.id)
        record_events(
            channel=channel, events=[(event, event.sent_at) for event in events], written_by=written_by
        )


# The reference ------------------------------------------------------------------------------------
def waits_of(said: Sequence[Said], conversation: int) -> list[tuple[int, int | None]]:
    """``(asked, answered)`` minutes, by walking through time; a contact speaks first within a minute."""
    waits: list[tuple[int, int | None]] = []
    waiting: int | None = None
    spoken = [one for one in said if one.conversation == conversation]
    for minute in sorted({one.minute for one in spoken}):
        at_once = [one.by for one in spoken if one.minute == minute]
        if "contact" in at_once and waiting is None:
            waiting = minute
        if "own" in at_once and waiting is not None:
            waits.append((waiting, minute))
            waiting = None
    return waits if waiting is None else [*waits, (waiting, None)]


def reference(said: Sequence[Said], since: int, until: int) -> dict[str, object]:
    def summarise(waits: list[tuple[int, int | None]]) -> tuple[object, ...]:
        times = [(end - begin) * 60.0 for begin, end in waits if end is not None]
        if not times:
            return len(waits), 0, None, None, None, None
        p90 = statistics.quantiles(times, n=10, method="inclusive")[8] if len(times) > 1 else times[0]
        within = [sum(one <= limit for one in times) / len(times) for limit in (1800, 3600)]
        return len(waits), len(times), statistics.median(times), p90, *within

    everything = [waits_of(said, number) for number in {one.conversation for one in said}]
    first = summarise([waits[0] for waits in everything if waits and since <= waits[0][0] < until])
    every = summarise([one for waits in everything for one in waits if since <= one[0] < until])
    inside = [one.by for one in said if since <= one.minute < until]
    assert isinstance(first[0], int)
    assert isinstance(first[1], int)
    return {
        "conversations": first[0], "answered": first[1], "unanswered": first[0] - first[1],
        "response_rate": first[1] / first[0] if first[0] else None,
        "first_response_median_s": first[2], "first_response_p90_s": first[3],
        "within_30m": first[4], "within_60m": first[5],
        "turns": every[0], "turns_answered": every[1], "every_response_median_s": every[2],
        "every_response_p90_s": every[3], "every_within_30m": every[4], "every_within_60m": every[5],
        "messages_in": inside.count("contact"), "messages_out": inside.count("own"),
    }  # fmt: skip


messages = st.builds(
    Said,
    conversation=st.integers(1, 4),
    by=st.sampled_from(["own", "contact", "contact", "bot", "rival"]),
    minute=st.integers(0, 120),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(messages, max_size=25), st.integers(0, 60), st.integers(61, 130))
@example([Said(1, "own", 5), Said(1, "contact", 5)], 0, 100)  # at the same moment the contact was first
@example([Said(1, "contact", 0), Said(1, "own", 30), Said(2, "contact", 0), Said(2, "own", 60)], 0, 100)
@example([Said(1, "contact", 0), Said(1, "bot", 1), Said(1, "rival", 2)], 0, 100)
@example([Said(1, "own", 0), Said(1, "own", 9)], 0, 100)
def test_it_agrees_with_the_slow_reference(said: list[Said], since: int, until: int) -> None:
    with transaction.atomic():
        channel = make_channel("acme", "acme-account")
        make_channel("rival", "rival-account")
        record(channel, said)
        (row,) = response_rows(
            brand_ids=[channel.brand_id],
            since=START + timedelta(minutes=since),
            until=START + timedelta(minutes=until),
            by="brand",
        )
        expected = reference(said, since, until)
        assert {key: getattr(row, key) for key in expected} == {
            key: None if value is None else pytest.approx(value, rel=1e-12) for key, value in expected.items()
        }
        transaction.set_rollback(True)


def test_it_has_a_row_for_a_silent_brand_and_only_for_what_was_asked() -> None:
    acme, other = make_channel("acme", "1"), make_channel("other", "2")
    record(acme, [Said(1, "contact", 0)])
    rows = response_rows(**EVER, by="brand")
    assert [(row.brand, row.conversations, row.response_rate) for row in rows] == [
        ("Acme", 1, 0.0),
        ("Other", 0, None),
    ]
    assert [
        row.brand_slug
        for row in response_rows(brand_ids=[other.brand_id], since=None, until=None, by="brand")
    ] == ["other"]
    assert response_rows(brand_ids=[], since=None, until=None, by="brand") == []


def test_it_counts_each_channel_apart() -> None:
    main = make_channel("acme", "1")
    status = Channel.objects.create(
        brand=main.brand, network="practice", external_id="9", handle="acme_status"
    )
    record(main, [Said(1, "contact", 0), Said(1, "own", 3)])
    record(status, [Said(2, "contact", 0)])
    rows = response_rows(**EVER, by="channel")
    assert [(row.key, row.label, row.conversations, row.answered) for row in rows] == [
        (str(main.id), "acme (practice)", 1, 1),
        (str(status.id), "acme_status (practice)", 1, 0),
    ]


def test_it_gives_a_conversation_to_the_agent_who_answered_first() -> None:
    channel = make_channel("acme", "1")
    mara = User.objects.create_user("m@example.com", "a long enough pw", name="Mara", initials="M")
    ivo = User.objects.create_user("i@example.com", "a long enough pw", name="Ivo", initials="I")
    said = [
        Said(1, "contact", 0), Said(1, "own", 10), Said(1, "contact", 20), Said(1, "own", 50),
        Said(2, "contact", 0), Said(2, "own", 40),
        Said(3, "contact", 0),
    ]  # fmt: skip
    record(channel, said, written_by={"1": mara.id, "3": ivo.id})
    rows = {row.label: row for row in response_rows(**EVER, by="agent")}
    assert {label: (row.conversations, row.answered, row.turns) for label, row in rows.items()} == {
        "Mara": (1, 1, 1),
        "Ivo": (0, 0, 1),
        None: (2, 1, 2),
    }
    assert rows["Mara"].first_response_median_s == 600
    assert rows["Ivo"].every_response_median_s == 1800
    assert (rows["Mara"].messages_in, rows["Mara"].messages_out) == (None, 1)


def test_it_uses_the_brand_s_own_days() -> None:
    channel = make_channel("acme", "1", zone="Asia/Bangkok")  # seven hours ahead
    start = datetime(2026, 3, 1, 16, 59, tzinfo=UTC)
    record(channel, [Said(1, "contact", 0), Said(2, "contact", 1), Said(2, "own", 2)], start=start)
    rows = response_rows(**EVER, by="day")
    assert [(row.key, row.conversations, row.answered) for row in rows] == [
        ("2026-03-01", 1, 0),
        ("2026-03-02", 1, 1),
    ]


def test_it_keeps_the_two_hours_apart_when_clocks_are_put_back() -> None:
    channel = make_channel("acme", "1", zone="Europe/Zagreb")
    start = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # 02:30 summer time; an hour later it is 02:30 again
    record(channel, [Said(1, "contact", 0), Said(2, "contact", 60), Said(3, "contact", 120)], start=start)
    assert [row.key for row in response_rows(**EVER, by="hour")] == [
        "2026-10-25T02:00:00+02:00",
        "2026-10-25T02:00:00+01:00",
        "2026-10-25T03:00:00+01:00",
    ]


def test_it_says_who_waits_now_and_how_long() -> None:
    channel = make_channel("acme", "1")
    make_channel("other", "2")
    now = datetime.now(UTC)
    said = [
        Said(1, "contact", -30), Said(2, "contact", -20), Said(2, "contact", -5), Said(3, "contact", -90),
        Said(4, "contact", -60), Said(4, "own", -50),
    ]  # fmt: skip
    record(channel, said, start=now)
    Case.objects.filter(contact__identities__external_id="contact-3").update(status="closed")
    Case.objects.filter(contact__identities__external_id="contact-1").update(status="snoozed")
    rows = {row.brand: row for row in waiting_now(brand_ids=None)}
    assert rows["Acme"].waiting == 2
    assert rows["Acme"].waiting_longest_s == pytest.approx(1800, abs=60)
    assert rows["Acme"].waiting_median_s == pytest.approx(1500, abs=60)
    assert (rows["Other"].waiting, rows["Other"].waiting_longest_s) == (0, None)


def test_it_asks_the_database_once_whatever_there_is(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(3):
        record(make_channel(f"brand{number}", str(number)), [Said(1, "contact", 0), Said(1, "own", 5)])
    assert (Message.objects.count(), Turn.objects.count()) == (6, 3)
    with django_assert_num_queries(1):
        assert len(response_rows(**EVER, by="hour")) == 3
    with django_assert_num_queries(1):
        waiting_now(brand_ids=None)


def test_it_defines_every_figure_once() -> None:
    names = {"brand_id", "brand", "brand_slug", "key", "label"}
    shown = {field.name for cls in (ResponseRow, WaitingRow) for field in fields(cls)} - names
    assert {metric.key for metric in METRICS} == shown
    assert len(METRICS) == len(shown)
    for metric in METRICS:
        assert (metric.unit is Unit.SECONDS) == metric.key.endswith("_s")
        assert f"`{metric.key}`" in markdown_table()
