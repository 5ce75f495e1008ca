"""From a page's address to its feed: what it names with ``<link rel="alternate">``."""

from __future__ import annotations

from html.parser import HTMLParser

from django.utils.translation import gettext as _

from rapport.networks.errors import Refused
from rapport.networks.feeds.fetch import Fetched, Login, fetch, same_site
from rapport.networks.feeds.plain import absolute, sanitised
from rapport.networks.feeds.read import NotAFeed

_TYPES = frozenset(
    {"application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml"}
)
_MAX_PAGE = 200_000
_ATTRIBUTES = {"link": {"rel", "type", "href"}, "base": {"href"}}


class _Links(HTMLParser):
    def __init__(self, address: str) -> None:
        super().__init__()
        self._base = address
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "base":
            self._base = absolute(given.get("href", ""), self._base) or self._base
        elif tag == "link" and "alternate" in given.get("rel", "").lower().split():
            kind = given.get("type", "").split(";")[0].strip().lower()
            url = absolute(given.get("href", ""), self._base)
            if kind in _TYPES and url and url not in self.found:
                self.found.append(url)


def named_feeds(html: str, address: str) -> list[str]:
    """Addresses of the feeds that a page names, in its order."""
    reader = _Links(address)
    # The sanitiser reads anything in linear time and answers with sound markup; Python's parser does not.
    reader.feed(sanitised(html[:_MAX_PAGE], _ATTRIBUTES))
    return reader.found


def discover(address: str, *, login: Login | None = None) -> tuple[str, Fetched]:
    """The feed at ``address``, or the first one that the page there names: ``(its address, the feed)``.

    Raises as :func:`~.fetch.fetch` does.
    """
    try:
        return address, fetch(address, login=login)
    except NotAFeed as error:
        named = named_feeds(error.html, address) if error.html else []
        if not named:
            raise
    if login is not None and not same_site(named[0], address):
        raise Refused(
            _(
                "The page names a feed on another site: %(feed)s. Is the password for that one? Then give its address."
            )
            % {"feed": named[0][:300]}
        )
    return named[0], fetch(named[0], login=login)
