"""Customers (and the account of ours) as their own clients speak for them: plain calls to the PDS."""

from __future__ import annotations

import secrets
import struct
import time
import zlib
from typing import Any

import httpx

from rapport.networks.bluesky.recordkeys import POST, split_uri
from rapport.networks.bluesky.richtext import facets_of
from rapport.networks.bluesky.xrpc import CHAT

ALT = "A broken box"


class Person:
    """An account with its own password."""

    def __init__(self, pds: str, bypass: str, handle: str) -> None:
        self.handle = handle
        self.password = secrets.token_hex(12)
        self._client = httpx.Client(
            base_url=f"{pds}/xrpc/", headers={"x-ratelimit-bypass": bypass}, timeout=20, trust_env=False
        )
        made = self._plain(
            "com.atproto.server.createAccount",
            {"handle": handle, "email": f"{handle}@example.com", "password": self.password},
        )
        self.did = str(made["did"])
        self._token = made["accessJwt"]

    def close(self) -> None:
        self._client.close()

    def call(
        self, method: str, body: Any = None, *, headers: dict[str, str] | None = None, **params: Any
    ) -> Any:
        """A query, or with ``body`` a procedure, as this person."""
        return self._ask(
            "GET" if body is None else "POST", method, headers=headers, params=params or None, json=body
        )

    def _ask(self, verb: str, method: str, *, headers: dict[str, str] | None = None, **request: Any) -> Any:
        """Logs in again when the session has ended."""
        for again in (False, True):
            authorized = {"Authorization": f"Bearer {self._token}", **(headers or {})}
            response = self._client.request(verb, method, headers=authorized, **request)
            if response.status_code == 400 and response.json()["error"] == "InvalidToken" and not again:
                self.log_in()
                continue
            break
        if response.status_code != 200:
            raise RuntimeError(f"{method}: {response.status_code} {response.text}")
        return response.json() if response.content else None

    def log_in(self) -> None:
        found = self._plain(
            "com.atproto.server.createSession", {"identifier": self.handle, "password": self.password}
        )
        self._token = found["accessJwt"]

    def introduce(self, name: str) -> None:
        """A profile, without which the AppView does not know the account."""
        self.put("app.bsky.actor.profile", "self", {"$type": "app.bsky.actor.profile", "displayName": name})

    def put(self, collection: str, rkey: str, record: dict[str, Any]) -> str:
        body = {"repo": self.did, "collection": collection, "rkey": rkey, "record": record}
        return str(self.call("com.atproto.repo.putRecord", body)["uri"])

    def create(self, collection: str, record: dict[str, Any]) -> dict[str, Any]:
        body = {"repo": self.did, "collection": collection, "record": {"$type": collection, **record}}
        return dict(self.call("com.atproto.repo.createRecord", body))

    def post(
        self,
        text: str,
        *,
        to: str | None = None,
        embed: dict[str, Any] | None = None,
        names: dict[str, str] | None = None,
        created_at: str | None = None,
    ) -> str:
        """Post; ``names`` maps handles to DIDs for mentions. Returns the address."""
        record: dict[str, Any] = {
            "text": text,
            "createdAt": created_at or now(),
            "facets": facets_of(text, (names or {}).get),
        }
        if to is not None:
            record["reply"] = self._reply(to)
        if embed is not None:
            record["embed"] = embed
        return str(self.create(POST, record)["uri"])

    def reference(self, uri: str) -> dict[str, str]:
        did, collection, rkey = split_uri(uri)
        found = self.call("com.atproto.repo.getRecord", repo=did, collection=collection, rkey=rkey)
        return {"uri": uri, "cid": found["cid"]}

    def _reply(self, uri: str) -> dict[str, Any]:
        did, collection, rkey = split_uri(uri)
        found = self.call("com.atproto.repo.getRecord", repo=did, collection=collection, rkey=rkey)
        parent = {"uri": uri, "cid": found["cid"]}
        return {"parent": parent, "root": found["value"].get("reply", {}).get("root", parent)}

    def react(self, collection: str, uri: str) -> str:
        """Like or pass on."""
        return str(self.create(collection, {"subject": self.reference(uri), "createdAt": now()})["uri"])

    def picture(self) -> dict[str, Any]:
        """A picture's embed."""
        uploaded = self._ask(
            "POST", "com.atproto.repo.uploadBlob", headers={"Content-Type": "image/png"}, content=png(12, 8)
        )
        return {"$type": "app.bsky.embed.images", "images": [{"alt": ALT, "image": uploaded["blob"]}]}

    def delete(self, uri: str) -> None:
        did, collection, rkey = split_uri(uri)
        self.call("com.atproto.repo.deleteRecord", {"repo": did, "collection": collection, "rkey": rkey})

    def thread(self, uri: str) -> dict[str, Any]:
        return dict(self.call("app.bsky.feed.getPostThread", uri=uri, depth=10)["thread"])

    def write_to(self, did: str, text: str) -> str:
        """A direct message; ``<conversation>/<message>``."""
        convo = self.call("chat.bsky.convo.getConvoForMembers", headers=CHAT, members=did)["convo"]["id"]
        sent = self.call(
            "chat.bsky.convo.sendMessage", {"convoId": convo, "message": {"text": text}}, headers=CHAT
        )
        return f"{convo}/{sent['id']}"

    def conversation(self, convo: str) -> list[dict[str, Any]]:
        return list(self.call("chat.bsky.convo.getMessages", headers=CHAT, convoId=convo)["messages"])

    def _plain(self, method: str, body: Any) -> Any:
        response = self._client.post(method, json=body)
        if response.status_code != 200:
            raise RuntimeError(f"{method}: {response.status_code} {response.text}")
        return response.json()


def now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + f".{time.time_ns() // 1_000_000 % 1000:03}Z"


def png(width: int, height: int) -> bytes:
    """A small picture that is one."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + secrets.token_bytes(width * 3) for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body
