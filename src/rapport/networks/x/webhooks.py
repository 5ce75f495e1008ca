"""What X pushes: the X Activity API's events, and those of the older Account Activity API.

One endpoint of ours per app; X signs the raw body with the app's consumer secret and, before it starts and every
hour, asks for a proof that we know that secret. https://docs.x.com/x-api/webhooks/quickstart
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from rapport.networks.base import Account, Delivery, RawItem, Received
from rapport.networks.errors import NotFromThisNetwork
from rapport.networks.x import pages
from rapport.networks.x.older import OF_NO_INTEREST

SIGNATURE = "x-twitter-webhooks-signature"
# The proof is made like a delivery's signature, so nothing is signed that could be one: no braces, no quotes.
_TOKEN = re.compile(r"[A-Za-z0-9+/=_.~-]{1,500}")

# Activities that bring a post as API v2 writes it.
_POSTS = frozenset(
    {"post.create", "post.mention.create", "post.quote.create", "post.reply.create", "post.repost.create"}
)
_OLDER = (
    "tweet_create_events",
    "favorite_events",
    "tweet_delete_events",
    "direct_message_events",
    *sorted(OF_NO_INTEREST),
)


def signature(secret: str, body: bytes) -> str:
    """``sha256=`` and the Base64 of the HMAC."""
    return "sha256=" + base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()


def addressees(delivery: Delivery) -> Sequence[str] | None:
    """The account a delivery is for; None for the handshake, which names none. Nothing is verified here."""
    if delivery.method == "GET":
        return None
    try:
        found = json.loads(delivery.body)
        return [_for_user(found)]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _for_user(found: Any) -> str:
    if "for_user_id" in found:
        return str(found["for_user_id"])
    if "user_event" in found:
        return str(found["user_event"]["revoke"]["source"]["user_id"])
    data = found["data"]
    return str(data["filter"].get("user_id") or data["payload"]["user_id"])


def verify(account: Account, delivery: Delivery) -> Received:
    """What to answer: X's challenge, or thanks for a delivery that its app signed. Raises NotFromThisNetwork."""
    secrets = account.secrets("consumer_secret")
    if not secrets:
        raise NotFromThisNetwork("the channel has no consumer secret")
    if delivery.method == "GET":
        token = delivery.query.get("crc_token", "")
        if not _TOKEN.fullmatch(token):
            raise NotFromThisNetwork("no crc_token to answer")
        # The newest secret: after a rotation X knows only that one.
        return Received(body=json.dumps({"response_token": signature(secrets[0], token.encode())}))
    given = delivery.headers.get(SIGNATURE, "")
    good = [hmac.compare_digest(signature(one, delivery.body).encode(), given.encode()) for one in secrets]
    if not any(good):
        raise NotFromThisNetwork("the signature is not X's")
    return Received()


def receive(account: Account, delivery: Delivery) -> Received:
    """Verify, then take the events apart. Raises NotFromThisNetwork."""
    answer = verify(account, delivery)
    if delivery.method == "GET":
        return answer
    try:
        found = json.loads(delivery.body)
        if _for_user(found) != account.external_id:
            raise NotFromThisNetwork("the event is for another account")
        return Received(items=list(_items(found)))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise NotFromThisNetwork("the body is no event of X") from error


def _items(found: Any) -> Iterator[RawItem]:
    if "data" in found:
        yield _activity(found["data"])
        return
    for kind in _OLDER:
        if kind not in found:
            continue
        events = found[kind] if isinstance(found[kind], list) else [found[kind]]
        for event in events:
            yield _older(kind, event, found.get("users"))
        return
    kind = next((str(name) for name in found if str(name).endswith(("_events", "_event"))), "unknown")
    yield RawItem(kind=kind[:60], payload=found)


def _activity(data: Any) -> RawItem:
    """An event of the X Activity API: https://docs.x.com/x-api/activity/event-payloads"""
    kind, payload = str(data["event_type"])[:60], data["payload"]
    includes = data.get("includes") or {}
    if kind in _POSTS:
        users = [one.get("data", one) for one in includes.get("users") or []]
        return pages.post_item(payload, {**includes, "users": users})
    if kind in {"dm.received", "dm.sent"}:
        event = payload["direct_message_events"][0]
        return RawItem(
            kind=kind, payload={"event": event, "users": payload.get("users") or {}}, key=f"dm:{event['id']}"
        )
    kept: dict[str, Any] = {"payload": payload, "includes": includes}
    if kind == "like.create":
        return RawItem(kind=kind, payload=kept, key=f"like:{payload['id']}")
    if kind == "post.delete":
        kept["received_at"] = datetime.now(UTC).isoformat()
        return RawItem(kind=kind, payload=kept, key=f"deleted:{payload['id']}")
    return RawItem(kind=kind, payload=kept, key=f"event:{data['event_uuid']}")


def _older(kind: str, event: Any, users: Any) -> RawItem:
    payload = {"event": event, "users": users or {}} if kind == "direct_message_events" else {"event": event}
    match kind:
        case "tweet_create_events":
            key = f"post:{event['id_str']}"
        case "direct_message_events":
            key = f"dm:{event['id']}"
        case "favorite_events":
            key = f"like:{event['id']}"
        case "tweet_delete_events":
            key = f"deleted:{event['status']['id']}"
        case _:
            key = ""
    return RawItem(kind=kind, payload=payload, key=key)
