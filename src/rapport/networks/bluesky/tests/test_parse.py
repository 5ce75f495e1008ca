"""What events mean: fixtures, mutations of them, and recorded payloads."""

from __future__ import annotations

import copy
import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.lib.tests.shared_data import shared_data
from rapport.networks.base import Liked, Media, MessageSeen
from rapport.networks.bluesky import richtext
from rapport.networks.bluesky.connector import BlueskyConnector
from rapport.networks.bluesky.images import size_of
from rapport.networks.bluesky.recordkeys import derived_tid, split_uri, tid_time
from rapport.networks.bluesky.session import expiry, pds_of, service_address
from rapport.networks.bluesky.tests.people import png
from rapport.networks.testing import Fixture, fixtures, said

CASES = list(fixtures(BlueskyConnector))
parse = BlueskyConnector.parse


def one(name: str) -> MessageSeen:
    (found,) = [case for case in CASES if case.name == f"{name}.json"]
    (event,) = parse(found.kind, found.payload)
    assert isinstance(event, MessageSeen)
    return event


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_says_what_each_fixture_means(case: Fixture) -> None:
    assert [said(event) for event in parse(case.kind, case.payload)] == case.says


def test_it_has_a_fixture_for_every_kind_it_knows() -> None:
    assert {case.kind for case in CASES} == set(BlueskyConnector.kinds)


def test_authors_times_and_facts() -> None:
    mention = one("notification_mention")
    assert (mention.author.handle, mention.author.name) == ("mira.example.com", "Mira Holt")
    assert mention.author.url == "https://bsky.app/profile/did:plc:mira5xq2wz7k3ynh4tr6bdom"
    assert mention.sent_at == datetime(2026, 3, 14, 9, 26, 53, 589000, UTC)
    assert (mention.lang, mention.facts) == ("en", {"kind": "mention"})
    assert mention.url == "https://bsky.app/profile/did:plc:mira5xq2wz7k3ynh4tr6bdom/post/3mgyqljw3fk2b"
    assert one("notification_reply").facts == {"kind": "comment"}
    assert one("notification_quote").facts["quotes"].endswith("/3mgyqk2x5ws2a")
    assert one("post_with_content_warning").facts == {"sensitive": "graphic-media"}
    assert one("post_embedding_a_list").facts == {}
    future = one("post_from_the_future_without_a_name")
    assert future.sent_at == datetime(2026, 3, 14, 9, 26, 54, 101000, UTC)
    assert (future.author.name, future.lang) == ("", "")
    assert one("chat_message").author.name == "Mira Holt"


def test_files_have_addresses_from_the_view_or_from_their_hash() -> None:
    shown = one("post_with_images").media
    assert shown[0] == Media(url="https://cdn.bsky.app/img/feed_fullsize/plain/a/b@jpeg", alt="The box")
    (from_hash,) = one("notification_reply_with_image").media
    assert from_hash.url.startswith(
        "https://cdn.bsky.app/img/feed_fullsize/plain/did:plc:mira5xq2wz7k3ynh4tr6bdom/bafkrei"
    )
    (video,) = one("post_with_video").media
    assert (video.kind, video.alt) == ("video", "A rattling fan")


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("notification_mention", lambda found: found.update(reason="something-new")),
        ("notification_mention", lambda found: found.update(uri="https://example.com")),
        ("notification_mention", lambda found: found.update(uri=found["uri"] + "x" * 200)),
        ("notification_mention", lambda found: found["author"].update(did="did:plc:somebodyelse")),
        ("notification_mention", lambda found: found["record"].pop("text")),
        ("notification_mention", lambda found: found["record"].update(text="x" * 200_000)),
        ("notification_like", lambda found: found.pop("reasonSubject")),
        ("notification_reply", lambda found: found["record"]["reply"]["parent"].update(uri="nowhere")),
        ("commit_mention", lambda found: found["event"]["commit"].update(operation="rewrite")),
        ("commit_mention", lambda found: found["event"].update(time_us=2**60)),
        ("commit_mention", lambda found: found["event"].update(did="did:plc:somebodyelse")),
        ("chat_message", lambda found: found["log"].update({"$type": "something.else"})),
        ("chat_message", lambda found: found["log"].update(convoId="x" * 150)),
        ("chat_reaction", lambda found: found["log"]["reaction"].update(value="")),
        ("gone", lambda found: found.update(seen_at="0001-01-01T00:00:00+23:00")),
    ],
)
def test_it_refuses_what_it_does_not_understand(name: str, spoil: Any) -> None:
    (case,) = [case for case in CASES if case.name == f"{name}.json"]
    payload = copy.deepcopy(case.payload)
    spoil(payload)
    with pytest.raises((ValueError, KeyError, TypeError)):
        parse(case.kind, payload)


