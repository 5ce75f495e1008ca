"""What each kind of source brings, from servers that behave as the real ones."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from rapport.mentions.sources.base import Chunk, Given, SourceKind
from rapport.mentions.sources.carried import bundles, opened, partition_of
from rapport.mentions.sources.registry import SOURCES, STREAMED
from rapport.mentions.tests.making import at, heard
from rapport.networks.bluesky.recordkeys import POST, tid
from rapport.networks.bluesky.tests.jetstream import Jetstream
from rapport.networks.errors import Refused
from rapport.networks.feeds.tests.site import Page, Site
from rapport.networks.mastodon.tests.place import MastodonPlace
from rapport.networks.practice import actions as practice
from rapport.networks.practice.accounts import ensure_account
from rapport.networks.practice.actions import Draft
from rapport.networks.practice.models import Post

ANA = "did:plc:miramiramiramiramiramira"


def run(kind: SourceKind, options: dict[str, Any], cursor: dict[str, Any], *, until: int) -> list[Chunk]:
    """Chunks until ``until`` posts came."""
    found: list[Chunk] = []
    for chunk in kind.run(Given(options), cursor, lambda: False):
        found.append(chunk)
        if sum(len(one.heard) for one in found) >= until:
            break
    return found


def ids(chunks: list[Chunk]) -> list[str]:
    return [one.post.id for chunk in chunks for one in chunk.heard]


def commit(number: int, text: Any, operation: str = "create") -> dict[str, Any]:
    micros = 1_760_000_000_000_000 + number * 10_000_000
    body: dict[str, Any] = {"operation": operation, "collection": POST, "rkey": tid(micros, 1), "rev": "1"}
    if operation == "create":
        body |= {
            "cid": "bafy",
            "record": {"$type": POST, "text": text, "createdAt": "2025-10-09T08:53:20Z", "langs": ["hr"]},
        }
    return {"did": ANA, "time_us": micros, "kind": "commit", "commit": body}


def test_jetstream_brings_posts_and_deletions_and_goes_on_from_its_place() -> None:
    kind = STREAMED["jetstream"]
    with Jetstream() as server:
        server.happen(commit(1, "Aero kasni"), commit(2, {"not": "text"}), commit(1, "", "delete"))
        options = {"url": server.url}
        assert kind.checked(Given(options)).options == options
        start = {"position": 1_760_000_000_000_000, "of": "jetstream"}
        chunks = run(kind, options, start, until=2)
        server.happen(commit(3, "Another"))
        more = run(kind, options, chunks[-1].cursor, until=1)
    first, gone = (one for chunk in chunks for one in chunk.heard)
    assert (first.post.text, first.post.lang, first.post.network, first.author_id) == (
        "Aero kasni", "hr", "bluesky", ANA,
    )  # fmt: skip
    assert first.post.id.startswith(f"at://{ANA}/{POST}/")
    assert (gone.deleted, gone.post.id) == (True, first.post.id)
    assert first.post.id not in ids(more)
    assert [one.post.text for chunk in more for one in chunk.heard if one.post.text] == ["Another"]


@pytest.mark.parametrize(
    ("key", "url"),
    [
        ("jetstream", "https://x.example/"),
        ("jetstream", "wss://[x"),
        ("jetstream", "wss://bsky.network/xrpc/com.atproto.sync.subscribeRepos"),
        ("firehose", "wss://jetstream2.us-east.bsky.network/subscribe"),
    ],
)
def test_addresses_that_cannot_be_are_told(key: str, url: str) -> None:
    with pytest.raises(Refused):
        STREAMED[key].checked(Given({"url": url}))


def test_a_stream_on_a_private_network_is_not_called(settings: Any) -> None:
    settings.RAPPORT_PRIVATE_ADDRESSES = False
    with Jetstream() as server, pytest.raises(Refused):
        run(STREAMED["jetstream"], {"url": server.url}, {}, until=1)


def test_mastodon_reads_forward_and_each_post_once() -> None:
    kind = STREAMED["mastodon"]
    with MastodonPlace() as place:
        given = kind.checked(
            Given({"server": place.double.url, "timeline": "federated", "hashtags": ["#Aero"]})
        )
        assert given.options["hashtags"] == ["aero"]
        options = {**given.options, "token": place.double.token_for(place.customer)}
        first = place.customer_says("Late again #aero")
        chunks = run(kind, options, {}, until=1)
        second = place.customer_says("And again")
        more = run(kind, options, chunks[-1].cursor, until=1)
    assert ids(chunks) == [first]
    assert ids(more) == [second]
    assert more[0].heard[0].post.network == "mastodon"


@pytest.mark.parametrize("options", [
    {"server": "", "timeline": "local"},
    {"server": "m.example", "timeline": "none", "hashtags": []},
    {"server": "m.example", "timeline": "none", "hashtags": ["two words"]},
    {"server": "m.example", "timeline": "none", "hashtags": [f"t{n}" for n in range(21)]},
])  # fmt: skip
def test_mastodon_says_what_is_missing(options: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        STREAMED["mastodon"].checked(Given(options))


@pytest.fixture
def site() -> Iterator[Site]:
    found = Site()
    yield found
    found.stop()


def test_a_feed_is_read_and_only_what_is_new(site: Site) -> None:
    def feed(*titles: str) -> Page:
        now = timezone.now().isoformat()
        entries = "".join(
            f"<entry><id>urn:{one}</id><title>{one}</title><updated>{now}</updated></entry>" for one in titles
        )
        body = f'<feed xmlns="http://www.w3.org/2005/Atom"><title>Air blog</title>{entries}</feed>'
        return Page(body.encode(), conditional=False)

    kind = STREAMED["feed"]
    site.pages["/feed"] = feed("Aero")
    given = kind.checked(Given({"feeds": [f"{site.url}/feed"]}))
    assert given.options["feeds"] == [f"{site.url}/feed"]
    assert kind.named(given) == "127.0.0.1"
    chunks = run(kind, dict(given.options), {}, until=1)
    assert [one.post.text for chunk in chunks for one in chunk.heard] == ["Aero"]
    with pytest.raises(Refused):
        kind.checked(Given({"feeds": [f"{site.url}/none"]}))


@pytest.mark.django_db(transaction=True)
def test_the_practice_network_brings_public_posts_edits_and_deletions() -> None:
    ana = ensure_account(handle="ana", name="Ana", followers=5)
    first = practice.publish(Draft(author=ana, text="Aero is late"))[0]
    kind = STREAMED["practice"]
    chunks = run(kind, {}, {}, until=1)
    assert [(one.post.text, one.post.author, one.post.followers) for one in chunks[0].heard] == [
        ("Aero is late", "ana", 5)
    ]
    second = practice.publish(Draft(author=ana, text="Another"))[0]
    practice.edit(author=ana, post_id=first.pk, text="Aero is very late")
    more = run(kind, {}, chunks[-1].cursor, until=2)
    assert sorted((one.post.id, one.edited_at is not None) for chunk in more for one in chunk.heard) == [
        (str(first.pk), True), (str(second.pk), False),
    ]  # fmt: skip
    practice.delete(author=ana, post_id=first.pk)
    last = run(kind, {}, more[-1].cursor, until=1)
    assert [(one.post.id, one.deleted) for chunk in last for one in chunk.heard] == [(str(first.pk), True)]


@pytest.mark.django_db(transaction=True)
def test_the_practice_network_loses_no_change_when_many_come_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Changes in another order than the posts', more than fit a page, and some in the same moment."""
    ana = ensure_account(handle="ana", name="Ana", followers=5)
    posts = [practice.publish(Draft(author=ana, text=f"Aero {number}"))[0].pk for number in range(6)]
    kind = STREAMED["practice"]
    cursor = run(kind, {}, {}, until=6)[-1].cursor
    monkeypatch.setattr("rapport.mentions.sources.practice.PAGE", 2)
    now = timezone.now()
    for pk, seconds in zip(posts, (6, 5, 4, 4, 4, 1), strict=True):
        Post.objects.filter(pk=pk).update(edited_at=now + timedelta(seconds=seconds))
    chunks = run(kind, {}, cursor, until=6)
    assert [int(one) for one in ids(chunks)] == [posts[i] for i in (5, 2, 3, 4, 1, 0)]


