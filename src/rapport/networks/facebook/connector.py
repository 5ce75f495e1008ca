"""A Facebook page: comments, posts, mentions, reviews, Messenger."""

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
)
from rapport.networks.errors import Refused
from rapport.networks.facebook import guide, hooks, profile
from rapport.networks.facebook.parse import parse_event
from rapport.networks.facebook.poll import PageReader
from rapport.networks.facebook.send import MAX_COMMENT, PagePosts
from rapport.networks.meta import login, webhooks
from rapport.networks.meta.access import inspected, known_scopes, switched_on
from rapport.networks.meta.graph import Graph, setting
from rapport.networks.meta.private import HUMAN_AGENT, STANDARD, Private, account_of
from rapport.networks.meta.subscribe import subscribe

SUBSCRIBED = (
    "feed", "mention", "ratings", "messages", "message_echoes", "message_edits", "message_reactions",
    "messaging_postbacks", "message_reads", "message_deliveries",
)  # fmt: skip
_MB = 1024 * 1024


class FacebookConnector(Connector):
    """Credentials: ``access_token`` (the page's), ``app_secret``, ``verify_token``. Settings: ``app_id``,
    ``human_agent``, ``graph_url``; ``scopes`` and ``limits`` as :meth:`check` found them."""

    network = "facebook"
    label = "Facebook"
    guide = guide.GUIDE
    webhook_secrets = ("app_secret",)
    capabilities = Capabilities(
        max_length=MAX_COMMENT,
        max_length_private=2000,
        hears=frozenset({Hears.MENTIONS, Hears.COMMENTS, Hears.PRIVATE, Hears.REVIEWS}),
        private_reply=True,
        private_reply_to_public=True,
        edit=True,
        delete=True,
        poll=True,
        webhook=True,
        receipts=frozenset({"read", "delivered"}),
        history=True,
        media=MediaRules(
            max_count=1,
            max_bytes={"image": 4 * _MB},
            content_types=("image/jpeg", "image/png", "image/gif", "image/bmp", "image/tiff"),
            alt_text=True,
        ),
        media_private=MediaRules(
            max_count=4,
            max_bytes={"image": 8 * _MB, "video": 25 * _MB, "audio": 25 * _MB, "file": 25 * _MB},
        ),
        windows=(STANDARD, HUMAN_AGENT),
        # One engaged person a day is the least a page in use has; the headers tell of more.
        budgets=(
            Budget(name="read", calls=4800, per=timedelta(days=1)),
            Budget(name="write", calls=4800, per=timedelta(days=1)),
        ),
        profile=True,
        profile_writes=frozenset({"bio", "link", "hours"}),
        max_bio_length=255,
        tested=Tested.DOUBLE,
        facts={
            "edit": "public comments and posts; private messages cannot be changed or deleted",
            "private reply": "one to a comment, within 7 days, words only",
            "edits and deletions": "heard by webhook only",
        },
    )
    kinds = {
        "feed": "a change on the page, told by webhook: comment, post, reaction, edit, removal, hiding",
        "mention": "the page named elsewhere, told by webhook",
        "ratings": "a review, or a comment or reaction to one, told by webhook",
        "messaging": "a private message, echo, edit, reaction, postback or receipt, told by webhook",
        "comment": "a comment, polled",
        "post": "a post on the page, by us or a visitor, polled",
        "tagged": "a post elsewhere that tags the page, polled",
        "review": "a review, polled",
        "message": "a private message, polled",
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
            settings["limits"] = [*settings["limits"], _("Webhooks could not be switched on for this page.")]
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
        pages = login.pages(
            values, query=query, redirect_uri=redirect_uri, fields="id,name,access_token,tasks"
        )
        return [
            Granted(
                label=str(page.get("name") or page["id"]), credentials={"access_token": page["access_token"]}
            )
            for page in pages
        ]

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
        found = webhooks.happenings(delivery, self.account, kind="page")
        items = [hooks.raw_item(one, self._us()) for one in found]
        return Received(items=[one for one in items if one is not None])

    @staticmethod
    def parse(kind: str, payload: Any) -> list[Event]:
        return parse_event(kind, payload)

    # Speaking -------------------------------------------------------------------------------------
    @property
    def rules(self) -> Capabilities:
        if switched_on(self.account, "human_agent"):
            return self.capabilities
        return replace(self.capabilities, windows=(STANDARD,))

    def send(self, message: OutgoingMessage) -> Sent:
        if message.visibility == "private":
            return self._private().send(message)
        return PagePosts(self._graph(), self.account.external_id).send(message)

    def find_sent(self, message: OutgoingMessage) -> Sent | None:
        if message.visibility == "private":
            return self._private().find_sent(message)
        return PagePosts(self._graph(), self.account.external_id).find_sent(message)

    def edit(self, external_id: str, text: str, *, parent_id: str | None = None) -> Sent:
        self._public_only(external_id)
        return PagePosts(self._graph(), self.account.external_id).edit(external_id, text)

    def delete(self, external_id: str) -> None:
        self._public_only(external_id)
        PagePosts(self._graph(), self.account.external_id).delete(external_id)

    # Profile --------------------------------------------------------------------------------------
    def profile(self) -> Profile:
        return profile.read(self._graph())

    def write_profile(self, changes: Mapping[str, str]) -> None:
        profile.write(self._graph(), changes)

    # ----------------------------------------------------------------------------------------------
    def _graph(self) -> Graph:
        return Graph.of(self.account, seen=self.seen_limits)

    def _us(self) -> Mapping[str, str]:
        return account_of(self.account.external_id, self.account.handle)

    def _reader(self) -> PageReader:
        return PageReader(self._graph(), self._us(), known_scopes(self.account))

    def _private(self) -> Private:
        return Private(
            self._graph(),
            platform="messenger",
            own_id=self.account.external_id,
            human_agent=switched_on(self.account, "human_agent"),
        )

    def _public_only(self, external_id: str) -> None:
        if external_id.startswith(("m_", "mid.")):
            raise Refused(_("Messenger lets no program change or take back a private message."))


CONNECTOR: type[Connector] = FacebookConnector
