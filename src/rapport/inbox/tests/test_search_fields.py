from __future__ import annotations

import contextlib
from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rapport.brands.models import Channel
from rapport.inbox import actions, words
from rapport.inbox.models import Case, CloseReason, Message, Tag
from rapport.inbox.queries import CaseFilters, list_cases
from rapport.inbox.queries.search_complete import completions
from rapport.inbox.queries.search_fields import FIELDS, NotUnderstood
from rapport.inbox.queries.search_parse import parse_query
from rapport.inbox.queries.search_snippets import snippets
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
from rapport.lib.errors import Invalid
from rapport.staff.models import Membership, Role, Team, User

pytestmark = pytest.mark.django_db


def found(user: User, text: str) -> set[int]:
    return {row.id for row in list_cases(user=user, filters=CaseFilters(text=text)).rows}


@pytest.fixture
def world(channel: Channel, agent: User) -> dict[str, Case]:
    """Four cases in two brands, both seen by the agent: each differs from the others in every field."""
    other = make_channel(make_brand("bolt"), "practice")
    Membership.objects.create(user=agent, brand=other.brand, role=Role.AGENT)
    ana = say(channel, make_contact(channel, "Ana Marić", "@ana.m"), "my bag is lost", 0)
    ben = say(channel, make_contact(channel, "Ben"), "a bag, please", 60 * 24 * 40, visibility="private")
    zoe = say(other, make_contact(other, "Zoë"), "bag refund", 60 * 24 * 80)
    old = say(channel, make_contact(channel, "Đuro"), "old bag", 5)
    cases = {"ana": case_of(ana), "ben": case_of(ben), "zoe": case_of(zoe), "old": case_of(old)}
    Message.objects.filter(id=zoe.id).update(
        media=[{"kind": "image", "url": "https://x", "alt": "a torn strap"}]
    )
    Message.objects.filter(id=ben.id).update(media=[{"kind": "file", "url": "https://x"}])
    tag = Tag.objects.create(brand=channel.brand, name="Lost & found")
    cases["ana"].tags.add(tag)
    team = Team.objects.create(brand=channel.brand, name="Baggage")
    Case.objects.filter(id=cases["ana"].id).update(assignee=agent, team=team, lang="hr")
    Case.objects.filter(id=cases["ben"].id).update(lang="de-AT", waiting_since=None)
    actions.close_case(actor=agent, case_id=cases["old"].id, reason=CloseReason.SPAM)
    actions.add_note(actor=agent, case_id=cases["zoe"].id, text="the umbrella story")
    return cases


_FIELDS = {
    "from:ana": "ana",
    "from:maric": "ana",
    'from:"ana marić"': "ana",
    "from:@ana.m": "ana",
    "from:zoe,ben": "ben zoe",
    "-from:ana": "ben zoe old",
    "is:open": "ana ben zoe",
    "is:closed": "old",
    "-is:closed": "ana ben zoe",
    "is:spam": "old",
    "is:waiting": "ana zoe",
    "is:mine": "ana",
    "is:unassigned": "ben zoe old",
    "is:private": "ben",
    "is:public,closed": "ana zoe old",
    "assignee:me": "ana",
    "assignee:none": "ben zoe old",
    "assignee:mara": "ana",
    "assignee:kovac,none": "ana ben zoe old",
    "team:bag": "ana",
    "team:none": "ben zoe old",
    'tag:"lost & found"': "ana",
    "tag:lost": "ana",
    "-tag:lost": "ben zoe old",
    "brand:aero": "ana ben old",
    "brand:bolt": "zoe",
    "-brand:bolt": "ana ben old",
    "network:practice": "zoe",
    "channel:@aero": "ana ben old",
    "lang:de": "ben",
    "lang:hr,de": "ana ben",
    "has:image": "zoe",
    "has:file": "ben",
    "has:image,file": "ben zoe",
    "has:note": "zoe",
    "-has:note": "ana ben old",
    "before:2026-04": "ana old",
    "after:2026-04": "ben zoe",
    "on:2026-03-01": "ana old",
    "on:2026-04": "ben",
    "on:2026": "ana ben zoe old",
    "after:2026-03-02 before:2026-05": "ben",
    "is:open brand:aero": "ana ben",
}


