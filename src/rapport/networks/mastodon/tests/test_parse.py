"""Reading what servers send: every kind, recorded answers of real servers, and what went wrong on the way."""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.lib.tests.shared_data import shared_data
from rapport.networks.base import Liked, MessageSeen
from rapport.networks.mastodon import items
from rapport.networks.mastodon.api import normalised
from rapport.networks.mastodon.connector import CONNECTOR
from rapport.networks.mastodon.markup import plain_text
from rapport.networks.mastodon.parse import KINDS
from rapport.networks.mastodon.words import addressed, countable, squashed
from rapport.networks.testing import Fixture, fixtures, said

FIXTURES = list(fixtures(CONNECTOR))
UNDERSTOOD = (ValueError, KeyError, TypeError)


def fixture(name: str) -> Any:
    return copy.deepcopy(next(one.payload for one in FIXTURES if one.name == f"{name}.json"))


def message(kind: str, payload: Any) -> MessageSeen:
    (event,) = CONNECTOR.parse(kind, payload)
    assert isinstance(event, MessageSeen)
    return event


@pytest.mark.parametrize("one", FIXTURES, ids=[one.name for one in FIXTURES])
def test_it_reads_every_kind(one: Fixture) -> None:
    before = copy.deepcopy(one.payload)
    assert [said(event) for event in CONNECTOR.parse(one.kind, one.payload)] == one.says
    assert one.payload == before


def test_there_is_a_fixture_of_every_kind() -> None:
    assert {one.kind for one in FIXTURES} >= set(KINDS)


def test_it_keeps_what_only_this_network_knows() -> None:
    warned = message("notification.mention", fixture("mention_followers_only_warned"))
    assert warned.facts == {
        "audience": "private", "kind": "mention", "sensitive": "Dirt, close up", "sensitive_media": True,
    }  # fmt: skip
    assert [(one.kind, one.alt) for one in warned.media] == [
        ("image", "A stained seat cushion"), ("video", ""), ("file", "")
    ]  # fmt: skip
    assert message("notification.quote", fixture("quote")).facts["quotes"] == "115587440011998004"
    ended = message("notification.poll", fixture("poll_ended")).facts["poll"]
    assert ended["options"] == [{"title": "Window", "votes": 20}, {"title": "Aisle", "votes": 11}]
    assert ended["ends_at"] == "2026-11-21T08:00:00+00:00"
    hidden = message("status", fixture("status_poll_hidden_votes")).facts["poll"]
    assert hidden == {
        "options": [{"title": "Yes", "votes": None}, {"title": "No", "votes": None}], "ends_at": None
    }  # fmt: skip


def test_times_and_people_are_the_networks() -> None:
    found = message("notification.mention", fixture("mention"))
    assert found.sent_at == datetime(2026, 11, 21, 9, 14, 3, 412000, tzinfo=UTC)
    assert (found.author.handle, found.author.followers) == ("ivana.k@fedi.example", 57)
    assert message("status", fixture("status_bare")).sent_at == datetime(2026, 11, 21, 11, tzinfo=UTC)


def test_a_reaction_says_which() -> None:
    (event,) = CONNECTOR.parse("notification.pleroma:emoji_reaction", fixture("emoji_reaction"))
    assert isinstance(event, Liked)
    assert event.reaction == "🎉"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda status: status.pop("id"),
        lambda status: status.pop("account"),
        lambda status: status.update(id=""),
        lambda status: status.update(id="9" * 71),
        lambda status: status.update(id=True),
        lambda status: status.update(created_at="yesterday"),
        lambda status: status.update(created_at="0001-01-01T00:00:00+23:00"),
        lambda status: status.update(content=["x"]),
        lambda status: status.update(media_attachments="x"),
        lambda status: status["account"].update(id=None),
    ],
)
def test_it_refuses_what_is_no_post(spoil: Any) -> None:
    payload = fixture("status_own")
    spoil(payload)
    with pytest.raises(UNDERSTOOD):
        CONNECTOR.parse("status", payload)


def test_it_refuses_what_is_stored_under_another_kind() -> None:
    with pytest.raises(ValueError, match="says it is"):
        CONNECTOR.parse("notification.mention", fixture("follow"))
    with pytest.raises(ValueError, match="unknown kind"):
        CONNECTOR.parse("toot", fixture("status_own"))


