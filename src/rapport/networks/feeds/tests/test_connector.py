"""Which feeds an address leads to, and what is heard from them, over a real web server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rapport.networks.base import MessageSeen
from rapport.networks.errors import CredentialsGone, Refused, TryAgain
from rapport.networks.feeds.connector import CONNECTOR
from rapport.networks.feeds.tests.making import connector, item, rss, texts
from rapport.networks.feeds.tests.place import FeedsPlace
from rapport.networks.feeds.tests.site import Page, Site


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