@pytest.mark.parametrize("read", [True, False], ids=["read", "unread"])
@pytest.mark.parametrize("words_too", ["bag", ""], ids=["with words", "alone"])
def test_a_field_narrows(world: dict[str, Case], agent: User, words_too: str, read: bool) -> None:
    if read:
        words.catch_up()
    wrong = {}
    for text, names in _FIELDS.items():
        shown = found(agent, f"{words_too} {text}")
        if shown != {world[name].id for name in names.split()}:
            wrong[text] = [name for name, case in world.items() if case.id in shown]
    assert wrong == {}


def test_a_case_by_number(world: dict[str, Case], agent: User) -> None:
    assert found(agent, f"case:{world['ben'].id}") == {world["ben"].id}
    assert found(agent, f"case:#{world['ben'].id}") == {world["ben"].id}
    assert found(agent, "case:" + "9" * 18) == set()


def test_excluded_words_and_phrases(world: dict[str, Case], agent: User) -> None:
    assert found(agent, "bag -refund -old") == {world["ana"].id, world["ben"].id}
    assert found(agent, 'bag -"is lost"') == {world[name].id for name in ("ben", "zoe", "old")}
    assert found(agent, '"bag is"') == {world["ana"].id}


def test_notes_pictures_and_subjects_are_read(world: dict[str, Case], agent: User, channel: Channel) -> None:
    mail = say(channel, make_contact(channel, "Eva"), "see below", 9)
    Message.objects.filter(id=mail.id).update(facts={"subject": "Invoice 4711"}, text="see below.")
    for _ in range(2):
        assert found(agent, "umbrella") == {world["zoe"].id}
        assert found(agent, '"torn strap"') == {world["zoe"].id}
        assert found(agent, "invoice 4711") == {case_of(mail).id}
        words.catch_up()


def test_a_days_field_uses_the_readers_time_zone(channel: Channel, agent: User) -> None:
    late = case_of(say(channel, make_contact(channel), "my bag", 11 * 60 + 30))  # 23:30 UTC on the first
    with timezone.override("Europe/Zagreb"):
        assert found(agent, "bag on:2026-03-02") == {late.id}
        assert found(agent, "bag on:2026-03-01") == set()
    assert found(agent, "bag on:2026-03-01") == {late.id}


def test_relative_days(channel: Channel, agent: User) -> None:
    now = make_case(channel, "Now", "my bag")
    Message.objects.update(sent_at=timezone.now())
    Case.objects.update(last_message_at=timezone.now(), opened_at=timezone.now())
    old = make_case(channel, "Then", "my bag")
    for text in ("on:today", "after:today", "after:7d", "after:1m", "on:2d"):
        assert found(agent, f"bag {text}") == found(agent, text) == {now.id}
    for text in ("before:today", "before:yesterday", "before:7d"):
        assert found(agent, f"bag {text}") == found(agent, text) == {old.id}
    assert now.opened_at - old.opened_at < timedelta(days=1)
    assert old.opened_at == at(0)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("brand:bistro", "finds nothing called “bistro”"),
        ("brand:aeor", r"Did you mean Aero\?"),
        ("tag:nothing", "finds nothing"),
        ("assignee:nobody-here", "finds nothing"),
        ("after:31.3.2026", "Write a day as 2026-03-31"),
        ("on:2026-02-30", "does not understand"),
        ("on:0000", "does not understand"),
        ("before:99999999999", "does not understand"),
        ("case:twelve", "takes a number"),
        ("case:" + "9" * 40, "takes a number"),
        ("case:²", "takes a number"),
        ("has:note,image", "on its own"),
        ("-has:image", "Add a word"),
        ("from:…", "needs a name"),
    ],
)
def test_a_value_that_means_nothing_is_said(
    world: dict[str, Case], agent: User, text: str, says: str
) -> None:
    with pytest.raises(NotUnderstood, match=says):
        found(agent, text)