def test_one_happening_has_one_key_whichever_way_it_came() -> None:
    notification = fixture("mention")
    by_notification = items.from_notification(notification)
    assert by_notification.dedupe_key() == "post:115587410936512001"
    assert items.from_status(notification["status"]).dedupe_key() == by_notification.dedupe_key()
    edited = items.from_notification(fixture("mention_edited")).dedupe_key()
    assert edited == "post:115587410936512001:2026-11-21T09:19:30.100Z"
    aside = items.from_status(notification["status"], context=True)
    assert aside.dedupe_key() not in {by_notification.dedupe_key(), edited}
    boost = items.from_notification(fixture("reblog")).dedupe_key()
    assert boost == items.from_status(fixture("status_boost")).dedupe_key()


@pytest.mark.parametrize("entry", [None, 3, "x", [], {}, {"type": 3}, {"type": "mention", "status": None}])
def test_an_entry_that_is_none_is_kept_for_an_operator(entry: Any) -> None:
    for item in (
        items.from_notification(entry),
        items.from_status(entry),
        items.from_status(entry, context=True),
    ):
        assert item.payload is entry
        assert item.dedupe_key()


# Words ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>one<br>two</p><p>three</p>", "one\ntwo\n\nthree"),
        ('<p><a href="https://a.example/b">a.example/b</a>!</p>', "https://a.example/b!"),
        ('<a href="https://a.example/">our page</a>', "our page (https://a.example/)"),
        ('<a href="javascript:alert(1)">here</a>', "here"),
        ("<p>a <script>alert(1)</script>&lt;b&gt; &amp;amp; c</p>", "a <b> &amp; c"),
        ("<blockquote>said</blockquote><p>so</p>", "said\n\nso"),
        ('<p>hi <img src="x" alt=":wave:"></p>', "hi :wave:"),
        ("<pre>a\n  b</pre>", "a\nb"),
        ("<p>open", "open"),
        ("", ""),
    ],
)
def test_html_becomes_what_people_read(html: str, text: str) -> None:
    assert plain_text(html) == text


@pytest.mark.parametrize(
    "piece",
    ["<b>", "<!--", '<a href="x', "<", "&", "<a ", "<p>", '<a href="https://x.example">', "</p>", "<!["],
)
def test_hostile_html_takes_no_time(piece: str) -> None:
    plain_text(piece * (200_000 // len(piece)))


def test_links_and_mentions_count_as_mastodon_counts_them() -> None:
    assert countable("@marko@fedi.example, https://example.com/" + "x" * 200 + ".") == 6 + 2 + 23 + 1
    assert countable("https://a.co") == 23
    assert countable("👨‍👩‍👧 é") == 3


def test_a_handle_is_added_once_and_only_when_it_is_missing() -> None:
    def full(text: str, *handles: str) -> str:
        return addressed(text, handles, domain="social.example")

    assert full("Hello", "ivana.k@fedi.example") == "@ivana.k@fedi.example Hello"
    assert full("Hello @IVANA.K@fedi.example!", "ivana.k@fedi.example") == "Hello @IVANA.K@fedi.example!"
    assert full("@ivana.k is another", "ivana.k@fedi.example") == "@ivana.k@fedi.example @ivana.k is another"
    assert full("Hi @marko@social.example", "marko") == "Hi @marko@social.example"
    assert full("see https://x.example/@marko", "marko") == "@marko see https://x.example/@marko"
    assert full("mail me@marko", "marko") == "@marko mail me@marko"


def test_texts_are_the_same_whatever_a_server_made_of_them() -> None:
    assert squashed("Hi @a@b.example — *see* https://x.example/") == squashed("hi @a, see x.example")
    assert squashed("👍 ") == "👍"
    assert squashed("👍") != squashed("👎")


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("mastodon.example", "https://mastodon.example"),
        (" https://Mastodon.Example/@care?x=1 ", "https://mastodon.example"),
        ("@care@mastodon.example", "https://mastodon.example"),
        ("http://mastodon.example", "https://mastodon.example"),
        ("http://127.0.0.1:3000/", "http://127.0.0.1:3000"),
        ("http://user:pass@mastodon.example:8443", "https://mastodon.example:8443"),
    ],
)
def test_an_address_is_understood_as_people_type_it(typed: str, address: str) -> None:
    assert normalised(typed) == address


