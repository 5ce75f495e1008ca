"""The chat service (``chat.bsky.convo``), which Bluesky does not publish: a double by its lexicons.

It stands behind the real PDS, which adds the signed token that says who asks. What is checked is what the
lexicons and https://atproto.com/specs/xrpc#inter-service-authentication-jwt demand.
"""

from __future__ import annotations

import base64
import itertools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from rapport.networks.bluesky.recordkeys import tid
from rapport.networks.bluesky.richtext import graphemes
from rapport.networks.doubles import Answer, Double, Request

_DEFS = "chat.bsky.convo.defs"
_LOG_PAGE = 5  # small, so that paging happens


class _Refuse(Exception):
    def __init__(self, name: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.answer = Answer(status, {"error": name, "message": message})


@dataclass
class Convo:
    """One conversation of two; ``messages`` oldest first."""

    id: str
    members: tuple[str, str]
    rev: str = ""
    messages: list[dict[str, Any]] = field(default_factory=list)


class ChatDouble(Double):
    """``profiles`` names accounts by DID; ``allows`` is all, none or following; ``blocked`` has pairs."""

    def __init__(self) -> None:
        super().__init__()
        self.profiles: dict[str, dict[str, Any]] = {}
        self.allows: dict[str, str] = {}
        self.blocked: set[frozenset[str]] = set()
        self.convos: dict[str, Convo] = {}
        self.logs: dict[str, list[dict[str, Any]]] = {}
        self.down = False
        self._number = itertools.count(1)

    def answer(self, request: Request) -> Answer:
        if self.down:
            return Answer(503, {"error": "UpstreamFailure", "message": "away"})
        method = request.path.removeprefix("/xrpc/")
        name = method.rpartition(".")[2]
        calls: dict[str, tuple[str, Callable[[str, Request], Any]]] = {
            "listConvos": ("GET", self._list_convos),
            "getConvo": ("GET", self._get_convo),
            "getConvoForMembers": ("GET", self._get_convo_for_members),
            "getMessages": ("GET", self._get_messages),
            "getLog": ("GET", self._get_log),
            "sendMessage": ("POST", self._send_message),
            "addReaction": ("POST", self._add_reaction),
            "deleteMessageForSelf": ("POST", self._delete_for_self),
        }
        try:
            if not method.startswith("chat.bsky.convo.") or name not in calls:
                raise _Refuse("MethodNotImplemented", "Method Not Implemented", 501)
            verb, call = calls[name]
            if request.method != verb:
                raise _Refuse("InvalidRequest", "Incorrect HTTP method", 405)
            return Answer(200, call(self._who(request, method), request))
        except _Refuse as refused:
            return refused.answer

    def _who(self, request: Request, method: str) -> str:
        """The DID that the PDS vouches for."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            body = token.split(".")[1]
            claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
            good = (
                scheme == "Bearer"
                and claims["aud"].startswith("did:web:api.bsky.chat")
                and claims["lxm"] == method
                and claims["exp"] > time.time()
            )
        except (IndexError, KeyError, ValueError):
            good = False
        if not good:
            raise _Refuse("AuthMissing", "Authentication Required", 401)
        return str(claims["iss"])

    def _list_convos(self, who: str, request: Request) -> Any:
        limit = _limit(request)
        own = [one for one in self.convos.values() if who in one.members and one.rev]
        own.sort(key=lambda one: one.rev, reverse=True)
        start = int(request.query.get("cursor") or 0)
        page = own[start : start + limit]
        cursor = {"cursor": str(start + limit)} if start + limit < len(own) else {}
        return {"convos": [self._view(one, who) for one in page], **cursor}

    def _get_convo(self, who: str, request: Request) -> Any:
        return {"convo": self._view(self._own(who, request.query.get("convoId", "")), who)}

    def _get_convo_for_members(self, who: str, request: Request) -> Any:
        other = request.query.get("members", "")
        if other not in self.profiles:
            raise _Refuse("RecipientNotFound", "recipient not found")
        if frozenset({who, other}) in self.blocked:
            raise _Refuse("BlockedActor", "block between recipient and sender")
        for convo in self.convos.values():
            if set(convo.members) == {who, other}:
                return {"convo": self._view(convo, who)}
        allows = self.allows.get(other, "all")
        if allows == "none":
            raise _Refuse("MessagesDisabled", "recipient has disabled incoming messages")
        if allows == "following":
            raise _Refuse(
                "NotFollowedBySender",
                "recipient requires incoming messages to come from someone they follow",
            )
        convo = Convo(self._rev(), (who, other))
        self.convos[convo.id] = convo
        return {"convo": self._view(convo, who)}

    def _get_messages(self, who: str, request: Request) -> Any:
        convo, limit = self._own(who, request.query.get("convoId", "")), _limit(request)
        newest = [one for one in reversed(convo.messages) if who not in one["hidden_for"]]
        start = int(request.query.get("cursor") or 0)
        page = newest[start : start + limit]
        cursor = {"cursor": str(start + limit)} if start + limit < len(newest) else {}
        return {"messages": [_message_view(one) for one in page], **cursor}

    def _get_log(self, who: str, request: Request) -> Any:
        after = request.query.get("cursor", "")
        page = [one for one in self.logs.get(who, []) if one["rev"] > after][:_LOG_PAGE]
        return {"logs": page, "cursor": page[-1]["rev"] if page else after}

    def _send_message(self, who: str, request: Request) -> Any:
        asked = request.json
        convo, message = self._own(who, asked["convoId"]), asked["message"]
        text = message.get("text")
        if not isinstance(text, str):
            raise _Refuse("InvalidRequest", 'Input/message must have the property "text"')
        if graphemes(text) > 1000 or len(text.encode()) > 10_000:
            raise _Refuse("InvalidRequest", "Input/message/text must not be longer than 1000 graphemes")
        rev = self._rev()
        sent = {
            "id": self._rev(),
            "rev": rev,
            "text": text,
            "facets": message.get("facets", []),
            "sender": {"did": who},
            "sentAt": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "hidden_for": set(),
        }
        convo.messages.append(sent)
        convo.rev = rev
        self._tell(convo, "logCreateMessage", rev, message={"$type": f"{_DEFS}#messageView", **_bare(sent)})
        return _bare(sent)

    def _add_reaction(self, who: str, request: Request) -> Any:
        asked = request.json
        convo = self._own(who, asked["convoId"])
        message = self._message(convo, asked["messageId"])
        reaction = {
            "value": asked["value"],
            "sender": {"did": who},
            "createdAt": datetime.now(UTC).isoformat(),
        }
        self._tell(convo, "logAddReaction", self._rev(), message=_message_view(message), reaction=reaction)
        return {"message": _bare(message)}

    def _delete_for_self(self, who: str, request: Request) -> Any:
        asked = request.json
        message = self._message(self._own(who, asked["convoId"]), asked["messageId"])
        message["hidden_for"].add(who)
        return {name: message[name] for name in ("id", "rev", "sender", "sentAt")}

    def _own(self, who: str, convo_id: str) -> Convo:
        convo = self.convos.get(convo_id)
        if convo is None or who not in convo.members:
            raise _Refuse("InvalidConvo", "convo not found")
        return convo

    @staticmethod
    def _message(convo: Convo, message_id: str) -> dict[str, Any]:
        for one in convo.messages:
            if one["id"] == message_id:
                return one
        raise _Refuse("InvalidRequest", "message not found")

    def _tell(self, convo: Convo, kind: str, rev: str, **more: Any) -> None:
        for member in convo.members:
            entry = {"$type": f"{_DEFS}#{kind}", "rev": rev, "convoId": convo.id, **more}
            self.logs.setdefault(member, []).append(entry)

    def _view(self, convo: Convo, who: str) -> dict[str, Any]:
        shown = [one for one in convo.messages if who not in one["hidden_for"]]
        return {
            "id": convo.id,
            "rev": convo.rev or convo.id,
            "members": [self.profiles[did] for did in convo.members],
            "muted": False,
            "status": "accepted",
            "unreadCount": 0,
            **({"lastMessage": _message_view(shown[-1])} if shown else {}),
        }

    def _rev(self) -> str:
        return tid(next(self._number), 0)


def _bare(message: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in message.items() if name != "hidden_for"}


def _message_view(message: dict[str, Any]) -> dict[str, Any]:
    return {"$type": f"{_DEFS}#messageView", **_bare(message)}


def _limit(request: Request) -> int:
    limit = int(request.query.get("limit") or 50)
    if not 1 <= limit <= 100:
        raise _Refuse("InvalidRequest", "Error: limit must be between 1 and 100")
    return limit
