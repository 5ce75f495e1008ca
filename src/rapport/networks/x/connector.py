"""X's connector: API v2 for one account."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from rapport.networks.base import (
    Account,
    Authorization,
    Capabilities,
    Connector,
    Delivery,
    Elsewhere,
    Event,
    Granted,
    Hears,
    OutgoingMessage,
    Polled,
    Profile,
    Received,
    Renewed,
    Sent,
    Tested,
    Visibility,
)
from rapport.networks.errors import TryAgain
from rapport.networks.x import login, media, poll, send, stream, webhooks
from rapport.networks.x.api import api_for, setting
from rapport.networks.x.guide import BUDGETS, DEFAULT_TIER, GUIDE
from rapport.networks.x.parse import parse_event
from rapport.networks.x.text import MAX_LONG_POST, MAX_POST, weighted_length

# https://docs.x.com/x-api/fundamentals/data-dictionary/reference (subscription_type)
_LONG_POSTS = frozenset({"Basic", "Premium", "PremiumPlus"})
_PROFILE_FIELDS = "description,entities,name,profile_image_url,public_metrics,subscription_type,url,username"


class XConnector(Connector):
    """Credentials: ``access_token``, ``refresh_token``, ``expires_at``, ``client_secret``, and where used
    ``consumer_secret`` (webhooks) and ``bearer_token`` (stream). Settings: the other fields of the guide."""

    network = "x"
    label = "X"
    guide = GUIDE
    webhook_secrets = ("consumer_secret",)
    hook_per_app = True
    kinds = {
        "post": "a post, an answer, a quote or a repost, as API v2 and the X Activity API write it",
        "context": "a post that is only there so that a thread can be read",
        "dm": "a private message, as API v2 writes it",
        "gone": "a post that was looked up and is not found any more",
        "dm.received": "a private message to us, pushed by the X Activity API",
        "dm.sent": "a private message of ours, pushed by the X Activity API",
        "like.create": "a like, pushed by the X Activity API",
        "post.delete": "a post of ours that was deleted, pushed by the X Activity API",
        "tweet_create_events": "a post, pushed by the older Account Activity API",
        "direct_message_events": "a private message, pushed by the older Account Activity API",
        "favorite_events": "a like, pushed by the older Account Activity API",
        "tweet_delete_events": "a post of ours that was deleted, pushed by the older Account Activity API",
    }
    capabilities = Capabilities(
        max_length=MAX_POST,
        max_length_private=10_000,
        counts="units: most letters 1, CJK and emoji 2, a link 23",
        counts_private="characters",
        hears=frozenset({Hears.MENTIONS, Hears.COMMENTS, Hears.PRIVATE, Hears.LISTEN}),
        private_reply=True,
        private_reply_to_public=True,
        threads=True,
        answers_elsewhere=Elsewhere.NETWORK,
        find_lag=timedelta(seconds=30),
        delete=True,
        poll=True,
        webhook=True,
        stream=True,
        history=True,
        media=media.RULES,
        media_private=media.RULES_PRIVATE,
        budgets=BUDGETS[DEFAULT_TIER],
        profile=True,
        max_bio_length=160,
        tested=Tested.DOUBLE,
    )

    # Connecting -----------------------------------------------------------------------------------
    def check(self) -> Profile:
        found = self._api.json("GET", "2/users/me", params={"user.fields": _PROFILE_FIELDS})
        try:
            return _profile(found["data"], self.account)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise TryAgain(_("The network's answer could not be read.")) from error

    @classmethod
    def begin(cls, values: Mapping[str, Any], *, redirect_uri: str, state: str) -> Authorization:
        return login.begin(values, redirect_uri=redirect_uri, state=state)

    @classmethod
    def finish(
        cls,
        values: Mapping[str, Any],
        *,
        keep: Mapping[str, Any],
        query: Mapping[str, str],
        redirect_uri: str,
    ) -> Sequence[Granted]:
        return login.finish(values, keep=keep, query=query, redirect_uri=redirect_uri)

    def renew(self) -> Renewed | None:
        return login.renew(self.account)

    # Hearing --------------------------------------------------------------------------------------
    @staticmethod
    def troubles(cursor: Mapping[str, Any]) -> Mapping[str, str]:
        return poll.troubles(cursor, datetime.now(UTC))

    def poll(self, cursor: Mapping[str, Any]) -> Polled:
        return poll.poll(self._api, self._known(), cursor)

    def stream(self, cursor: Mapping[str, Any], stop: Callable[[], bool]) -> Iterator[Polled]:
        yield from stream.stream(self._known(), cursor, stop)

    def history(self, cursor: Mapping[str, Any], *, since: datetime) -> Polled:
        return poll.history(self._api, self._known(), cursor, since=since)

    @classmethod
    def addressees(cls, delivery: Delivery) -> Sequence[str] | None:
        return webhooks.addressees(delivery)

    def receive(self, delivery: Delivery) -> Received:
        return webhooks.receive(self.account, delivery)

    def verify(self, delivery: Delivery) -> Received:
        return webhooks.verify(self.account, delivery)

    @staticmethod
    def parse(kind: str, payload: Any) -> list[Event]:
        return parse_event(kind, payload)

    # Speaking -------------------------------------------------------------------------------------
    @property
    def rules(self) -> Capabilities:
        tier = setting(self.account, "tier")
        long_posts = setting(self.account, "subscription_type") in _LONG_POSTS
        return replace(
            self.capabilities,
            max_length=MAX_LONG_POST if long_posts else MAX_POST,
            stream=bool(setting(self.account, "bearer_token")),
            budgets=BUDGETS.get(tier, BUDGETS[DEFAULT_TIER]),
        )

    def length(self, text: str, visibility: Visibility = "public") -> int:
        return len(text) if visibility == "private" else weighted_length(text)

    def send(self, message: OutgoingMessage) -> Sent:
        return send.send(self._api, self._known(), message)

    def find_sent(self, message: OutgoingMessage) -> Sent | None:
        return send.find_sent(self._api, self._known(), message)

    def delete(self, external_id: str) -> None:
        send.delete(self._api, external_id)

    @property
    def _api(self) -> Any:
        return api_for(self.account, self.seen_limits)

    def _known(self) -> Account:
        """The account with its id, which X wants in most addresses; asked for while connecting."""
        if self.account.external_id:
            return self.account
        found = self.check()
        return replace(self.account, external_id=found.external_id, handle=found.handle)


def _profile(user: Mapping[str, Any], account: Account) -> Profile:
    bio = str(user.get("description") or "")
    links = ((user.get("entities") or {}).get("url") or {}).get("urls") or []
    handle = str(user["username"])
    subscription = user.get("subscription_type")
    return Profile(
        external_id=str(user["id"]),
        handle=handle,
        name=str(user.get("name") or ""),
        url=f"https://x.com/{handle}",
        bio=bio,
        bio_length=len(bio),
        link=str(links[0].get("expanded_url") or "") if links else str(user.get("url") or ""),
        picture_url=str(user.get("profile_image_url") or ""),
        followers=(user.get("public_metrics") or {}).get("followers_count"),
        settings={"subscription_type": str(subscription)} if subscription else {},
        expires_at=login.expires_at(account.credentials),
    )


CONNECTOR = XConnector
