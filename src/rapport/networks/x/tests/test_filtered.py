"""Rules of an app on X: ours are kept as they are wanted, others' stay, and X's reasons are told."""

from __future__ import annotations

import pytest

from rapport.networks.doubles import Answer
from rapport.networks.errors import NetworkError, TryAgain
from rapport.networks.x import filtered
from rapport.networks.x.tests.doorman import BEARER, Refuse
from rapport.networks.x.tests.place import XPlace
from rapport.networks.x.tests.world import PROBLEMS

OURS = "rapport:listening"


def there(place: XPlace) -> set[tuple[str, str]]:
    return {(one["value"], one["tag"]) for one in place.x.rules.values()}


def test_ours_are_kept_as_wanted_and_others_stay(place: XPlace) -> None:
    api = filtered.api_for(BEARER, place.x.url)
    place.x.rules["7"] = {"id": "7", "value": "theirs", "tag": "of another program"}
    place.x.rules["8"] = {"id": "8", "value": "a channel's", "tag": "rapport:123"}
    first = filtered.keep(api, ["alvara", "theirs"], OURS)
    assert "7" in first.ids  # what is there already is not asked for twice
    assert len(first.ids) == 2
    second = filtered.keep(api, ["bravo"], OURS)
    assert there(place) == {
        ("theirs", "of another program"), ("a channel's", "rapport:123"), ("bravo", OURS),
    }  # fmt: skip
    assert len(second.ids) == 1
    assert filtered.keep(api, ["bravo"], OURS) == second


@pytest.mark.parametrize("together", [True, False])
def test_one_that_x_cannot_read_costs_only_itself(place: XPlace, together: bool) -> None:
    place.x.together = together
    api = filtered.api_for(BEARER, place.x.url)
    kept = filtered.keep(api, ["alvara", '"open', "bravo", "has:media"], OURS)
    assert there(place) == {("alvara", OURS), ("bravo", OURS)}
    assert len(kept.ids) == 2
    assert kept.refused['"open'].startswith("token recognition error")
    assert kept.refused["has:media"] == "Rules must contain a non-negation, stand-alone operator"


def test_an_old_rule_stays_until_the_new_one_works(place: XPlace) -> None:
    api = filtered.api_for(BEARER, place.x.url)
    filtered.keep(api, ["alvara", "bravo", "charlie"], OURS)
    kept = filtered.keep(api, ["alvara air", "bravo"], OURS, leaving={"alvara"})
    assert kept.leaving
    assert there(place) == {("alvara", OURS), ("alvara air", OURS), ("bravo", OURS)}
    kept = filtered.keep(api, ["alvara air", "bravo"], OURS)
    assert not kept.leaving
    assert there(place) == {("alvara air", OURS), ("bravo", OURS)}
    # Where nothing is added there is nothing to wait for.
    kept = filtered.keep(api, ["bravo"], OURS, leaving={"alvara air"})
    assert not kept.leaving
    assert there(place) == {("bravo", OURS)}


def test_room_is_made_where_there_is_none(place: XPlace) -> None:
    place.x.most_rules = 2
    api = filtered.api_for(BEARER, place.x.url)
    filtered.keep(api, ["a1", "a2"], OURS)
    assert not filtered.keep(api, ["b1", "b2"], OURS, leaving={"a1", "a2"}).refused
    assert there(place) == {("b1", OURS), ("b2", OURS)}


def test_rules_that_x_has_no_room_for_cost_only_themselves(place: XPlace) -> None:
    place.x.most_rules = 130
    api = filtered.api_for(BEARER, place.x.url)
    wanted = [f"brand{number}" for number in range(350)]
    kept = filtered.keep(api, wanted, OURS)
    assert there(place) == {(one, OURS) for one in wanted[:130]}
    assert len(kept.ids) == 130
    assert set(kept.refused) == set(wanted[130:])
    assert "You may have 130 rules" in kept.refused["brand349"]
    assert len(place.x.requests) < 20
    place.x.most_rules = 1000
    assert not filtered.keep(api, wanted, OURS).refused
    assert len(place.x.rules) == 350


def test_that_no_more_posts_are_paid_for_is_of_no_single_rule(
    place: XPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def capped(*_: object, **__: object) -> Answer:
        raise Refuse(
            403, "UsageCapExceeded", "Usage cap exceeded: Monthly product cap", PROBLEMS + "usage-capped"
        )

    monkeypatch.setattr(type(place.x), "_add_rules", capped)
    with pytest.raises(NetworkError, match="Usage cap exceeded"):
        filtered.keep(filtered.api_for(BEARER, place.x.url), ["alvara", "bravo"], OURS)


def test_a_dry_run_adds_nothing(place: XPlace) -> None:
    api = filtered.api_for(BEARER, place.x.url)
    _ids, refused = filtered.add(api, ["alvara", '"open'], OURS, dry_run=True)
    assert set(refused) == {'"open'}
    assert not place.x.rules


def test_hundreds_of_rules_are_added_in_parts(place: XPlace) -> None:
    api = filtered.api_for(BEARER, place.x.url)
    kept = filtered.keep(api, [f"brand{number}" for number in range(250)], OURS)
    assert len(kept.ids) == len(place.x.rules) == 250


@pytest.mark.parametrize("line", [
    "{", "[]", "7", "null", '"data"', '{"data": 7, "matching_rules": [{"id": "1"}]}', "\x00", "{}" * 3,
    '{"data": {"id": "x"}, "matching_rules": [{"id": "1"}]}', '{"data": {}, "matching_rules": 5}',
    '{"data": {"id": "1"}, "matching_rules": [7]}', "[" * 100_000, "1" * 5000, '{"meta": {}}', '{"data": ' * 5000,
])  # fmt: skip
def test_a_line_that_cannot_be_read_costs_only_itself(line: str) -> None:
    assert filtered.posts_in(line, ids={"1"}, tag=OURS) == []


def test_an_announced_end_is_told_with_its_reason() -> None:
    for line in (
        '{"errors": [{"title": "operational-disconnect", "detail": "For operational reasons."}]}',
        '{"title": "ConnectionException", "detail": "For operational reasons."}',
    ):
        with pytest.raises(TryAgain, match=r"X closed the stream: For operational reasons\."):
            filtered.posts_in(line, ids=set(), tag=OURS)