_ODD: list[Any] = [
    None, True, 0, -1, 2**70, 1.5, "", "x", "\0", "\ud800", "9" * 5000, [], {}, [[]], "0001-01-01T00:00:00+23:00",
    "at://did:plc:x/app.bsky.feed.post/1", {"$type": "app.bsky.embed.images"}, [{"index": {"byteStart": -5}}],
]  # fmt: skip


def mutated(value: Any, chance: random.Random) -> Any:
    """The same with something in it replaced, left out or added."""
    if chance.random() < 0.04:
        return chance.choice(_ODD)
    if isinstance(value, dict):
        return {key: mutated(item, chance) for key, item in value.items() if chance.random() > 0.03}
    if isinstance(value, list):
        return [mutated(item, chance) for item in value for _copy in range(chance.choice((1, 1, 1, 0, 2)))]
    if isinstance(value, int) and not isinstance(value, bool) and chance.random() < 0.2:
        return value + chance.randint(-50, 50)
    return value


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(CASES), st.randoms(use_true_random=False))
def test_whatever_comes_it_answers_or_refuses(case: Fixture, chance: random.Random) -> None:
    payload = mutated(case.payload, chance)
    try:
        events = parse(case.kind, payload)
    except (ValueError, KeyError, TypeError):
        return
    assert parse(case.kind, payload) == events
    for event in events:
        assert 0 < len(event.external_id) <= 200
        if isinstance(event, MessageSeen):
            assert event.sent_at.tzinfo is not None
            assert len(event.lang) <= 16
            assert event.parent_id is None or len(event.parent_id) <= 200
            assert all(item.url.startswith(("https://", "http://")) for item in event.media)
        if isinstance(event, Liked):
            assert event.reaction


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60), st.lists(st.tuples(st.integers(-2, 80), st.integers(-2, 80)), max_size=5))
def test_links_anywhere_never_lose_text(text: str, places: list[tuple[int, int]]) -> None:
    uri = "https://example.com/a"
    facets = [
        {
            "index": {"byteStart": a, "byteEnd": b},
            "features": [{"$type": f"{richtext.FACET}#link", "uri": uri}],
        }
        for a, b in places
    ]
    shown = richtext.plain(text, facets)
    assert shown.replace(f" ({uri})", "").replace(uri, "") == text or uri in shown
    assert richtext.plain(text, []) == text


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab .@#(:/)é👍🏽\u200d漢1ー", max_size=80))
def test_our_own_facets_are_inside_the_text_and_apart(text: str) -> None:
    raw, at = text.encode(), 0
    for facet in richtext.facets_of(text, lambda handle: "did:plc:x"):
        start, end = facet["index"]["byteStart"], facet["index"]["byteEnd"]
        assert at <= start < end <= len(raw)
        raw[start:end].decode()
        at = end


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see https://example.com/a_(b), please", ["https://example.com/a_(b)"]),
        ("(https://example.com/a)", ["https://example.com/a"]),
        ("https://example.com/#a and #b", ["https://example.com/#a", "#b"]),
        ("mail me@example.com or @mira.test.", ["@mira.test"]),
        ("#1 is no tag, #1st is, #two-words! too", ["#1st", "#two-words"]),
        ("@nobody.test", []),
        ("javascript://example.com", []),
    ],
)
def test_what_becomes_a_facet(text: str, found: list[str]) -> None:
    facets = richtext.facets_of(text, {"mira.test": "did:plc:x"}.get)
    raw = text.encode()
    assert [raw[one["index"]["byteStart"] : one["index"]["byteEnd"]].decode() for one in facets] == found


