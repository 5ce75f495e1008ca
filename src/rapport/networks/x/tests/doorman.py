"""The parts of X's double that everything else leans on: who asks, the login, and files."""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import Any

from rapport.networks.doubles import Answer, Request, login_page
from rapport.networks.x.tests.world import PROBLEMS, Person, Upload, World

CLIENT_ID, CLIENT_SECRET, BEARER = "client-1", "client secret", "app-token"


class Refuse(Exception):
    def __init__(self, status: int, title: str, detail: str, kind: str = "about:blank", **more: Any) -> None:
        super().__init__(detail)
        self.answer = Answer(
            status, {"title": title, "detail": detail, "type": kind, "status": status, **more}
        )


class RateLimited(Exception):
    def __init__(self, limit: int, reset: int) -> None:
        super().__init__("rate limited")
        self.answer = Answer(
            429,
            {
                "title": "Too Many Requests",
                "detail": "Too Many Requests",
                "type": "about:blank",
                "status": 429,
            },
            {
                "x-rate-limit-limit": str(limit),
                "x-rate-limit-remaining": "0",
                "x-rate-limit-reset": str(reset),
            },
        )


def only(given: Any, allowed: set[str]) -> None:
    """X refuses parameters it does not know."""
    for name in given:
        if name not in allowed:
            raise Refuse(
                400,
                "Invalid Request",
                f"The query parameter [{name}] is not one of {sorted(allowed)}",
                PROBLEMS + "invalid-request",
            )


def body_of(request: Request) -> dict[str, Any]:
    try:
        found = request.json
    except ValueError:
        found = None
    if not isinstance(found, dict) or request.headers.get("content-type") != "application/json":
        raise Refuse(400, "Invalid Request", "The request body is not JSON.", PROBLEMS + "invalid-request")
    return found


class Doorman(World):
    """Who may come in, and what they may bring."""

    def _who(self, request: Request) -> Person:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        whose, until = self.tokens.get(token, ("", 0.0))
        if not whose or until < self.now():
            raise Refuse(401, "Unauthorized", "Unauthorized")
        return self.people[whose]

    def _authorize(self, request: Request) -> Answer:
        """The login page, opened by the brand's owner."""
        query = request.query
        if (
            query.get("response_type") != "code"
            or query.get("client_id") != CLIENT_ID
            or query.get("code_challenge_method") != "S256"
            or "offline.access" not in query.get("scope", "").split()
        ):
            raise Refuse(400, "Invalid Request", "You weren't able to give access to the App.")
        code = secrets.token_urlsafe(16)
        self.codes[code] = {"user": self.brand.id, **query}
        state = {"state": query["state"]}
        refused = {"error": "access_denied", **state}
        return login_page(query["redirect_uri"], allowed={"code": code, **state}, refused=refused)

    def _token(self, request: Request) -> Answer:
        form = request.form
        pair = "Basic " + base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if request.headers.get("authorization") != pair:
            return Answer(
                401,
                {"error": "unauthorized_client", "error_description": "Missing valid authorization header"},
            )
        invalid = Answer(
            400, {"error": "invalid_request", "error_description": "Value passed for the token was invalid."}
        )
        if form["grant_type"] == "refresh_token":
            user = self.refresh_tokens.pop(form["refresh_token"], None)
            if user is None:
                return invalid
        else:
            code = self.codes.pop(form.get("code", ""), None)
            challenge = base64.urlsafe_b64encode(
                hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            )
            if code is None or challenge.rstrip(b"=").decode() != code["code_challenge"]:
                return invalid
            if code["redirect_uri"] != form.get("redirect_uri"):
                return invalid
            user = code["user"]
        access, refresh = self.token(self.people[user])
        return Answer(
            200,
            {"token_type": "bearer", "expires_in": 7200, "access_token": access, "refresh_token": refresh,
             "scope": "tweet.read tweet.write users.read dm.read dm.write media.write offline.access"},
        )  # fmt: skip

    def _check_media(self, media: list[str], most: int, prefix: str) -> None:
        for one in media:
            found = self.uploads.get(one)
            if found is None or not found.ready or not found.category.startswith(prefix):
                raise Refuse(400, "Invalid Request", "Your media IDs are invalid.")
        if len(media) > most:
            raise Refuse(400, "Invalid Request", f"media.media_ids: at most {most}")

    def _media_start(self, request: Request) -> Answer:
        self._who(request)
        body = body_of(request)
        only(body, {"media_type", "total_bytes", "media_category", "shared", "additional_owners"})
        found = Upload(self.new_id(), body["media_type"], int(body["total_bytes"]), body["media_category"])
        most = 5 if found.category.endswith("image") else 15 if found.category.endswith("gif") else 512
        if found.total > most * 1024 * 1024 or found.category.split("_")[0] not in {"tweet", "dm"}:
            raise Refuse(400, "Invalid Request", "File size exceeds the limit")
        self.uploads[found.id] = found
        return Answer(
            200, {"data": {"id": found.id, "media_key": f"3_{found.id}", "expires_after_secs": 86400}}
        )

    def _media_piece(self, request: Request, media: str) -> Answer:
        self._who(request)
        piece, index = request.files["media"], int(request.form["segment_index"])
        if len(piece) > 5 * 1024 * 1024 or not 0 <= index <= 999:
            raise Refuse(400, "Invalid Request", "segment too large")
        self.uploads[media].pieces[index] = piece
        return Answer(200, {"data": {"expires_at": int(self.now()) + 86400}})

    def _media_end(self, request: Request, media: str) -> Answer:
        self._who(request)
        found = self.uploads[media]
        if sum(map(len, found.pieces.values())) != found.total or sorted(found.pieces) != list(
            range(len(found.pieces))
        ):
            raise Refuse(400, "Invalid Request", "Segments do not add up to provided total file size.")
        return self._media_state(media, first=True)

    def _media_status(self, request: Request) -> Answer:
        self._who(request)
        if request.query.get("command") != "STATUS":
            raise Refuse(400, "Invalid Request", "command")
        return self._media_state(request.query["media_id"])

    def _media_state(self, media: str, *, first: bool = False) -> Answer:
        found = self.uploads[media]
        data: dict[str, Any] = {"id": media, "media_key": f"3_{media}", "size": found.total}
        if found.category.endswith(("video", "gif")):
            found.looks += 1
            state = "pending" if first else "in_progress" if found.looks < 3 else "succeeded"
            data["processing_info"] = {"state": state, "check_after_secs": 0}
            found.ready = state == "succeeded"
        else:
            found.ready = True
        return Answer(200, {"data": data})

    def _media_metadata(self, request: Request) -> Answer:
        self._who(request)
        body = body_of(request)
        only(body, {"id", "metadata"})
        alt = body["metadata"]["alt_text"]["text"]
        if len(alt) > 1000:
            raise Refuse(400, "Invalid Request", "alt_text is too long")
        self.uploads[body["id"]].alt = alt
        return Answer(200, {"data": {"id": body["id"]}})
