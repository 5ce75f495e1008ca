"""Reddit as a source: each thing once, in order, nothing missed without a word."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from rapport.inbox.tests.making import make_brand
from rapport.mentions.models import Mention, Post, Source
from rapport.mentions.sources import reddit as kind_module
from rapport.mentions.sources.base import Chunk, Given
from rapport.mentions.sources.registry import STREAMED
from rapport.mentions.tests.making import make_query
from rapport.mentions.tests.reading import eventually, listening
from rapport.networks.doubles import Answer, Request
from rapport.networks.errors import Refused, TryAgain
from rapport.networks.reddit import newest
from rapport.networks.reddit.tests.double import CLIENT_ID, CLIENT_SECRET, RedditDouble
from rapport.networks.reddit.tests.world import Thing

KIND = STREAMED["reddit"]


@pytest.fixture
def reddit(monkeypatch: pytest.MonkeyPatch) -> Iterator[RedditDouble]:
    monkeypatch.setattr(kind_module, "PACE_S", 0.05)
    with RedditDouble() as found:
        assert isinstance(found, RedditDouble)
        yield found


def given(reddit: RedditDouble, *names: str, **more: Any) -> Given:
    options = {
        "subreddits": list(names or ["travel"]), "client_id": CLIENT_ID, "username": "alvara_help",
        "lists": "both", "api_url": reddit.url,
    }  # fmt: skip
    return Given({**options, **more}, {"client_secret": CLIENT_SECRET})


def run(asked: Given, cursor: dict[str, Any] | None = None, *, rounds: int = 1) -> list[Chunk]:
    """The chunks of so many rounds of all lists."""
    found: list[Chunk] = []
    for chunk in KIND.run(asked, cursor or {}, lambda: False):
        json.dumps(chunk.cursor, allow_nan=False)
        found.append(chunk)
        lists = [one for one in chunk.cursor["lists"].values() if one]
        if len(found) >= 2 * rounds and len(lists) == (2 if asked.text("lists") == "both" else 1):
            break
    return found


def ids(chunks: list[Chunk]) -> list[str]:
    return [one.post.id for chunk in chunks for one in chunk.heard]


def say(reddit: RedditDouble, number: int, first: int = 0) -> list[str]:
    """Comments, a second apart."""
    with reddit.lock:
        by = reddit.people.get("mira") or reddit.person("mira")
        root = next((one for one in reddit.things.values() if one.title), None)
        post = root or reddit.post(by, "Where to?", at=time.time() - 90_000)
        return [
            reddit.comment(by, f"comment {n}", to=post.name, at=time.time() - 80_000 + n).name
            for n in range(first, first + number)
        ]


def test_posts_and_comments_come_once_oldest_first(reddit: RedditDouble) -> None:
    mira = reddit.person("mira")
    at = time.time() - 60
    post = reddit.post(mira, "Lost bag", "with Alvara", community="travel", at=at)
    reddit.post(mira, "Elsewhere", community="alvara")
    comment = reddit.comment(mira, "and again", to=post.name, at=at + 5)
    later = reddit.comment(mira, "still", to=post.name, at=at + 9)
    chunks = run(given(reddit))
    assert ids(chunks) == [post.name, comment.name, later.name]
    first = chunks[0].heard[0]
    assert (first.post.text, first.post.author, first.post.network, first.post.is_reply) == (
        "Lost bag\n\nwith Alvara", "mira", "reddit", False,
    )  # fmt: skip
    assert chunks[1].heard[0].parent_id == post.name
    new = reddit.comment(mira, "found", to=post.name)
    assert ids(run(given(reddit), chunks[-1].cursor)) == [new.name]


def test_a_page_is_not_the_end_of_what_is_new(reddit: RedditDouble) -> None:
    say(reddit, 3)
    cursor = run(given(reddit))[-1].cursor
    more = say(reddit, 350, first=3)
    chunks = run(given(reddit), cursor)
    assert ids(chunks) == more
    assert ids(run(given(reddit), chunks[-1].cursor)) == []


def test_a_first_page_that_is_not_full_has_the_past_behind_it_all_the_same(
    reddit: RedditDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reddit leaves out of a page what was taken away."""
    taken_away = say(reddit, 500)[450]
    answer = RedditDouble.answer

    def shorter(self: RedditDouble, request: Request) -> Answer:
        found = answer(self, request)
        if request.path.endswith("/comments"):
            data = found.body["data"]
            data["children"] = [one for one in data["children"] if one["data"]["name"] != taken_away]
        return found

    monkeypatch.setattr(RedditDouble, "answer", shorter)
    cursor = run(given(reddit, lists="comments"))[-1].cursor
    new = say(reddit, 1, first=500)
    assert ids(run(given(reddit, lists="comments"), cursor)) == new


