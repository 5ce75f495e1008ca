"""Entries as stored, and whole documents as fetched."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.lib.tests.shared_data import shared_data
from rapport.networks.base import MessageSeen
from rapport.networks.feeds.connector import CONNECTOR
from rapport.networks.feeds.discover import named_feeds
from rapport.networks.feeds.plain import plain
from rapport.networks.feeds.poll import stored
from rapport.networks.feeds.read import NotAFeed, read
from rapport.networks.testing import Fixture, fixtures, said

FIXTURES = list(fixtures(CONNECTOR))
# Files with an entry that holds nothing for us, and why.
NOTHING = {"invalid_content_fields.feed.json": "content_html is not a string"}


def seen(kind: str, payload: Any) -> MessageSeen:
    (event,) = CONNECTOR.parse(kind, payload)
    assert isinstance(event, MessageSeen)
    return event


def by_name(name: str) -> Any:
    return copy.deepcopy(next(one for one in FIXTURES if one.name == f"{name}.json").payload)


@pytest.mark.parametrize("fixture", FIXTURES, ids=[one.name for one in FIXTURES])
def test_it_reads_every_fixture(fixture: Fixture) -> None:
    assert [said(event) for event in CONNECTOR.parse(fixture.kind, fixture.payload)] == fixture.says


def test_it_has_fixtures_for_every_kind() -> None:
    assert {one.kind for one in FIXTURES} == set(CONNECTOR.kinds)


def test_links_keep_their_addresses_and_counting_pictures_are_left_out() -> None:
    topic = seen("entry", by_name("rss_topic"))
    assert topic.text == (
        "Mokka Duo leaks after two weeks\n\nBought the Mokka Duo (https://forum.example.net/p/duo) two weeks ago."
        "\n\n- it leaks\n- support is silent"
    )
    assert [(one.url, one.alt) for one in topic.media] == [
        ("https://forum.example.net/u/leak.jpg", "Water under the kettle")
    ]
    assert topic.sent_at == datetime(2026, 11, 21, 8, 5, 12, tzinfo=UTC)


def test_a_review_has_its_stars_and_its_words() -> None:
    review = seen("entry", by_name("app_review"))
    assert review.facts == {"kind": "review", "rating": 1, "rating_of": 5}
    assert review.text == "Unlock fails\n\nPaid twice, bike stayed locked & nobody answers."
    assert review.author.name == "rider_on_rain"


def test_the_store_s_description_of_the_app_is_no_review() -> None:
    assert CONNECTOR.parse("entry", by_name("app_itself")) == []


def test_a_comment_answers_what_the_feed_says() -> None:
    comment = seen("entry", by_name("atom_comment"))
    assert (comment.parent_id, comment.facts["kind"]) == ("tag:blog.example.org,2026:p-3", "comment")


@pytest.mark.parametrize("name", ["rss_bare", "rss_future", "rss_1970"])
def test_what_has_no_possible_date_is_dated_when_it_was_read(name: str) -> None:
    assert seen("entry", by_name(name)).sent_at == datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


def test_a_change_is_dated_by_the_feed_and_never_before_the_entry() -> None:
    payload = by_name("atom_changed")
    assert seen("entry", payload).edited_at == datetime(2026, 11, 21, 9, 25, tzinfo=UTC)
    payload["entry"]["updated"] = "2020-01-01T00:00:00+00:00"
    changed = seen("entry", payload)
    assert changed.edited_at == changed.sent_at


def test_a_feed_cannot_speak_for_another_feed_s_entries() -> None:
    mine = by_name("atom_comment")
    theirs = copy.deepcopy(mine)
    theirs["feed"]["address"] = "https://evil.example/feed"
    assert seen("entry", mine).external_id != seen("entry", theirs).external_id
    # In another feed of the same site it is the same message.
    mine["feed"]["address"] = "https://blog.example.org/p/3/comments.atom"
    assert seen("entry", mine).external_id == "tag:blog.example.org,2026:c-17"


def test_a_front_page_is_nobody_s_own() -> None:
    payload = by_name("atom_edited")
    one = seen("entry", payload)
    payload["entry"]["author_detail"]["name"] = payload["entry"]["author"] = "Somebody else"
    assert seen("entry", payload).author.external_id != one.author.external_id


@pytest.mark.parametrize(
    "spoil",
    [
        lambda payload: payload.pop("feed"),
        lambda payload: payload.pop("entry"),
        lambda payload: payload.update(entry=[]),
        lambda payload: payload.update(read_at="yesterday"),
        lambda payload: payload.pop("read_at"),
        lambda payload: payload.update(entry={}),
        lambda payload: payload.update(entry={"id": "only an id"}),
    ],
)
def test_it_refuses_what_is_no_entry(spoil: Any) -> None:
    payload = by_name("rss_topic")
    spoil(payload)
    with pytest.raises((ValueError, KeyError, TypeError)):
        CONNECTOR.parse("entry", payload)
    with pytest.raises(ValueError, match="unknown kind"):
        CONNECTOR.parse("other", by_name("rss_topic"))


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.just("<p><a href='//x'>"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [here]
    if isinstance(value, dict):
        found += [path for key, one in value.items() for path in paths(one, (*here, key))]
    elif isinstance(value, list):
        found += [path for index, one in enumerate(value) for path in paths(one, (*here, index))]
    return found


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_whatever_a_site_sends_is_read_or_refused(data: st.DataObject) -> None:
    fixture = data.draw(st.sampled_from(FIXTURES))
    payload = copy.deepcopy(fixture.payload)
    for _change in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from([one for one in paths(payload) if one]))
        holder = payload
        for step in path[:-1]:
            holder = holder[step]
        holder[path[-1]] = data.draw(ANYTHING)
    try:
        events = CONNECTOR.parse(fixture.kind, payload)
    except (ValueError, KeyError, TypeError):
        return
    for event in events:
        assert isinstance(event, MessageSeen)
        assert 0 < len(event.external_id) <= 200
        assert 0 < len(event.author.external_id) <= 200
        assert event.sent_at.tzinfo is not None
        assert event.text or event.media
        assert CONNECTOR.parse(fixture.kind, copy.deepcopy(payload)) == events


def test_the_recorded_feeds_are_read() -> None:
    folder = shared_data("payloads/granary")
    files = [*folder.glob("*.rss.xml"), *folder.glob("*feed-from-as.json"), *folder.glob("*.feed.json")]
    kinds: dict[str, int] = {}
    for file in sorted(files):
        feed = read(file.read_bytes(), content_type="", address="https://example.com/feed")
        for kind, entry in feed.entries:
            payload = stored("https://example.com/feed", feed, entry, datetime(2026, 11, 21, tzinfo=UTC))
            if file.name in NOTHING:
                with pytest.raises((ValueError, KeyError, TypeError), match=NOTHING[file.name]):
                    CONNECTOR.parse(kind, payload)
                continue
            message = seen(kind, payload)
            assert message.text or message.media
            kinds[kind] = kinds.get(kind, 0) + 1
    assert kinds == {"entry": 2, "item": 5}


# Documents ----------------------------------------------------------------------------------------
RSS = (
    '<rss version="2.0"><channel><title>T</title><item><guid>1</guid><title>{}</title></item></channel></rss>'
)


def title_of(content: bytes, content_type: str = "text/xml") -> str:
    feed = read(content, content_type=content_type, address="https://example.com/feed")
    return str(feed.entries[0][1]["title"])


@pytest.mark.parametrize(
    ("encoding", "content_type", "declared"),
    [
        ("utf-8", "text/xml; charset=utf-8", "utf-8"),
        ("utf-8", "text/xml; charset=iso-8859-1", "iso-8859-1"),  # both wrong, the text is valid UTF-8
        ("iso-8859-2", "text/xml", "iso-8859-2"),
        ("windows-1250", "text/xml; charset=windows-1250", "utf-8"),
        ("utf-16", "text/xml", "utf-16"),
        ("utf-16-le", "text/xml", "utf-16"),
        ("utf-8-sig", "text/xml", "us-ascii"),
    ],
)
def test_it_reads_every_encoding_and_wrong_claims(encoding: str, content_type: str, declared: str) -> None:
    document = f'<?xml version="1.0" encoding="{declared}"?>' + RSS.format("Čekam već tjedan")
    assert title_of(document.encode(encoding), content_type) == "Čekam već tjedan"


def test_an_encoding_that_hides_markup_is_not_believed() -> None:
    hidden = b'<?xml version="1.0" encoding="utf-7"?>' + RSS.format("+ADw-b+AD4-").encode()
    assert title_of(hidden) == "+ADw-b+AD4-"


def test_no_text_in_any_encoding_ends_badly() -> None:
    assert "waiting" in title_of(RSS.format("waiting \udc80").encode("latin-1", "replace"))
    assert title_of(RSS.format("caf").encode().replace(b"caf", b"caf\xe9")) == "café"


def test_a_feed_that_is_not_well_formed_is_read_all_the_same() -> None:
    assert title_of(RSS.format("Tom & Jerry").encode()) == "Tom & Jerry"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"<a " * 300_000, id="tags that never end"),
        pytest.param(b'<rss version="2.0"><channel><item>' + b"<a>" * 300_000, id="deep"),
        pytest.param(b"<rss><channel>" + b"<a>" * 9000 + b"</a>" * 9000 + b"&", id="deep and broken"),
        pytest.param((b"<a>" * 300_000).decode().encode("utf-16"), id="deep, in UTF-16"),
        pytest.param(b'<rss version="2.0"><channel><item><title>' + b"<![CDATA[" * 200_000, id="open"),
        pytest.param(b"<!--" * 200_000, id="comment"),
        pytest.param(b"[" * 1_000_000, id="brackets"),
        pytest.param(
            b'{"version": "https://jsonfeed.org/version/1.1", "items": ' + b"[" * 100_000, id="json"
        ),
        pytest.param(b'{"version": "https://jsonfeed.org/version/1.1", "items": {}}', id="no items"),
        pytest.param(b'{"version": 1, "items": []}', id="other json"),
        pytest.param(b"x" * 6_000_001, id="large"),
        pytest.param(b"", id="empty"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 50, id="a picture"),
        pytest.param(b"<!doctype html><title>A page</title>", id="a page"),
        pytest.param(b'<?xml version="1.0"?><opml version="2.0"><body/></opml>', id="other XML"),
    ],
)
def test_what_is_no_feed_is_refused_quickly(content: bytes) -> None:
    with pytest.raises(NotAFeed):
        read(content, content_type="text/xml", address="https://example.com/feed")


def test_a_page_names_its_feeds() -> None:
    page = """<!doctype html><HTML><head><base href="/blog/"><link rel=stylesheet href=x.css>
    <link rel="Alternate" type="application/rss+xml; charset=utf-8" href="feed.rss">
    <link rel="alternate home" type="application/feed+json" href="https://json.example/feed"></head>
    <body><link rel="alternate" type="text/html" href="/other"><link rel="alternate" type="application/atom+xml"
    href="javascript:alert(1)"></body></html>"""
    assert named_feeds(page, "https://www.example.com/") == [
        "https://www.example.com/blog/feed.rss",
        "https://json.example/feed",
    ]


@pytest.mark.parametrize("piece", ["<a ", "<!--", "<", "<![", "<link rel='", "</", "<p>", "<?", "<!a", "&#"])
def test_no_markup_keeps_it_busy(piece: str) -> None:
    assert named_feeds("<html>" + piece * (400_000 // len(piece)), "https://www.example.com/") == []
    plain(piece * (400_000 // len(piece)))


def test_entities_are_neither_multiplied_nor_fetched(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the password")
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 20}">' for n in range(1, 9))
    bomb = f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY l0 "{"x" * 1000}">{levels}]>' + RSS.format("&l8;")
    assert len(title_of(bomb.encode())) < 10_000
    outside = f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY e SYSTEM "file://{secret}">]>' + RSS.format("&e;")
    assert "password" not in title_of(outside.encode())


@given(st.binary(max_size=400))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_a_feed_or_none(noise: bytes) -> None:
    for content in (noise, RSS.format("x").encode()[: len(noise)] + noise):
        try:
            feed = read(content, content_type="text/xml", address="https://example.com/feed")
        except NotAFeed:
            continue
        for kind, entry in feed.entries:
            payload = stored("https://example.com/feed", feed, entry, datetime(2026, 11, 21, tzinfo=UTC))
            try:
                CONNECTOR.parse(kind, payload)
            except (ValueError, KeyError, TypeError):
                continue