def test_people_count_characters_as_they_see_them() -> None:
    assert [richtext.graphemes(text) for text in ("", "e\u0301", "👩‍👩‍👦‍👦", "🇭🇷🇹🇭", "กำ", "\r\n")] == [
        0,
        1,
        1,
        2,
        1,
        1,
    ]


@settings(max_examples=200)
@given(st.text(min_size=1, max_size=40), st.integers(31_536_000, 7_258_118_400))
def test_record_keys_are_valid_the_same_and_of_their_second(key: str, at: int) -> None:
    moment = datetime.fromtimestamp(at, UTC)
    found = derived_tid(key, moment)
    assert found == derived_tid(key, moment)
    assert split_uri(f"at://did:plc:x/app.bsky.feed.post/{found}")[2] == found
    made = tid_time(found)
    assert made is not None
    assert moment.replace(microsecond=0) <= made < moment.replace(microsecond=0) + timedelta(seconds=1)


def test_record_keys_of_one_second_hardly_meet() -> None:
    at = datetime(2026, 3, 14, tzinfo=UTC)
    assert len({derived_tid(str(number), at) for number in range(2000)}) == 2000


@pytest.mark.parametrize("value", ["", "3lplngnsi622", "0000000000000", "3LPLNGNSI6224"])
def test_what_is_no_tid(value: str) -> None:
    assert tid_time(value) is None


def test_a_known_tid() -> None:
    made = tid_time("3lplngnsi6224")
    assert made is not None
    assert abs(made - datetime(2025, 5, 20, 8, 15, 16, 553000, UTC)) < timedelta(seconds=5)


