"""The pages of sources, which are for owners."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from rapport.audit.models import AuditEntry
from rapport.inbox.tests.making import make_brand
from rapport.ingest.readers import RENEW_S
from rapport.lib.errors import Invalid
from rapport.mentions.models import Source
from rapport.mentions.source_actions import add_source
from rapport.mentions.source_queries import Doing, in_trouble
from rapport.mentions.tests.making import make_query
from rapport.networks.x.tests.doorman import BEARER
from rapport.networks.x.tests.place import XPlace
from rapport.staff.models import User

URL = "/listening/sources/"
GIVEN = {
    "with-server": "https://M.example/about",
    "with-timeline": "none",
    "with-hashtags": "#Aero\n\naero\nlate",
}


@pytest.fixture
def owner(db: None) -> Client:
    user = User.objects.create(email="olga@example.com", name="Olga", is_superuser=True)
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_a_source_is_added_paused_resumed_removed_and_put_back(owner: Client) -> None:
    assert "Mastodon" in owner.get(URL).content.decode()
    made = owner.post(f"{URL}new/mastodon/", {**GIVEN, "with-token": "a secret"})
    assert made.status_code == 302
    source = Source.objects.get()
    assert (source.name, source.options) == (
        "m.example",
        {"server": "https://m.example", "timeline": "none", "hashtags": ["aero", "late"]},
    )
    assert source.secrets == {"token": "a secret"}
    page = owner.get(URL).content.decode()
    assert "m.example" in page
    assert "a secret" not in page

    for what, check in (
        ("pause", lambda one: one.state == "paused"),
        ("resume", lambda one: one.state == "active"),
        ("remove", lambda one: one.deleted_at is not None),
    ):
        answer = owner.post(f"{URL}{source.pk}/{what}/")
        source.refresh_from_db()
        assert check(source), what
    page = owner.get(answer["Location"]).content.decode()
    assert f"{URL}{source.pk}/restore/" in page
    owner.post(f"{URL}{source.pk}/restore/")
    source.refresh_from_db()
    assert source.deleted_at is None
    told = AuditEntry.objects.filter(object_type="source").order_by("id").values_list("action", flat=True)
    assert list(told) == [f"source.{one}" for one in ("added", "paused", "resumed", "removed", "restored")]


def test_what_was_typed_stays_but_for_secrets(owner: Client) -> None:
    wrong = owner.post(
        f"{URL}new/mastodon/", {**GIVEN, "with-hashtags": "two words", "with-token": "a secret"}
    )
    assert wrong.status_code == 422
    page = wrong.content.decode()
    assert "#two words is not a hashtag." in page
    assert "https://M.example/about" in page
    assert "a secret" not in page
    assert not Source.objects.exists()


def test_x_shows_the_rules_of_the_queries_before_they_are_followed(owner: Client) -> None:
    assert "Rules of your saved queries" not in owner.get(f"{URL}new/x/").content.decode()
    brand = make_brand()
    make_query(brand, '"alvara air" -job', name="The <brand>")
    make_query(brand, "lugg*", name="Luggage")
    make_query(brand, "network:mastodon alvara", name="Elsewhere")
    page = owner.get(f"{URL}new/x/").content.decode()
    assert "The &lt;brand&gt;" in page
    assert "&quot;alvara&quot; &quot;air&quot; -is:retweet" in page
    assert "No rule: some of what it finds" in page
    assert "No rule: it finds nothing on X." in page
    assert "Rules of your saved queries" not in owner.get(f"{URL}new/mastodon/").content.decode()


def test_a_rule_that_x_refuses_is_told_and_what_was_typed_stays(owner: Client) -> None:
    with XPlace() as place:
        form = {"with-rules": 'alvara\n"open', "with-bearer_token": BEARER, "with-api_url": place.x.url}
        wrong = owner.post(f"{URL}new/x/", form)
        assert wrong.status_code == 422
        page = wrong.content.decode()
        assert "X refuses the rule “&quot;open”: token recognition error" in page
        assert BEARER not in page
        assert owner.post(f"{URL}new/x/", {**form, "with-rules": "alvara late"}).status_code == 302
    source = Source.objects.get()
    assert (source.name, source.secrets) == ("X: alvara late", {"bearer_token": BEARER})
    assert BEARER not in str(source.options)


def test_two_sources_of_one_app_on_x_would_delete_each_others_rules(owner: Client) -> None:
    with XPlace() as place:
        form = {"with-rules": "alvara", "with-bearer_token": BEARER, "with-api_url": place.x.url}
        owner.post(f"{URL}new/x/", form)
        first = Source.objects.get()
        wrong = owner.post(f"{URL}new/x/", {**form, "with-rules": "bravo"})
        assert wrong.status_code == 422
        assert "X allows this app no further connection" in wrong.content.decode()
        edited = owner.post(f"{URL}{first.pk}/edit/", {**form, "with-rules": "alvara late"})
        assert edited.status_code == 302
        owner.post(f"{URL}{first.pk}/remove/")
        assert owner.post(f"{URL}new/x/", form).status_code == 302
        owner.post(f"{URL}{first.pk}/restore/")
    first.refresh_from_db()
    assert (Source.objects.filter(deleted_at=None).count(), first.deleted_at is None) == (1, False)


def test_one_stream_is_listened_to_once(owner: Client) -> None:
    assert owner.post(f"{URL}new/practice/").status_code == 302
    again = owner.post(f"{URL}new/practice/")
    assert again.status_code == 422
    assert Source.objects.count() == 1


def test_a_source_is_changed_and_goes_on_where_it_was(owner: Client) -> None:
    owner.post(f"{URL}new/mastodon/", {**GIVEN, "with-token": "a secret"})
    source = Source.objects.get()
    until = timezone.now() + timedelta(seconds=40)
    Source.objects.update(
        cursor={"lists": {"a": "1"}}, lease_until=until, failures=3, left_out=["Old words."]
    )
    page = owner.get(f"{URL}{source.pk}/edit/").content.decode()
    assert 'value="https://m.example"' in page
    assert "aero\nlate" in page
    assert "a secret" not in page
    answer = owner.post(
        f"{URL}{source.pk}/edit/", {**GIVEN, "with-hashtags": "delay", "with-token": ""}, follow=True
    )
    assert "m.example is listened to as you said from now on." in answer.content.decode()
    source.refresh_from_db()
    assert source.options["hashtags"] == ["delay"]
    assert (source.secrets, source.cursor) == ({"token": "a secret"}, {"lists": {"a": "1"}})
    assert (source.failures, source.left_out) == (0, [])
    # Whoever reads it has lost it, and nobody else begins before that one has noticed.
    assert source.lease_until is not None
    assert timezone.now() + timedelta(seconds=RENEW_S) < source.lease_until < until
    assert AuditEntry.objects.filter(action="source.changed", object_id=source.pk).exists()


def test_a_secret_does_not_follow_to_another_server(owner: Client) -> None:
    owner.post(f"{URL}new/mastodon/", {**GIVEN, "with-token": "a secret"})
    source = Source.objects.get()
    Source.objects.update(cursor={"lists": {"a": "1"}})
    elsewhere = {**GIVEN, "with-server": "evil.example"}
    wrong = owner.post(f"{URL}{source.pk}/edit/", elsewhere)
    assert wrong.status_code == 422
    assert "Its address changes, so give this again: Access token." in wrong.content.decode()
    source.refresh_from_db()
    assert source.options["server"] == "https://m.example"
    assert owner.post(f"{URL}{source.pk}/edit/", {**elsewhere, "with-token": "another"}).status_code == 302
    source.refresh_from_db()
    assert (source.name, source.secrets, source.cursor) == ("evil.example", {"token": "another"}, {})


def test_what_has_no_form_or_is_listened_to_already_is_not_made_of_a_source(owner: Client) -> None:
    owner.post(f"{URL}new/practice/")
    without = Source.objects.get()
    assert owner.get(f"{URL}{without.pk}/edit/").status_code == 404
    assert f"{URL}{without.pk}/edit/" not in owner.get(URL).content.decode()
    owner.post(f"{URL}new/mastodon/", GIVEN)
    other = {**GIVEN, "with-server": "two.example"}
    owner.post(f"{URL}new/mastodon/", other)
    second = Source.objects.get(name="two.example")
    wrong = owner.post(f"{URL}{second.pk}/edit/", GIVEN)
    assert wrong.status_code == 422
    assert "This is listened to already." in wrong.content.decode()
    assert owner.post(f"{URL}{second.pk}/edit/", other).status_code == 302  # as it is


def test_what_is_not_listened_to_is_said(owner: Client) -> None:
    Source.objects.create(kind="x", name="X: saved queries", left_out=["“<b>” gets no rule.", "Another."])
    page = owner.get(URL).content.decode()
    assert "2 things are not listened to" in page
    assert "“&lt;b&gt;” gets no rule." in page


def test_what_was_added_again_is_not_put_back_beside_it(owner: Client) -> None:
    owner.post(f"{URL}new/practice/")
    first = Source.objects.get()
    owner.post(f"{URL}{first.pk}/remove/")
    owner.post(f"{URL}new/practice/")
    answer = owner.post(f"{URL}{first.pk}/restore/")
    assert "This is listened to already." in answer.content.decode()
    first.refresh_from_db()
    assert first.deleted_at is not None


@pytest.mark.django_db(transaction=True)
def test_two_who_add_the_same_at_once_get_one() -> None:
    user = User.objects.create(email="olga@example.com", name="Olga", is_superuser=True)
    told: list[str] = []

    def add() -> None:
        try:
            add_source(actor=user, key="practice", values={})
        except Invalid as error:
            told.append(str(error))
        finally:
            connection.close()

    there = threading.Thread(target=add)
    with transaction.atomic():
        add_source(actor=user, key="practice", values={})
        there.start()
        with connection.cursor() as cursor:
            # Until the other is seen to wait for this one's lock.
            waits, until = 0, time.monotonic() + 20
            while not waits and there.is_alive() and time.monotonic() < until:
                cursor.execute(
                    "SELECT count(*) FROM pg_locks "
                    "WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
                )
                waits = cursor.fetchone()[0]
    there.join()
    assert waits
    assert told == ["This is listened to already."]
    assert Source.objects.count() == 1


def test_what_is_in_trouble_is_told(owner: Client) -> None:
    long_ago = timezone.now() - timedelta(minutes=5)
    Source.objects.create(kind="mastodon", name="ill", failures=3, last_error="It <is> asleep.")
    Source.objects.create(kind="jetstream", name="alone", lease_until=long_ago)
    Source.objects.create(kind="jetstream", name="well", lease_until=timezone.now() + timedelta(seconds=30))
    Source.objects.create(kind="jetstream", name="resting", state="paused", failures=3)
    Source.objects.create(kind="file", name="posts.jsonl")
    Source.objects.create(kind="gone", name="of a plugin")
    Source.objects.filter(name="alone").update(created_at=long_ago)
    assert {source.name: doing for source, doing in in_trouble()} == {
        "ill": Doing.TROUBLE, "alone": Doing.WAITING,
    }  # fmt: skip
    page = owner.get(URL).content.decode()
    assert "It &lt;is&gt; asleep." in page
    assert "No listener reads it." in page
    assert "Not installed" in page