# Gone wrong, and recorded ----------------------------------------------------------------------------
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def paths(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if here:
        yield here
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from paths(item, (*here, key))


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_it_never_fails_in_another_way_than_it_says(data: st.DataObject) -> None:
    one = data.draw(st.sampled_from(FIXTURES))
    payload = copy.deepcopy(one.payload)
    for _ in range(data.draw(st.integers(1, 3))):
        places = list(paths(payload))
        if not places:
            break
        *way, last = data.draw(st.sampled_from(places))
        parent = payload
        for step in way:
            parent = parent[step]
        if data.draw(st.booleans()):
            parent[last] = data.draw(ANYTHING)
        else:
            del parent[last]
    before = json.dumps(payload)
    items.from_notification(payload).dedupe_key()
    items.from_status(payload).dedupe_key()
    try:
        events = CONNECTOR.parse(one.kind, payload)
    except UNDERSTOOD:
        return
    assert json.dumps(payload) == before
    assert [repr(event) for event in events] == [repr(event) for event in CONNECTOR.parse(one.kind, payload)]


def recorded(name: str) -> list[Any]:
    """Payloads that are read where they are and never copied into the repository."""
    path = shared_data(f"payloads/{name}")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def test_recorded_posts_are_read() -> None:
    found = recorded("mastodon_statuses.jsonl")
    assert len(found) == 169
    kinds = Counter(type(event).__name__ for status in found for event in CONNECTOR.parse("status", status))
    assert sum(kinds.values()) == 169
    assert kinds["MessageSeen"] > 150


# Recorded answers that hold no event, by the path after /api/, and why.
NOTHING_FOR_US = {
    r"v\d/(admin|filters|lists|blocks|mutes|domain_blocks|follow_requests|featured_tags|suggestions|markers)\b": (
        "an account's or a server's own administration"
    ),
    r"v\d/(instance|custom_emojis|announcements|trends/(tags|links)|directory|preferences|push|emails)\b": (
        "about the server, read by check() or not at all"
    ),
    r"v\d/(accounts|profile|reports|tags|apps)\b(?!.*/statuses)": "accounts and hashtags, not posts",
    r"v1/(scheduled_statuses|polls|media)\b": "not published, or a part of a post",
    r"v2/(media|search)\b": "a part of a post; search is not read",
    r"v\d/notifications/(requests|unread_count|policy|.*dismiss)|v2/notifications": (
        "counts, policies and the grouped form, which is not asked for"
    ),
    r"v1/statuses/\d+/(source|history|reblogged_by|favourited_by)$": "parts of a post, and people",
    r"(\.well-known|nodeinfo)/": "about the server",
}


def test_recorded_answers_are_read_or_listed_with_the_reason() -> None:
    counted: Counter[str] = Counter()
    unlisted = set()
    for answer in recorded("mastodon_api_responses.jsonl"):
        path = re.sub(r"^https?://[^/]+/(api/)?", "", answer["uri"]).split("?")[0]
        found, status = answer["json"], answer["status"]["code"]
        if status >= 400 or found in ({}, []):
            counted["error or empty"] += 1
            continue
        if answer["method"] == "DELETE":
            counted["the answer to our own deletion"] += 1
            continue
        if path.strip("/") == "v1/conversations":
            found = [one["last_status"] for one in found if one["last_status"] is not None]
            counted["conversation"] += len(found)
        entries = found if isinstance(found, list) else [found]
        if not entries:
            continue
        if path.startswith("v1/notifications") and "type" in entries[0]:
            raws = [items.from_notification(one) for one in entries]
        elif all(isinstance(one, dict) and {"id", "content", "account"} <= set(one) for one in entries):
            raws = [items.from_status(one) for one in entries]
        elif any(re.match(pattern, path) for pattern in NOTHING_FOR_US) or "scheduled_at" in entries[0]:
            counted["listed"] += 1
            continue
        else:
            unlisted.add((answer["method"], path))
            continue
        for raw in raws:
            gone = raw.kind.startswith("notification.") and raw.payload["status"] is None
            counted["post is gone" if gone else raw.kind] += 1
            assert bool(CONNECTOR.parse(raw.kind, raw.payload)) != gone, raw
    assert unlisted == set()
    assert counted["notification.mention"] > 0
    assert counted["post is gone"] > 30
    assert counted["status"] > 200
