"""Mastodon and the servers that speak its API, for one account. What it does is in the modules beside it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from rapport.networks.base import (
    Authorization,
    Budget,
    Capabilities,
    Connector,
    Elsewhere,
    Event,
    Granted,
    Hears,
    OutgoingMessage,
    Polled,
    Profile,
    Sent,
    Tested,
    Visibility,
)
from rapport.networks.errors import CredentialsGone
from rapport.networks.mastodon import auth, find, profile, send, server
from rapport.networks.mastodon.api import Mastodon, api_for
from rapport.networks.mastodon.guide import GUIDE
from rapport.networks.mastodon.history import history
from rapport.networks.mastodon.parse import KINDS, parse_event
from rapport.networks.mastodon.poll import poll
from rapport.networks.mastodon.stream import stream
from rapport.networks.mastodon.words import addressed


class MastodonConnector(Connector):
    """Credentials: ``token``, and ``client_id`` and ``client_secret`` after a login. Settings: ``server`` (its
    address), ``hashtags`` (list), ``timeline`` (``local``, ``federated`` or empty), and what :func:`.server.learn`
    found out."""

    network = "mastodon"
    label = "Mastodon"
    guide = GUIDE
    kinds = KINDS
    capabilities = Capabilities(
        max_length=500,
        counts="characters as people see them; a link is 23, a mention counts without its server",
        hears=frozenset({Hears.MENTIONS, Hears.COMMENTS, Hears.PRIVATE, Hears.LISTEN}),
        public_reply=True,
        private_reply=True,
        private_reply_to_public=True,
        threads=True,
        answers_elsewhere=Elsewhere.SERVER,
        edit=True,
        delete=True,
        poll=True,
        stream=True,
        history=True,
        media=server.MEDIA,
        media_private=server.MEDIA,
        # https://docs.joinmastodon.org/api/rate-limits/ and, for posts, app/lib/rate_limiter.rb.
        budgets=(
            Budget(name="read", calls=300, per=timedelta(minutes=5)),
            Budget(name="write", calls=300, per=timedelta(hours=3)),
        ),
        profile=True,
        profile_writes=frozenset({"name", "bio", "link"}),
        max_bio_length=500,
        tested=Tested.DOUBLE,
        facts={
            "limits": "each server sets its own; they are read when the channel is checked",
            "edit": "not of private posts on Takahē, which would make them public",
            "listen": "hashtags and public timelines, as far as the server knows them",
        },
    )

    def check(self) -> Profile:
        return profile.check(self._api(seconds=30), self.account.settings)

    @classmethod
    def begin(cls, values: Mapping[str, Any], *, redirect_uri: str, state: str) -> Authorization:
        return auth.begin(values, redirect_uri=redirect_uri, state=state)

    @classmethod
    def finish(
        cls,
        values: Mapping[str, Any],
        *,
        keep: Mapping[str, Any],
        query: Mapping[str, str],
        redirect_uri: str,
    ) -> Sequence[Granted]:
        return auth.finish(values, keep=keep, query=query, redirect_uri=redirect_uri)

    def poll(self, cursor: Mapping[str, Any]) -> Polled:
        return poll(self._bound(), self.account, cursor, now=datetime.now(UTC))

    def stream(self, cursor: Mapping[str, Any], stop: Callable[[], bool]) -> Iterator[Polled]:
        return stream(self._bound(), self.account, cursor, stop)

    def history(self, cursor: Mapping[str, Any], *, since: datetime) -> Polled:
        return history(self._bound(), self.account, cursor, since=since)

    @staticmethod
    def parse(kind: str, payload: Any) -> list[Event]:
        return parse_event(kind, payload)

    @property
    def rules(self) -> Capabilities:
        return server.rules(self.capabilities, self.account.settings)

    def written(self, text: str, visibility: Visibility, *, to: str = "") -> str:
        return addressed(text, [to.removeprefix("@")], domain=server.domain_of(self.account))

    def length(self, text: str, visibility: Visibility = "public") -> int:
        return server.length(text, self.account.settings)

    def send(self, message: OutgoingMessage) -> Sent:
        return send.send(self._bound(), self.account, message)

    def find_sent(self, message: OutgoingMessage) -> Sent | None:
        # A second try comes after it, within one lease.
        return find.find_sent(self._bound(seconds=12), self.account, message)

    def edit(self, external_id: str, text: str, *, parent_id: str | None = None) -> Sent:
        return send.edit(self._bound(), self.account, external_id, text)

    def delete(self, external_id: str) -> None:
        send.delete(self._bound(), external_id)

    def write_profile(self, changes: Mapping[str, str]) -> None:
        profile.write(self._bound(), changes)

    def _bound(self, *, seconds: float | None = None) -> Mastodon:
        """The API, for calls that need to know who we are there. ``seconds``: for all calls together."""
        if not self.account.external_id:
            raise CredentialsGone(_("The channel does not know its account. Connect it again."))
        return self._api(seconds=seconds)

    def _api(self, *, seconds: float | None = None) -> Mastodon:
        self.seen_limits = []
        api = api_for(self.account)
        api.limits = self.seen_limits
        api.until = time.monotonic() + seconds if seconds is not None else None
        return api


CONNECTOR = MastodonConnector
