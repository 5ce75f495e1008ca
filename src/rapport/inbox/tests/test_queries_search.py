from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from rapport.brands.models import Channel
from rapport.contacts.models import Contact, Identity
from rapport.inbox import actions, words
from rapport.inbox.models import CloseReason, Message, MessageWords, WordsWanted
from rapport.inbox.queries import CaseFilters, list_cases, search, search_index, search_walk
from rapport.inbox.queries.search_parse import parse_query
from rapport.inbox.queries.search_terms import asked
from rapport.inbox.tests.making import (
    case_of,
    make_brand,
    make_case,
    make_channel,
    make_contact,
    say,
)
from rapport.lib.errors import Invalid
from rapport.staff.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture(params=[words.catch_up, lambda: None], ids=["read", "unread"])
def read(request: pytest.FixtureRequest) -> Callable[[], object]:
    """Search finds the same in what was read behind the ingest and in what was not read yet."""
    act: Callable[[], object] = request.param
    return act


def found(user: User, text: str, view: str = "all") -> set[int]:
    page = list_cases(user=user, filters=CaseFilters(view=view, text=text))  # type: ignore[arg-type]
    return {row.id for row in page.rows}


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("Where is my luggage?", "LUGGAGE"),
        ("Where is my luggage?", "lugg"),
        ("Where is my luggage?", "luggage where"),
        ("Gdje je moja PRTLJAGA, čovječe?", "Čovječe prtljaga"),
        ("¿Dónde está mi equipaje?", "DÓNDE está"),
        ("Wo ist mein Gepäck?", "gepäck?"),
        ("เที่ยวบินล่าช้ามากเลยค่ะ", "ล่าช้า"),
        ("เที่ยวบินล่าช้ามากเลยค่ะ", "ช้า"),
        ("เที่ยวบินล่าช้ามากเลยค่ะ", "ค่ะ เที่ยวบิน"),
        ("我的行李在哪里？", "行李"),
        ("我的行李在哪里？", "李"),
        ("荷物はどこですか。", "どこ"),
        ("flight TH101ล่าช้า again", "th101"),
        ("flight TH101ล่าช้า again", "ช้า fli"),
        ("내 가방은 어디에 있나요", "가방"),
        ("see https://example.com/track/AB-123.", "ab-123"),
        ("see https://example.com/track/AB-123.", "track"),
        ("I love #LostBags at @aero_help", "lostbags"),
        ("I love #LostBags at @aero_help", "#lostbags @aero_help"),
        ("don't you answer?", "don't"),
        ("don’t you answer?", "don't"),
        ("100% late", "100%"),
        ("snake_case", "snake_case"),
        ("naïve café", "café"),
        ("AT&T charged me", "at&t"),
    ],
)
def test_it_finds_words_and_pieces_in_every_script(
    text: str, query: str, channel: Channel, agent: User, read: Callable[[], object]
) -> None:
    case = make_case(channel, text=text)
    make_case(channel, "Ben", "something else entirely")
    read()
    assert found(agent, query) == {case.id}


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("Where is my luggage?", "uggage"),
        ("Where is my luggage?", "luggage stolen"),
        ("เที่ยวบินล่าช้ามากเลยค่ะ", "ช้าล่า"),
        ("我的行李在哪里？", "李行"),
        ("late by 1000", "100%"),
        ("snakes case", "snake_case"),
    ],
)
def test_it_does_not_find_what_is_not_there(
    text: str, query: str, channel: Channel, agent: User, read: Callable[[], object]
) -> None:
    make_case(channel, text=text)
    read()
    assert found(agent, query) == set()


@pytest.mark.parametrize(
    "query",
    [
        "'", "''", "\\", "\\'", "a' | 'b", "!bag", "bag & !x", "(bag", "bag:*", ":*", "<->", "%", "_", "*",
        "'; DROP TABLE inbox_case; --", "\x00", "\ud800", "😀", "…", "'a' <2> 'b'", "%(brands)s", "%s",
    ],
)  # fmt: skip
def test_it_takes_any_characters_as_text(query: str, channel: Channel, agent: User) -> None:
    case = make_case(channel, text="my bag")
    assert found(agent, query) <= {case.id}
    assert found(agent, "bag") == {case.id}


def test_it_finds_contacts_by_name_and_handle(
    channel: Channel, agent: User, read: Callable[[], object]
) -> None:
    identity = make_contact(channel, "สมชาย Müller", handle="@SomChai.M")
    case = case_of(say(channel, identity, "hi"))
    make_case(channel, "Ben", "hi")
    read()
    for query in ("müller", "ชาย", "somchai", "@somchai.m", "สมชาย mül"):
        assert found(agent, query) == {case.id}


def test_it_finds_the_case_of_the_person_who_said_it_and_all_that_the_brand_answered(
    channel: Channel, agent: User, read: Callable[[], object]
) -> None:
    first = say(channel, make_contact(channel, "Ana"), "my bag")
    second = say(channel, make_contact(channel, "Ben"), "my umbrella", 1, to=first)
    say(channel, None, "both are in Zagreb", 2, to=second)
    read()
    assert found(agent, "umbrella") == {case_of(second).id}
    assert found(agent, "zagreb") == {case_of(first).id, case_of(second).id}


