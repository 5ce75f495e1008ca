"""The connector against a real web server."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rapport.networks import http
from rapport.networks.base import Account, MessageSeen, Polled
from rapport.networks.errors import CredentialsGone, Refused, TryAgain
from rapport.networks.feeds.connector import CONNECTOR, FeedsConnector
from rapport.networks.feeds.tests.place import FeedsPlace
from rapport.networks.feeds.tests.site import Page, Site

RSS = "application/rss+xml"


@pytest.fixture
def place() -> Iterator[FeedsPlace]:
    with FeedsPlace() as running:
        yield running


@pytest.fixture
def site() -> Iterator[Site]:
    running = Site()
    yield running
    running.stop()


@pytest.fixture
def other() -> Iterator[Site]:
    running = Site()
    yield running
    running.stop()


def connector(**settings: Any) -> FeedsConnector:
    credentials = {"password": settings.pop("password")} if "password" in settings else {}
    return FeedsConnector(
        Account(external_id="feeds:test", handle="", credentials=credentials, settings=settings)
    )


def rss(*items: str, head: str = "") -> bytes:
    body = "".join(f"<item>{one}</item>" for one in items)
    return f'<rss version="2.0"><channel><title>Kettle Talk</title>{head}{body}</channel></rss>'.encode()


def item(name: str, text: str = "", *, ago: timedelta | None = timedelta(0)) -> str:
    date = "" if ago is None else (datetime.now(UTC) - ago).strftime("%a, %d %b %Y %H:%M:%S GMT")
    dated = f"<pubDate>{date}</pubDate>" if date else ""
    return f'<guid isPermaLink="false">{name}</guid><title>{text or name}</title>{dated}'


def texts(polled: Polled) -> list[str]:
    events = [event for one in polled.items for event in CONNECTOR.parse(one.kind, one.payload)]
    return [event.text for event in events if isinstance(event, MessageSeen)]


# Connecting ---------------------------------------------------------------------------------------
def test_a_page_leads_to_its_feed(place: FeedsPlace) -> None:
    profile = connector(**place.values()).check()
    assert profile.settings == {"feeds": [f"{place.site.url}/comments.atom"]}
    assert (profile.handle, profile.name) == ("127.0.0.1", "Comments at Kettle Talk")
    assert profile.external_id.startswith("feeds:")


def test_a_named_list_stays_the_same_channel_when_it_changes(site: Site) -> None:
    site.pages["/a"] = site.pages["/b"] = Page(rss())
    one = connector(feeds=[f"{site.url}/a"], name="Forums").check()
    two = connector(feeds=[f"{site.url}/b", f"{site.url}/a"], name=" forums").check()
    assert one.external_id == two.external_id != connector(feeds=[f"{site.url}/a"]).check().external_id
    assert (one.name, connector(feeds=[f"{site.url}/a"]).check().name) == ("Forums", "Kettle Talk")


def test_it_says_what_is_wrong_with_an_address(site: Site) -> None:
    site.pages["/page"] = Page(b"<html><body>Hello</body></html>", "text/html")
    site.pages["/members"] = Page(rss(), login="a:b")
    site.pages["/busy"] = Page(status=503, headers={"Retry-After": "120"})
    for path, error, words in [
        ("/none", Refused, "404"),
        ("/page", Refused, "names no feed"),
        ("/members", CredentialsGone, "password"),
        ("/busy", TryAgain, "503"),
    ]:
        with pytest.raises(error, match=words) as raised:
            connector(feeds=[f"{site.url}{path}"]).check()
        assert f"{site.url}{path}" in str(raised.value)
    with pytest.raises(Refused, match="no feed"):
        connector(feeds=["  "]).check()
    with pytest.raises(Refused, match="not a web address"):
        connector(feeds=["file:///etc/passwd"]).check()
    with pytest.raises(Refused, match="50 feeds"):
        connector(feeds=[f"{site.url}/{n}" for n in range(51)]).check()


def test_several_feeds_are_one_channel(site: Site) -> None:
    site.pages["/a"] = Page(rss())
    site.pages["/b"] = Page(rss())
    profile = connector(feeds=[f"{site.url}/a", f"{site.url}/b", f"{site.url}/a"]).check()
    assert profile.name == "Kettle Talk and 1 more"
    assert profile.settings["feeds"] == [f"{site.url}/a", f"{site.url}/b"]


# Hearing ------------------------------------------------------------------------------------------
def test_what_customers_say_comes_once(place: FeedsPlace) -> None:
    feeds = connector(**{**place.values(), "feeds": [f"{place.site.url}/comments.atom"]})
    first = place.customer_says("The kettle leaks", image=True)
    polled = feeds.poll({})
    (event,) = CONNECTOR.parse(polled.items[0].kind, polled.items[0].payload)
    assert isinstance(event, MessageSeen)
    assert (event.external_id, event.text) == (first, "Comment\n\nThe kettle leaks")
    assert event.author.external_id == f"{place.site.url}/people/mirela"
    assert [(one.url, one.alt) for one in event.media] == [(f"{place.site.url}/box.jpg", "A broken box")]
    again = feeds.poll(polled.cursor)
    assert (again.items, place.site.statuses("/comments.atom")) == ([], [200, 304])
    place.customer_says("Still leaking", to=first)
    third = feeds.poll(again.cursor)
    (reply,) = CONNECTOR.parse(third.items[0].kind, third.items[0].payload)
    assert isinstance(reply, MessageSeen)
    assert reply.parent_id == first


def test_an_edit_comes_as_one(place: FeedsPlace) -> None:
    feeds = connector(**{**place.values(), "feeds": [f"{place.site.url}/comments.atom"]})
    name = place.customer_says("It leeks")
    polled = feeds.poll({})
    place.customer_edits(name, "It leaks")
    edited = feeds.poll(polled.cursor)
    (event,) = CONNECTOR.parse(edited.items[0].kind, edited.items[0].payload)
    assert isinstance(event, MessageSeen)
    assert (event.external_id, event.text) == (name, "Comment\n\nIt leaks")
    assert event.edited_at is not None
    assert edited.items[0].key != polled.items[0].key
    # Who has lost the cursor brings the same happening, not another one.
    assert feeds.poll({}).items[0].key == edited.items[0].key


def test_an_update_that_changes_nothing_is_no_edit(site: Site) -> None:
    def feed(updated: str, words: str = "same") -> bytes:
        return (
            '<feed xmlns="http://www.w3.org/2005/Atom"><title>T</title><entry><id>tag:a</id><title>A</title>'
            f"<published>{now}</published><updated>{updated}</updated><summary>{words}</summary></entry></feed>"
        ).encode()

    now = datetime.now(UTC).isoformat()
    later = (datetime.now(UTC) + timedelta(seconds=90)).isoformat()
    site.pages["/f"] = Page(feed(now))
    feeds = connector(feeds=[f"{site.url}/f"])
    polled = feeds.poll({})
    site.pages["/f"] = Page(feed(later))
    assert feeds.poll(polled.cursor).items == []
    site.pages["/f"] = Page(feed(now, "3 comments"))  # it drifts, without the feed saying that it changed
    assert feeds.poll(polled.cursor).items == []
    site.pages["/f"] = Page(feed(later, "other"))
    assert texts(feeds.poll(polled.cursor)) == ["A\n\nother"]


def test_the_past_is_left_where_it_is(site: Site) -> None:
    old, undated = item("old", ago=timedelta(days=40)), item("undated", ago=None)
    site.pages["/f"] = Page(rss(item("new", ago=timedelta(hours=2)), old, undated))
    feeds = connector(feeds=[f"{site.url}/f"])
    first = feeds.poll({})
    assert texts(first) == ["new"]
    site.pages["/f"] = Page(rss())  # a mistake of the site's
    second = feeds.poll(first.cursor)
    site.pages["/f"] = Page(
        rss(item("undated 2", ago=None), item("new", ago=timedelta(hours=2)), old, undated)
    )
    third = feeds.poll(second.cursor)
    assert texts(third) == ["undated 2"]


def test_only_entries_with_the_words_are_taken(site: Site) -> None:
    site.pages["/f"] = Page(rss(item("1", "MOKKA is great"), item("2", "Tea is great")))
    assert texts(connector(feeds=[f"{site.url}/f"], words=["mokka", " "]).poll({})) == ["MOKKA is great"]


def test_what_cannot_be_read_is_kept_for_an_operator(site: Site) -> None:
    site.pages["/f"] = Page(
        b'{"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "1", "content_html": ["x"]}]}',
        "application/json",
    )
    feeds = connector(feeds=[f"{site.url}/f"])
    first = feeds.poll({})
    with pytest.raises(TypeError):
        CONNECTOR.parse(first.items[0].kind, first.items[0].payload)
    assert feeds.poll({}).items[0].key == first.items[0].key


def test_the_pace_is_the_feed_s_within_bounds(site: Site) -> None:
    for head, headers, minutes in [
        ("", {}, 15),
        ("<ttl>60</ttl>", {}, 60),
        ("<ttl>1</ttl>", {}, 5),
        ("<ttl>99999</ttl>", {}, 360),
        ("<ttl>nonsense</ttl>", {"Cache-Control": "public, max-age=1800"}, 30),
        ("", {"Cache-Control": "s-maxage=5, max-age=99999999"}, 360),
        ("", {"Expires": "Thu, 01 Jan 1970 00:00:00 GMT"}, 15),
    ]:
        site.pages["/f"] = Page(rss(head=head), headers=headers)
        wait = connector(feeds=[f"{site.url}/f"]).poll({}).next_after
        assert wait is not None
        assert abs(wait - timedelta(minutes=minutes)) < timedelta(seconds=10), (head, headers)


# What servers do ----------------------------------------------------------------------------------
def test_redirects_are_followed_and_lasting_ones_remembered(site: Site) -> None:
    site.pages["/old"] = Page(status=301, headers={"Location": "/newer"})
    site.pages["/newer"] = Page(status=308, headers={"Location": "/for-now"})
    site.pages["/for-now"] = Page(status=302, headers={"Location": f"{site.url}/f"})
    site.pages["/f"] = Page(rss(item("1")))
    feeds = connector(feeds=[f"{site.url}/old"])
    first = feeds.poll({})
    assert texts(first) == ["1"]
    again = feeds.poll(first.cursor)
    assert (site.statuses("/old"), site.statuses("/newer")) == ([301], [308])
    assert site.statuses("/for-now") == [302, 302]  # the temporary one is asked again
    assert site.statuses("/f") == [200, 304]
    # The new address turns out to be nothing: the one that was given still counts.
    site.pages["/for-now"] = Page(b"<html>Welcome to our hotel</html>", "text/html")
    site.pages["/old"] = Page(rss(item("1"), item("2")))
    assert texts(feeds.poll(again.cursor)) == ["2"]


def test_redirects_end(site: Site) -> None:
    site.pages["/round"] = Page(status=302, headers={"Location": "/round"})
    with pytest.raises(Refused, match="more than 5"):
        connector(feeds=[f"{site.url}/round"]).poll({})
    assert len(site.statuses("/round")) == 6
    site.pages["/out"] = Page(status=302, headers={"Location": "file:///etc/passwd"})
    with pytest.raises(Refused, match="no web address"):
        connector(feeds=[f"{site.url}/out"]).poll({})


def test_no_redirect_leads_into_a_private_network(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = Site()
    inner.pages["/f"] = Page(rss(item("secret")))
    outer = http.may_call
    site.pages["/f"] = Page(status=302, headers={"Location": f"http://localhost:{inner.port}/f"})
    calls: list[str] = []

    def only_once(address: str, *, private_ok: bool = False) -> bool:
        calls.append(address)
        return len(calls) == 1 and outer(address)  # the first site passes for a public one

    monkeypatch.setattr(http, "may_call", only_once)
    with pytest.raises(Refused, match="private network"):
        connector(feeds=[f"{site.url}/f"]).poll({})
    assert inner.asked == []
    inner.stop()


def test_a_password_stays_with_its_site(site: Site) -> None:
    other = Site()
    other.pages["/f"] = Page(rss())
    site.pages["/f"] = Page(status=302, headers={"Location": f"{other.url}/f"})
    connector(feeds=[f"{site.url}/f"], user="alvara", password="s3cret").poll({})
    assert "authorization" in site.headers_of("/f")[0]
    assert "authorization" not in other.headers_of("/f")[0]
    other.stop()


def test_a_password_stays_with_its_site_when_the_feed_has_moved(site: Site, other: Site) -> None:
    """Remembered from the poll before, the new place is the feed's, but not the password's."""
    other.pages["/f"] = Page(rss(item("a")))
    other.pages["/older"] = Page(rss(item("b")))
    site.pages["/f"] = Page(status=301, headers={"Location": f"{other.url}/f"})
    one = connector(feeds=[f"{site.url}/f"], user="alvara", password="s3cret")
    one.poll(one.poll({}).cursor)
    assert len(other.headers_of("/f")) == 2
    assert all("authorization" not in sent for sent in other.headers_of("/f"))
    since = datetime.now(UTC) - timedelta(days=9)
    one.history({"feed": 0, "url": f"{other.url}/older", "page": 1}, since=since)
    assert "authorization" not in other.headers_of("/older")[0]


def test_a_page_cannot_name_the_site_that_is_told_the_password(site: Site, other: Site) -> None:
    other.pages["/f"] = Page(rss())
    link = f'<link rel="alternate" type="{RSS}" href="{other.url}/f">'
    site.pages["/"] = Page(f"<html><head>{link}</head></html>".encode(), content_type="text/html")
    with pytest.raises(Refused, match="another site"):
        connector(feeds=[f"{site.url}/"], user="alvara", password="s3cret").check()
    assert other.headers_of("/f") == []
    assert connector(feeds=[f"{site.url}/"]).check().settings == {"feeds": [f"{other.url}/f"]}


def test_credentials_end_and_are_renewed(place: FeedsPlace) -> None:
    def feeds() -> FeedsConnector:
        return connector(**{**place.values(), "feeds": [f"{place.site.url}/comments.atom"]})

    cursor = feeds().poll({}).cursor
    place.revoke()
    with pytest.raises(CredentialsGone):
        feeds().poll(cursor)
    place.renew()
    place.customer_says("Back")
    assert texts(feeds().poll(cursor)) == ["Comment\n\nBack"]


def test_an_outage_loses_nothing(place: FeedsPlace) -> None:
    feeds = connector(**{**place.values(), "feeds": [f"{place.site.url}/comments.atom"]})
    cursor = feeds.poll({}).cursor
    place.customer_says("Before")
    with place.outage():
        with pytest.raises(TryAgain):
            feeds.poll(cursor)
        place.customer_says("Meanwhile")
    assert texts(feeds.poll(cursor)) == ["Comment\n\nMeanwhile", "Comment\n\nBefore"]


def test_it_waits_as_long_as_it_is_told(site: Site) -> None:
    site.pages["/f"] = Page(status=429, headers={"Retry-After": "90"})
    with pytest.raises(TryAgain) as raised:
        connector(feeds=[f"{site.url}/f"]).poll({})
    assert raised.value.after == timedelta(seconds=90)


def test_a_feed_that_is_gone_is_not_asked_again(site: Site) -> None:
    site.pages["/gone"] = Page(status=410)
    site.pages["/f"] = Page(rss(item("1")))
    with pytest.raises(Refused, match="gone for good"):
        connector(feeds=[f"{site.url}/gone"]).poll({})
    feeds = connector(feeds=[f"{site.url}/gone", f"{site.url}/f"])
    polled = feeds.poll({})
    assert texts(polled) == ["1"]
    for _n in range(3):
        polled = feeds.poll(polled.cursor)
    assert site.statuses("/gone") == [410, 410]


def test_a_failing_feed_hinders_no_other_and_is_asked_less_often(site: Site) -> None:
    site.pages["/busy"] = Page(status=503, headers={"Retry-After": "7200"})
    site.pages["/f"] = Page(rss(item("1")))
    feeds = connector(feeds=[f"{site.url}/busy", f"{site.url}/f"])
    first = feeds.poll({})
    assert texts(first) == ["1"]
    assert first.cursor["feeds"][f"{site.url}/busy"]["error"]
    second = feeds.poll(first.cursor)
    assert site.statuses("/busy") == [503]
    assert second.next_after is not None
    assert second.next_after <= timedelta(minutes=15)
    site.pages["/f"] = Page(status=500)
    with pytest.raises(TryAgain):
        feeds.poll(second.cursor)


def test_only_feeds_that_are_due_are_asked(site: Site) -> None:
    site.pages["/slow"] = Page(rss(head="<ttl>300</ttl>"))
    site.pages["/quick"] = Page(rss())
    feeds = connector(feeds=[f"{site.url}/slow", f"{site.url}/quick"])
    cursor = dict(feeds.poll({}).cursor)
    cursor["feeds"][f"{site.url}/quick"]["next"] = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    cursor = feeds.poll(cursor).cursor
    assert (len(site.statuses("/slow")), len(site.statuses("/quick"))) == (1, 2)
    # Nothing is due: somebody wants to know now.
    feeds.poll(cursor)
    assert (len(site.statuses("/slow")), len(site.statuses("/quick"))) == (2, 3)


def test_a_feed_that_is_no_longer_listed_is_forgotten(site: Site) -> None:
    site.pages["/a"] = site.pages["/b"] = Page(rss())
    cursor = connector(feeds=[f"{site.url}/a", f"{site.url}/b"]).poll({}).cursor
    assert set(connector(feeds=[f"{site.url}/b"]).poll(cursor).cursor["feeds"]) == {f"{site.url}/b"}


def test_what_unpacks_without_end_is_not_kept(site: Site) -> None:
    packed = gzip.compress(b"<rss>" + b" " * 60_000_000)
    site.pages["/f"] = Page(packed, conditional=False, headers={"Content-Encoding": "gzip"})
    begun = time.monotonic()
    with pytest.raises((TryAgain, Refused)):
        connector(feeds=[f"{site.url}/f"]).poll({})
    assert time.monotonic() - begun < 5


def test_it_goes_back_page_by_page_as_far_as_wanted(site: Site) -> None:
    def page(number: int, following: int | None) -> bytes:
        link = f'<link rel="next" href="{site.url}/p{following}"/>' if following else ""
        at = (datetime.now(UTC) - timedelta(days=number)).isoformat()
        return (
            f'<feed xmlns="http://www.w3.org/2005/Atom"><title>T</title>{link}<entry><id>tag:{number}</id>'
            f"<title>day {number}</title><published>{at}</published></entry></feed>"
        ).encode()

    for number in range(1, 6):
        site.pages[f"/p{number}"] = Page(page(number, number + 1))
    feeds = connector(feeds=[f"{site.url}/p1"])
    since, cursor, found = datetime.now(UTC) - timedelta(days=3, hours=1), {}, []
    for _page in range(10):
        polled = feeds.history(cursor, since=since)
        found += texts(polled)
        cursor = dict(polled.cursor)
        if not polled.more:
            break
    assert found == ["day 1", "day 2", "day 3"]
    assert site.statuses("/p5") == []
    # What is in the poll's window too is the same happening.
    site.pages["/p1"] = Page(page(0, None))
    (polled_item,) = feeds.poll({}).items
    (of_the_past,) = feeds.history({}, since=since).items
    assert polled_item.key == of_the_past.key
