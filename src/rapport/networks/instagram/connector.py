"""An Instagram business or creator account: comments, mentions, direct messages.

Through the Facebook page it is linked to ("Instagram API with Facebook Login").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from rapport.networks.base import (
    Authorization,
    Budget,
    Capabilities,
    Connector,
    Delivery,
    Event,
    Granted,
    Hears,
    MediaRules,
    OutgoingMessage,
    Polled,
    Profile,
    Received,
    Sent,
    Tested,
    Visibility,
)
from rapport.networks.errors import Refused
from rapport.networks.instagram import guide, hooks, profile
from rapport.networks.instagram.parse import parse_event
from rapport.networks.instagram.poll import AccountReader
from rapport.networks.instagram.send import AccountComments
from rapport.networks.meta import login, webhooks
from rapport.networks.meta.access import inspected, known_scopes, switched_on
from rapport.networks.meta.graph import Graph, setting
from rapport.networks.meta.private import HUMAN_AGENT, STANDARD, Private, account_of
from rapport.networks.meta.subscribe import subscribe
from rapport.networks.meta.values import optional_mapping, text

# Subscribing the page to any field lets Instagram's own fields, chosen in the app's dashboard, through.
SUBSCRIBED = ("messages",)
MAX_PRIVATE_BYTES = 1000
_MB = 1024 * 1024


class InstagramConnector(Connector):
    """Credentials: ``access_token`` (of the linked page), ``app_secret``, ``verify_token``. Settings:
    ``app_id``, ``human_agent``, ``graph_url``; ``scopes`` and ``limits`` as :meth:`check` found them."""

    network = "instagram"
    label = "Instagram"
    guide = guide.GUIDE
    webhook_secrets = ("app_secret",)
    capabilities = Capabilities(
        max_length=2200,
        max_length_private=MAX_PRIVATE_BYTES,
        counts_private="bytes of UTF-8, so fewer letters in most scripts",
        hears=frozenset({Hears.MENTIONS, Hears.COMMENTS, Hears.PRIVATE}),
        private_reply=True,
        private_reply_to_public=True,
        delete=True,
        poll=True,
        webhook=True,
        receipts=frozenset({"read"}),
        history=True,
        media_private=MediaRules(
            max_count=4,
            max_bytes={"image": 8 * _MB, "video": 25 * _MB, "audio": 25 * _MB, "file": 25 * _MB},
            content_types=(
                "image/png", "image/gif", "application/pdf", "image/jpeg", "audio/aac", "audio/mp4", "audio/wav", "audio/x-m4a",
                "video/mp4", "video/ogg", "video/x-msvideo", "video/quicktime", "video/webm",
            ),
        ),
        windows=(STANDARD, HUMAN_AGENT),
        # One impression a day is the least an account in use has; the headers tell of more.
        budgets=(
            Budget(name="read", calls=4800, per=timedelta(days=1)),
            Budget(name="write", calls=4800, per=timedelta(days=1)),
        ),
        profile=True,
        max_bio_length=150,
        tested=Tested.DOUBLE,
        facts={
            "private reply": "one to a comment, within 7 days, words only",
            "edits and deletions": "of comments are not told; unsent direct messages are",
        },
    )  # fmt: skip
    kinds = {
        "comments": "a comment or an answer to one, told by webhook",
        "live_comments": "a comment on a live video, told by webhook",
        "mentions": "the account named in a comment or caption elsewhere, told by webhook and looked up",
        "messaging": "a direct message, story mention, story reply, echo, reaction, postback or receipt, told by webhook",
        "comment": "a comment or an answer to one, polled",
        "medium": "a post of ours, polled",
        "tagged": "a post that tags the account, polled",
        "message": "a direct message, polled",
    }

    # Connecting -----------------------------------------------------------------------------------
    def check(self) -> Profile:
        token = inspected(self.account, permissions=guide.PERMISSIONS, indispensable=guide.INDISPENSABLE)
        graph = self._graph()
        found = profile.read(graph)
        settings = dict(token.settings)
        if "pages_manage_metadata" in token.scopes and not subscribe(
            graph, app_id=setting(self.account, "app_id"), fields=SUBSCRIBED
        ):
            settings["limits"] = [
                *settings["limits"],
                _("Webhooks could not be switched on for this account."),
            ]
        return replace(found, settings=settings, expires_at=token.expires_at)

    @classmethod
    def begin(cls, values: Mapping[str, Any], *, redirect_uri: str, state: str) -> Authorization:
        return login.begin(values, redirect_uri=redirect_uri, state=state, scopes=tuple(guide.PERMISSIONS))

    @classmethod
    def finish(
        cls,
        values: Mapping[str, Any],
        *,
        keep: Mapping[str, Any],
        query: Mapping[str, str],
        redirect_uri: str,
    ) -> Sequence[Granted]:
        """The accounts among the pages' links; pages without one are left out."""
        fields = "id,name,access_token,instagram_business_account{id,username}"
        found = []
        for page in login.pages(values, query=query, redirect_uri=redirect_uri, fields=fields):
            linked = optional_mapping(page.get("instagram_business_account"))
            if linked.get("id"):
                label = f"@{text(linked, 'username')}" if linked.get("username") else text(page, "name")
                found.append(Granted(label=label, credentials={"access_token": page["access_token"]}))
        if not found:
            raise Refused(_("None of these pages is linked to an Instagram business or creator account."))
        return found

    # Hearing --------------------------------------------------------------------------------------
    def poll(self, cursor: Mapping[str, Any]) -> Polled:
        return self._reader().poll(cursor)

    def history(self, cursor: Mapping[str, Any], *, since: datetime) -> Polled:
        return self._reader().history(cursor, since=since)

    @classmethod
    def addressees(cls, delivery: Delivery) -> Sequence[str] | None:
        return webhooks.addressees(delivery)

    def receive(self, delivery: Delivery) -> Received:
        if delivery.method.upper() == "GET":
            return webhooks.answer_handshake(delivery, self.account)
        found = webhooks.happenings(delivery, self.account, kind="instagram")
        items = [hooks.raw_item(one, self._us()) for one in found]
        return Received(items=[one for one in items if one is not None])

    def look_up(self, kind: str, payload: Any) -> Any:
        """A mention's ids stand for words that can be asked for, and never be listed."""
        return {**payload, **self._reader().mention(payload["value"])}

    @staticmethod
    def parse(kind: str, payload: Any) -> list[Event]:
        return parse_event(kind, payload)

    # Speaking -------------------------------------------------------------------------------------
    @property
    def rules(self) -> Capabilities:
        if switched_on(self.account, "human_agent"):
            return self.capabilities
        return replace(self.capabilities, windows=(STANDARD,))

    def length(self, text: str, visibility: Visibility = "public") -> int:
        return len(text.encode("utf-8", "surrogatepass")) if visibility == "private" else len(text)

    def send(self, message: OutgoingMessage) -> Sent:
        if message.visibility == "private":
            if self.length(message.text, "private") > MAX_PRIVATE_BYTES:
                raise Refused(_("Instagram takes 1,000 bytes in a direct message, and this is longer."))
            return self._private().send(message)
        return self._comments().send(message)

    def find_sent(self, message: OutgoingMessage) -> Sent | None:
        if message.visibility == "private":
            return self._private().find_sent(message)
        return self._comments().find_sent(message)

    def delete(self, external_id: str) -> None:
        self._comments().delete(external_id)

    # Profile --------------------------------------------------------------------------------------
    def profile(self) -> Profile:
        return profile.read(self._graph())

    # ----------------------------------------------------------------------------------------------
    def _graph(self) -> Graph:
        return Graph.of(self.account, seen=self.seen_limits)

    def _us(self) -> Mapping[str, str]:
        return account_of(self.account.external_id, self.account.handle)

    def _reader(self) -> AccountReader:
        return AccountReader(self._graph(), self._us(), known_scopes(self.account))

    def _comments(self) -> AccountComments:
        return AccountComments(self._graph(), self.account.external_id, self.account.handle)

    def _private(self) -> Private:
        return Private(
            self._graph(),
            platform="instagram",
            own_id=self.account.external_id,
            human_agent=switched_on(self.account, "human_agent"),
        )


CONNECTOR: type[Connector] = InstagramConnector
