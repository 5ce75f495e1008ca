"""The practice network's connector: its HTTP API and its webhooks, for one account."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from rapport.networks.base import (
    Account,
    Capabilities,
    Connector,
    Delivery,
    Elsewhere,
    Event,
    Hears,
    MediaRules,
    OutgoingMessage,
    Polled,
    Profile,
    RawItem,
    Received,
    Sent,
    Tested,
)
from rapport.networks.client import Api, usual
from rapport.networks.errors import CredentialsGone, NetworkError, NotFromThisNetwork, TryAgain
from rapport.networks.practice.limits import (
    IMAGE_TYPES,
    MAX_ALT,
    MAX_LENGTH,
    MAX_PICTURE_BYTES,
    MAX_PICTURES,
)
from rapport.networks.practice.parse import parse_event
from rapport.networks.practice.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, BadSignature, verify

PAGE = 200  # events per poll
PICTURES = MediaRules(
    max_count=MAX_PICTURES,
    max_bytes={"image": MAX_PICTURE_BYTES},
    content_types=IMAGE_TYPES,
    alt_text=True,
    max_alt_length=MAX_ALT,
)


class PracticeConnector(Connector):
    """Credentials: ``base_url`` (the network's address, ending in ``/practice``), ``token``, and
    ``webhook_secret`` when the channel takes webhooks."""

    network = "practice"
    label = lazy("Practice network")
    capabilities = Capabilities(
        max_length=MAX_LENGTH,
        hears=frozenset({Hears.MENTIONS, Hears.COMMENTS, Hears.PRIVATE}),
        tested=Tested.ITSELF,
        public_reply=True,
        private_reply=True,
        private_reply_to_public=True,
        threads=True,
        answers_elsewhere=Elsewhere.NETWORK,
        edit=True,
        delete=True,
        poll=True,
        webhook=True,
        receipts=frozenset({"read"}),
        send=True,
        media=PICTURES,
        media_private=PICTURES,
    )

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self._base_url = str(account.credentials.get("base_url", "")).rstrip("/")

    def check(self) -> Profile:
        found = self._call("GET", "accounts/me")
        try:
            return Profile(
                external_id=str(found["id"]),
                handle=str(found["handle"]),
                name=str(found["name"]),
                url=str(found["url"]),
            )
        except (KeyError, TypeError) as error:
            raise TryAgain(_("The network's answer could not be read.")) from error

    def poll(self, cursor: Mapping[str, Any]) -> Polled:
        after = str(cursor.get("after", ""))
        found = self._call("GET", "events", params={"cursor": after, "limit": PAGE})
        try:
            return Polled(
                items=[_raw_item(event) for event in found["events"]],
                cursor={"after": str(found["next_cursor"])},
                more=bool(found["more"]),
            )
        except (KeyError, TypeError) as error:
            raise TryAgain(_("The network's answer could not be read.")) from error

    def receive(self, delivery: Delivery) -> Received:
        try:
            verify(
                secret=str(self.account.credentials.get("webhook_secret", "")),
                timestamp=delivery.headers.get(TIMESTAMP_HEADER, ""),
                given=delivery.headers.get(SIGNATURE_HEADER, ""),
                body=delivery.body,
                now=time.time(),
            )
            found = json.loads(delivery.body)
            return Received(items=[_raw_item(event) for event in found["events"]])
        except BadSignature as error:
            raise NotFromThisNetwork(str(error)) from error
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise NotFromThisNetwork("the body is not a list of events") from error

    @staticmethod
    def parse(kind: str, payload: Any) -> list[Event]:
        return parse_event(kind, payload)

    def send(self, message: OutgoingMessage) -> Sent:
        body = {
            "text": message.text,
            "visibility": message.visibility,
            "in_reply_to": message.parent_id,
            "recipient_id": message.recipient_id if message.visibility == "private" else None,
            "client_ref": message.idempotency_key,
            "media": [
                {
                    "name": one.name,
                    "content_type": one.content_type,
                    "alt": one.alt,
                    "content": base64.b64encode(one.content).decode(),
                }
                for one in message.media
            ],
        }
        found = self._call(
            "POST", "posts", json_body=body, headers={"Idempotency-Key": message.idempotency_key}, writes=True
        )
        try:
            return _sent(found)
        except (KeyError, TypeError, ValueError) as error:
            raise TryAgain(_("The network's answer could not be read."), doubt=True) from error

    def find_sent(self, message: OutgoingMessage) -> Sent | None:
        found = self._call(
            "GET", "accounts/me/posts", params={"client_ref": message.idempotency_key, "limit": 1}
        )
        try:
            posts = found["posts"]
            return _sent(posts[0]) if posts else None
        except (KeyError, TypeError, ValueError) as error:
            raise TryAgain(_("The network's answer could not be read.")) from error

    def edit(self, external_id: str, text: str, *, parent_id: str | None = None) -> Sent:
        found = self._call("PATCH", f"posts/{external_id}", json_body={"text": text}, writes=True)
        try:
            return replace(_sent(found), sent_at=_utc(str(found["edited_at"])))
        except (KeyError, TypeError, ValueError) as error:
            raise TryAgain(_("The network's answer could not be read."), doubt=True) from error

    def delete(self, external_id: str) -> None:
        self._call("DELETE", f"posts/{external_id}", writes=True, accept=(404,))

    def _call(self, method: str, path: str, *, writes: bool = False, **more: Any) -> Any:
        """One request; the answer's JSON. ``writes``: a failure may leave doubt whether it was done."""
        if not self._base_url or not self.account.credentials.get("token"):
            raise CredentialsGone(_("The channel has no address or no token for the practice network."))
        api = Api(
            f"{self._base_url}/api/v1",
            headers={"Authorization": f"Bearer {self.account.credentials['token']}"},
            explain=_explain,
            private_ok=True,  # it is this Rapport's own
        )
        return api.json(method, quote(path), writes=writes, **more)


def _explain(response: httpx.Response, *, writes: bool) -> NetworkError:
    reason = _reason(response)
    return (
        CredentialsGone(reason)
        if response.status_code == 403
        else usual(response, writes=writes, reason=reason)
    )


def _reason(response: httpx.Response) -> str:
    try:
        message = response.json()["error"]["message"]
    except (ValueError, KeyError, TypeError):
        return ""
    return message if isinstance(message, str) else ""


def _raw_item(event: Any) -> RawItem:
    # The event's own id is the key, so the webhook and the poll of one event are one row.
    return RawItem(kind=str(event["type"])[:60], payload=event, key=str(event["id"]))


def _sent(post: Any) -> Sent:
    return Sent(
        external_id=str(post["id"]), sent_at=_utc(str(post["created_at"])), url=str(post.get("url", ""))
    )


def _utc(value: str) -> datetime:
    found = datetime.fromisoformat(value)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


CONNECTOR = PracticeConnector
