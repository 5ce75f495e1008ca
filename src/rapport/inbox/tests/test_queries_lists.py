from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rapport.brands.models import Brand, Channel
from rapport.inbox import actions
from rapport.inbox.models import Case, CloseReason, Tag
from rapport.inbox.queries import VIEWS, CaseFilters, CasePage, View, list_cases, view_counts
from rapport.inbox.tests.making import (
    at,
    case_of,
    make_brand,
    make_case,
    make_channel,
    make_contact,
    make_user,
    say,
)
from rapport.lib.errors import Invalid, NotFound
from rapport.staff.models import Membership, Role, User

pytestmark = pytest.mark.django_db


def ids(page: CasePage) -> list[int]:
    return [row.id for row in page.rows]


def walk(user: User, filters: CaseFilters, limit: int = 2) -> list[int]:
    """Every case of a list, page by page."""
    found: list[int] = []
    cursor = None
    while True:
        page = list_cases(user=user, filters=filters, after=cursor, limit=limit)
        assert len(page.rows) <= limit
        found += ids(page)
        if page.next_cursor is None:
            return found
        cursor = page.next_cursor


class TestViews:
    def test_each_holds_what_it_says_in_its_order(self, channel: Channel, agent: User) -> None:
        mine, free, answered, snoozed, closed = (make_case(channel, f"c{n}", minutes=n) for n in range(5))
        actions.assign_case(actor=agent, case_id=mine.id, assignee_id=agent.id)
        asked = answered.case_threads.get().thread.messages.get()
        say(channel, None, "Done.", 60, to=asked)
        actions.snooze_case(actor=agent, case_id=snoozed.id, until=timezone.now() + timedelta(days=1))
        actions.close_case(actor=agent, case_id=closed.id, reason=CloseReason.SPAM)
        newer_closed = make_case(channel, "c5", minutes=90)
        actions.close_case(actor=agent, case_id=newer_closed.id, reason=CloseReason.SPAM)
        expected: dict[View, list[Case]] = {
            "mine": [mine],
            "unassigned": [answered, free],
            "all": [answered, free, mine],
            "waiting": [mine, free],
            "snoozed": [snoozed],
            "closed": [newer_closed, closed],
        }
        assert {view: walk(agent, CaseFilters(view=view)) for view in VIEWS} == {
            view: [case.id for case in cases] for view, cases in expected.items()
        }
        assert view_counts(user=agent) == {view: len(cases) for view, cases in expected.items()}

    def test_filters_narrow_a_list(self, channel: Channel, agent: User) -> None:
        other = make_channel(channel.brand)
        one, two, three = make_case(channel, "a"), make_case(channel, "b"), make_case(other, "c")
        actions.add_tag(actor=agent, case_id=one.id, name="refund")
        actions.assign_case(actor=agent, case_id=two.id, assignee_id=agent.id)
        tag = Tag.objects.get()
        assert walk(agent, CaseFilters(channel_id=other.id)) == [three.id]
        assert walk(agent, CaseFilters(tag_id=tag.id)) == [one.id]
        assert walk(agent, CaseFilters(assignee_id=agent.id)) == [two.id]
        assert walk(agent, CaseFilters(channel_id=other.id, tag_id=tag.id)) == []
        assert walk(agent, CaseFilters(view="unassigned", assignee_id=agent.id)) == []

    def test_merged_cases_are_in_no_list(self, channel: Channel, agent: User) -> None:
        case, target = make_case(channel, "a", "lost bag"), make_case(channel, "b")
        Case.objects.filter(id=case.id).update(status="merged", merged_into=target)
        assert all(case.id not in walk(agent, CaseFilters(view=view)) for view in VIEWS)
        assert walk(agent, CaseFilters(text="lost")) == []

    def test_an_unknown_view_is_refused(self, agent: User) -> None:
        with pytest.raises(Invalid):
            list_cases(user=agent, filters=CaseFilters(view="everything"))  # type: ignore[arg-type]


