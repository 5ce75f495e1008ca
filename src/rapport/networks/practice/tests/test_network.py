"""What the network itself promises: its API's answers, its stream's order, its pages."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from rapport.networks.practice import actions, stream
from rapport.networks.practice.accounts import ensure_account, issue_token, subscribe
from rapport.networks.practice.actions import Draft, publish
from rapport.networks.practice.errors import NotThere, NotYours, Problem
from rapport.networks.practice.models import Account, Post, Subscription

Api = Callable[..., httpx.Response]


# API --------------------------------------------------------------------------------------------
def test_it_posts_edits_passes_on_deletes_and_tells(api: Api, company: Account) -> None:
    made = api("POST", "posts", json={"text": "Hello", "client_ref": "mine"})
    assert made.status_code == 201
    pk = made.json()["id"]
    assert made.json()["url"].endswith(f"/practice/posts/{pk}")
    assert api("PATCH", f"posts/{pk}", json={"text": "Hello all"}).json()["edited_at"]
    assert api("GET", f"posts/{pk}").json()["text"] == "Hello all"
    assert api("POST", f"posts/{pk}/repost").status_code == 201
    assert [post["id"] for post in api("GET", f"posts/{pk}/thread").json()["posts"]] == [pk]
    assert api("DELETE", f"posts/{pk}").status_code == 204
    assert api("GET", f"posts/{pk}").status_code == 404
    kinds = [event["type"] for event in api("GET", "events").json()["events"]]
    assert kinds == ["post.created", "post.edited", "post.reposted", "post.deleted"]


def test_own_posts_are_paged_and_found_by_client_ref(api: Api) -> None:
    for number in range(5):
        api("POST", "posts", json={"text": f"n {number}", "client_ref": f"ref-{number}"})
    first = api("GET", "accounts/me/posts?limit=3").json()
    second = api("GET", f"accounts/me/posts?limit=3&cursor={first['next_cursor']}").json()
    assert [post["text"] for post in first["posts"] + second["posts"]] == [f"n {n}" for n in (4, 3, 2, 1, 0)]
    assert (first["more"], second["more"], second["next_cursor"]) == (True, False, None)
    (found,) = api("GET", "accounts/me/posts?client_ref=ref-2").json()["posts"]
    assert found["text"] == "n 2"


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "code"),
    [
        ("GET", "accounts/me", {"headers": {"Authorization": "Bearer wrong"}}, 401, "no_token"),
        ("GET", "accounts/me", {"headers": {"Authorization": ""}}, 401, "no_token"),
        ("PUT", "posts", {}, 405, "method"),
        ("POST", "posts", {"content": b"{"}, 422, "bad_json"),
        ("POST", "posts", {"content": b"[" * 100_000}, 422, "bad_json"),
        ("POST", "posts", {"json": []}, 422, "bad_json"),
        ("POST", "posts", {"json": {"text": " "}}, 422, "empty"),
        ("POST", "posts", {"json": {"text": 7}}, 422, "bad_field"),
        ("POST", "posts", {"json": {"text": "x" * 501}}, 422, "too_long"),
        ("POST", "posts", {"json": {"text": "x", "visibility": "friends"}}, 422, "bad_visibility"),
        ("POST", "posts", {"json": {"text": "x", "in_reply_to": "a"}}, 422, "bad_field"),
        ("POST", "posts", {"json": {"text": "x", "in_reply_to": "77"}}, 404, "no_such_post"),
        (
            "POST",
            "posts",
            {"json": {"text": "x", "visibility": "private", "recipient_id": "999"}},
            404,
            "no_such_account",
        ),
        ("GET", "events?cursor=x", {}, 422, "bad_cursor"),
        ("GET", "accounts/nobody", {}, 404, "no_such_account"),
        ("POST", "subscriptions", {"json": {"url": "ftp://x", "secret": "s" * 20}}, 422, "bad_url"),
        ("POST", "subscriptions", {"json": {"url": "http://x/", "secret": "s"}}, 422, "weak_secret"),
        ("DELETE", "subscriptions/9", {}, 404, "no_such_subscription"),
        ("PATCH", "chaos", {"json": {"duplicate_rate": 2}}, 422, "bad_setting"),
        ("PATCH", "chaos", {"json": {"outage": "perhaps"}}, 422, "bad_setting"),
        ("PATCH", "chaos", {"json": {"id": 2}}, 422, "unknown_setting"),
    ],
)
def test_it_says_no_with_a_code_and_a_sentence(
    api: Api, method: str, path: str, options: dict[str, Any], status: int, code: str
) -> None:
    answer = api(method, path, **options)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert len(answer.json()["error"]["message"]) > 10


def test_only_operators_make_weather(api: Api, base_url: str, customer: Account) -> None:
    assert api("PATCH", "chaos", json={"slow_ms": 1}).json()["slow_ms"] == 1
    assert api("GET", "chaos").json()["slow_ms"] == 1
    headers = {"Authorization": f"Bearer {issue_token(account=customer)}"}
    answer = httpx.get(f"{base_url}/api/v1/chaos", headers=headers, trust_env=False)
    assert answer.status_code == 403


def test_private_posts_are_for_two(api: Api, base_url: str, company: Account, customer: Account) -> None:
    other = ensure_account(handle="other", name="Other")
    post, _ = publish(Draft(author=customer, text="psst", private=True, recipient=company))
    assert api("GET", f"posts/{post.pk}").json()["conversation"]
    headers = {"Authorization": f"Bearer {issue_token(account=other)}"}
    for path in (f"posts/{post.pk}", f"posts/{post.pk}/thread"):
        assert httpx.get(f"{base_url}/api/v1/{path}", headers=headers, trust_env=False).status_code == 404
    with pytest.raises(NotThere):
        publish(Draft(author=other, text="me too", private=True, in_reply_to=post.pk))


def test_subscriptions_are_listed_and_ended(api: Api, company: Account) -> None:
    made = api("POST", "subscriptions", json={"url": "http://127.0.0.1:9/h", "secret": "s" * 20})
    assert made.status_code == 201
    assert api("GET", "subscriptions").json()["subscriptions"] == [made.json()]
    subscribe(account=company, url="http://127.0.0.1:9/h", secret="t" * 20)
    assert Subscription.objects.get().secret == "t" * 20
    assert api("DELETE", f"subscriptions/{made.json()['id']}").status_code == 204
    assert not Subscription.objects.exists()


# Rules ------------------------------------------------------------------------------------------
def test_a_thread_is_heard_by_everyone_spoken_to_in_it(company: Account, customer: Account) -> None:
    telqo = ensure_account(handle="telqo", name="Telqo", is_company=True)
    first, _ = publish(Draft(author=customer, text="@alvara_help @telqo.x.? @telqo who of you?"))
    reply, _ = publish(Draft(author=company, text="Us.", in_reply_to=first.pk))
    publish(Draft(author=customer, text="Thanks", in_reply_to=reply.pk))
    for account in (company, telqo):
        heard = [
            one["post"]["text"] for one in stream.read(account_id=account.pk, cursor="", limit=9).payloads
        ]
        assert heard[1:] == ["Us.", "Thanks"]


def test_only_the_author_sees_the_client_ref_and_changes_the_post(
    company: Account, customer: Account
) -> None:
    telqo = ensure_account(handle="telqo", name="Telqo", is_company=True)
    post, _ = publish(Draft(author=company, text="@telqo hi", client_ref="secret ref"))
    (seen,) = stream.read(account_id=telqo.pk, cursor="", limit=9).payloads
    (own,) = stream.read(account_id=company.pk, cursor="", limit=9).payloads
    assert (seen["post"]["client_ref"], own["post"]["client_ref"]) == ("", "secret ref")
    for act in (
        lambda: actions.edit(author=customer, post_id=post.pk, text="x"),
        lambda: actions.delete(author=customer, post_id=post.pk),
    ):
        with pytest.raises(NotYours):
            act()


def test_a_private_message_is_not_answered_publicly(company: Account, customer: Account) -> None:
    post, _ = publish(Draft(author=customer, text="psst", private=True, recipient=company))
    with pytest.raises(Problem, match="privately"):
        publish(Draft(author=company, text="AHA", in_reply_to=post.pk))


def test_two_requests_with_one_key_at_once_are_one_post(company: Account) -> None:
    draft = Draft(author=company, text="once", idempotency_key="k")
    barrier = threading.Barrier(2)
    made: list[tuple[int, bool]] = []

    def post() -> None:
        try:
            barrier.wait(5)
            one, new = publish(draft)
            made.append((one.pk, new))
        finally:
            connection.close()

    threads = [threading.Thread(target=post) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len({pk for pk, _ in made}) == 1
    assert sorted(new for _, new in made) == [False, True]


def test_a_cursor_never_steps_over_an_event_of_a_slower_transaction(
    company: Account, customer: Account
) -> None:
    published, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        try:
            with transaction.atomic():
                publish(Draft(author=customer, text="@alvara_help slow"))
                published.set()
                go_on.wait(10)
        finally:
            connection.close()

    def fast() -> None:
        try:
            publish(Draft(author=customer, text="@alvara_help fast"))
        finally:
            connection.close()

    first = threading.Thread(target=slow)
    first.start()
    assert published.wait(10)
    second = threading.Thread(target=fast)
    second.start()
    _until_somebody_waits_for_the_stream()
    early = stream.read(account_id=company.pk, cursor="", limit=9)
    go_on.set()
    first.join(10)
    second.join(10)
    late = stream.read(account_id=company.pk, cursor=early.cursor, limit=9)
    texts = [one["post"]["text"] for one in [*early.payloads, *late.payloads]]
    assert texts == ["@alvara_help slow", "@alvara_help fast"]


def _until_somebody_waits_for_the_stream() -> None:
    # Waits on PostgreSQL's own word, not for a time.
    with connection.cursor() as cursor:
        for _ in range(100_000):
            cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
            if cursor.fetchone()[0]:
                return
    raise AssertionError("the second post did not wait for the first")


def test_a_refused_batch_publishes_nothing(company: Account, customer: Account) -> None:
    with pytest.raises(Problem):
        actions.publish_many(
            [Draft(author=customer, text="@alvara_help fine"), Draft(author=customer, text="")]
        )
    assert not Post.objects.exists()


def test_text_a_database_cannot_hold_is_made_storable(company: Account) -> None:
    post, _ = publish(Draft(author=company, text="nul \0 and \ud800"))
    post.refresh_from_db()
    assert post.text == "nul � and �"


# Pages ------------------------------------------------------------------------------------------
@pytest.fixture
def browser(company: Account, customer: Account, django_user_model: Any) -> Iterator[Client]:
    owner = django_user_model.objects.create_superuser("o@example.com", "pw", name="O", initials="O")
    client = Client()
    client.force_login(owner)
    return client


@pytest.fixture
def lively(company: Account, customer: Account) -> dict[str, Post]:
    first, _ = publish(Draft(author=customer, text="@alvara_help <b>where</b> is it?", lang="hr"))
    reply, _ = publish(Draft(author=company, text="Here.", in_reply_to=first.pk))
    private, _ = publish(Draft(author=customer, text="psst", private=True, recipient=company))
    return {"first": first, "reply": reply, "private": private}


def test_every_page_shows_and_escapes(browser: Client, lively: dict[str, Post]) -> None:
    timeline = browser.get("/practice/").content.decode()
    assert "&lt;b&gt;where&lt;/b&gt;" in timeline
    assert "psst" not in timeline
    assert "<script" not in timeline
    assert "style=" not in timeline
    thread = browser.get(f"/practice/posts/{lively['first'].pk}").content.decode()
    assert "Here." in thread
    assert browser.get("/practice/@alvara_help").status_code == 200
    talks = browser.get("/practice/messages").content.decode()
    assert "psst" in talks
    private = browser.get(f"/practice/posts/{lively['private'].pk}", follow=True)
    assert private.redirect_chain[0][0] == reverse(
        "practice:conversation", args=[lively["private"].conversation]
    )
    assert "psst" in private.content.decode()
    assert browser.get("/practice/weather").status_code == 200
    for missing in ("posts/9999", "@nobody", "messages/conversation-1-2"):
        assert browser.get(f"/practice/{missing}").status_code == 404


def test_pages_are_for_people_who_may_log_in(lively: dict[str, Post]) -> None:
    for path in ("", "messages", "weather", f"posts/{lively['first'].pk}", "@alvara_help"):
        answer = Client().get(f"/practice/{path}")
        assert answer.status_code == 302
        assert "login" in answer["Location"]


def test_weather_is_the_owners(company: Account, django_user_model: Any) -> None:
    agent = django_user_model.objects.create_user("a@example.com", "pw", name="A", initials="A")
    client = Client()
    client.force_login(agent)
    assert client.get("/practice/weather").status_code == 403


def test_the_number_of_statements_does_not_grow_with_the_page(
    browser: Client, customer: Account, django_assert_max_num_queries: Any
) -> None:
    actions.publish_many([Draft(author=customer, text=f"@alvara_help {n}") for n in range(100)])
    with django_assert_max_num_queries(9):  # one notes that somebody was here
        page = browser.get("/practice/").content.decode()
    assert page.count('class="post') == 40
    assert "?before=" in page


def test_a_person_posts_answers_writes_changes_and_passes_on(
    browser: Client, customer: Account, company: Account
) -> None:
    browser.post("/practice/new", {"author": customer.pk, "text": "@alvara_help hello"})
    post = Post.objects.get()
    browser.post("/practice/new", {"author": customer.pk, "text": "me again", "in_reply_to": post.pk})
    assert Post.objects.get(in_reply_to=post).root_id == post.pk
    sent = browser.post("/practice/new", {"author": customer.pk, "recipient": company.pk, "text": "quietly"})
    assert sent["Location"].startswith("/practice/messages/")
    change = f"/practice/posts/{post.pk}/change"
    browser.post(change, {"act": "edit", "text": "@alvara_help hello!"})
    browser.post(change, {"act": "repost", "author": customer.pk})
    post.refresh_from_db()
    assert (post.text, post.reposts.count()) == ("@alvara_help hello!", 1)
    browser.post(change, {"act": "delete"})
    post.refresh_from_db()
    assert post.deleted_at is not None


def test_what_cannot_be_published_is_not_lost(browser: Client, customer: Account) -> None:
    answer = browser.post("/practice/new", {"author": customer.pk, "text": "lost?", "in_reply_to": "777"})
    assert answer.status_code == 422
    assert "lost?" in answer.content.decode()
    assert "does not exist" in answer.content.decode()


def test_nobody_speaks_for_a_company_on_the_pages(
    browser: Client, company: Account, lively: dict[str, Post]
) -> None:
    assert browser.post("/practice/new", {"author": company.pk, "text": "hi"}).status_code == 422
    change = f"/practice/posts/{lively['reply'].pk}/change"
    assert browser.post(change, {"act": "delete"}).status_code == 403


def test_the_owner_changes_the_weather(browser: Client) -> None:
    form = {
        "duplicate_rate": "0.5",
        "reorder_rate": "0",
        "lost_response_rate": "0",
        "slow_ms": "0",
        "rate_limit": "100",
        "outage": "on",
    }
    assert browser.post("/practice/weather", form).status_code == 302
    assert 'name="outage" id="id_outage" checked' in browser.get("/practice/weather").content.decode()
    assert browser.post("/practice/weather", form | {"duplicate_rate": "3"}).status_code == 200
