"""The people, posts and messages of X's double, and how they look as JSON."""

from __future__ import annotations

import hashlib
import html
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from rapport.networks.base import Delivery
from rapport.networks.doubles import Double, Request
from rapport.networks.x.text import urls, weighted_length
from rapport.networks.x.webhooks import SIGNATURE, signature

EPOCH_MS = 1288834974657
PROBLEMS = "https://api.x.com/2/problems/"
CONSUMER_SECRET = "consumer secret"


@dataclass
class Person:
    id: str
    username: str
    name: str
    protected: bool = False
    messages_from_anyone: bool = True


@dataclass
class Post:
    id: str
    by: str
    text: str
    at: datetime
    parent: str | None = None
    quotes: str | None = None
    reposts: str | None = None
    media: list[str] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)
    deleted: bool = False


@dataclass
class Private:
    id: str
    by: str
    to: str
    text: str
    at: datetime
    media: list[str] = field(default_factory=list)


@dataclass
class Upload:
    id: str
    kind: str
    total: int
    category: str
    pieces: dict[int, bytes] = field(default_factory=dict)
    ready: bool = False
    alt: str = ""
    looks: int = 0  # how often its state must be asked before it is done


class World(Double):
    """One brand, some people. ``subscribed``: the X Activity API pushes what concerns the brand."""

    def __init__(self) -> None:
        super().__init__()
        self.people: dict[str, Person] = {}
        self.posts: dict[str, Post] = {}
        self.private: list[Private] = []
        self.uploads: dict[str, Upload] = {}
        self.tokens: dict[str, tuple[str, float]] = {}  # access token: whose, until when
        self.refresh_tokens: dict[str, str] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.used: dict[str, list[float]] = {}
        self.limits: dict[str, int] = {}
        self.enterprise = False
        self.no_credits = False
        self.now: Callable[[], float] = time.time
        self.deliveries: list[Delivery] = []
        self.subscribed = False
        self.hidden_from_lists: set[str] = set()  # posts that the lists do not show yet
        self._last_ms = 0
        self.brand = self.person("alvara_air", "Alvara Air")

    def new_id(self, at: float | None = None) -> str:
        """A snowflake of this moment; never the same twice."""
        wanted = int((self.now() if at is None else at) * 1000)
        if at is None:
            wanted = self._last_ms = max(wanted, self._last_ms + 1)
        return str(
            ((wanted - EPOCH_MS) << 22) | secrets.randbelow(1 << 12) if at else (wanted - EPOCH_MS) << 22
        )

    def person(self, username: str, name: str, **more: Any) -> Person:
        found = Person(id=self.new_id(), username=username, name=name, **more)
        self.people[found.id] = found
        return found

    def token(self, person: Person, *, seconds: float = 7200) -> tuple[str, str]:
        access, refresh = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        self.tokens[access] = (person.id, self.now() + seconds)
        self.refresh_tokens[refresh] = person.id
        return access, refresh

    def post(self, by: Person, text: str, **more: Any) -> Post:
        at = more.pop("at", None)
        external_id = self.new_id(at)
        made = datetime.fromtimestamp(((int(external_id) >> 22) + EPOCH_MS) / 1000, UTC)
        found = Post(id=external_id, by=by.id, text=text, at=made, versions=[external_id], **more)
        self.posts[external_id] = found
        if self.subscribed and not more.get("silent"):
            self._tell(found)
        return found

    def edit(self, external_id: str, text: str) -> Post:
        """An edit is a new post; both know of each other."""
        old = self.posts[external_id]
        new = Post(**{**vars(old), "id": self.new_id(), "text": text})
        new.at = datetime.fromtimestamp(((int(new.id) >> 22) + EPOCH_MS) / 1000, UTC)
        for one in old.versions:
            self.posts[one].versions = [*old.versions, new.id]
        new.versions = [*old.versions[:-1], new.id] if new.id in old.versions else [*old.versions, new.id]
        self.posts[new.id] = new
        return new

    def delete(self, external_id: str) -> None:
        for one in self.posts[external_id].versions:
            self.posts[one].deleted = True

    def message(self, by: Person, to: Person, text: str, media: list[str] | None = None) -> Private:
        external_id = self.new_id()
        at = datetime.fromtimestamp(((int(external_id) >> 22) + EPOCH_MS) / 1000, UTC)
        found = Private(external_id, by.id, to.id, text, at, media or [])
        self.private.append(found)
        if self.subscribed:
            self._push(self._message_event(found))
        return found

    def upload(self, kind: str, content: bytes, alt: str) -> str:
        found = Upload(self.new_id(), kind, len(content), "tweet_image", {0: content}, ready=True, alt=alt)
        self.uploads[found.id] = found
        return found.id

    def user_json(self, person: Person, request: Request) -> dict[str, Any]:
        wanted = set(request.query.get("user.fields", "").split(","))
        optional = {
            "description": "We fly. Answers from 6 to 23 h.",
            "profile_image_url": f"https://pbs.example/{person.username}.jpg",
            "public_metrics": {"followers_count": 20400, "following_count": 3, "tweet_count": 9, "listed_count": 1},
            "url": "https://t.co/abcdefghij",
            "entities": {
                "url": {
                    "urls": [
                        {
                            "start": 0, "end": 23, "url": "https://t.co/abcdefghij",
                            "expanded_url": "https://alvara.example/help", "display_url": "alvara.example/help",
                        }
                    ]
                }
            },
            "subscription_type": "None",
        }  # fmt: skip
        shown = {name: value for name, value in optional.items() if name in wanted}
        return {"id": person.id, "name": person.name, "username": person.username, **shown}

    def newest(self) -> list[Post]:
        """Posts that lists show, newest first; of an edited one the newest version."""
        shown = [
            one
            for one in self.posts.values()
            if not one.deleted and one.versions[-1] == one.id and one.id not in self.hidden_from_lists
        ]
        return sorted(shown, key=lambda one: int(one.id), reverse=True)

    def page_json(self, request: Request, posts: list[Post], meta: Any) -> dict[str, Any]:
        """The page, and what the expansions ask for; references to posts that are gone become errors."""
        wanted = set(request.query.get("expansions", "").split(","))
        body: dict[str, Any] = {"data": [self.post_json(one, request) for one in posts]}
        users, tweets, media, errors = {}, {}, {}, []
        for one in posts:
            users[one.by] = self.people[one.by]
            for key in one.media:
                media[key] = self.uploads[key]
            for reference in filter(None, (one.parent, one.quotes, one.reposts)):
                other = self.posts.get(reference)
                if other is None or other.deleted:
                    errors.append(not_found(reference, "referenced_tweets.id"))
                else:
                    tweets[reference] = self.post_json(other, request)
                    users[other.by] = self.people[other.by]
        includes: dict[str, Any] = {}
        if "author_id" in wanted and users:
            includes["users"] = [self.user_json(one, request) for one in users.values()]
        if "referenced_tweets.id" in wanted and tweets:
            includes["tweets"] = list(tweets.values())
        if "attachments.media_keys" in wanted and media:
            includes["media"] = [file_json(one) for one in media.values()]
        if includes:
            body["includes"] = includes
        if errors and "referenced_tweets.id" in wanted:
            body["errors"] = errors
        if meta is not None:
            body["meta"] = meta
            if not posts:
                del body["data"]
        return body

    def post_json(self, post: Post, request: Request) -> dict[str, Any]:
        wanted = set(request.query.get("tweet.fields", "").split(","))
        text = html.escape(self.text_of(post), quote=False)
        references = [
            {"type": kind, "id": other}
            for kind, other in (
                ("replied_to", post.parent),
                ("quoted", post.quotes),
                ("retweeted", post.reposts),
            )
            if other
        ]
        text, addresses = shorten(text)
        if post.media:
            own = short_address(post.id)
            text += f" {own}"
            addresses.append(
                {
                    "url": own,
                    "expanded_url": f"https://x.com/{self.people[post.by].username}/status/{post.id}/photo/1",
                    "media_key": f"3_{post.media[0]}",
                }
            )
        optional = {
            "author_id": post.by,
            "created_at": post.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "conversation_id": self.root_of(post).id,
            "lang": "en",
            "referenced_tweets": references,
            "attachments": {"media_keys": [f"3_{one}" for one in post.media]} if post.media else None,
            "entities": {"urls": addresses} if addresses else None,
            "public_metrics": {
                "like_count": 0, "retweet_count": 0, "quote_count": 0,
                "reply_count": sum(1 for one in self.posts.values() if one.parent == post.id),
            },
        }  # fmt: skip
        shown = {name: value for name, value in optional.items() if name in wanted and value}
        cut = {}
        if weighted_length(self.text_of(post)) > 280:
            if "note_tweet" in wanted:
                cut = {"note_tweet": {"text": text, "entities": {"urls": addresses}}}
            text = text[:270] + "…"
        return {"id": post.id, "text": text, "edit_history_tweet_ids": post.versions, **shown, **cut}

    def text_of(self, post: Post) -> str:
        """X puts the names of those who are answered in front."""
        if post.reposts:
            original = self.posts[post.reposts]
            return f"RT @{self.people[original.by].username}: {original.text}"
        if post.parent and (parent := self.posts.get(post.parent)) and parent.by != post.by:
            name = f"@{self.people[parent.by].username}"
            return post.text if name.lower() in post.text.lower() else f"{name} {post.text}"
        return post.text

    def root_of(self, post: Post) -> Post:
        while post.parent and post.parent in self.posts:
            post = self.posts[post.parent]
        return post

    def _tell(self, post: Post) -> None:
        """What the X Activity API pushes about a post of somebody else."""
        if post.by == self.brand.id:
            return self._push(self._post_event("post.create", post))
        parent = self.posts.get(post.parent or "")
        if parent is not None and parent.by == self.brand.id:
            return self._push(self._post_event("post.reply.create", post))
        if f"@{self.brand.username}" in post.text.lower():
            return self._push(self._post_event("post.mention.create", post))
        return None

    def _post_event(self, kind: str, post: Post) -> dict[str, Any]:
        request = Request("GET", "/", {
            "tweet.fields": "author_id,created_at,conversation_id,lang,referenced_tweets,attachments,entities,public_metrics",
            "user.fields": "profile_image_url,public_metrics", "expansions": "author_id,referenced_tweets.id,attachments.media_keys",
        }, {}, b"")  # fmt: skip
        page = self.page_json(request, [post], None)
        return {"event_type": kind, "payload": page["data"][0], "includes": page.get("includes", {})}

    def _message_event(self, one: Private) -> dict[str, Any]:
        kind = "dm.sent" if one.by == self.brand.id else "dm.received"
        text, addresses = shorten(html.escape(one.text, quote=False))
        event = {
            "type": "message_create", "id": one.id, "created_timestamp": str(int(one.at.timestamp() * 1000)),
            "message_create": {
                "target": {"recipient_id": one.to}, "sender_id": one.by,
                "message_data": {"text": text, "entities": {"urls": addresses}},
            },
        }  # fmt: skip
        plain = Request("GET", "/", {}, {}, b"")
        users = {key: {"data": self.user_json(self.people[key], plain)} for key in (one.by, one.to)}
        return {"event_type": kind, "payload": {"direct_message_events": [event], "users": users}}

    def _push(self, event: dict[str, Any]) -> None:
        body = json.dumps(
            {
                "data": {
                    "event_uuid": self.new_id(),
                    "filter": {"user_id": self.brand.id},
                    "tag": "rapport",
                    **event,
                }
            }
        ).encode()
        self.deliveries.append(
            Delivery(
                method="POST",
                headers={SIGNATURE: signature(CONSUMER_SECRET, body), "content-type": "application/json"},
                body=body,
            )
        )


