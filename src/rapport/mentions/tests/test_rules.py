"""Rules open cases for what comes, by what is known of it; mutes set aside what comes and give it back."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError, connection
from procrastinate.contrib.django.models import ProcrastinateJob

from rapport.inbox.models import Case
from rapport.inbox.tests.making import make_brand, make_channel, make_user
from rapport.lib.errors import Conflict
from rapport.mentions import case_rules, folding, muting, rule_failures, rules
from rapport.mentions.acts import Pick, mark_seen
from rapport.mentions.hearing import hear
from rapport.mentions.models import CaseRule, Mention, MuteKind, RuleFailure
from rapport.mentions.relevance import relevance
from rapport.mentions.tests.making import heard, make_query
from rapport.staff.models import Role

FACTS: dict[str, Any] = {
    "kinds": ["brand"], "queries": [1, 2], "lang": "pt-BR", "network": "bluesky", "reach": 100, "relevance": 70,
    "mood": None, "needs_reply": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("asks", "fits"),
    [
        ({}, True),
        ({"kinds": ["topic", "brand"], "queries": [2, 3], "langs": ["PT"], "networks": ["bluesky"]}, True),
        ({"kinds": ["topic"]}, False),
        ({"queries": [3]}, False),
        ({"langs": ["p", "pt-PT"]}, False),
        ({"networks": ["mastodon"]}, False),
        ({"reach_from": 100, "relevance_from": 70}, True),
        ({"reach_from": 101}, False),
        ({"relevance_from": 71}, False),
        ({"mood_to": 100}, False),  # not known
        ({"needs_reply": False}, False),  # not known
    ],
)
def test_all_that_is_asked_must_be_so(asks: dict[str, Any], fits: bool) -> None:
    assert rules.fits(asks, FACTS) is fits


@pytest.mark.parametrize(
    ("text", "repeats", "matches", "found"),
    [
        ("I lost a bag with Aero on my way home", False, [("brand", [["text", 18, 22, "aero"]])], 85),
        ("I lost a bag with Aero on my way home", True, [("brand", [["text", 18, 22, "aero"]])], 55),
        ("aero bag", False, [("brand", [["text", 0, 4, "aero"], ["text", 5, 8, "bag"]])], 60),
        ("@aero https://example.com #x", False, [("topic", [["text", 0, 5, "@aero"]])], 10),
        ("aero", False, [("topic", [["text", 0, 4, "aero"]]), ("brand", [["text", 0, 4, "aero"]])], 55),
        ("", False, [], 0),
    ],
)
def test_relevance_is_the_sum_that_is_documented(
    text: str, repeats: bool, matches: list[tuple[str, list[list[Any]]]], found: int
) -> None:
    assert relevance(text=text, repeats=repeats, matches=matches) == found


@pytest.mark.django_db
def test_a_rule_opens_a_case_once() -> None:
    brand = make_brand()
    make_channel(brand)
    make_query(brand, "aero")
    CaseRule.objects.create(brand=brand, name="far", asks={"reach_from": 1000})
    rule = CaseRule.objects.create(brand=brand, name="heard", asks={"reach_from": 10}, priority=4)
    for _time in range(2):
        hear([heard("1", "aero is late", followers=20), heard("2", "aero"),
              heard("3", "aero is late", followers=20, original_id="1", is_repost=True)],
             source_key="source:1")  # fmt: skip
    wanted = [[Mention.objects.get(post__external_id="1").id, rule.pk]]
    jobs = ProcrastinateJob.objects.filter(task_name=rules.TASK)
    assert [job.args for job in jobs] == [{"wanted": wanted}]
    assert rules.open_cases([(one, two) for one, two in wanted]) == 1
    assert rules.open_cases([(one, two) for one, two in wanted]) == 0
    case = Case.objects.get()
    assert case.priority == 4
    assert Mention.objects.get(post__external_id="1").case_id == case.id


@pytest.mark.django_db
def test_a_busy_database_or_a_lost_mention_costs_no_other_its_case() -> None:
    """The database is asked for what it cannot give while it serves one of them."""
    brand = make_brand()
    make_channel(brand)
    make_query(brand, "aero")
    rule = CaseRule.objects.create(brand=brand, name="all")
    hear([heard(str(n), "aero", author=f"a{n}") for n in range(3)], source_key="source:1")
    ids = list(Mention.objects.order_by("id").values_list("id", flat=True))
    wanted = [(one, rule.pk) for one in (*ids, ids[-1] + 1)]
    failing = ["SET LOCAL statement_timeout = '1ms'; SELECT pg_sleep(1)", "SELECT 1 / 0"]

    def fails(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "pg_advisory_xact_lock" in sql and tuple(params) == folding._LOCK and failing:
            sql, params = failing.pop(0), None
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fails), pytest.raises(OperationalError):
        rules.open_cases(wanted)
    assert rule_failures.numbers_of([rule.pk]) == {rule.pk: 2}
    assert set(Mention.objects.filter(state="case").values_list("id", flat=True)) == {ids[2]}
    assert rules.open_cases(wanted) == 2
    assert Case.objects.count() == 3
    assert not RuleFailure.objects.exists()


@pytest.mark.django_db
def test_a_case_that_cannot_be_opened_is_kept_with_its_reason_and_tried_again() -> None:
    brand = make_brand()
    lead = make_user(brand=brand, role=Role.LEAD)
    make_query(brand, "aero")
    rule = CaseRule.objects.create(brand=brand, name="all", asks={"kinds": ["brand"]})
    hear([heard(str(n), "aero", author=f"a{n}") for n in range(3)], source_key="source:1")
    ids = list(Mention.objects.order_by("id").values_list("id", flat=True))
    wanted = [(one, rule.pk) for one in ids]
    assert rules.open_cases(wanted) == 0
    [reason] = rule_failures.reasons_of(rule.pk)
    assert (reason.number, reason.mention_id) == (3, ids[2])
    assert "No channel of this brand is active" in reason.why
    # Somebody dealt with one of them: it is nobody's failure any more.
    mark_seen(user=lead, picks=[Pick(ids[0])])
    assert rule_failures.numbers_of([rule.pk]) == {rule.pk: 2}
    assert rule_failures.forget_failures() == 1
    ProcrastinateJob.objects.all().delete()
    case_rules.set_active(user=lead, rule_id=rule.pk, active=False)
    with pytest.raises(Conflict):
        case_rules.try_again(user=lead, rule_id=rule.pk)
    case_rules.set_active(user=lead, rule_id=rule.pk, active=True)
    make_channel(brand)
    assert case_rules.try_again(user=lead, rule_id=rule.pk) == 2
    job = ProcrastinateJob.objects.get(task_name=rules.TASK)
    assert job.args == {"wanted": [[ids[2], rule.pk], [ids[1], rule.pk]]}
    assert rules.open_cases([(one, two) for one, two in job.args["wanted"]]) == 2
    assert not RuleFailure.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "value", "muted"),
    [
        (MuteKind.AUTHOR, "@Spammer", {"1"}),
        (MuteKind.WORD, "Free TICKETS", {"2"}),
        (MuteKind.SITE, "https://www.example.com/", {"3"}),
    ],
)
def test_a_mute_sets_aside_and_gives_back(kind: str, value: str, muted: set[str]) -> None:
    brand = make_brand()
    lead = make_user(brand=brand, role=Role.LEAD)
    make_query(brand, "aero")
    batch = [
        heard("1", "aero one", author="spammer"),
        heard("2", "aero: free tickets!"),
        heard("3", "aero https://shop.example.com/x"),
        heard("4", "aero freetickets example.org", author="spammers"),
    ]
    later = [heard(f"{one.post.id}b", one.post.text, author=one.post.author) for one in batch]

    def aside() -> set[str]:
        return set(Mention.objects.filter(state="muted").values_list("post__external_id", flat=True))

    hear(batch, source_key="source:1")
    mute = muting.add_mute(user=lead, brand_id=brand.id, kind=kind, value=value)
    assert aside() == muted
    hear(later, source_key="source:1")
    assert aside() == muted | {f"{one}b" for one in muted}
    muting.remove_mute(user=lead, mute_id=mute.pk)
    assert aside() == set()