def test_nobody_learns_of_brands_they_may_not_see(world: dict[str, Case], channel: Channel) -> None:
    stranger = make_user("Only Bolt", brand=make_brand("bank"), role=Role.ADMIN)
    for text in (
        "bag",
        "from:ana",
        "is:open",
        "umbrella",
        f"case:{world['ana'].id}",
        "after:2026-01-01",
        "has:image",
    ):
        assert found(stranger, text) == set(), text
    for text in ("brand:aero", "tag:lost", "team:baggage", "assignee:mara", "channel:@aero"):
        with pytest.raises(Invalid, match="finds nothing"):
            found(stranger, text)
    for text in ("brand:", "tag:", "team:", "channel:", "assignee:"):
        brand_ids = list(stranger.memberships.values_list("brand_id", flat=True))
        offered = {one.shown for one in completions(user=stranger, brand_ids=brand_ids, text=text)}
        assert offered <= {"Bank", "me", "none", "Only Bolt"}


def test_a_page_shows_where_each_case_was_found(world: dict[str, Case], agent: User) -> None:
    def shown(text: str) -> dict[str, str]:
        page = list_cases(user=agent, filters=CaseFilters(text=text))
        found = snippets(parse_query(text), page.hits)
        names = {case.id: name for name, case in world.items()}
        return {
            names[case_id]: "".join(f"[{piece}]" if hit else piece for piece, hit in one.pieces)
            for case_id, one in found.items()
        }

    assert shown('"bag is"') == {"ana": "my [bag is] lost"}
    assert shown("umbrella") == {"zoe": "the [umbrella] story"}
    assert shown("marić") == {"ana": "Ana Marić @ana.m".replace("Marić", "[Marić]")}
    assert shown("is:open") == {}


def test_the_newest_message_that_fits_is_where_a_case_is_opened(channel: Channel, agent: User) -> None:
    identity = make_contact(channel)
    first = say(channel, identity, "my bag")
    second = say(channel, identity, "my bag again", 1, to=first)
    say(channel, identity, "hello", 2, to=second)
    page = list_cases(user=agent, filters=CaseFilters(text="bag"))
    assert [hit.id for hit in page.hits.values()] == [second.id]


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("bag is:s", ["bag is:snoozed ", "bag is:spam "]),
        ("ha", ["has:"]),
        ("-i", ["-is:"]),
        ("tag:lo", ['tag:"Lost & found" ']),
        ("brand:aero,bo", ["brand:aero,Bolt "]),
        ("assignee:ma", ['assignee:"Mara Kovač" ']),
        ("network:pr", ["network:practice "]),
        ("nothing:x", []),
        ('"bag is:', []),
        ("luggage", []),
    ],
)
def test_what_could_come_next_is_offered(
    world: dict[str, Case], agent: User, text: str, offered: list[str]
) -> None:
    brand_ids = list(agent.memberships.values_list("brand_id", flat=True))
    assert [one.text for one in completions(user=agent, brand_ids=brand_ids, text=text)] == offered


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from(
            [*(f"{one.name}:" for one in FIELDS), "-", '"', " ", "bag", "me", "none", "2026-03", "7d", "#"]
        )
        | st.text(max_size=4),
        max_size=8,
    )
)
def test_no_search_is_an_error_of_ours(world: dict[str, Case], agent: User, pieces: list[str]) -> None:
    text = "".join(pieces)
    with contextlib.suppress(NotUnderstood):
        assert found(agent, text) <= {case.id for case in world.values()}
    completions(user=agent, brand_ids=[1], text=text)
