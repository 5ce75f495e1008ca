"""What sites do: they move, ask for passwords, are busy, go away, and lead elsewhere."""

from __future__ import annotations

import gzip
import time
from datetime import UTC, datetime, timedelta

import pytest

from rapport.networks import http
from rapport.networks.errors import CredentialsGone, Refused, TryAgain
from rapport.networks.feeds.connector import FeedsConnector
from rapport.networks.feeds.tests.making import connector, item, rss, texts
from rapport.networks.feeds.tests.place import FeedsPlace
from rapport.networks.feeds.tests.site import Page, Site

RSS = "application/rss+xml"


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
