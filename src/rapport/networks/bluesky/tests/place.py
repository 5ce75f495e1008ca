"""A real AT Protocol network on this machine, with our account, customers, and a chat service beside it."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from rapport.networks.bluesky import identity
from rapport.networks.bluesky.recordkeys import POST
from rapport.networks.bluesky.tests.double import ChatDouble
from rapport.networks.bluesky.tests.login import log_in
from rapport.networks.bluesky.tests.people import Person
from rapport.networks.bluesky.tests.running import Network
from rapport.networks.testing import Place


class BlueskyPlace(Place):
    """PLC, PDS and AppView are Bluesky's own; only the chat service is ours, as it is not published."""

    network = "bluesky"
    cannot = {"customer_edits": "posts cannot be changed on Bluesky"}

    def __enter__(self) -> BlueskyPlace:
        with contextlib.ExitStack() as stack:
            self.chat = ChatDouble()
            stack.enter_context(self.chat)
            self.server = Network(self.chat.url)
            stack.enter_context(self.server)
            self.pds = self.server.addresses["pds"]
            here = stack.enter_context(pytest.MonkeyPatch.context())
            here.setattr(identity, "PLC_DIRECTORY", self.server.addresses["plc"])
            self._people: list[Person] = []
            stack.callback(lambda: [one.close() for one in self._people])
            self.customer = self.person("mira", "Mira Holt")
            self.take("telqo", "Telqo Mobile")
            self.settle()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def person(self, name: str, shown: str) -> Person:
        """A new account with a profile."""
        one = Person(self.pds, self.server.addresses["bypass"], f"{name}.test")
        self._people.append(one)
        one.introduce(shown)
        with self.chat.lock:
            self.chat.profiles[one.did] = {"did": one.did, "handle": one.handle, "displayName": shown}
        return one

    def take(self, name: str, shown: str) -> None:
        """Be a new account from now on, one without a past."""
        self.ours = self.person(name, shown)
        self.renew()

    def settle(self) -> None:
        """Wait until the AppView has seen everything."""
        self.server.do("settle")

    def values(self) -> dict[str, Any]:
        return {
            "service": self.pds,
            "identifier": self.ours.handle,
            "app_password": self.app_password,
            "jetstream": "",
        }

    def log_in(self, url: str, *, allow: bool = True) -> str:
        return log_in(url, self.ours.handle, self.ours.password, allow=allow)

    def customer_says(
        self, text: str, *, to: str | None = None, private: bool = False, image: bool = False
    ) -> str:
        if private:
            return self.customer.write_to(self.ours.did, text)
        embed = self.customer.picture() if image else None
        if to is None:
            text = f"@{self.ours.handle} {text}"
        uri = self.customer.post(text, to=to, embed=embed, names={self.ours.handle: self.ours.did})
        self.settle()
        return uri

    def customer_reads(self, external_id: str, *, private: bool = False) -> list[str]:
        if private:
            convo = self.customer.conversation(external_id.partition("/")[0])
            return [one["text"] for one in reversed(convo) if one["sender"]["did"] == self.ours.did]
        return [view["record"]["text"] for view in self._answers(external_id)]

    def customer_sees_images(self, external_id: str) -> list[str]:
        return [
            image["alt"]
            for view in self._answers(external_id)
            for image in view.get("embed", {}).get("images", [])
        ]

    def customer_deletes(self, external_id: str) -> None:
        self.customer.delete(external_id)
        self.settle()

    @contextlib.contextmanager
    def outage(self) -> Iterator[None]:
        self.server.do("stop")
        try:
            yield
        finally:
            self.server.do("start")

    @contextlib.contextmanager
    def break_after_posting(self) -> Iterator[None]:
        self.server.do("break", on=True)
        try:
            yield
        finally:
            self.server.do("break", on=False)

    def revoke(self) -> None:
        self.ours.call("com.atproto.server.revokeAppPassword", {"name": self._name})
        # Tokens that are out already work until they end, at most two hours later.
        self.server.do("end_sessions")

    def renew(self) -> None:
        self.app_password = self.new_app_password()

    def new_app_password(self, *, direct: bool = True) -> str:
        """An app password, with or without access to direct messages."""
        self._name = f"Rapport {secrets.token_hex(3)}"
        made = self.ours.call(
            "com.atproto.server.createAppPassword", {"name": self._name, "privileged": direct}
        )
        return str(made["password"])

    def lose_notification(self, uri: str) -> None:
        """As the AppView does now and then: the post is there, nobody is told."""
        with psycopg.connect(self.server.database, autocommit=True) as connection:
            connection.execute(
                sql.SQL('DELETE FROM {}.notification WHERE "recordUri" = %s').format(
                    sql.Identifier(self.server.addresses["schema"])
                ),
                [uri],
            )

    def _answers(self, uri: str) -> list[dict[str, Any]]:
        """Posts of ours under a post, however deep, as the customer's client shows them."""
        self.settle()
        found, left = [], [self.customer.thread(uri)]
        while left:
            node = left.pop(0)
            left += node.get("replies", [])
            view = node.get("post", {})
            if view.get("author", {}).get("did") == self.ours.did and view["uri"] != uri:
                assert f"/{POST}/" in view["uri"]
                found.append(view)
        return found


PLACE = BlueskyPlace
