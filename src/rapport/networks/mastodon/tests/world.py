"""The double's world: accounts, posts, notifications and what three kinds of servers do differently with them.

Written from the documentation (https://docs.joinmastodon.org) and from what GoToSocial 0.20 and Takahē 0.11
were seen to do. Everything here is called with the lock held.
"""

from __future__ import annotations

import html
import itertools
import re
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import regex

ULID = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True)
class Flavour:
    """What differs between the servers that speak the API."""

    name: str
    version: str
    max_characters: int
    bad_token: tuple[int, str]  # in <> when it is no JSON
    out_of_scope: tuple[int, str]
    idempotent: bool = False
    pkce: bool = False
    instance_v2: bool = True
    conversations: bool = True
    websocket: bool = False
    events: bool = False  # server-sent
    limits: bool = True
    ulids: bool = False
    fractions: bool = True
    own_private_listed: bool = True
    replies_mention: bool = False  # the author of what is answered is mentioned unasked
    edits_publish: bool = False
    refuses_dead_parent: bool = True
    slow_media: bool = False
    counts_links: bool = False


MASTODON = Flavour(
    name="mastodon", version="4.4.3", max_characters=500,
    bad_token=(401, "The access token is invalid"),
    out_of_scope=(403, "This action is outside the authorized scopes"),
    idempotent=True, pkce=True, websocket=True, events=True, slow_media=True, counts_links=True,
)  # fmt: skip
GOTOSOCIAL = Flavour(
    name="gotosocial", version="0.20.0-rc1+git-57cb4fe", max_characters=5000,
    bad_token=(401, "Unauthorized: token not supplied"),
    out_of_scope=(403, "Forbidden: token has insufficient scope permission"),
    websocket=True, ulids=True,
)  # fmt: skip
TAKAHE = Flavour(
    name="takahe", version="takahe/0.11.0", max_characters=500,
    bad_token=(400, "<Invalid Bearer token>"),
    out_of_scope=(403, "out_of_scope_for_token"),
    instance_v2=False, conversations=False, limits=False, own_private_listed=False,
    replies_mention=True, edits_publish=True, refuses_dead_parent=False,
)  # fmt: skip


class Refusal(Exception):
    """The server says no: a status and a reason."""

    def __init__(self, status: int, reason: str, *, plain: bool = False) -> None:
        super().__init__(reason)
        self.status, self.reason, self.plain = status, reason, plain


@dataclass
class Person:
    id: str
    username: str
    domain: str  # "" for people of this server
    name: str
    bot: bool = False
    note: str = ""
    fields: list[dict[str, str]] = field(default_factory=list)

    @property
    def acct(self) -> str:
        return f"{self.username}@{self.domain}" if self.domain else self.username


@dataclass
class Post:
    id: str
    author: Person
    text: str
    visibility: str
    created_at: datetime
    answers: str | None = None
    edited_at: datetime | None = None
    warning: str = ""
    sensitive: bool = False
    language: str | None = None
    media: list[str] = field(default_factory=list)
    mentions: list[Person] = field(default_factory=list)
    poll: dict[str, Any] | None = None