def test_a_community_that_is_added_is_heard_from_then_on(reddit: RedditDouble) -> None:
    mira = reddit.person("mira")
    at = time.time() - 90_000
    reddit.post(mira, "Old", community="travel", at=at)
    for n in range(150):
        reddit.post(mira, f"Older than our ears {n}", community="alvara", at=at + n)
    cursor = run(given(reddit, lists="posts"))[-1].cursor
    new = [reddit.post(mira, "New", community=one, at=time.time() + 2).name for one in ("travel", "alvara")]
    chunks = run(given(reddit, "travel", "alvara", lists="posts"), cursor)
    assert sorted(ids(chunks)) == sorted(new)
    assert ids(run(given(reddit, "travel", "alvara", lists="posts"), chunks[-1].cursor)) == []


def test_when_everything_known_is_deleted_nothing_is_missed(reddit: RedditDouble) -> None:
    """Asked for what came before a deleted thing, Reddit would say there is nothing."""
    known = say(reddit, 5)
    cursor = run(given(reddit))[-1].cursor
    for name in known:
        del reddit.things[name]
    more = say(reddit, 120, first=5)
    assert ids(run(given(reddit), cursor)) == more


def test_a_mark_that_is_deleted_between_two_pages_is_gone_around(
    reddit: RedditDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(reddit, 3)
    cursor = run(given(reddit))[-1].cursor
    more = say(reddit, 250, first=3)
    answer = RedditDouble.answer

    def deleting(self: RedditDouble, request: Request) -> Answer:
        if request.path.endswith("/comments") and request.query.get("after") == more[150]:
            self.things.pop(more[150], None)
        return answer(self, request)

    monkeypatch.setattr(RedditDouble, "answer", deleting)
    assert ids(run(given(reddit), cursor)) == more


def test_more_than_reddit_shows_is_told_after_what_it_shows(reddit: RedditDouble) -> None:
    say(reddit, 3)
    cursor = run(given(reddit))[-1].cursor
    more = say(reddit, 1200, first=3)
    came: list[Chunk] = []
    running = KIND.run(given(reddit), cursor, lambda: False)
    with pytest.raises(TryAgain, match="More was said in r/travel/comments than Reddit shows") as told:
        came.extend(running)
    assert told.value.after is None
    assert ids(came) == more[200:]
    # Told once an hour: whoever rests each time misses more.
    more = say(reddit, 1200, first=1203)
    later = run(given(reddit), came[-1].cursor, rounds=2)
    assert ids(later) == more[200:]
    assert ids(run(given(reddit), later[-1].cursor)) == []


def test_a_quiet_community_is_one_call_a_list(reddit: RedditDouble) -> None:
    say(reddit, 150)
    cursor = run(given(reddit))[-1].cursor
    del reddit.requests[:]
    assert ids(run(given(reddit), cursor, rounds=1)) == []
    assert [one.path for one in reddit.requests if "token" not in one.path][:2] == [
        "/r/travel/new", "/r/travel/comments",
    ]  # fmt: skip


def test_edits_and_deletions_are_looked_up(reddit: RedditDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kind_module, "AGAIN_S", 0.0)
    names = say(reddit, 150)
    cursor = run(given(reddit, lists="comments"))[-1].cursor
    old, older, removed = (reddit.things[name] for name in (names[60], names[55], names[70]))
    old.body, old.edited = "other words", float(int(time.time()))
    older.deleted = removed.removed = True

    changed = []
    for chunk in KIND.run(given(reddit, lists="comments"), cursor, lambda: False):
        changed += chunk.heard
        if len(changed) == 3:
            break
    by_id = {one.post.id: one for one in changed}
    assert (by_id[old.name].post.text, by_id[old.name].edited_at is not None) == ("other words", True)
    assert by_id[older.name].deleted
    assert by_id[removed.name].deleted  # by moderators: nobody can read it there any more
    again = KIND.run(given(reddit, lists="comments"), chunk.cursor, lambda: False)
    assert [one for _n in range(6) for one in next(again).heard] == []


def test_all_of_reddit_and_what_is_closed(reddit: RedditDouble) -> None:
    reddit.community("secret", kind="private")
    mira = reddit.person("mira")
    post = reddit.post(mira, "Anywhere", community="alvara")
    asked = KIND.checked(given(reddit, "r/all", "https://www.reddit.com/r/Travel/"))
    assert asked.options["subreddits"] == ["all"]
    assert KIND.named(asked) == "r/all"
    assert ids(run(asked)) == [post.name]
    with pytest.raises(Refused, match="There is no community r/secret on Reddit, or it is closed"):
        KIND.checked(given(reddit, "Travel", "secret"))
    with pytest.raises(Refused, match="r/nosuchplace"):
        KIND.checked(given(reddit, "nosuchplace"))
    two = KIND.checked(given(reddit, "Travel", "/r/alvara"))
    assert (two.options["subreddits"], KIND.named(two)) == (["travel", "alvara"], "r/travel and 1 more")


@pytest.mark.parametrize(
    "names", [["two words"], ["r/"], ["../api/v1/me"], [f"n{n}" for n in range(51)], [""]]
)
def test_names_that_cannot_be_are_told(reddit: RedditDouble, names: list[str]) -> None:
    with pytest.raises(Refused):
        KIND.checked(given(reddit, subreddits=names))
    assert not reddit.requests


def test_a_wrong_secret_is_told_and_shown_nowhere(
    reddit: RedditDouble, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = Given(given(reddit).options, {"client_secret": "not the secret"})
    with pytest.raises(Refused, match="does not accept the app's id and secret") as told:
        KIND.checked(wrong)
    assert "not the secret" not in f"{told.value}{wrong}{caplog.text}"


def test_the_pace_is_what_reddit_says(reddit: RedditDouble) -> None:
    app = newest.App({**given(reddit).options, "client_secret": CLIENT_SECRET})
    reddit.limit = 1000
    app.get("r/travel/new")
    assert app.pause() == 0
    reddit.limit = 12
    app.get("r/travel/new")
    assert 50 < app.pause() < 60  # ten calls are left for ten minutes
    reddit.limit = len(reddit.calls)
    with pytest.raises(TryAgain, match="no more calls") as told:
        app.get("r/travel/new")
    assert told.value.after is not None
    assert told.value.after.total_seconds() > 500


def test_a_token_that_ends_is_asked_for_again(reddit: RedditDouble) -> None:
    app = newest.App({**given(reddit).options, "client_secret": CLIENT_SECRET})
    app.get("r/travel/new")
    reddit.tokens.clear()
    app.get("r/travel/new")
    with pytest.raises(Refused, match="does not allow"):
        app.get("message/inbox")


def test_hostile_things_cost_only_themselves(reddit: RedditDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    good = say(reddit, 2)
    answer = RedditDouble.answer
    deep: Any = {}
    for _level in range(200):
        deep = {"data": deep}
    bad = [
        None, 7, {"kind": "t1"}, {"kind": "t1", "data": {"name": "t1_x", "created_utc": "soon"}},
        {"kind": "t1", "data": {"name": "t1_y", "created_utc": 1e400}}, {"kind": "t1", "data": {"name": "t1_" * 10_000}},
        {"kind": "t1", "data": deep},
        {"kind": "t1", "data": {"name": "t1_zz", "created_utc": 1.7e9, "body": 5}}, {"kind": [], "data": {}},
    ]  # fmt: skip

    def hostile(self: RedditDouble, request: Request) -> Answer:
        found = answer(self, request)
        if request.path.endswith("/comments"):
            found.body["data"]["children"] += bad
        return found

    monkeypatch.setattr(RedditDouble, "answer", hostile)
    chunks = run(given(reddit))
    assert [one for one in ids(chunks) if one.startswith("t1")] == good
    monkeypatch.setattr(RedditDouble, "answer", lambda self, request: Answer(200, ["what"]))
    with pytest.raises(TryAgain):
        run(given(reddit), chunks[-1].cursor)
    monkeypatch.setattr(RedditDouble, "answer", lambda self, request: Answer(200, b"\xff<html>"))
    with pytest.raises(TryAgain):
        run(given(reddit), chunks[-1].cursor)


@pytest.mark.parametrize(
    "cursor", [{"lists": []}, {"lists": {"new": {"known": [1], "floor": "x"}, "comments": 3}}]
)
def test_a_cursor_that_cannot_be_read_begins_anew(reddit: RedditDouble, cursor: dict[str, Any]) -> None:
    names = say(reddit, 2)
    assert ids(run(given(reddit), cursor))[-2:] == names


def test_things_of_tomorrow_do_not_make_today_old(reddit: RedditDouble) -> None:
    say(reddit, 120)
    with reddit.lock:
        for thing in reddit.things.values():
            thing.at = time.time() + 1e6
    cursor = run(given(reddit))[-1].cursor
    assert cursor["lists"]["comments"]["floor"] <= time.time()


def test_a_private_address_is_not_called(reddit: RedditDouble, settings: Any) -> None:
    settings.RAPPORT_PRIVATE_ADDRESSES = False
    with pytest.raises(Refused, match="private network"):
        run(given(reddit))
    assert not reddit.requests


def test_it_stops_while_it_waits(reddit: RedditDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kind_module, "PACE_S", 600.0)
    began = time.monotonic()
    for _chunk in KIND.run(given(reddit), {}, lambda: time.monotonic() - began > 1):
        pass
    assert time.monotonic() - began < 4


@pytest.mark.django_db(transaction=True)
def test_a_listener_reads_it_until_a_mention_is_there(reddit: RedditDouble) -> None:
    make_query(make_brand(), "alvara NEAR/3 late")
    asked = KIND.checked(given(reddit))
    source = Source.objects.create(
        kind="reddit", name="r/travel", options=dict(asked.options), secrets=dict(asked.secrets)
    )
    mira = reddit.person("mira")
    with listening():
        eventually(lambda: Source.objects.get().cursor != {}, "it is read")
        with reddit.lock:
            post: Thing = reddit.post(mira, "Alvara is late", "again")
            reddit.post(mira, "Nothing to see")
        eventually(lambda: Mention.objects.exists(), "the mention is stored")
    mention = Mention.objects.get()
    assert (mention.post.external_id, mention.post.network, mention.post.source_id) == (
        post.name, "reddit", source.id,
    )  # fmt: skip
    assert mention.post.url.startswith("https://www.reddit.com/r/travel/comments/")
    assert Post.objects.count() == 1
    source.refresh_from_db()
    assert (source.failures, source.last_error, source.lease_until) == (0, "", None)


@pytest.mark.django_db(transaction=True)
def test_what_was_missed_stays_on_the_sources_page(reddit: RedditDouble) -> None:
    say(reddit, 3)
    cursor = run(given(reddit))[-1].cursor
    say(reddit, 1200, first=3)
    asked = given(reddit)
    Source.objects.create(
        kind="reddit",
        name="r/travel",
        options=dict(asked.options),
        secrets=dict(asked.secrets),
        cursor=cursor,
    )
    with listening():
        eventually(lambda: "More was said in" in Source.objects.get().last_error, "it is told")
        more = say(reddit, 1, first=1300)
        eventually(lambda: f"post:{more[0]}" in json.dumps(Source.objects.get().cursor), "it goes on")