@pytest.mark.parametrize(
    ("content", "size"),
    [
        (png(30, 20), (30, 20)),
        (b"GIF89a\x0a\x00\x14\x00rest", (10, 20)),
        (bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffc0001108001400" + "0a03"), (10, 20)),
        (b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x09\0\0\x13\0\0", (10, 20)),
        (b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f" + (9 | 19 << 14).to_bytes(4, "little"), (10, 20)),
        (b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a\x0a\x00\x14\x00", (10, 20)),
        (b"\xff\xd8\xff", None),
        (b"\xff\xd8\xff\xe0\x00\x00" * 3, None),
        (b"\x89PNG\r\n\x1a\n", None),
        (b"not a picture", None),
        (png(30, 20)[:16] + bytes(8), None),
    ],
    # Of their own: what is in a picture here is chance, and names of tests must not be.
    ids=[
        "png",
        "gif",
        "jpeg",
        "webp-x",
        "webp-l",
        "webp",
        "cut-jpeg",
        "empty-jpeg",
        "cut-png",
        "words",
        "no-size",
    ],
)
def test_sizes_of_pictures(content: bytes, size: tuple[int, int] | None) -> None:
    assert size_of(content) == size


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=60),
    st.sampled_from([b"", b"\xff\xd8", b"GIF89a", b"RIFF0000WEBPVP8 ", b"\x89PNG\r\n\x1a\n"]),
)
def test_any_bytes_have_a_size_or_none(content: bytes, head: bytes) -> None:
    size_of(head + content)


def test_tokens_and_documents_of_others_are_read_carefully() -> None:
    assert expiry("a.eyJleHAiOiAxNzYwMDAwMDAwfQ.c") == datetime.fromtimestamp(1_760_000_000, UTC)
    for token in ("", "a.b", "a.!!.c", "a.bnVsbA.c", "a.eyJleHAiOiAxZTk5OX0.c"):
        assert expiry(token) is None
    service = {"id": "#atproto_pds", "serviceEndpoint": "https://pds.example/"}
    assert pds_of({"service": [{"id": "#other"}, service]}) == "https://pds.example"
    for odd in ("ftp://x", "https://", "https://[", 5, None):
        assert pds_of({"service": [{**service, "serviceEndpoint": odd}]}) == ""
    assert service_address(" bsky.social/ ") == "https://bsky.social"
    assert service_address("") == "https://bsky.social"


# Recorded payloads ------------------------------------------------------------------------------------
# What of them is nothing for us, and why.
NOT_FOR_US = {
    "actor_with_featured.bsky.json": "a profile's record",
    "follow.bsky.json": "a follow's record, of nobody: it has no DIDs",
    "like.bsky-from-as.json": "a like's record without who liked",
    "note_with_article_tag_indices.bsky.json": "a post's record alone, read below with an author",
    "quote_and_attachment.bsky.json": "has no author and no address",
    "quote_and_image.bsky.json": "has no author and no address",
    "quote_with_image.bsky.json": "has no author",
    "custom_record.json": "a record of another kind of ours to ignore",
    "did_doc.json": "an account's document, read by pds_of",
    "get_follows.json": "a list of follows",
    "resolve_handle.json": "an answer about a handle",
    "signature-fixtures.json": "keys and signatures",
    "feed_record.json": "a feed generator's record",
    "like_record.json": "a like's record without who is liked",
    "extended_like_record.json": "a like's record without who is liked",
    "post_record.json": "a post's record alone, read below with an author",
    "extended_post_record.json": "a post's record alone, read below with an author",
}
POSTS = {"note.bsky.json", "quote.bsky.json", "repost.bsky.json"}
RECORDS = {"note_with_article_tag_indices.bsky.json", "post_record.json", "extended_post_record.json"}
THREADS = {"thread_view_post_with_embed_media.json"}


def recorded() -> dict[str, Any]:
    folder = shared_data("payloads")
    paths = [*(folder / "granary").glob("*.bsky*.json"), *(folder / "atproto" / "tests").rglob("*.json")]
    paths = [path for path in paths if ".as-from-bsky" not in path.name]
    return {path.name: json.loads(path.read_text(encoding="utf-8")) for path in paths}


def test_every_recorded_payload_is_read_or_is_listed_with_the_reason() -> None:
    found = recorded()
    assert set(found) == NOT_FOR_US.keys() | POSTS | THREADS
    for name in POSTS:
        post = found[name]["post"]
        post["author"]["did"] = split_uri(post["uri"])[
            0
        ]  # two of them were invented with somebody else's address
        (event,) = parse("post", {"post": post, "context": False})
        assert isinstance(event, MessageSeen)
        assert event.text
    for name in RECORDS:
        record = found[name].get("value", found[name])
        commit = {
            "operation": "create",
            "collection": "app.bsky.feed.post",
            "rkey": "3lplngnsi6224",
            "record": record,
        }
        event_ = {"did": "did:plc:x", "kind": "commit", "time_us": 1_760_000_000_000_000, "commit": commit}
        (event,) = parse("commit", {"event": event_, "author": None})
        assert isinstance(event, MessageSeen)
        assert event.text


def test_recorded_threads_are_read_whole() -> None:
    found = recorded()
    for name in THREADS:
        left, count = [found[name].get("thread", found[name])], 0
        while left:
            node = left.pop()
            left += node.get("replies") or []
            left += [node["parent"]] if node.get("parent") else []
            if "post" in node:
                (event,) = parse("post", {"post": node["post"], "context": True})
                assert isinstance(event, MessageSeen)
                count += 1
        assert count