@dataclass
class World:
    flavour: Flavour
    domain: str = "social.example"
    lock: threading.RLock = field(default_factory=threading.RLock)
    people: list[Person] = field(default_factory=list)
    posts: dict[str, Post] = field(default_factory=dict)
    notifications: list[dict[str, Any]] = field(default_factory=list)
    media: dict[str, dict[str, Any]] = field(default_factory=dict)
    keys: dict[tuple[str, str], str] = field(default_factory=dict)
    # Behaviour on demand
    silent: bool = False  # no notification for anything
    filtering: bool = False  # the account's policy keeps strangers' notifications aside
    push: Callable[[str, Any], None] = lambda event, payload: None
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def new_id(self) -> str:
        number = next(self._ids)
        if not self.flavour.ulids:
            return str(117020457910000000 + number * 65536)
        return "01K6" + "".join(ULID[(number >> shift) & 31] for shift in range(105, -5, -5))[-22:]

    def now(self) -> datetime:
        return datetime.now(UTC)

    # What people do ---------------------------------------------------------------------------------
    def join(self, username: str, *, domain: str = "", name: str = "", bot: bool = False) -> Person:
        person = Person(self.new_id(), username, domain, name or username.title(), bot)
        self.people.append(person)
        return person

    def publish(self, author: Person, body: dict[str, Any], *, key: str = "") -> Post:
        """Post it, with everything that follows: mentions, notifications, the stream."""
        if key and self.flavour.idempotent and (author.id, key) in self.keys:
            return self.posts[self.keys[author.id, key]]
        text = str(body.get("status") or "")
        self.check_text(text, body)
        visibility = body.get("visibility", "public")
        if visibility not in {"public", "unlisted", "private", "direct"}:
            raise Refusal(422, "Validation failed: Visibility is not included in the list")
        parent = self.posts.get(str(body.get("in_reply_to_id") or ""))
        if body.get("in_reply_to_id") and (parent is None or not self.visible(parent, author)):
            if self.flavour.refuses_dead_parent:
                raise Refusal(404, "The post you are trying to reply to does not appear to exist.")
            parent = None
        post = Post(
            id=self.new_id(),
            author=author,
            text=text,
            visibility=visibility,
            created_at=self.now(),
            answers=parent.id if parent else None,
            warning=str(body.get("spoiler_text") or ""),
            sensitive=bool(body.get("sensitive")),
            language=body.get("language"),
            media=self.attached(body, author),
            mentions=self.named_in(text),
            poll=body.get("poll"),
        )
        if parent is not None and self.flavour.replies_mention and parent.author not in post.mentions:
            post.mentions.append(parent.author)
        self.posts[post.id] = post
        if key:
            self.keys[author.id, key] = post.id
        for person in post.mentions:
            if person is not author:
                self.notify(person, "mention", author, post)
        self.push("update", post)
        return post

    def change(self, post: Post, body: dict[str, Any]) -> None:
        """An edit: what it does not repeat is lost."""
        text = str(body.get("status") or "")
        self.check_text(text, body)
        post.text, post.edited_at = text, self.now()
        post.warning, post.sensitive = str(body.get("spoiler_text") or ""), bool(body.get("sensitive"))
        post.media = self.attached(body, post.author)
        post.mentions = self.named_in(text)
        if self.flavour.edits_publish:
            post.visibility = "public"
        self.push("status.update", post)

    def remove(self, post: Post) -> None:
        del self.posts[post.id]
        self.notifications = [one for one in self.notifications if one["post"] != post.id]
        for other in self.posts.values():
            if other.answers == post.id:
                other.answers = None
        self.push("delete", post)

    def notify(self, whom: Person, kind: str, by: Person, post: Post | None, **more: Any) -> None:
        if self.silent or whom.domain:
            return
        found = {
            "id": self.new_id(), "type": kind, "at": self.now(), "to": whom.id, "by": by,
            "post": post.id if post else None, "filtered": self.filtering, **more,
        }  # fmt: skip
        self.notifications.append(found)
        self.push("notification", found)

    # Rules ------------------------------------------------------------------------------------------
    def check_text(self, text: str, body: dict[str, Any]) -> None:
        if not text and not body.get("media_ids"):
            raise Refusal(422, "Validation failed: Text can't be blank")
        counted = text
        if self.flavour.counts_links:
            counted = re.sub(r"https?://[^\s]+", "l" * 23, counted)
            counted = re.sub(r"(@[\w.]+)@[\w.-]+\w", r"\1", counted)
            counted = "".join("c" for _one in regex.findall(r"\X", counted))
        longest = self.flavour.max_characters
        if len(counted) + len(str(body.get("spoiler_text") or "")) > longest:
            raise Refusal(422, f"Validation failed: Text character limit of {longest} exceeded")

    def attached(self, body: dict[str, Any], author: Person) -> list[str]:
        ids = body.get("media_ids") or []
        if not isinstance(ids, list) or len(ids) > 4:
            raise Refusal(422, "Cannot attach more than 4 files")
        for one in ids:
            found = self.media.get(str(one))
            if found is None or found["owner"] != author.id:
                raise Refusal(404, "Record not found")
            if found["working"]:
                raise Refusal(422, "Cannot attach files that have not finished processing. Try again later!")
        return [str(one) for one in ids]

    def named_in(self, text: str) -> list[Person]:
        handles = [
            (name.lower(), (domain or "").removeprefix("@").lower())
            for name, domain in re.findall(r"(?<![\w/])@([a-zA-Z0-9_.]*\w)(@[\w.-]+\w)?", text)
        ]
        found = [
            person
            for name, domain in handles
            for person in self.people
            if person.username == name and person.domain == ("" if domain == self.domain else domain)
        ]
        return list({person.id: person for person in found}.values())

    def visible(self, post: Post, viewer: Person | None) -> bool:
        if post.visibility in {"public", "unlisted"}:
            return True
        return viewer is not None and (viewer is post.author or viewer in post.mentions)

    def around(self, post: Post, viewer: Person) -> tuple[list[Post], list[Post]]:
        """Ancestors and descendants that the viewer may see, oldest first."""
        ancestors: list[Post] = []
        parent = self.posts.get(post.answers or "")
        while parent is not None:
            ancestors.insert(0, parent)
            parent = self.posts.get(parent.answers or "")
        inside, below = {post.id}, []
        for one in self.posts.values():
            if one.answers in inside:
                inside.add(one.id)
                below.append(one)
        return (
            [one for one in ancestors if self.visible(one, viewer)],
            [one for one in below if self.visible(one, viewer)],
        )

    # Wire -------------------------------------------------------------------------------------------
    def time(self, at: datetime) -> str:
        if not self.flavour.fractions:
            return at.strftime("%Y-%m-%dT%H:%M:%SZ")
        return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"

    def person_wire(self, person: Person, *, source: bool = False) -> dict[str, Any]:
        found: dict[str, Any] = {
            "id": person.id,
            "username": person.username,
            "acct": person.acct,
            "display_name": person.name,
            "bot": person.bot,
            "note": f"<p>{html.escape(person.note)}</p>",
            "url": f"https://{person.domain or self.domain}/@{person.username}",
            "avatar": f"https://{self.domain}/avatars/{person.username}.png",
            "followers_count": 12,
            "fields": [
                {"name": one["name"], "value": f'<a href="{one["value"]}">{one["value"]}</a>'}
                for one in person.fields
            ],
        }
        if source:
            found["source"] = {"note": person.note, "fields": person.fields, "privacy": "public"}
        return found

    def post_wire(self, post: Post) -> dict[str, Any]:
        parent = self.posts.get(post.answers or "")
        found: dict[str, Any] = {
            "id": post.id,
            "created_at": self.time(post.created_at),
            "edited_at": self.time(post.edited_at) if post.edited_at else None,
            "in_reply_to_id": parent.id if parent else None,
            "in_reply_to_account_id": parent.author.id if parent else None,
            "visibility": post.visibility,
            "sensitive": post.sensitive,
            "spoiler_text": post.warning,
            "language": post.language,
            "uri": f"https://{self.domain}/users/{post.author.username}/statuses/{post.id}",
            "url": f"https://{self.domain}/@{post.author.username}/{post.id}",
            "content": self.rendered(post),
            "account": self.person_wire(post.author),
            "media_attachments": [self.media_wire(one) for one in post.media],
            "mentions": [
                {"id": one.id, "username": one.username, "acct": one.acct, "url": "https://x.example"}
                for one in post.mentions
            ],
            "tags": [{"name": tag.lower(), "url": "https://x.example"} for tag in tags_in(post.text)],
            "emojis": [],
            "reblog": None,
            "poll": post.poll,
            "replies_count": sum(one.answers == post.id for one in self.posts.values()),
        }
        if self.flavour.name == "mastodon":
            found["application"] = {"name": "Web", "website": None}
        return found

    def rendered(self, post: Post) -> str:
        def mention(found: re.Match[str]) -> str:
            return (
                f'<span class="h-card"><a href="https://x.example/@{found[1]}" class="u-url mention">'
                f"@<span>{found[1]}</span></a></span>"
            )

        def link(found: re.Match[str]) -> str:
            rest = found[0].split("://", 1)[1]
            return (
                f'<a href="{found[0]}" target="_blank"><span class="invisible">https://</span>'
                f'<span class="ellipsis">{rest[:30]}</span><span class="invisible">{rest[30:]}</span></a>'
            )

        text = html.escape(post.text, quote=False)
        text = re.sub(r"https?://[^\s<]+", link, text)
        text = re.sub(r"(?<![\w/\">])@([a-zA-Z0-9_.]*\w)(@[\w.-]+\w)?", mention, text)
        return "".join(f"<p>{part.replace(chr(10), '<br />')}</p>" for part in text.split("\n\n"))

    def media_wire(self, media_id: str) -> dict[str, Any]:
        found = self.media[media_id]
        return {
            "id": media_id,
            "type": "image",
            "url": None if found["working"] else f"https://{self.domain}/media/{media_id}.png",
            "description": found["alt"] or None,
        }

    def notification_wire(self, found: dict[str, Any]) -> dict[str, Any]:
        wire = {
            "id": found["id"],
            "type": found["type"],
            "created_at": self.time(found["at"]),
            "account": self.person_wire(found["by"]),
        }
        if found["post"]:
            wire["status"] = self.post_wire(self.posts[found["post"]])
        return wire

    def conversations_of(self, person: Person) -> list[dict[str, Any]]:
        """Direct messages by thread, the newest first."""
        threads: dict[str, Post] = {}
        for post in self.posts.values():
            if post.visibility == "direct" and self.visible(post, person):
                above, _below = self.around(post, person)
                threads[(above[0] if above else post).id] = post
        newest = sorted(threads.items(), key=lambda one: one[1].created_at, reverse=True)
        return [
            {"id": str(index), "unread": True, "accounts": [], "last_status": self.post_wire(post)}
            for index, (_root, post) in enumerate(newest, start=1)
        ]

    def older_than(self, post: Post, ago: timedelta) -> None:
        """Pretend that a post is older than it is."""
        post.created_at -= ago


def tags_in(text: str) -> list[str]:
    return re.findall(r"(?<!\w)#(\w+)", text)


def new_token() -> str:
    return secrets.token_urlsafe(24)