def test_what_is_carried_between_processes_arrives_as_it_was() -> None:
    some = [
        heard(
            str(number), "Aero \u2028 ✈️\n\ud800"[: number + 1], tags=("a",), media=(), edited_at=at(3), deleted=number == 2,
            followers=0, is_reply=False,
        )
        for number in range(20)
    ]  # fmt: skip
    sent = list(bundles(7, some, partitions=4))
    assert [one.key for one in sent] == [one.key for one in bundles(7, some, partitions=4)]
    assert len({one.key for one in sent}) == len(sent)
    came = [opened(one.body) for one in sent]
    assert {source for source, _posts in came} == {7}
    assert sorted((one for _source, posts in came for one in posts), key=lambda one: int(one.post.id)) == some
    for bundle, (_source, posts) in zip(sent, came, strict=True):
        assert {partition_of(one, 4) for one in posts} == {bundle.partition}


def test_bundles_stay_below_what_the_server_takes() -> None:
    some = [heard(str(number), "x" * 99_000) for number in range(30)]
    sent = list(bundles(7, some, partitions=1))
    assert max(len(one.body) for one in sent) < 1_000_000
    posts = list(itertools.chain.from_iterable(opened(one.body)[1] for one in sent))
    assert [one.post.id for one in posts] == [one.post.id for one in some]


def test_one_post_of_emoji_is_no_more_than_the_server_takes(caplog: pytest.LogCaptureFixture) -> None:
    some = [heard("1", "aero"), heard("2", "😀" * 100_000), heard("3", "x" * 1_000_000), heard("4", "aero")]
    sent = list(bundles(7, some, partitions=1))
    assert max(len(one.body) for one in sent) < 1_000_000
    posts = list(itertools.chain.from_iterable(opened(one.body)[1] for one in sent))
    assert posts == [some[0], some[1], some[3]]
    assert "post 3 of somewhere is too long to hand on" in caplog.text


def test_every_kind_says_what_it_is() -> None:
    assert set(STREAMED) == {"jetstream", "firehose", "mastodon", "reddit", "x", "feed", "practice"}
    for one in SOURCES.values():
        assert str(one.label)
        assert str(one.about)
