"""Reddit's connector: its API for one account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from rapport.networks.base import (
    Account,
    Authorization,
    Capabilities,
    Connector,
    Event,
    Granted,
    Hears,
    OutgoingMessage,
    Polled,
    Profile,
    Renewed,
    Sent,
    Tested,
)
from rapport.networks.client import Api
from rapport.networks.errors import Refused, TryAgain
from rapport.networks.reddit import login, poll, send
from rapport.networks.reddit.api import api_for
from rapport.networks.reddit.guide import BUDGETS, GUIDE
from rapport.networks.reddit.parse import SITE, parse_event


class RedditConnector(Connector):
    """Credentials: ``access_token``, ``refresh_token``, ``expires_at``, ``client_secret``. Settings: the other
    fields of the guide."""

    network = "reddit"
    label = "Reddit"
    guide = GUIDE
    kinds = {
        "t1": "a comment",
        "t3": "a post",
        "t4": "a private message",
        "modmail": "a message between the moderators of a community and one person",
        "context": "a comment or post that is only there so that a thread can be read",
    }
    capabilities = Capabilities(
        max_length=10_000,
        counts="characters, of Markdown",
        hears=frozenset({Hears.MENTIONS, Hears.COMMENTS, Hears.PRIVATE, Hears.LISTEN}),
        private_reply=True,
        private_reply_to_public=True,
        edit=True,
        find_lag=timedelta(seconds=30),
        delete=True,
        poll=True,
        history=True,
        budgets=BUDGETS,
        profile=True,
        max_bio_length=200,
        tested=Tested.DOUBLE,
    )

    # Connecting -----------------------------------------------------------------------------------
    def check(self) -> Profile:
        found = self._api.json("GET", "api/v1/me", params={"raw_json": "1"})
        try:
            if found.get("is_suspended"):
                raise Refused(_("Reddit has suspended the account."))
            return _profile(found, self.account)
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
        return login.finish(values, query=query, redirect_uri=redirect_uri)

    def renew(self) -> Renewed | None:
        return login.renew(self.account)

    # Hearing --------------------------------------------------------------------------------------
    @staticmethod
    def troubles(cursor: Mapping[str, Any]) -> Mapping[str, str]:
        return poll.troubles(cursor, datetime.now(UTC))

    def poll(self, cursor: Mapping[str, Any]) -> Polled:
        return poll.poll(self._api, self._known(), cursor)

    def history(self, cursor: Mapping[str, Any], *, since: datetime) -> Polled:
        return poll.history(self._api, self._known(), cursor, since=since)

    @staticmethod
    def parse(kind: str, payload: Any) -> list[Event]:
        return parse_event(kind, payload)

    # Speaking -------------------------------------------------------------------------------------
    def send(self, message: OutgoingMessage) -> Sent:
        return send.send(self._api, self._known(), message)

    def find_sent(self, message: OutgoingMessage) -> Sent | None:
        return send.find_sent(self._api, self._known(), message)

    def edit(self, external_id: str, text: str, *, parent_id: str | None = None) -> Sent:
        return send.edit(self._api, external_id, text)

    def delete(self, external_id: str) -> None:
        send.delete(self._api, external_id)

    @property
    def _api(self) -> Api:
        return api_for(self.account, self.seen_limits)

    def _known(self) -> Account:
        """The account with its name, which is part of addresses; asked for while connecting."""
        if self.account.external_id and self.account.handle:
            return self.account
        found = self.check()
        return replace(self.account, external_id=found.external_id, handle=found.handle)


def _profile(me: Mapping[str, Any], account: Account) -> Profile:
    page = me.get("subreddit") or {}
    bio, name = str(page.get("public_description") or ""), str(me["name"])
    followers = page.get("subscribers")
    return Profile(
        external_id=f"t2_{me['id']}",
        handle=name,
        name=str(page.get("title") or name),
        url=f"{SITE}/user/{name}",
        bio=bio,
        bio_length=len(bio),
        picture_url=str(me.get("icon_img") or ""),
        followers=followers if isinstance(followers, int) else None,
        expires_at=login.expires_at(account.credentials),
    )


CONNECTOR = RedditConnector
