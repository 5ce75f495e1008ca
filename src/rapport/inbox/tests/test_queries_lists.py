from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
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
from rapport.inbox.mentions import mark_seen
from rapport.inbox.models import Case, CloseReason, Tag
from rapport.inbox.queries import VIEWS, CaseFilters, CasePage, View, list_cases, lists, view_counts
from rapport.inbox.queries.filters import Params
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
from rapport.staff.models import Membership, Role, Team, User

pytestmark = pytest.mark.django_db


def ids(page: CasePage) -> list[int]:
    return [row.id for row in page.rows]


def counted(user: User, *brands: int) -> dict[View, int]:
    return {view: count.n for view, count in view_counts(user=user, brands=brands).views.items()}


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
        team = Team.objects.create(brand=channel.brand, name="Bags")
        team.members.add(agent)
        Team.objects.create(brand=channel.brand, name="Others").members.add(make_user("Ivo"))
        mine, free, answered, snoozed, spam, given = (
            make_case(channel, f"c{n}", minutes=n) for n in range(6)
        )
        actions.assign_case(actor=agent, case_id=mine.id, assignee_id=agent.id)
        say(channel, None, "Done.", 60, to=answered.case_threads.get().thread.messages.get())
        actions.snooze_case(actor=agent, case_id=snoozed.id, until=timezone.now() + timedelta(days=1))
        actions.close_case(actor=agent, case_id=spam.id, reason=CloseReason.SPAM)
        closed = make_case(channel, "c6", minutes=90)
        actions.close_case(actor=agent, case_id=closed.id, reason=CloseReason.DUPLICATE)
        actions.assign_case(actor=agent, case_id=given.id, assignee_id=None, team_id=team.id)
        writer = make_user("Ada", brand=channel.brand)
        for named in (free, closed):
            actions.add_note(actor=writer, case_id=named.id, text=f"@{agent.initials} look")
        Case.objects.filter(id=given.id).update(waiting_since=timezone.now() - timedelta(minutes=44))
        expected: dict[View, list[Case]] = {
            "mine": [mine],
            "unassigned": [answered, given, free],
            "teams": [given],
            "all": [answered, given, free, mine],
            "waiting": [mine, free, given],
            "due": [mine, free],
            "mentions": [closed, free],
            "following": [free, mine],
            "snoozed": [snoozed],
            "closed": [closed, spam],
            "spam": [spam],
        }
        assert {view: walk(agent, CaseFilters(view=view), 1) for view in VIEWS} == {
            view: [case.id for case in cases] for view, cases in expected.items()
        }
        assert counted(agent) == {
            view: len(cases) for view, cases in expected.items() if view not in ("closed", "spam")
        }
        Case.objects.filter(id=given.id).update(waiting_since=timezone.now() - timedelta(minutes=46))
        assert walk(agent, CaseFilters(view="due")) == [mine.id, free.id, given.id]

    def test_a_mention_counts_until_it_is_seen_and_its_row_says_so(
        self, channel: Channel, agent: User
    ) -> None:
        case, writer = make_case(channel), make_user("Ada", brand=channel.brand)
        for text in ("@Mara one", "@Mara two"):
            actions.add_note(actor=writer, case_id=case.id, text=text)
        assert counted(agent)["mentions"] == 1
        assert list_cases(user=agent, filters=CaseFilters()).rows[0].names_you
        assert not list_cases(user=writer, filters=CaseFilters()).rows[0].names_you
        mark_seen(user=agent, case_id=case.id)
        assert counted(agent)["mentions"] == 0
        assert not list_cases(user=agent, filters=CaseFilters()).rows[0].names_you
        assert walk(agent, CaseFilters(view="mentions")) == [case.id]

    def test_a_list_can_be_asked_for_other_states(self, channel: Channel, agent: User) -> None:
        cases = [make_case(channel, f"c{n}", minutes=n) for n in range(4)]
        Case.objects.filter(id__in=[case.id for case in cases]).update(assignee=agent)
        actions.snooze_case(actor=agent, case_id=cases[1].id, until=timezone.now() + timedelta(days=1))
        actions.close_case(actor=agent, case_id=cases[2].id, reason=CloseReason.SPAM)
        newest = [case.id for case in reversed(cases)]
        for view in ("mine", "all"):
            assert walk(agent, CaseFilters(view=view, statuses=("open", "snoozed", "closed"))) == newest
            assert walk(agent, CaseFilters(view=view, statuses=("closed",))) == [cases[2].id]
        assert walk(agent, CaseFilters(view="snoozed", statuses=("open",))) == [cases[1].id]

    @pytest.mark.parametrize("view", ["all", "mine", "teams"])
    def test_each_order_is_kept_from_page_to_page(self, view: View, channel: Channel, agent: User) -> None:
        team = Team.objects.create(brand=channel.brand, name="Bags")
        team.members.add(agent)
        cases = [make_case(channel, f"c{n}", minutes=n % 3) for n in range(8)]
        for number, case in enumerate(cases):
            waits = None if number % 4 == 3 else case.waiting_since
            Case.objects.filter(id=case.id).update(
                priority=1 + number % 2 * 3, waiting_since=waits, assignee=agent, team=team
            )
        rows = list(Case.objects.all())
        far = timezone.now()

        def ids_by(key: Callable[[Case], Any]) -> list[int]:
            return [case.id for case in sorted(rows, key=key)]

        assert walk(agent, CaseFilters(view=view, sort="waiting")) == ids_by(
            lambda case: (case.waiting_since or far, case.id)
        )
        assert walk(agent, CaseFilters(view=view, sort="priority")) == ids_by(
            lambda case: (-case.priority, case.waiting_since or far, case.id)
        )
        assert (
            walk(agent, CaseFilters(view=view, sort="newest"))
            == ids_by(lambda case: (case.last_message_at, case.id))[::-1]
        )

    def test_every_filter_narrows_and_all_hold_together(self, channel: Channel, agent: User) -> None:
        other = make_channel(channel.brand, network="elsewhere")
        Channel.objects.filter(id=other.id).update(role="status")
        team = Team.objects.create(brand=channel.brand, name="Bags")
        team.members.add(agent)
        this, that = make_case(other, "a", minutes=60), make_case(channel, "b", minutes=-3000)
        Case.objects.filter(id=this.id).update(priority=4, lang="pt-BR", assignee=agent, team=team)
        Case.objects.filter(id=that.id).update(lang="en")
        tag = Tag.objects.create(brand=channel.brand, name="refund")
        this.tags.add(tag)
        fits: dict[str, Any] = {
            "channels": (other.id,),
            "networks": ("elsewhere",),
            "roles": ("status", "ideas"),
            "tags": (tag.id, 0),
            "priorities": (4,),
            "langs": ("pt",),
            "assignees": ("me",),
            "teams": (str(team.id),),
            "contact": this.contact_id,
            "since": at(59),
            "until": at(61),
        }
        for name, value in fits.items():
            alone = [this.id, that.id] if name == "until" else [this.id]
            assert walk(agent, CaseFilters(**{name: value})) == alone, name
        assert walk(agent, CaseFilters(**fits)) == [this.id]
        assert walk(agent, CaseFilters(**fits, sort="priority")) == [this.id]
        assert walk(agent, CaseFilters(teams=("me",))) == [this.id]
        assert walk(agent, CaseFilters(assignees=("none",))) == [that.id]
        assert walk(agent, CaseFilters(assignees=("me", "none"))) == [this.id, that.id]
        assert walk(agent, CaseFilters(view="unassigned", **fits)) == []
        assert walk(agent, CaseFilters(since=at(61))) == walk(agent, CaseFilters(until=at(-3000))) == []
        saved = [CaseFilters(**fits), CaseFilters(langs=("en",)), CaseFilters(view="closed")]
        found = view_counts(user=agent, saved=saved).saved
        assert [one and (one.n, one.more) for one in found] == [(1, False), (1, False), None]

    @pytest.mark.parametrize("few", [0, 2, 2000])
    def test_tags_lead_to_their_cases_however_many_they_have(
        self, few: int, channel: Channel, agent: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lists, "_FEW_TAGGED", few)
        other = make_channel(make_brand("bolt"))
        Membership.objects.create(user=agent, brand=other.brand, role=Role.AGENT)
        cases = [make_case(one, f"c{n}", minutes=n) for n, one in enumerate([channel, other] * 5)]
        Case.objects.filter(id__in=[one.id for one in cases[:4]]).update(lang="de")
        actions.close_case(actor=agent, case_id=cases[6].id, reason=CloseReason.SPAM)
        here, there = (Tag.objects.create(brand=one.brand, name="refund") for one in (channel, other))
        for n in (0, 2, 4, 6):
            cases[n].tags.add(here)
        cases[1].tags.add(there)
        wanted: list[tuple[list[int], dict[str, Any]]] = [
            ([4, 2, 0], {"tags": (here.id,)}),
            ([2, 0], {"tags": (here.id,), "langs": ("de",)}),
            ([4, 2, 1, 0], {"tags": (here.id, there.id)}),
            ([6], {"tags": (here.id,), "view": "closed"}),
            ([6, 4, 2, 0], {"tags": (here.id,), "statuses": ("open", "closed")}),
            ([0, 2, 4], {"tags": (here.id,), "sort": "waiting"}),
            ([1], {"tags": (there.id,), "channels": (other.id,)}),
            ([], {"tags": (here.id,), "brands": (other.brand_id,)}),
            ([], {"tags": (here.id,), "view": "mine"}),
        ]
        for numbers, filters in wanted:
            assert walk(agent, CaseFilters(**filters)) == [cases[n].id for n in numbers], filters

    def test_a_tag_does_not_look_through_other_brands(
        self, channel: Channel, agent: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other = make_brand("bolt")
        Membership.objects.create(user=agent, brand=other, role=Role.AGENT)
        tag = Tag.objects.create(brand=channel.brand, name="refund")
        walked: list[list[int]] = []
        source = lists._Lanes.source

        def noted(lanes: lists._Lanes, params: Params) -> str:
            walked.append(lanes.brands)
            return source(lanes, params)

        monkeypatch.setattr(lists._Lanes, "source", noted)
        for few in (-1, 2000):
            monkeypatch.setattr(lists, "_FEW_TAGGED", few)
            list_cases(user=agent, filters=CaseFilters(tags=(tag.id,)))
        list_cases(user=agent, filters=CaseFilters())
        assert walked == [[channel.brand_id], [channel.brand_id], [channel.brand_id, other.id]]

    def test_filters_narrow_a_list(self, channel: Channel, agent: User) -> None:
        other = make_channel(channel.brand)
        one, two, three = make_case(channel, "a"), make_case(channel, "b"), make_case(other, "c")
        actions.add_tag(actor=agent, case_id=one.id, name="refund")
        actions.assign_case(actor=agent, case_id=two.id, assignee_id=agent.id)
        tag = Tag.objects.get()
        assert walk(agent, CaseFilters(channels=(other.id,))) == [three.id]
        assert walk(agent, CaseFilters(tags=(tag.id,))) == [one.id]
        assert walk(agent, CaseFilters(assignees=(str(agent.id),))) == [two.id]
        assert walk(agent, CaseFilters(channels=(other.id,), tags=(tag.id,))) == []
        assert walk(agent, CaseFilters(view="unassigned", assignees=(str(agent.id),))) == []

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
        assert counted(agent)["all"] == 1
        with pytest.raises(NotFound):
            list_cases(user=agent, filters=CaseFilters(brands=(theirs.brand_id,)))
        with pytest.raises(NotFound):
            view_counts(user=agent, brands=(theirs.brand_id,))
        nobody = make_user("Nobody")
        assert walk(nobody, CaseFilters()) == walk(nobody, CaseFilters(text="lost")) == []
        assert set(counted(nobody).values()) == {0}

    def test_several_brands_are_merged_in_one_order(self) -> None:
        channels = [make_channel(make_brand(slug)) for slug in ("aero", "bolt", "care")]
        cases = [make_case(channels[n % 3], f"c{n}", minutes=n) for n in range(9)]
        owner = User.objects.create_superuser("o@example.com", "long enough pw", name="Olga", initials="O")
        newest = [case.id for case in reversed(cases)]
        assert walk(owner, CaseFilters(view="all")) == newest
        assert walk(owner, CaseFilters(view="unassigned")) == newest
        assert walk(owner, CaseFilters(view="waiting")) == newest[::-1]
        assert walk(owner, CaseFilters(brands=(channels[1].brand_id,))) == newest[1::3]
        assert counted(owner, channels[1].brand_id)["all"] == 3


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
        assert queries() == few <= 7

    def test_counts_are_one_query_and_stop_at_a_thousand(
        self, channel: Channel, agent: User, django_assert_num_queries: Any
    ) -> None:
        fill(channel, 1100)
        with django_assert_num_queries(3):  # the person's brands and teams, and the counts
            assert counted(agent)["all"] == 1000


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
        ("filters", "index"),
        [
            (CaseFilters(view="mine"), "case_open_assignee"),
            (CaseFilters(view="unassigned"), "case_open_assignee"),
            (CaseFilters(view="unassigned", sort="waiting"), "case_open_wait"),
            (CaseFilters(view="unassigned", sort="priority"), "case_open_urgent"),
            (CaseFilters(view="teams"), "case_open_team"),
            (CaseFilters(view="all"), "case_open_recent"),
            (CaseFilters(view="all", sort="waiting"), "case_open_wait"),
            (CaseFilters(view="all", sort="priority"), "case_open_urgent"),
            (CaseFilters(view="waiting"), "case_open_wait"),
            (CaseFilters(view="due"), "case_open_wait"),
            (CaseFilters(view="waiting", sort="priority"), "case_open_urgent"),
            (CaseFilters(view="snoozed"), "case_not_open"),
            (CaseFilters(view="closed"), "case_not_open"),
            (CaseFilters(view="closed", networks=("somewhere",)), "case_by_channel"),
            (CaseFilters(view="all", statuses=("open", "closed")), "case_not_open"),
            (CaseFilters(view="spam"), "case_spam"),
        ],
        ids=str,
    )
    @pytest.mark.parametrize("deep", [False, True])
    def test_it_walks_the_index(
        self, filters: CaseFilters, index: str, deep: bool, many: Brand, agent: User
    ) -> None:
        Membership.objects.create(user=agent, brand=make_brand("bolt"), role=Role.VIEWER)
        channel = many.channels.get()
        rare = make_channel(many, network="rare")
        Case.objects.filter(id__in=_every(channel, 5)).update(assignee=agent)
        team = Team.objects.create(brand=many, name="Bags")
        team.members.add(agent)
        Case.objects.filter(id__in=_every(channel, 4)).update(team=team)
        Case.objects.filter(id__in=_every(channel, 3)).update(priority=4)
        closed = Case.objects.filter(brand=many, status="closed").order_by("id").values_list("id", flat=True)
        Case.objects.filter(id__in=closed[::9]).update(close_reason="spam")
        Case.objects.filter(id__in=closed[::11]).update(channel=rare)
        if filters.networks:
            filters = replace(filters, networks=("rare",))
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE inbox_case")
        after = list_cases(user=agent, filters=filters, limit=5).next_cursor if deep else None
        with CaptureQueriesContext(connection) as captured:
            page = list_cases(user=agent, filters=filters, after=after, limit=5)
        assert len(page.rows) == 5
        statement = next(q["sql"] for q in captured if "CROSS JOIN LATERAL" in q["sql"])
        nodes = list(plan(statement))
        walks = [node for node in nodes if node.get("Index Name") == index]
        assert walks, nodes
        assert "Seq Scan" not in {node["Node Type"] for node in nodes if node.get("Relation Name")}
        # It stops after a page: reading everything to sort it would show here. A walk by wait passes over
        # those who have somebody already.
        assert all(node["Actual Rows"] <= 6 for node in walks)
        passed = 20 if filters.view == "unassigned" and filters.sort else 0
        assert all(node.get("Rows Removed by Filter", 0) <= passed for node in walks), walks


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
