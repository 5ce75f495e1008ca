"""Meta's webhooks: the handshake, the signature, and an envelope of several entries with several events.

https://developers.facebook.com/docs/graph-api/webhooks/getting-started
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rapport.networks.base import Account, Delivery, Received
from rapport.networks.errors import NotFromThisNetwork

SIGNATURE_HEADER = "x-hub-signature-256"


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of a delivery. ``field`` is the subscription's field; messaging events are ``messaging``."""

    field: str
    value: Mapping[str, Any]
    time: Any  # the entry's, Unix seconds or milliseconds


def answer_handshake(delivery: Delivery, account: Account) -> Received:
    """The network asks whether the endpoint is ours: hand back its challenge when it knows our token."""
    query = delivery.query
    expected = account.secrets("verify_token")
    given = query.get("hub.verify_token", "")
    if query.get("hub.mode") != "subscribe" or not _equals_any(given, expected):
        raise NotFromThisNetwork("the verify token is another")
    challenge = query.get("hub.challenge", "")
    if not challenge or len(challenge) > 200 or not challenge.isalnum() or not challenge.isascii():
        raise NotFromThisNetwork("the challenge is none")
    return Received(status=200, body=challenge)


def happenings(delivery: Delivery, account: Account, *, kind: str) -> Iterator[Happening]:
    """The events for this account in a delivery about ``kind`` (``page``, ``instagram``), signature checked.

    Raises :class:`NotFromThisNetwork` at once: for a signature that no secret of this app made, or a body
    that is no delivery of this kind.
    """
    verify(delivery, account)
    body = _body(delivery)
    if body.get("object") != kind:
        raise NotFromThisNetwork(f"the delivery is not about {kind}")
    entries = [one for one in _entries(body) if _id(one) == account.external_id]
    return (happening for entry in entries for happening in _split(entry))


def verify(delivery: Delivery, account: Account) -> None:
    """Check the signature over the body as it came, with the app's secret or the one before it."""
    given = delivery.headers.get(SIGNATURE_HEADER, "")
    made = [
        "sha256=" + hmac.new(secret.encode(), delivery.body, hashlib.sha256).hexdigest()
        for secret in account.secrets("app_secret")
    ]
    if not _equals_any(given, made):
        raise NotFromThisNetwork("the signature is missing or wrong")


def addressees(delivery: Delivery) -> Sequence[str] | None:
    """Ids of the pages or accounts that a delivery names, unverified; None for a handshake."""
    if delivery.method.upper() != "POST":
        return None
    try:
        found = [_id(one) for one in _entries(_body(delivery))]
    except NotFromThisNetwork:
        return ()
    return tuple(dict.fromkeys(one for one in found if one))


def _split(entry: Mapping[str, Any]) -> Iterator[Happening]:
    time = entry.get("time")
    changes = entry.get("changes")
    for change in changes if isinstance(changes, list) else [entry]:
        # Instagram's examples have a change's field and value in the entry itself.
        if isinstance(change, Mapping) and isinstance(change.get("field"), str):
            value = change.get("value")
            yield Happening(
                change["field"][:40], value if isinstance(value, Mapping) else {"value": value}, time
            )
    # ``standby``: another app has the conversation, which we may read all the same.
    for name in ("messaging", "standby"):
        events = entry.get(name)
        for event in events if isinstance(events, list) else ():
            if isinstance(event, Mapping):
                yield Happening("messaging", event, time)


def _body(delivery: Delivery) -> Mapping[str, Any]:
    try:
        found = json.loads(delivery.body)
    except (ValueError, RecursionError) as error:
        raise NotFromThisNetwork("the body is not JSON") from error
    if not isinstance(found, Mapping):
        raise NotFromThisNetwork("the body is not a delivery")
    return found


def _entries(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    found = body.get("entry")
    if not isinstance(found, list):
        raise NotFromThisNetwork("the delivery has no entries")
    return (one for one in found if isinstance(one, Mapping))


def _id(entry: Mapping[str, Any]) -> str:
    found = entry.get("id")
    return str(found) if isinstance(found, (str, int)) and not isinstance(found, bool) else ""


def _equals_any(given: str, expected: Sequence[str]) -> bool:
    # All are compared, in constant time each. A string with other letters cannot be compared as text.
    told = given.encode("utf-8", "surrogatepass")
    return sum(hmac.compare_digest(told, one.encode("utf-8", "surrogatepass")) for one in expected) > 0
