"""The connector against its double, over real HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from rapport.networks.base import MessageDeleted, MessageHidden, MessageSeen
from rapport.networks.doubles import Answer
from rapport.networks.errors import CredentialsGone, Refused, TryAgain
from rapport.networks.reddit.connector import CONNECTOR, RedditConnector
from rapport.networks.reddit.listings import next_page
from rapport.networks.reddit.tests.conftest import Connect, Make
from rapport.networks.reddit.tests.place import RedditPlace
from rapport.networks.tests.polling import drained, messages, told

BACK = "https://care.example/connect/back"


# Connecting ---------------------------------------------------------------------------------------
def test_it_says_whose_the_credentials_are(connector: RedditConnector, place: RedditPlace) -> None:
    found = connector.check()
    assert (found.external_id, found.handle, found.name) == (
        place.reddit.brand.fullname,
        "alvara_help",
        "Alvara Air",
    )
    assert (found.bio, found.followers) == ("We fly. Answers from 6 to 23 h.", 12)


def test_it_goes_through_the_networks_login_and_renews(connect: Connect, place: RedditPlace) -> None:
    values = place.values() | {"access_token": "", "refresh_token": ""}
    begun = RedditConnector.begin(values, redirect_uri=BACK, state="state-1")
    query = dict(parse_qsl(urlsplit(place.log_in(begun.url)).query))
    (granted,) = RedditConnector.finish(values, keep=begun.keep, query=query, redirect_uri=BACK)
    assert granted.label == "u/alvara_help"
    connector = connect(**granted.credentials)
    assert connector.check().expires_at is not None
    for _again in range(2):  # the refresh token stays good
        renewed = connector.renew()
        assert renewed is not None
        assert renewed.credentials["refresh_token"] == granted.credentials["refresh_token"]
        assert renewed.credentials["access_token"] != granted.credentials["access_token"]
        assert connect(**renewed.credentials).check().handle == "alvara_help"


def test_a_login_that_was_refused_or_used_before_gives_nothing(place: RedditPlace) -> None:
    values = place.values()
    begun = RedditConnector.begin(values, redirect_uri=BACK, state="s")
    with pytest.raises(Refused, match="access_denied"):
        RedditConnector.finish(values, keep={}, query={"error": "access_denied"}, redirect_uri=BACK)
    query = dict(parse_qsl(urlsplit(place.log_in(begun.url)).query))
    RedditConnector.finish(values, keep={}, query=query, redirect_uri=BACK)
    with pytest.raises(CredentialsGone):
        RedditConnector.finish(values, keep={}, query=query, redirect_uri=BACK)


# Hearing ------------------------------------------------------------------------------------------
def test_it_hears_posts_comments_mentions_answers_and_messages_once(
    connector: RedditConnector, place: RedditPlace
) -> None:
    reddit = place.reddit
    post = place.customer_posts("AV 214 is two hours late & nobody says a word")
    comment = place.customer_says("still <nothing>", to=post)
    elsewhere = reddit.post(place.stranger, "Which airline to Oslo?")
    mention = reddit.comment(place.customer, "ask u/alvara_help", to=elsewhere.name)
    own = reddit.comment(reddit.brand, "We fly there daily", to=elsewhere.name)
    answer = reddit.comment(place.customer, "thank you", to=own.name)
    private = place.customer_says("my booking is QX7", private=True)
    items, cursor = drained(connector, {})
    keys = [item.key for item in items]
    assert len(keys) == len(set(keys))
    found = {one.external_id: one for one in told(connector, items) if isinstance(one, MessageSeen)}
    assert set(found) == {post, comment, elsewhere.name, mention.name, own.name, answer.name, private}
    assert found[post].text == "AV 214 is two hours late & nobody says a word"
    assert found[comment].text == "still <nothing>"
    assert (found[comment].parent_id, found[comment].facts["post"]) == (post, post)
    assert found[mention.name].facts["kind"] == "mention"
    assert found[mention.name].url.startswith("https://www.reddit.com/r/travel/comments/")
    assert found[elsewhere.name].context
    assert found[own.name].author.external_id == connector.account.external_id
    assert found[answer.name].parent_id == own.name
    assert (found[private].visibility, found[private].thread_key) == ("private", private)
    assert {one.author.external_id for one in found.values()} == {
        place.customer.fullname,
        reddit.brand.fullname,
        reddit.people["luka_m"].fullname,
    }
    again, _cursor = drained(connector, cursor)
    assert {item.key for item in again} <= set(keys)


def test_it_reads_all_pages_and_then_only_what_is_new(connector: RedditConnector, place: RedditPlace) -> None:
    for n in range(230):
        place.customer_says(f"number {n}", private=True)
    items, cursor = drained(connector, {})
    assert len({item.key for item in items if item.kind == "t4"}) == 230
    late = place.customer_says("one more", private=True)
    fresh, _cursor = drained(connector, cursor)
    assert {item.key for item in fresh} - {item.key for item in items} == {f"post:{late}"}


@pytest.mark.parametrize("gone", [1, 5, 60], ids=["the mark", "the mark and some before it", "too many"])
@pytest.mark.parametrize("past", [False, True], ids=["poll", "history"])
def test_a_page_is_found_though_the_thing_that_marks_it_was_deleted(
    connector: RedditConnector, place: RedditPlace, gone: int, past: bool
) -> None:
    names = [place.customer_says(f"number {n}", private=True) for n in range(250)]
    since = datetime.now(UTC) - timedelta(days=1)
    take = (lambda cursor: connector.history(cursor, since=since)) if past else connector.poll
    heard: set[str] = set()
    cursor: dict[str, Any] = {}
    more, pages = True, 0
    while more:
        polled = take(cursor)
        heard |= {item.key for item in polled.items}
        cursor, more, pages = dict(polled.cursor), polled.more, pages + 1
        if pages == 1:
            assert f"post:{names[100]}" not in heard
            for name in names[150 : 150 + gone]:  # the last of the first page, and some before it
                place.reddit.things[name].deleted = True
        assert pages < 20
    assert {f"post:{name}" for name in names[:150]} <= heard


def test_a_list_whose_end_names_a_place_ends_all_the_same(connector: RedditConnector) -> None:
    calls: list[str] = []

    def get(path: str, **params: str) -> Any:
        calls.append(params.get("after", ""))
        shown = ["t4_c", "t4_b", "t4_a"]
        start = shown.index(params["after"]) + 1 if params.get("after") else 0
        children = [{"kind": "t4", "data": {"name": one}} for one in shown[start:]]
        return {"data": {"children": children, "after": "t4_a"}}

    place: dict[str, Any] = {}
    for _page in range(2):
        page = next_page(get, "message/inbox", {}, place)
        place = page.place
    assert (place, calls) == ({}, ["", "t4_a", "t4_b"])


def test_what_a_listing_shows_late_is_found_all_the_same(
    connector: RedditConnector, place: RedditPlace
) -> None:
    slow = place.customer_says("I was first")
    place.reddit.unseen.add(slow)
    place.customer_says("I was second")
    _items, cursor = drained(connector, {})
    place.reddit.unseen.clear()
    items, _cursor = drained(connector, cursor)
    assert f"post:{slow}" in {item.key for item in items}


def test_searches_find_posts_where_they_look(connect: Connect, place: RedditPlace) -> None:
    found = place.reddit.post(place.customer, "Alvara Air lost my bag", community="travel")
    place.reddit.community("cooking")
    other = place.reddit.post(place.customer, "alvara air fryer", community="cooking")
    everywhere = {one.external_id for one in messages(connect(listen=["alvara air"]))}
    assert everywhere == {found.name, other.name}
    assert {one.external_id for one in messages(connect(listen=["alvara air"], search_in=["r/travel"]))} == {
        found.name
    }


def test_a_closed_community_does_not_stop_the_inbox(connect: Connect, place: RedditPlace) -> None:
    place.reddit.community("secret", kind="private")
    private = place.customer_says("hello", private=True)
    connector = connect(communities=["r/secret"])
    items, cursor = drained(connector, {})
    assert [item.key for item in items] == [f"post:{private}"]
    asked = sum(1 for request in place.reddit.requests if "/r/secret/" in request.path)
    drained(connector, cursor)
    assert sum(1 for request in place.reddit.requests if "/r/secret/" in request.path) == asked


@pytest.mark.parametrize("away", [Answer(503), Answer(200, {"data": {}})])
def test_a_search_that_is_away_does_not_stop_the_inbox(
    connect: Connect, place: RedditPlace, monkeypatch: pytest.MonkeyPatch, away: Answer
) -> None:
    private = place.customer_says("hello", private=True)
    answer = place.reddit.answer
    monkeypatch.setattr(place.reddit, "answer", lambda one: away if one.path == "/search" else answer(one))
    items, cursor = drained(connect(listen=["alvara"]), {})
    assert [item.key for item in items] == [f"post:{private}"]
    drained(connect(listen=["alvara"]), cursor)
    assert sum(1 for request in place.reddit.requests if request.path == "/search") <= 1


def test_modmail_is_a_private_conversation_with_the_whole_team(
    connector: RedditConnector, place: RedditPlace
) -> None:
    reddit = place.reddit
    colleague = reddit.person("maja_mod")
    reddit.communities["alvara"].moderators.add("maja_mod")
    conversation = reddit.modmail(place.customer, "Banned?", "Why was I banned?")
    reddit.mail(conversation.id, colleague, "You were not")
    reddit.mail(conversation.id, colleague, "What a fellow", internal=True)
    reddit.modmail(colleague, "Among us", "Lunch?", internal=True)
    found = [one for one in messages(connector) if one.visibility == "private"]
    assert [(one.text, one.author.external_id) for one in found] == [
        ("Why was I banned?", place.customer.fullname),
        ("You were not", reddit.brand.fullname),
    ]
    assert {one.thread_key for one in found} == {f"ModmailConversation_{conversation.id}"}
    assert found[1].facts["by"] == "maja_mod"


def test_edits_deletions_and_removals_are_noticed_at_the_second_look(
    connector: RedditConnector, place: RedditPlace
) -> None:
    edited, deleted, removed = (place.customer_posts(text) for text in ("one", "two", "three"))
    _items, cursor = drained(connector, {})
    place.customer_edits(edited, "in other words")
    place.customer_deletes(deleted)
    place.reddit.things[removed].removed = True
    items, cursor = drained(connector, cursor)
    events = told(connector, items)
    (edit,) = [one for one in events if isinstance(one, MessageSeen) and one.edited_at]
    assert (edit.external_id, edit.text) == (edited, "one\n\nin other words")
    assert {one.external_id for one in events if isinstance(one, MessageDeleted)} == {deleted}
    assert {one.external_id for one in events if isinstance(one, MessageHidden)} == {removed}
    again, _cursor = drained(connector, cursor)
    assert {item.key for item in again} <= {item.key for item in items}


def test_the_second_look_keeps_its_pace(connect: Connect, place: RedditPlace) -> None:
    place.customer_posts("hello")
    connector = connect(recheck_minutes=30)
    _items, cursor = drained(connector, {})
    drained(connector, cursor)
    assert sum(1 for request in place.reddit.requests if request.path == "/api/info") == 1


def test_what_people_say_to_each_other_under_our_posts(connect: Connect, place: RedditPlace) -> None:
    reddit = place.reddit
    post = reddit.post(reddit.brand, "Ask us anything", community="travel")
    first = reddit.comment(place.customer, "does it snow?", to=post.name)
    names = [reddit.comment(reddit.person(f"p{n}"), f"it does {n}", to=first.name).name for n in range(260)]
    without = {one.external_id for one in messages(connect())}
    assert not without & set(names)
    found = {one.external_id: one for one in messages(connect(threads=True))}
    assert set(names) <= set(found)  # 200 in the tree, the others only named by it
    assert {found[one].parent_id for one in names} == {first.name}


def test_history_goes_back_to_the_day_and_no_further(connector: RedditConnector, place: RedditPlace) -> None:
    now = datetime.now(UTC)
    for days in (1, 3, 20):
        message = place.reddit.message(place.customer, place.reddit.brand, f"{days} days ago")
        message.at = (now - timedelta(days=days)).timestamp()
    texts: list[str] = []
    cursor: dict[str, Any] = {}
    more = True
    while more:
        polled = connector.history(cursor, since=now - timedelta(days=7))
        texts += [one.text for one in told(connector, list(polled.items)) if isinstance(one, MessageSeen)]
        cursor, more = dict(polled.cursor), polled.more
    assert texts == ["1 days ago", "3 days ago"]


# Bad days -----------------------------------------------------------------------------------------
def test_an_outage_is_waited_for_and_nothing_is_lost(
    connector: RedditConnector, place: RedditPlace, outgoing: Make
) -> None:
    _items, cursor = drained(connector, {})
    asked = place.customer_says("where is AV 214?")
    with place.outage():
        with pytest.raises(TryAgain) as away:
            connector.poll(cursor)
        assert not away.value.doubt
        with pytest.raises(TryAgain) as unsent:
            connector.send(outgoing(parent_id=asked))
        assert not unsent.value.doubt
    assert [one.external_id for one in messages(connector, cursor) if not one.context] == [asked]


def test_credentials_that_were_taken_away(
    connector: RedditConnector, place: RedditPlace, connect: Connect, outgoing: Make
) -> None:
    place.revoke()
    for call in (
        connector.check,
        lambda: connector.poll({}),
        lambda: connector.send(outgoing(parent_id="t1_abc")),
        connector.renew,
        connect(access_token="").check,
    ):
        with pytest.raises(CredentialsGone):
            call()
    place.renew()
    assert connect().check().handle == "alvara_help"
    assert connect(refresh_token="").renew() is None


def test_limits_are_told_and_obeyed(connector: RedditConnector, place: RedditPlace) -> None:
    place.reddit.limit = 1
    connector.check()
    assert {(one.budget, one.remaining) for one in connector.seen_limits} == {("read", 0), ("write", 0)}
    with pytest.raises(TryAgain) as limited:
        connector.check()
    assert limited.value.after is not None
    assert timedelta(minutes=9) < limited.value.after <= timedelta(minutes=10)


def test_every_call_says_who_we_are(connector: RedditConnector, place: RedditPlace) -> None:
    connector.poll({})
    connector.renew()
    assert {request.headers["user-agent"] for request in place.reddit.requests} == {
        "server:reddit-app-1:v1 (by /u/alvara_help)"
    }


def test_what_rests_is_told_with_its_reason() -> None:
    rests = {"why": "Community is closed.", "rest_until": "2999-01-01T00:00:00+00:00"}
    over = {"why": "It was closed.", "rest_until": "2020-01-01T00:00:00+00:00"}
    assert CONNECTOR.troubles({"communities": rests, "inbox": {}, "sent": over}) == {
        "communities": "Community is closed."
    }
