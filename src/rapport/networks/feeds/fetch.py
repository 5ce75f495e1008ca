"""One conditional GET of one feed: redirects, what is remembered of the address, and how it can end."""

from __future__ import annotations

import base64
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

import httpx
from django.utils.translation import gettext as _

from rapport.networks.client import Api, usual
from rapport.networks.errors import CredentialsGone, NetworkError, Refused, TryAgain
from rapport.networks.feeds.read import MAX_BYTES, Feed, NotAFeed, read

MAX_REDIRECTS = 5
# One feed with all its redirects. A poll's lease is 45 seconds.
DEADLINE_S = 15.0
_AGENT = "Rapport (self-hosted customer care; feed reader)"
_ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml;q=0.9, "
    "application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.7, text/html;q=0.5, */*;q=0.1"
)
_REDIRECTS = (301, 302, 303, 307, 308)
_FOR_EVER = (301, 308)
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?(\d{1,9})", re.IGNORECASE)


class Gone(Refused):
    """The site says that the feed is gone for good (410)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """``feed`` is None when nothing changed (304). ``address``: where it is from now on. ``fresh_for``: how
    long the site says that its answer holds."""

    feed: Feed | None
    address: str
    final: str
    etag: str = ""
    modified: str = ""
    fresh_for: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """HTTP Basic credentials, for the one site they belong to."""

    user: str
    password: str

    def header(self) -> str:
        pair = f"{self.user}:{self.password}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"


def fetch(
    address: str, *, etag: str = "", modified: str = "", login: Login | None = None, home: str = ""
) -> Fetched:
    """Fetch and read a feed. ``login`` goes only to the origin of ``home``, which is ``address`` unless a site
    said that its feed, or a page of it, is at ``address`` now.

    Raises the three errors, :class:`Gone` for a 410, and :class:`~.read.NotAFeed` for another document.
    """
    if home and not same_site(address, home):
        login = None
    response, final, lasting = _get(address, etag=etag, modified=modified, login=login)
    if response.status_code == 304:
        return Fetched(
            feed=None, address=lasting, final=final, etag=etag, modified=modified, fresh_for=_fresh(response)
        )
    feed = read(response.content, content_type=response.headers.get("Content-Type", ""), address=final)
    return Fetched(
        feed=feed,
        address=lasting,
        final=final,
        etag=response.headers.get("ETag", "")[:500],
        modified=response.headers.get("Last-Modified", "")[:100],
        fresh_for=_fresh(response),
    )


def _get(address: str, *, etag: str, modified: str, login: Login | None) -> tuple[httpx.Response, str, str]:
    """The last answer, its address, and the last address that permanent redirects alone lead to."""
    # Both are sent back as they came (RFC 9110, 13.1.2 and 13.1.3).
    conditions = {"If-None-Match": etag, "If-Modified-Since": modified}
    url = lasting = address
    permanent = True
    end = time.monotonic() + DEADLINE_S
    for _hop in range(MAX_REDIRECTS + 1):
        left = end - time.monotonic()
        if left <= 0:
            raise TryAgain(_("The site takes too long to answer."))
        headers = {"User-Agent": _AGENT, "Accept": _ACCEPT}
        headers |= {name: value for name, value in conditions.items() if value}
        if login is not None and _origin(url) == _origin(address):
            headers["Authorization"] = login.header()
        api = Api(url, headers=headers, explain=_explain)
        response = api.call("GET", url, accept=(*_REDIRECTS, 304), deadline_s=left, max_bytes=MAX_BYTES)
        to = response.headers.get("Location", "")
        if response.status_code not in _REDIRECTS:
            return response, url, lasting
        url = _joined(url, to)
        permanent = permanent and response.status_code in _FOR_EVER
        if permanent:
            lasting = url
    raise Refused(_("The feed's address redirects more than %(n)d times.") % {"n": MAX_REDIRECTS})


def _joined(url: str, location: str) -> str:
    try:
        found = urljoin(url, location.strip())
        parts = urlsplit(found)
    except ValueError:
        parts, found = urlsplit(""), ""
    if parts.scheme not in {"http", "https"} or not parts.hostname or len(found) > 2000:
        raise Refused(_("The feed's address redirects to something that is no web address."))
    return found


def same_site(one: str, other: str) -> bool:
    """Whether two addresses are of one origin, so that a password for one may be told to the other."""
    return _origin(one) == _origin(other)


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port


def _explain(response: httpx.Response, *, writes: bool) -> NetworkError | None:
    status = response.status_code
    if status == 410:
        return Gone(_("The feed is gone for good, says its site (410)."))
    if status == 401:
        return CredentialsGone(_("The feed asks for a user name and a password, or no longer takes ours."))
    if status == 403:
        return Refused(_("The site does not let Rapport read this feed (403)."))
    if status == 404:
        return Refused(_("There is no feed at this address (404)."))
    return usual(response, writes=writes)


def _fresh(response: httpx.Response) -> timedelta | None:
    """How long the answer holds: Cache-Control's max-age, else Expires (RFC 9111, 4.2.1)."""
    found = _MAX_AGE.search(response.headers.get("Cache-Control", ""))
    if found:
        return timedelta(seconds=int(found.group(1)))
    try:
        expires = parsedate_to_datetime(response.headers.get("Expires", ""))
        expires = expires if expires.tzinfo else expires.replace(tzinfo=UTC)
        return max(expires - datetime.now(UTC), timedelta(0))
    except (ValueError, TypeError, OverflowError):
        return None


def words_for(error: NotAFeed) -> str:
    """Why a document is not taken, for people."""
    return {
        "too large": _("The feed is larger than %(n)d MB.") % {"n": MAX_BYTES // 1_000_000},
        "a web page": _("This is a web page, not a feed, and it names no feed of its own."),
        "nested too deep": _("The feed is nested too deep to be read safely."),
        "tags that never end": _("The feed is broken: its tags never end."),
        "cut off": _("The feed is cut off in the middle."),
    }.get(str(error), _("What the site answered is not a feed."))
