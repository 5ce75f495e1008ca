from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection

from rapport.audit.models import AuditEntry
from rapport.inbox.tests.making import make_brand, make_user
from rapport.lib.errors import Conflict, Invalid, NotAllowed, NotFound
from rapport.mentions.examples import Example, ExamplesFail, kept_examples
from rapport.mentions.matching import current_matcher
from rapport.mentions.models import QueriesChanged, Query, QueryExample
from rapport.mentions.query_queries import changes_of
from rapport.mentions.saving import (
    bring_back,
    delete_query,
    look_back_again,
    mark_of,
    restore_query,
    save_query,
    set_state,
)
from rapport.staff.models import Role, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def lead() -> User:
    return make_user("Lea Lead", brand=make_brand(), role=Role.LEAD)


def _save(user: User, text: str = "bag", *, name: str = "Bags", kind: str = "brand", **more: Any) -> Query:
    brand_id = user.memberships.get().brand_id
    return save_query(user=user, brand_id=brand_id, name=name, text=text, kind=kind, **more)


def _acts() -> list[str]:
    return list(AuditEntry.objects.order_by("id").values_list("action", flat=True))


def test_each_text_is_a_version_and_is_matched_at_once(lead: User) -> None:
    made = _save(lead, "bag  OR\r\nbags")
    assert made.version is not None
    assert (made.version.number, made.version.text) == (1, "bag  OR\nbags")
    assert made.version.canonical == "bag OR bags"
    assert made.pk in current_matcher().queries
    before = QueriesChanged.objects.get().number
    again = _save(lead, "bag OR bags", query_id=made.pk, expected_version=1, name="Baggage")
    assert again.version is not None
    assert again.version.number == 2
    # The same in other letters: nothing to look for in the past anew.
    assert again.backfill["version"] == made.version.pk
    assert QueriesChanged.objects.get().number > before
    renamed = _save(lead, "bag OR bags", query_id=made.pk, name="Luggage")
    assert renamed.version == again.version
    assert _acts() == ["listening_query.created", "listening_query.changed", "listening_query.changed"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"text": "bag ("}, "bracket"),
        ({"text": "  "}, "Write a word"),
        ({"name": " "}, "needs a name"),
        ({"name": "x" * 81}, "can have 80"),
        ({"kind": "enemy"}, "from the list"),
        ({"examples": [Example("bag")] * 51}, "50 examples"),
        ({"examples": [Example("x" * 5001)]}, "is longer"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(lead: User, given: dict[str, Any], says: str) -> None:
    with pytest.raises(Invalid, match=says):
        _save(lead, **given)
    assert not Query.objects.exists()


def test_a_name_is_given_once_and_free_again_after_a_deletion(lead: User) -> None:
    first = _save(lead)
    with pytest.raises(Invalid, match="Another query of this brand is called “Bags”"):
        _save(lead, "seat")
    delete_query(user=lead, query_id=first.pk)
    assert first.pk not in current_matcher().queries
    _save(lead, "seat")
    with pytest.raises(Invalid, match="Another query"):
        restore_query(user=lead, query_id=first.pk)
    assert Query.objects.get(id=first.pk).deleted_at is not None


def test_a_paused_query_hears_nothing_until_it_is_resumed(lead: User) -> None:
    made = _save(lead)
    set_state(user=lead, query_id=made.pk, state="paused")
    assert made.pk not in current_matcher().queries
    set_state(user=lead, query_id=made.pk, state="paused")  # nothing more happens
    set_state(user=lead, query_id=made.pk, state="active")
    assert made.pk in current_matcher().queries
    assert _acts()[1:] == ["listening_query.paused", "listening_query.resumed"]


def test_a_past_that_failed_is_looked_through_again_by_who_may(lead: User) -> None:
    made = _save(lead)
    failed = {**made.backfill, "state": "failed"}
    Query.objects.update(backfill=failed)
    agent = make_user("Ana Agent", brand=lead.memberships.get().brand)
    with pytest.raises(NotAllowed):
        look_back_again(user=agent, query_id=made.pk)
    assert Query.objects.get().backfill == failed
    look_back_again(user=lead, query_id=made.pk)
    running = Query.objects.get().backfill
    assert running["state"] == "running"
    look_back_again(user=lead, query_id=made.pk)
    assert Query.objects.get().backfill == running


def test_an_older_view_of_it_is_refused(lead: User) -> None:
    made = _save(lead)
    mark = mark_of(made)
    _save(lead, "seat", query_id=made.pk, expected_version=1, mark=mark)
    for older in ({"expected_version": 1}, {"mark": mark}):
        with pytest.raises(Conflict):
            _save(lead, "meal", query_id=made.pk, **older)
    with pytest.raises(Conflict):
        bring_back(user=lead, query_id=made.pk, number=1, mark=mark)
    # A rename alone is a change, too.
    now = mark_of(Query.objects.get())
    _save(lead, "seat", query_id=made.pk, name="Seats")
    with pytest.raises(Conflict):
        _save(lead, "meal", query_id=made.pk, mark=now)


def test_examples_are_tried_kept_and_survive_a_save_without_them(lead: User) -> None:
    good, bad = Example("my bag", True, {"lang": "en"}), Example("a river bag", must_match=False)
    with pytest.raises(ExamplesFail) as failed:
        _save(lead, "bag", examples=[good, bad])
    assert [one.example for one in failed.value.tried] == [bad]
    assert not Query.objects.exists()
    made = _save(lead, "bag -river", examples=[good, Example("  "), bad])
    assert kept_examples(made) == [good, bad]
    ids = set(QueryExample.objects.values_list("id", flat=True))
    with pytest.raises(ExamplesFail):
        _save(lead, "seat", query_id=made.pk)
    _save(lead, "seat", query_id=made.pk, anyway=True)
    assert set(QueryExample.objects.values_list("id", flat=True)) == ids
    _save(lead, "seat", query_id=made.pk, examples=[bad])
    assert kept_examples(made) == [bad]
    assert set(QueryExample.objects.values_list("id", flat=True)) < ids


def test_versions_name_the_words_that_came_and_went(lead: User) -> None:
    made = _save(lead, "bag OR luggage")
    for text in ("bag OR (luggage -river)", "bag luggage -river"):
        _save(lead, text, query_id=made.pk)
    bring_back(
        user=lead, query_id=made.pk, number=1, mark=mark_of(Query.objects.select_related("version").get())
    )
    changes = [(one.version.number, one.added, one.removed) for one in changes_of(made, most=3)]
    assert changes == [(4, (), ("-river",)), (3, (), ()), (2, ("-river",), ())]


def test_who_may_not_save_changes_nothing(lead: User) -> None:
    made = _save(lead)
    brand = lead.memberships.get().brand
    agent, stranger = make_user("Al Agent", brand=brand), make_user("Stan")
    with pytest.raises(NotAllowed):
        save_query(user=agent, brand_id=brand.pk, name="Mine", text="bag", kind="brand")
    with pytest.raises(NotAllowed):
        delete_query(user=agent, query_id=made.pk)
    with pytest.raises(NotFound):
        set_state(user=stranger, query_id=made.pk, state="paused")
    other = make_brand("bistro")
    lead.memberships.create(brand=other, role=Role.LEAD)
    with pytest.raises(Invalid, match="stays with its brand"):
        save_query(user=lead, brand_id=other.pk, name="Bags", text="bag", kind="brand", query_id=made.pk)
    assert Query.objects.get().brand == brand


@pytest.mark.django_db(transaction=True)
def test_of_two_who_save_at_once_one_is_told(lead: User) -> None:
    made = _save(lead)
    mark = mark_of(made)
    begin = threading.Barrier(2)
    said: list[str] = []

    def save(text: str) -> None:
        begin.wait()
        try:
            _save(lead, text, query_id=made.pk, mark=mark)
            said.append("saved")
        except Conflict:
            said.append("told")
        finally:
            connection.close()

    threads = [threading.Thread(target=save, args=(text,)) for text in ("seat", "meal")]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(said) == ["saved", "told"]
    assert made.versions.count() == 2
