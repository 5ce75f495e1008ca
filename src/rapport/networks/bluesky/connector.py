"""Bluesky and other places of the AT Protocol: one account, through its own server."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rapport.networks.base import (
    Authorization,
    Capabilities,
    Connector,
    Event,
    Granted,
    OutgoingMessage,
    Polled,
    Profile,
    Renewed,
    Sent,
    Visibility,
)
from rapport.networks.bluesky import chat, oauth, past, polling, posting, profiles, session, stream
from rapport.networks.bluesky.guide import CAPABILITIES, GUIDE
from rapport.networks.bluesky.parse import KINDS, parse_event
from rapport.networks.bluesky.xrpc import Bearer, Pds, bearer


class BlueskyConnector(Connector):
    """Credentials: ``app_password``, and from :meth:`renew` ``pds``, ``did``, ``access_jwt``, ``refresh_jwt``;
    or, from the network's own login, what :func:`.oauth.finish` gives.

    Settings: ``identifier`` (the handle), ``service``, ``jetstream``, and from :meth:`check`
    ``direct_messages``.
    """

    network = "bluesky"
    label = "Bluesky"
    capabilities = CAPABILITIES
    guide = GUIDE
    kinds = KINDS

    def check(self) -> Profile:
        pds, found = self._checked()
        return dataclasses.replace(profiles.profile_of(pds, found), expires_at=oauth.login_ends(self.account))

    @classmethod
    def begin(cls, values: Mapping[str, Any], *, redirect_uri: str, state: str) -> Authorization:
        return oauth.begin(values, redirect_uri=redirect_uri, state=state)

    @classmethod
    def finish(
        cls,
        values: Mapping[str, Any],
        *,
        keep: Mapping[str, Any],
        query: Mapping[str, str],
        redirect_uri: str,
    ) -> Sequence[Granted]:
        return [oauth.finish(keep=keep, query=query, redirect_uri=redirect_uri)]

    def renew(self) -> Renewed | None:
        return oauth.renewed(self.account) if self._by_login else session.renewed(self.account)

    @property
    def rules(self) -> Capabilities:
        direct = self._direct
        return dataclasses.replace(
            self.capabilities,
            stream=bool(self.account.settings.get("jetstream")),
            private_reply=direct,
            private_reply_to_public=direct,
        )

    def poll(self, cursor: Mapping[str, Any]) -> Polled:
        return polling.poll(self._pds(), cursor, now=datetime.now(UTC), direct=self._direct)

    def stream(self, cursor: Mapping[str, Any], stop: Callable[[], bool]) -> Iterator[Polled]:
        jetstream = session.cleaned(str(self.account.settings.get("jetstream") or ""))
        return stream.stream(self._pds(), jetstream, cursor, stop)

    def history(self, cursor: Mapping[str, Any], *, since: datetime) -> Polled:
        return past.history(self._pds(), cursor, since=since, direct=self._direct)

    @staticmethod
    def parse(kind: str, payload: Any) -> list[Event]:
        return parse_event(kind, payload)

    def length(self, text: str, visibility: Visibility = "public") -> int:
        return chat.length(text) if visibility == "private" else posting.length(text)

    def send(self, message: OutgoingMessage) -> Sent:
        speak = chat.send if message.visibility == "private" else posting.send
        return speak(self._pds(), message)

    def find_sent(self, message: OutgoingMessage) -> Sent | None:
        find = chat.find_sent if message.visibility == "private" else posting.find_sent
        return find(self._pds(), message)

    def edit(self, external_id: str, text: str, *, parent_id: str | None = None) -> Sent:
        return posting.repost_corrected(self._pds(), external_id, text)

    def delete(self, external_id: str) -> None:
        posting.delete(self._pds(), external_id)

    def write_profile(self, changes: Mapping[str, str]) -> None:
        profiles.write(self._pds(), changes)

    @property
    def _direct(self) -> bool:
        """Whether direct messages may be read; yes until the server said no."""
        return self.account.settings.get("direct_messages") is not False

    @property
    def _by_login(self) -> bool:
        """Whether the channel was connected by the network's own login, and not with an app password."""
        return bool(self.account.credentials.get("dpop_key"))

    def _pds(self) -> Pds:
        return (oauth.pds if self._by_login else bearer)(self.account, self.seen_limits)

    def _checked(self) -> tuple[Pds, Mapping[str, Any]]:
        """The server, and whose session it is. A channel that is being connected has none yet."""
        if self._by_login or self.account.credentials.get("access_jwt"):
            pds = self._pds()
            found = pds.get("com.atproto.server.getSession")
        else:
            found = session.sign_in(
                session.given(self.account, "service"),
                session.given(self.account, "identifier"),
                session.given(self.account, "app_password"),
            )
            pds = Pds(str(found["pds"]), Bearer(str(found["access_jwt"])), seen=self.seen_limits)
        return pds, found


CONNECTOR = BlueskyConnector
