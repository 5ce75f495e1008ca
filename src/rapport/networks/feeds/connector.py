"""RSS, Atom and JSON feeds: one channel is one feed, or a list of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext

from rapport.networks.base import Capabilities, Connector, Event, Guide, Hears, Polled, Profile, Tested
from rapport.networks.errors import CredentialsGone, NetworkError, Refused, TryAgain
from rapport.networks.feeds import history, poll
from rapport.networks.feeds.discover import discover
from rapport.networks.feeds.entries import digest
from rapport.networks.feeds.fetch import Fetched, Login, words_for
from rapport.networks.feeds.guide import GUIDE, MAX_FEEDS
from rapport.networks.feeds.parse import KINDS, parse_event
from rapport.networks.feeds.read import NotAFeed


class FeedsConnector(Connector):
    """Settings: ``name``, ``feeds`` (list of addresses), ``words`` (list). Credentials: ``user`` and ``password``,
    for feeds that are not public."""

    network: ClassVar[str] = "feeds"
    label = lazy("Feeds")
    capabilities: ClassVar[Capabilities] = Capabilities(
        max_length=100_000,  # nothing can be sent; it has no meaning here
        hears=frozenset({Hears.LISTEN, Hears.REVIEWS, Hears.COMMENTS}),
        send=False,
        public_reply=False,
        poll=True,
        history=True,
        tested=Tested.SERVER,
    )
    guide: ClassVar[Guide | None] = GUIDE
    kinds: ClassVar[Mapping[str, str]] = KINDS

    def check(self) -> Profile:
        """Read every feed. A page's address becomes that of the feed it names, which is kept."""
        addresses = self._addresses()
        found: dict[str, Fetched] = {}
        for address in addresses:
            try:
                actual, got = discover(address, login=self._login())
            except NotAFeed as error:
                raise Refused(f"{address}: {words_for(error)}") from error
            except CredentialsGone as error:
                raise CredentialsGone(f"{address}: {error}") from error
            except TryAgain as error:
                raise TryAgain(f"{address}: {error}", after=error.after) from error
            except NetworkError as error:
                raise Refused(f"{address}: {error}") from error
            found.setdefault(actual, got)
        return self._profile(found)

    def _profile(self, found: Mapping[str, Fetched]) -> Profile:
        first, got = next(iter(found.items()))
        about = got.feed.about if got.feed is not None else {}
        host = urlsplit(first).hostname or first
        given = " ".join(str(self.account.settings.get("name") or "").split())
        name = given or str(about.get("title") or host)
        if len(found) > 1 and not given:
            more = len(found) - 1
            name = ngettext("%(name)s and %(n)d more", "%(name)s and %(n)d more", more) % {
                "name": name,
                "n": more,
            }
        return Profile(
            # With a name of its own the channel stays what it is when the list changes.
            external_id=f"feeds:{digest(given.casefold() or first, 12)}",
            handle=host,
            name=name,
            url=str(about.get("link") or first),
            bio=got.feed.description if got.feed is not None else "",
            link=str(about.get("link") or ""),
            picture_url=got.feed.picture if got.feed is not None else "",
            settings={"feeds": list(found)},
        )

    @staticmethod
    def troubles(cursor: Mapping[str, Any]) -> Mapping[str, str]:
        feeds = cursor.get("feeds")
        kept = feeds.items() if isinstance(feeds, dict) else ()
        return {
            address: str(one["error"]) for address, one in kept if isinstance(one, dict) and one.get("error")
        }

    def poll(self, cursor: Mapping[str, Any]) -> Polled:
        words = [str(one).strip() for one in self.account.settings.get("words") or [] if str(one).strip()]
        return poll.poll(self._addresses(), cursor, login=self._login(), words=words)

    def history(self, cursor: Mapping[str, Any], *, since: datetime) -> Polled:
        return history.history(self._addresses(), cursor, since=since, login=self._login())

    @staticmethod
    def parse(kind: str, payload: Any) -> list[Event]:
        return parse_event(kind, payload)

    def _addresses(self) -> list[str]:
        given = self.account.settings.get("feeds") or []
        given = given.splitlines() if isinstance(given, str) else given
        # People paste addresses without their beginning, or with that of feed readers.
        found = [str(one).strip().removeprefix("feed:").removeprefix("//") for one in given]
        found = [one if "://" in one else f"https://{one}" for one in found if one]
        addresses = list(dict.fromkeys(found))
        if not addresses:
            raise Refused(_("The channel has no feed. Give the address of one."))
        if len(addresses) > MAX_FEEDS:
            raise Refused(
                _("A channel can have %(n)d feeds. Make another channel for the rest.") % {"n": MAX_FEEDS}
            )
        for one in addresses:
            if not one.startswith(("http://", "https://")):
                raise Refused(_("%(address)s is not a web address.") % {"address": one[:200]})
        return addresses

    def _login(self) -> Login | None:
        user = str(self.account.settings.get("user") or self.account.credentials.get("user") or "")
        password = str(self.account.credentials.get("password") or "")
        return Login(user=user, password=password) if user or password else None


CONNECTOR = FeedsConnector