class TestWhoSees:
    def test_only_the_brands_of_the_person_are_listed_counted_and_searched(
        self, channel: Channel, agent: User
    ) -> None:
        theirs = make_case(make_channel(make_brand("bolt")), "Ben", "lost bag")
        mine = make_case(channel, "Ana", "lost bag")
        assert walk(agent, CaseFilters()) == [mine.id]
        assert walk(agent, CaseFilters(text="lost bag")) == [mine.id]
        assert walk(agent, CaseFilters(text="ben")) == []
        assert view_counts(user=agent)["all"] == 1
        with pytest.raises(NotFound):
            list_cases(user=agent, filters=CaseFilters(brand_id=theirs.brand_id))
        with pytest.raises(NotFound):
            view_counts(user=agent, brand_id=theirs.brand_id)
        nobody = make_user("Nobody")
        assert walk(nobody, CaseFilters()) == walk(nobody, CaseFilters(text="lost")) == []
        assert set(view_counts(user=nobody).values()) == {0}

    def test_several_brands_are_merged_in_one_order(self) -> None:
        channels = [make_channel(make_brand(slug)) for slug in ("aero", "bolt", "care")]
        cases = [make_case(channels[n % 3], f"c{n}", minutes=n) for n in range(9)]
        owner = User.objects.create_superuser("o@example.com", "long enough pw", name="Olga", initials="O")
        newest = [case.id for case in reversed(cases)]
        assert walk(owner, CaseFilters(view="all")) == newest
        assert walk(owner, CaseFilters(view="unassigned")) == newest
        assert walk(owner, CaseFilters(view="waiting")) == newest[::-1]
        assert walk(owner, CaseFilters(brand_id=channels[1].brand_id)) == newest[1::3]
        assert view_counts(user=owner, brand_id=channels[1].brand_id)["all"] == 3


class TestRows:
    def test_a_row_has_all_that_a_list_shows(self, channel: Channel, agent: User) -> None:
        case = make_case(channel, "Ana", "Where is\n my   bag?", minutes=7)
        actions.assign_case(actor=agent, case_id=case.id, assignee_id=agent.id)
        actions.add_tag(actor=agent, case_id=case.id, name="refund")
        actions.add_tag(actor=agent, case_id=case.id, name="bag")
        handle = case.contact.identities.get().handle
        row = list_cases(user=agent, filters=CaseFilters()).rows[0]
        expected: dict[str, Any] = {
            "id": case.id,
            "brand_name": "Aero",
            "channel_handle": "@aero",
            "network": "somewhere",
            "contact_name": "Ana",
            "handle": handle,
            "preview": "Where is my bag?",
            "waiting_since": at(7),
            "last_message_at": at(7),
            "assignee_initials": "MK",
            "tags": ("bag", "refund"),
            "priority": 2,
            "visibility": "public",
            "failed": False,
        }
        assert {name: getattr(row, name) for name in expected} == expected

    def test_a_page_costs_the_same_for_one_case_and_for_many(self, channel: Channel, agent: User) -> None:
        def queries() -> int:
            with CaptureQueriesContext(connection) as captured:
                page = list_cases(user=agent, filters=CaseFilters())
            assert page.rows
            return len(captured)

        make_case(channel, "first")
        few = queries()
        for n in range(12):
            case = make_case(channel, f"c{n}")
            actions.add_tag(actor=agent, case_id=case.id, name=f"tag {n}")
            actions.assign_case(actor=agent, case_id=case.id, assignee_id=agent.id)
        assert queries() == few <= 6

    def test_counts_are_one_query_and_stop_at_a_thousand(
        self, channel: Channel, agent: User, django_assert_num_queries: Any
    ) -> None:
        fill(channel, 1100)
        with django_assert_num_queries(2):  # the person's brands, and the counts
            assert view_counts(user=agent)["all"] == 1000