def not_found(external_id: str, parameter: str) -> dict[str, Any]:
    return {
        "value": external_id, "resource_id": external_id, "parameter": parameter, "resource_type": "tweet",
        "title": "Not Found Error", "detail": f"Could not find tweet with {parameter}: [{external_id}].",
        "type": PROBLEMS + "resource-not-found",
    }  # fmt: skip


def file_json(one: Upload) -> dict[str, Any]:
    kind = "photo" if one.category.endswith("image") else "video"
    found = {"media_key": f"3_{one.id}", "type": kind, "url": f"https://pbs.example/media/{one.id}.jpg"}
    return {**found, "alt_text": one.alt} if one.alt else found


def short_address(seed: str) -> str:
    return "https://t.co/" + hashlib.sha256(seed.encode()).hexdigest()[:10]


def shorten(text: str) -> tuple[str, list[dict[str, Any]]]:
    """Addresses in a text become t.co ones, as X does."""
    shortened, entities, at = "", [], 0
    for start, end in urls(text):
        long = html.unescape(text[start:end])
        short = short_address(long)
        shortened += text[at:start] + short
        expanded = long if "://" in long else f"http://{long}"
        entities.append({"url": short, "expanded_url": expanded, "display_url": long.split("://")[-1][:27]})
        at = end
    return shortened + text[at:], entities


def conversation(one: Private) -> str:
    return "-".join(sorted((one.by, one.to), key=int))
