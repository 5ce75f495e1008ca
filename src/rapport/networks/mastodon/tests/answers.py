"""What the double answers: every route of the API that a care channel needs, strict about what it accepts."""

from __future__ import annotations

import hashlib
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rapport.networks.doubles import Answer, Request, login_page
from rapport.networks.mastodon.tests.world import Person, Post, Refusal, new_token, tags_in

if TYPE_CHECKING:
    from rapport.networks.mastodon.tests.double import Double

_WINDOW_S = 300


@dataclass
class Answers:
    """One request's answer. Called with the lock held."""

    double: Double
    request: Request

    def answer(self) -> Answer:
        try:
            answer = self._route()
        except Refusal as refusal:
            if refusal.plain:
                answer = Answer(refusal.status, refusal.reason.encode(), {"Content-Type": "text/html"})
            else:
                answer = Answer(refusal.status, {"error": refusal.reason})
        return Answer(answer.status, answer.body, {**answer.headers, **self._limits()}, answer.lines)

    def _limits(self) -> Mapping[str, str]:
        if not self.double.flavour.limits or not self.request.path.startswith("/api/"):
            return {}
        reset = time.gmtime(time.time() + _WINDOW_S)
        return {
            "X-RateLimit-Limit": str(self.double.limit),
            "X-RateLimit-Remaining": str(max(self.double.remaining, 0)),
            "X-RateLimit-Reset": time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", reset),
        }

    # Who asks ---------------------------------------------------------------------------------------
    def _who(self, scope: str) -> Person:
        token = self.request.headers.get("authorization", "").removeprefix("Bearer ")
        flavour = self.double.flavour
        if token not in self.double.tokens:
            raise said(flavour.bad_token)
        person, scopes = self.double.tokens[token]
        if scope not in scopes and scope.split(":")[0] not in scopes:
            raise said(flavour.out_of_scope)
        return person

    def _body(self) -> dict[str, Any]:
        kind = self.request.headers.get("content-type", "").split(";")[0]
        if kind == "application/json":
            if not isinstance(self.request.json, dict):
                raise Refusal(400, "Bad request")
            return self.request.json
        if kind == "application/x-www-form-urlencoded":
            return dict(self.request.form)
        raise Refusal(415, "Unsupported media type")

    # Where it goes ----------------------------------------------------------------------------------
    def _route(self) -> Answer:
        double, world = self.double, self.double.world
        if self.request.path in double.failing:
            raise Refusal(500, "Something went wrong on our end")
        if double.flavour.limits and self.request.path.startswith("/api/"):
            if double.remaining <= 0:
                raise Refusal(429, "Too many requests")
            double.remaining -= 1
        match [self.request.method, *self.request.path.strip("/").split("/")]:
            case ["GET", "api", "v1", "streaming", "user"] if double.flavour.events:
                return Answer(
                    200, None, {"Content-Type": "text/event-stream"}, double.events(self._who("read"))
                )
            case ["GET", ".well-known", "nodeinfo"]:
                # The host is a proxy's idea of ours, as often.
                return Answer(
                    200, {"links": [{"rel": "…/2.0", "href": "https://inner.example/nodeinfo/2.0"}]}
                )
            case ["GET", "nodeinfo", "2.0"]:
                return Answer(200, {"version": "2.0", "software": {"name": double.flavour.name}})
            case ["GET", ".well-known", "oauth-authorization-server"] if double.flavour.pkce:
                return Answer(200, {"code_challenge_methods_supported": ["S256"]})
            case ["GET", "api", "v1", "instance"]:
                return Answer(200, self._instance_v1())
            case ["GET", "api", "v2", "instance"]:
                if not double.flavour.instance_v2:
                    raise Refusal(500, "Internal server error")
                return Answer(200, self._instance_v2())
            case ["POST", "api", "v1", "apps"]:
                return Answer(200, self._app(self._body()))
            case ["GET", "oauth", "authorize"]:
                return self._authorize()
            case ["POST", "oauth", "token"]:
                return Answer(200, self._token(self._body()))
            case ["GET", "api", "v1", "accounts", "verify_credentials"]:
                return Answer(200, world.person_wire(self._who("read"), source=True))
            case ["PATCH", "api", "v1", "accounts", "update_credentials"]:
                broad = double.flavour.name == "takahe"
                return Answer(200, self._profile(self._who("write" if broad else "write:accounts")))
            case ["GET", "api", "v1", "accounts", account_id]:
                self._who("read:accounts")
                return Answer(200, world.person_wire(self._person(account_id)))
            case ["GET", "api", "v1", "accounts", account_id, "statuses"]:
                return self._statuses_of(self._person(account_id), self._who("read:statuses"))
            case ["GET", "api", "v1", "notifications"]:
                me = self._who("read:notifications")
                everything = self.request.query.get("include_filtered") == "true"
                mine = [
                    one
                    for one in world.notifications
                    if one["to"] == me.id and (everything or not one["filtered"])
                ]
                return self._page([world.notification_wire(one) for one in mine])
            case ["GET", "api", "v1", "conversations"]:
                me = self._who("read:conversations")
                return Answer(200, world.conversations_of(me) if double.flavour.conversations else [])
            case ["GET", "api", "v1", "timelines", "home"]:
                me = self._who("read:statuses")
                return self._page([world.post_wire(one) for one in world.posts.values() if one.author is me])
            case ["GET", "api", "v1", "timelines", "public"]:
                self._who("read:statuses")
                local = self.request.query.get("local") == "true"
                return self._public(lambda one: not local or not one.author.domain)
            case ["GET", "api", "v1", "timelines", "tag", tag]:
                self._who("read:statuses")
                return self._public(lambda one: tag in [found.lower() for found in tags_in(one.text)])
            case ["POST", "api", "v2" | "v1", "media"]:
                return self._upload(self._who("write:media"))
            case ["GET", "api", "v1", "media", media_id]:
                return self._media(media_id, self._who("read"))
            case ["POST", "api", "v1", "statuses"]:
                return self._post(self._who("write:statuses"))
            case ["GET", "api", "v1", "statuses", post_id]:
                return Answer(200, world.post_wire(self._seen(post_id, self._who("read:statuses"))))
            case ["PUT", "api", "v1", "statuses", post_id]:
                post = self._own(post_id, self._who("write:statuses"))
                world.change(post, self._body())
                return Answer(200, world.post_wire(post))
            case ["DELETE", "api", "v1", "statuses", post_id]:
                post = self._own(post_id, self._who("write:statuses"))
                wire = world.post_wire(post)
                world.remove(post)
                return Answer(200, wire)
            case ["GET", "api", "v1", "statuses", post_id, "context"]:
                me = self._who("read:statuses")
                above, below = world.around(self._seen(post_id, me), me)
                wire = {
                    "ancestors": [world.post_wire(one) for one in above],
                    "descendants": [world.post_wire(one) for one in below],
                }
                return Answer(200, wire)
        raise Refusal(404, "Record not found")

    # Instance and login -----------------------------------------------------------------------------
    def _instance_v1(self) -> dict[str, Any]:
        double = self.double
        found: dict[str, Any] = {
            "uri": double.world.domain,
            "version": double.flavour.version,
            "urls": {"streaming_api": double.streaming} if double.flavour.websocket else {},
            "configuration": {
                "statuses": {
                    "max_characters": double.flavour.max_characters,
                    "max_media_attachments": 4,
                    "characters_reserved_per_url": 25 if double.flavour.ulids else 23,
                },
                "media_attachments": {
                    "supported_mime_types": ["image/jpeg", "image/png", "image/webp"],
                    "image_size_limit": 10_485_760,
                },
            },
        }
        return found

    def _instance_v2(self) -> dict[str, Any]:
        old = self._instance_v1()
        old["configuration"]["urls"] = {"streaming": self.double.streaming}
        old["configuration"]["accounts"] = {"max_note_length": 500}
        return {
            "domain": self.double.world.domain,
            "version": old["version"],
            "configuration": old["configuration"],
        }

    def _app(self, body: dict[str, Any]) -> dict[str, Any]:
        for needed in ("client_name", "redirect_uris"):
            if not body.get(needed):
                raise Refusal(422, f"Validation failed: {needed} can't be blank")
        app = {
            "id": new_token(), "client_id": new_token(), "client_secret": new_token(),
            "redirect_uris": body["redirect_uris"], "scopes": body.get("scopes") or "read",
        }  # fmt: skip
        self.double.apps[app["client_id"]] = app
        # Some echo the scopes as a list, some not at all.
        echoed = {} if self.double.flavour.ulids else {"scopes": app["scopes"].split()}
        return {name: app[name] for name in ("id", "client_id", "client_secret")} | echoed

    def _authorize(self) -> Answer:
        """The login page, opened by the account's owner."""
        asked = self.request.query
        app = self.double.apps.get(asked.get("client_id", ""))
        if app is None or asked.get("response_type") != "code":
            raise Refusal(401, "Client authentication failed due to unknown client")
        if asked.get("redirect_uri") != app["redirect_uris"]:
            raise Refusal(401, "The redirect uri included is not valid.")
        if not set(asked.get("scope", "read").split()) <= set(app["scopes"].split()):
            raise Refusal(400, "The requested scope is invalid, unknown, or malformed.")
        code = new_token()
        self.double.codes[code] = dict(asked)
        state = {"state": asked["state"]} if "state" in asked else {}
        refused = {
            "error": "access_denied",
            "error_description": "The resource owner or authorization server denied the request.",
        }
        return login_page(
            asked["redirect_uri"], allowed={"code": code, **state}, refused={**refused, **state}
        )

    def _token(self, body: dict[str, Any]) -> dict[str, Any]:
        app = self.double.apps.get(body.get("client_id", ""))
        asked = self.double.codes.pop(body.get("code", ""), None)
        if app is None or app["client_secret"] != body.get("client_secret"):
            raise Refusal(401, "invalid_client")
        if asked is None or asked["redirect_uri"] != body.get("redirect_uri"):
            raise Refusal(400, "invalid_grant")
        if "code_challenge" in asked and self.double.flavour.pkce:
            digest = hashlib.sha256(body.get("code_verifier", "").encode()).digest()
            if urlsafe_b64encode(digest).rstrip(b"=").decode() != asked["code_challenge"]:
                raise Refusal(400, "invalid_grant")
        person = self._person_named("care")
        token = self.double.token_for(person, asked.get("scope", "read"))
        return {"access_token": token, "token_type": "Bearer", "scope": asked.get("scope", "read")}

    # Accounts and lists -----------------------------------------------------------------------------
    def _person(self, account_id: str) -> Person:
        for one in self.double.world.people:
            if one.id == account_id:
                return one
        raise Refusal(404, "Record not found")

    def _person_named(self, name: str) -> Person:
        return next(one for one in self.double.world.people if one.username == name)

    def _profile(self, me: Person) -> dict[str, Any]:
        body = self._body()
        me.name = body.get("display_name", me.name)
        me.note = body.get("note", me.note)
        if len(me.note) > 500:
            raise Refusal(422, "Validation failed: Note character limit of 500 exceeded")
        if "fields_attributes" in body:
            me.fields = list(body["fields_attributes"].values())
        return self.double.world.person_wire(me, source=True)

    def _statuses_of(self, person: Person, viewer: Person) -> Answer:
        world = self.double.world
        posts = [one for one in world.posts.values() if one.author is person and world.visible(one, viewer)]
        if not self.double.flavour.own_private_listed:
            posts = [one for one in posts if one.visibility in {"public", "unlisted"}]
        return self._page([world.post_wire(one) for one in posts])

    def _public(self, wanted: Callable[[Post], bool]) -> Answer:
        world = self.double.world
        return self._page(
            [
                world.post_wire(one)
                for one in world.posts.values()
                if one.visibility == "public" and wanted(one)
            ]
        )

    def _page(self, oldest_first: list[dict[str, Any]]) -> Answer:
        """By ids, which only the server can order; the links name another scheme, as behind a proxy."""
        limit = min(int(self.request.query.get("limit", 20)), 40)
        order = {one["id"]: index for index, one in enumerate(oldest_first)}

        def after(wanted: str) -> list[dict[str, Any]]:
            if wanted in order:
                return oldest_first[order[wanted] + 1 :]
            return [one for one in oldest_first if _order(one["id"]) > _order(wanted)]

        found = oldest_first
        if "max_id" in self.request.query:
            newer = after(self.request.query["max_id"])
            found = [one for one in found if one not in newer and one["id"] != self.request.query["max_id"]]
        if "min_id" in self.request.query:
            page = after(self.request.query["min_id"])[:limit]
        else:
            page = found[-limit:] if limit else []
        page = page[::-1]
        if not page:
            return Answer(200, [])
        base = self.double.url.replace("http://", "https://") + self.request.path
        links = f'<{base}?max_id={page[-1]["id"]}>; rel="next", <{base}?min_id={page[0]["id"]}>; rel="prev"'
        return Answer(200, page, {"Link": links})

    # Posts ------------------------------------------------------------------------------------------
    def _seen(self, post_id: str, viewer: Person) -> Post:
        post = self.double.world.posts.get(post_id)
        if post is None or not self.double.world.visible(post, viewer):
            raise Refusal(404, "Record not found")
        return post

    def _own(self, post_id: str, me: Person) -> Post:
        post = self._seen(post_id, me)
        if post.author is not me:
            takahe = self.double.flavour.name == "takahe"
            raise (
                Refusal(401, "Not the author of this status") if takahe else Refusal(404, "Record not found")
            )
        return post

    def _post(self, me: Person) -> Answer:
        double = self.double
        key = self.request.headers.get("idempotency-key", "")
        post = double.world.publish(me, self._body(), key=key)
        return Answer(200, double.world.post_wire(post))

    def _upload(self, me: Person) -> Answer:
        double, world = self.double, self.double.world
        if not self.request.files.get("file"):
            raise Refusal(422, "Validation failed: File can't be blank")
        if not self.request.files["file"].startswith((b"\x89PNG", b"\xff\xd8", b"RIFF")):
            raise Refusal(422, "Validation failed: File content type is invalid")
        alt = self.request.form.get("description", "")
        media_id = world.new_id()
        working = 2 if double.flavour.slow_media else 0
        world.media[media_id] = {
            "owner": me.id, "alt": alt, "working": 10**9 if double.never_ready else working
        }  # fmt: skip
        return Answer(202 if world.media[media_id]["working"] else 200, world.media_wire(media_id))

    def _media(self, media_id: str, me: Person) -> Answer:
        world = self.double.world
        found = world.media.get(media_id)
        if found is None or found["owner"] != me.id:
            raise Refusal(404, "Record not found")
        found["working"] = max(found["working"] - 1, 0)
        return Answer(206 if found["working"] else 200, world.media_wire(media_id))


def said(words: tuple[int, str]) -> Refusal:
    """A refusal in the server's own words; what is in angle brackets is no JSON there."""
    status, reason = words
    return Refusal(status, reason.strip("<>"), plain=reason.startswith("<"))


def _order(wanted: str) -> tuple[int, str]:
    return (len(wanted), wanted)