class TestCursors:
    @pytest.mark.parametrize(
        "cursor", ["x", "::", "a:b:c", "0" * 5000, "é\x00\ud800", "WzEsMl0:1:2", '["2026-01-01",1]']
    )
    def test_a_made_up_place_is_refused(self, cursor: str, agent: User) -> None:
        with pytest.raises(Invalid):
            list_cases(user=agent, filters=CaseFilters(), after=cursor)

    def test_a_place_in_one_list_is_none_in_another(self, channel: Channel, agent: User) -> None:
        make_case(channel, "a")
        make_case(channel, "b")
        cursor = list_cases(user=agent, filters=CaseFilters(), limit=1).next_cursor
        assert cursor is not None
        with pytest.raises(Invalid):
            list_cases(user=agent, filters=CaseFilters(view="waiting"), after=cursor)
        with pytest.raises(Invalid):
            list_cases(
                user=agent, filters=CaseFilters(), after=cursor[:-1] + ("A" if cursor[-1] != "A" else "B")
            )

    def test_a_page_holds_at_least_one_row_and_at_most_two_hundred(
        self, channel: Channel, agent: User
    ) -> None:
        fill(channel, 210)
        assert len(list_cases(user=agent, filters=CaseFilters(), limit=-5).rows) == 1
        assert len(list_cases(user=agent, filters=CaseFilters(), limit=10**9).rows) == 200

    def test_a_case_that_moves_up_is_not_shown_twice_and_hides_no_other(
        self, channel: Channel, agent: User
    ) -> None:
        messages = [say(channel, make_contact(channel, f"c{n}"), f"m{n}", n) for n in range(6)]
        cases = [case_of(message) for message in messages]
        first = list_cases(user=agent, filters=CaseFilters(), limit=2)
        assert ids(first) == [cases[5].id, cases[4].id]
        # One from the first page and one from further down get new words; a new case arrives.
        say(channel, messages[4].identity, "and?", 50, to=messages[4])
        say(channel, messages[1].identity, "hello?", 51, to=messages[1])
        make_case(channel, "new", minutes=52)
        rest, cursor = [], first.next_cursor
        while cursor:
            page = list_cases(user=agent, filters=CaseFilters(), after=cursor, limit=2)
            rest += ids(page)
            cursor = page.next_cursor
        assert rest == [cases[3].id, cases[2].id, cases[0].id]

    @given(
        minutes=st.lists(st.integers(0, 3), min_size=1, max_size=14),
        limit=st.integers(1, 5),
        view=st.sampled_from(["all", "unassigned", "waiting"]),
    )
    @settings(
        max_examples=25,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    def test_pages_of_any_size_hold_every_case_once_also_at_equal_times(
        self, minutes: list[int], limit: int, view: View, channel: Channel, agent: User
    ) -> None:
        fill(channel, len(minutes), minutes)
        mine = Case.objects.filter(channel=channel, status="open")
        column = "waiting_since" if view == "waiting" else "last_message_at"
        keys = sorted(mine.values_list(column, "id"), reverse=view != "waiting")
        assert walk(agent, CaseFilters(view=view), limit) == [case_id for _at, case_id in keys]
        mine.delete()


def fill(channel: Channel, count: int, minutes: list[int] | None = None) -> None:
    """Many open, waiting cases at once, without messages."""
    contact = make_case(channel, "filler", minutes=-1).contact
    Case.objects.filter(contact=contact).update(status="merged")
    Case.objects.bulk_create(
        Case(
            brand_id=channel.brand_id,
            channel=channel,
            contact=contact,
            visibility="public",
            opened_at=at(n),
            waiting_since=at(n),
            last_message_at=at(n),
        )
        for n in (minutes or range(count))
    )


class TestPlans:
    """Each list walks its own index: no sort of the whole set, and no table scan."""

    @pytest.fixture
    def many(self, channel: Channel) -> Brand:
        fill(channel, 3000)
        Case.objects.filter(channel=channel, id__in=_every(channel, 3)).update(status="closed")
        Case.objects.filter(channel=channel, id__in=_every(channel, 7)).update(
            status="snoozed", snoozed_until=at(9)
        )
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE inbox_case")
        return channel.brand

    @pytest.mark.parametrize(
        ("view", "index"),
        [
            ("mine", "case_open_assignee"),
            ("unassigned", "case_open_assignee"),
            ("all", "case_open_recent"),
            ("waiting", "case_open_waiting"),
            ("snoozed", "case_not_open"),
            ("closed", "case_not_open"),
        ],
    )
    @pytest.mark.parametrize("deep", [False, True])
    def test_it_walks_the_index(self, view: View, index: str, deep: bool, many: Brand, agent: User) -> None:
        Membership.objects.create(user=agent, brand=make_brand("bolt"), role=Role.VIEWER)
        Case.objects.filter(brand=many, id__in=_every(many.channels.get(), 5)).update(assignee=agent)
        filters = CaseFilters(view=view)
        after = list_cases(user=agent, filters=filters, limit=5).next_cursor if deep else None
        with CaptureQueriesContext(connection) as captured:
            page = list_cases(user=agent, filters=filters, after=after, limit=5)
        assert len(page.rows) == 5
        statement = next(q["sql"] for q in captured if "CROSS JOIN LATERAL" in q["sql"])
        nodes = list(plan(statement))
        walks = [node for node in nodes if node.get("Index Name") == index]
        assert walks, nodes
        assert "Seq Scan" not in {node["Node Type"] for node in nodes if node.get("Relation Name")}
        # It stops after a page: reading everything to sort it would show here.
        assert all(node["Actual Rows"] <= 6 and node.get("Rows Removed by Filter", 0) == 0 for node in walks)


def _every(channel: Channel, step: int) -> list[int]:
    return list(
        Case.objects.filter(channel=channel, status="open")
        .order_by("id")
        .values_list("id", flat=True)[::step]
    )


def plan(statement: str) -> Iterator[dict[str, Any]]:
    """Every node of the statement's plan, as it ran."""
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + statement)
        found = cursor.fetchone()[0]
    todo = [(json.loads(found) if isinstance(found, str) else found)[0]["Plan"]]
    while todo:
        node = todo.pop()
        yield node
        todo += node.get("Plans", [])