def test_it_looks_in_cases_of_every_state_unless_a_list_is_named(channel: Channel, agent: User) -> None:
    opened, closed = make_case(channel, "a", "my bag"), make_case(channel, "b", "my bag")
    actions.close_case(actor=agent, case_id=closed.id, reason=CloseReason.SPAM)
    assert found(agent, "bag") == {opened.id, closed.id}
    assert found(agent, "bag", "waiting") == {opened.id}
    assert found(agent, "bag", "closed") == {closed.id}


def test_it_does_not_show_what_was_deleted(channel: Channel, agent: User, read: Callable[[], object]) -> None:
    make_case(channel, text="my bag")
    read()
    Message.objects.update(deleted_at=timezone.now())
    assert found(agent, "bag") == set()


def test_it_pages_through_what_it_found(channel: Channel, agent: User) -> None:
    cases = [make_case(channel, f"c{n}", "my bag", n) for n in range(5)]
    filters = CaseFilters(text="bag")
    first = list_cases(user=agent, filters=filters, limit=3)
    rest = list_cases(user=agent, filters=filters, limit=3, after=first.next_cursor)
    assert [row.id for row in (*first.rows, *rest.rows)] == [case.id for case in reversed(cases)]
    assert rest.next_cursor is None


def test_it_says_when_it_looked_at_the_newest_only(
    channel: Channel, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = [make_case(channel, f"c{n}", "my bag", n) for n in range(3)]
    words.catch_up()
    monkeypatch.setattr(search_walk, "STEP_LIMIT", 2)
    monkeypatch.setattr(search, "MOST_TEXTS", 2)
    page = list_cases(user=agent, filters=CaseFilters(text="bag"))
    assert page.search_cut
    assert {row.id for row in page.rows} == {case.id for case in cases[1:]}
    assert not list_cases(user=agent, filters=CaseFilters(text="c1")).search_cut


def test_it_stops_at_enough_cases_of_each_kind_of_text(
    channel: Channel, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = [make_case(channel, f"c{n}", "my bag", n) for n in range(3)]
    for case in cases:
        actions.add_note(actor=agent, case_id=case.id, text="the bag is blue")
    words.catch_up()
    monkeypatch.setattr(search_walk, "STEP_LIMIT", 1)
    monkeypatch.setattr(search, "ENOUGH", 1)
    # The note of the newest case is as good a find as its message, though the case is known by then.
    page = list_cases(user=agent, filters=CaseFilters(text="bag"))
    assert ([row.id for row in page.rows], page.search_cut) == ([cases[2].id], True)
    assert page.hits[cases[2].id].kind == "message"


def _given(bounds: tuple[int, int], *_args: object) -> tuple[int, int]:
    return bounds


@pytest.mark.parametrize("known", [True, False], ids=["statistics", "none"])
def test_it_goes_back_through_blocks_and_regions_and_leaves_none_out(
    known: bool, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (words, search_walk):
        monkeypatch.setattr(module, "BLOCK", 4)
        monkeypatch.setattr(module, "REGION", 12)
    for name, value in {"STEP_LIMIT": 3, "_FETCHED": 5, "_FEW": 4, "_TOGETHER": 2}.items():
        monkeypatch.setattr(search_walk, name, value)
    identity = make_contact(channel, "Ana")
    most = {n for n in range(60) if n % 3 and n != 25}
    texts = {n: "my bag and luggage, ซื้อถุงใหม่" if n in most else "bag of my other one" for n in range(60)}
    texts[25] = "rare bag my bag"
    ids = [say(channel, identity, texts[n]).id for n in range(60)]
    words.catch_up()
    if known:
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE inbox_messagewords")
    finds = {
        "bag": set(range(60)), '"my bag"': most | {25}, "bag -other": most | {25}, "lugg": most, "ถุง": most, "ถ": most,
        "rare": {25}, "bag nowhere": set(),
    }  # fmt: skip
    # However wrong the time is thought to lie, every row comes once.
    bounds = [None, (ids[17], ids[41]), (ids[0], ids[1]), (ids[40], ids[20]), (ids[58], ids[59] + 1)]
    right = search_walk._Walk._bounds
    for (text, fits), (blocks, regions), one in itertools.product(
        finds.items(), [(0, 0), (1, 1), (2, 3), (99, 0), (0, 99)], bounds
    ):
        monkeypatch.setattr(search_walk, "_BLOCKS", blocks)
        monkeypatch.setattr(search_walk, "_REGIONS", regions)
        monkeypatch.setattr(search_walk._Walk, "_bounds", right if one is None else partial(_given, one))
        wanted, excluded = (query := parse_query(text)).wanted, query.excluded
        question = asked(wanted, excluded, (), (), search_index.endings(wanted))
        steps = list(search_walk.newest_first(words.MESSAGES, question, but={ids[1]}))
        found = [row for step in steps for row in step]
        newest = sorted((ids[n] for n in fits - {1}), reverse=True)
        assert (found if one is None else sorted(found, reverse=True)) == newest, (text, blocks, regions, one)
        assert all(len(step) <= 3 for step in steps)


def test_of_a_time_it_begins_where_the_time_lies_and_finds_what_came_late(
    channel: Channel, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (words, search_walk):
        monkeypatch.setattr(module, "BLOCK", 4)
        monkeypatch.setattr(module, "REGION", 12)
    monkeypatch.setattr(search_walk, "_FEW", 1)
    # Each other day from January to May.
    cases = [make_case(channel, f"c{n}", "my bag", n * 60 * 24) for n in range(-60, 90, 2)]
    late = make_case(channel, "late", "my bag", 60)
    words.catch_up()
    march = [case for case in cases if case.opened_at.month == 3]
    for text in ("bag on:2026-03", "bag after:2026-03 before:2026-04", '"my bag" on:2026-03'):
        page = list_cases(user=agent, filters=CaseFilters(text=text), limit=200)
        assert {row.id for row in page.rows} == {case.id for case in [*march, late]}
    ids = list(
        Message.objects.filter(thread__case_threads__case__in=march)
        .order_by("id")
        .values_list("id", flat=True)
    )
    walk = search_walk._Walk(words.MESSAGES, asked(parse_query("bag").wanted, (), (), (), {}))
    low, high = walk._bounds(march[0].opened_at, march[-1].opened_at, walk.top + 1)
    assert low <= ids[0] < ids[-1] < high
    assert high - low <= ids[-1] - ids[0] + 4 * 4
    assert walk._bounds(None, None, walk.top + 1) == (0, walk.top + 1)


def test_it_says_when_too_much_is_unread(
    channel: Channel, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = make_case(channel, text="my bag")
    make_case(channel, "Ben", text="my umbrella")
    monkeypatch.setattr(search_index, "UNREAD_LIMIT", 2)
    page = list_cases(user=agent, filters=CaseFilters(text="bag"))
    assert (page.rows, page.search_cut) == ((), True)
    words.catch_up()
    page = list_cases(user=agent, filters=CaseFilters(text="bag"))
    assert ([row.id for row in page.rows], page.search_cut) == ([case.id], False)


@pytest.mark.parametrize("query", ["x" * 201, "a " * 17])
def test_a_query_that_is_a_novel_is_refused(query: str, channel: Channel, agent: User) -> None:
    with pytest.raises(Invalid):
        found(agent, query)


class TestReading:
    def test_it_reads_each_text_once_and_again_when_it_changed(self, channel: Channel, agent: User) -> None:
        identity = make_contact(channel, "Ana", handle="@somebody")
        message = say(channel, identity, "my bag")
        assert words.catch_up() == 2
        assert words.catch_up() == 0
        # What is not its wording is of no interest.
        Message.objects.update(repost_count=7, text="my bag")
        Identity.objects.update(followers=3, name="Ana")
        assert words.catch_up() == 0
        Message.objects.update(text="my umbrella")
        Identity.objects.update(name="Zora")
        Contact.objects.update(name="")
        for _ in range(2):
            assert found(agent, "umbrella") == found(agent, "zora") == {case_of(message).id}
            words.catch_up()
        assert found(agent, "bag") == found(agent, "ana") == set()
        assert MessageWords.objects.count() == 1

    def test_it_goes_on_where_it_stopped(self, channel: Channel) -> None:
        for n in range(3):
            make_case(channel, f"c{n}", f"bag {n}")
        assert [words.read_words(limit=4), words.read_words(limit=4), words.read_words(limit=4)] == [4, 2, 0]
        assert not WordsWanted.objects.exists()

    def test_a_text_longer_than_an_index_can_hold_is_read_from_its_beginning(
        self, channel: Channel, agent: User
    ) -> None:
        long = make_case(channel, text="umbrella " + " ".join(f"w{n}" for n in range(300_000)))
        words.catch_up()
        assert found(agent, "umbrella") == {long.id}

    @pytest.mark.django_db(transaction=True)
    def test_one_reads_at_a_time(self) -> None:
        make_case(make_channel(make_brand()))
        params = connection.get_connection_params()
        params.pop("cursor_factory", None)
        params.pop("context", None)
        with psycopg.connect(**params) as other:
            other.execute("SELECT pg_advisory_xact_lock(%s, %s)", words._LOCK)
            assert words.catch_up() == 0
        assert words.catch_up() == 2

    @pytest.mark.parametrize("text", ["ล่าช้า", "luggage", '"lost luggage" -found'])
    def test_it_walks_the_indexes(self, text: str, channel: Channel) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off")
            for source in (words.MESSAGES, words.IDENTITIES, words.NOTES):
                question = asked(parse_query(text).wanted, (), (), (), {})
                walk = search_walk._Walk(source, question)
                for statement in (search_walk._UNITS, search_walk._OUTSIDE):
                    values = {"units": "{'k:1'}", "below": 10, "low": 2, "high": 3, "limit": 10}
                    sql, params = walk._statement(statement, walk.walked, values)
                    cursor.execute("EXPLAIN " + sql, params)
                    shown = "\n".join(row[0] for row in cursor.fetchall())
                    assert f"Bitmap Index Scan on {source.index}" in shown
