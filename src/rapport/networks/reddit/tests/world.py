"""The people, communities and words of Reddit's double, and how they look as JSON."""

from __future__ import annotations

import html
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from rapport.networks.doubles import Double
from rapport.networks.reddit.reading import base36


@dataclass
class Person:
    name: str
    number: int
    takes_messages: bool = True

    @property
    def fullname(self) -> str:
        return f"t2_{base36(self.number)}"


@dataclass
class Community:
    name: str
    kind: str = "public"
    moderators: set[str] = field(default_factory=set)


@dataclass
class Thing:
    """A comment (t1), post (t3) or private message (t4)."""

    name: str
    by: Person
    body: str
    at: float
    community: str = ""
    title: str = ""
    parent: str | None = None
    post: str = ""
    to: Person | None = None
    first: str | None = None
    edited: float | bool = False
    deleted: bool = False
    removed: bool = False
    locked: bool = False
    picture: str = ""


@dataclass
class Mail:
    id: str
    by: Person
    body: str
    at: float
    is_mod: bool
    internal: bool = False
    hidden: bool = False


@dataclass
class Conversation:
    id: str
    community: str
    subject: str
    participant: Person
    mails: list[Mail] = field(default_factory=list)
    internal: bool = False


class World(Double):
    def __init__(self) -> None:
        super().__init__()
        self.people: dict[str, Person] = {}
        self.communities: dict[str, Community] = {}
        self.things: dict[str, Thing] = {}
        self.conversations: dict[str, Conversation] = {}
        self.now: Callable[[], float] = time.time
        self.unseen: set[str] = set()  # things that listings do not show yet
        self._last = 800_000_000
        self.brand = self.person("alvara_help")
        self.community("alvara", moderators={"alvara_help"})
        self.community("travel")

    def number(self) -> int:
        self._last += 7
        return self._last

    def person(self, name: str, **more: Any) -> Person:
        found = Person(name, self.number(), **more)
        self.people[name.lower()] = found
        return found

    def community(self, name: str, **more: Any) -> Community:
        found = Community(name, **more)
        self.communities[name.lower()] = found
        return found

    def post(
        self, by: Person, title: str, body: str = "", *, community: str = "travel", **more: Any
    ) -> Thing:
        return self._add("t3", by=by, title=title, body=body, community=community, **more)

    def comment(self, by: Person, body: str, *, to: str, **more: Any) -> Thing:
        parent = self.things[to]
        more.setdefault("at", self._after(parent))
        return self._add(
            "t1",
            by=by,
            body=body,
            parent=to,
            post=parent.post or parent.name,
            community=parent.community,
            **more,
        )

    def message(
        self, by: Person, to: Person, body: str, *, title: str = "Hello", parent: str | None = None
    ) -> Thing:
        first = (self.things[parent].first or parent) if parent else None
        at = self._after(self.things[parent]) if parent else self.now()
        subject = f"re: {self.things[first].title}" if first else title
        return self._add("t4", by=by, body=body, to=to, title=subject, parent=parent, first=first, at=at)

    def _after(self, parent: Thing) -> float:
        """Nobody answers in the very second in which something is said, and seconds are all Reddit counts."""
        return max(self.now(), parent.at + 1)

    def _add(self, kind: str, **fields: Any) -> Thing:
        at = float(int(fields.pop("at", self.now())))  # Reddit counts whole seconds
        found = Thing(name=f"{kind}_{base36(self.number())}", at=at, **fields)
        self.things[found.name] = found
        return found

    def mail(self, conversation: str, by: Person, body: str, **more: Any) -> Mail:
        into = self.conversations[conversation]
        is_mod = by.name in self.communities[into.community].moderators
        found = Mail(base36(self.number()), by, body, self.now(), is_mod, **more)
        into.mails.append(found)
        return found

    def modmail(
        self, by: Person, subject: str, body: str, *, community: str = "alvara", **more: Any
    ) -> Conversation:
        found = Conversation(base36(self.number()), community, subject, by, **more)
        self.conversations[found.id] = found
        self.mail(found.id, by, body, internal=found.internal)
        return found

    # As JSON --------------------------------------------------------------------------------------
    def thing_json(self, one: Thing, *, raw: bool, inbox: bool = False) -> dict[str, Any]:
        kind = one.name[:2]
        escape: Callable[[str], str] = (
            (lambda text: text) if raw else (lambda text: html.escape(text, quote=False))
        )
        body = "[deleted]" if one.deleted else "[removed]" if one.removed else escape(one.body)
        author = "[deleted]" if one.deleted or one.removed else one.by.name
        data: dict[str, Any] = {
            "name": one.name, "id": one.name[3:], "author": author, "created_utc": one.at, "created": one.at,
            "subreddit": one.community or None, "score": 1, "likes": None, "distinguished": None, "replies": "",
        }  # fmt: skip
        if author != "[deleted]":
            data["author_fullname"] = one.by.fullname
        if kind == "t4":
            data |= {
                "body": body, "subject": escape(one.title), "dest": one.to.name if one.to else "", "new": True,
                "parent_id": one.parent, "first_message_name": one.first, "was_comment": False, "type": "unknown",
                "context": "",
            }  # fmt: skip
            return {"kind": kind, "data": data}
        path = f"/r/{one.community}/comments/{(one.post or one.name)[3:]}/a_title/"
        data["edited"] = one.edited
        if kind == "t3":
            data |= {
                "title": escape(one.title), "selftext": body, "is_self": not one.picture, "permalink": path,
                "url": one.picture or f"https://www.reddit.com{path}", "removed_by_category": None,
                "over_18": False, "num_comments": 0,
            }  # fmt: skip
            if one.picture:
                data["post_hint"] = "image"
            if one.deleted or one.removed:
                data["removed_by_category"] = "deleted" if one.deleted else "moderator"
            return {"kind": kind, "data": data}
        data |= {"body": body, "parent_id": one.parent, "permalink": f"{path}{one.name[3:]}/"}
        if inbox:
            data |= {"context": f"{path}{one.name[3:]}/?context=3", "was_comment": True, "new": True}
            mention = f"u/{self.brand.name}" in one.body.lower()
            data["type"] = "username_mention" if mention else "comment_reply"
            data["subject"] = "username mention" if mention else "comment reply"
            del data["permalink"]
        else:
            data["link_id"] = one.post
        return {"kind": kind, "data": data}

    def conversation_json(self, one: Conversation) -> dict[str, Any]:
        return {
            "id": one.id, "subject": one.subject, "isInternal": one.internal, "isAuto": False, "state": 1,
            "isRepliable": True, "isHighlighted": False, "numMessages": len(one.mails),
            "lastUpdated": _iso(one.mails[-1].at), "owner": {"displayName": one.community, "type": "subreddit"},
            "participant": self.writer_json(one.participant, one, is_mod=False),
            "objIds": [{"id": mail.id, "key": "messages"} for mail in one.mails],
        }  # fmt: skip

    def writer_json(
        self, person: Person, within: Conversation, *, is_mod: bool, hidden: bool = False
    ) -> dict[str, Any]:
        return {
            "name": person.name, "id": person.number, "isMod": is_mod, "isAdmin": False, "isDeleted": False,
            "isHidden": hidden, "isOp": person is within.participant,
            "isParticipant": person is within.participant,
        }  # fmt: skip

    def mails_json(self, one: Conversation) -> dict[str, Any]:
        return {
            mail.id: {
                "id": mail.id, "date": _iso(mail.at), "bodyMarkdown": mail.body, "isInternal": mail.internal,
                "body": f"<!-- SC_OFF --><div class=\"md\"><p>{html.escape(mail.body)}</p>\n</div><!-- SC_ON -->",
                "author": self.writer_json(mail.by, one, is_mod=mail.is_mod, hidden=mail.hidden),
            }
            for mail in one.mails
        }  # fmt: skip


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()
