"""A small Meta: one page, one Instagram account, and what people do there. Thread-safe."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from rapport.networks.base import Delivery

APP_ID, APP_SECRET, VERIFY_TOKEN = "2210001112223334", "an-app-secret-of-a-test", "words of our own"
PAGE_ID, PAGE_NAME, PAGE_HANDLE = "104200000000001", "Alvara Air", "alvaraair"
IG_ID, IG_HANDLE = "17841400000000001", "alvara.air"
PERSON_ID, PERSON_NAME, PERSON_HANDLE = "6300000000000007", "Ivana Kovač", "ivana.k"
ALL_SCOPES = [
    "pages_read_engagement", "pages_manage_engagement", "pages_read_user_content", "pages_messaging",
    "pages_manage_metadata", "pages_manage_posts", "pages_show_list", "instagram_basic",
    "instagram_manage_comments", "instagram_manage_messages",
]  # fmt: skip


@dataclass
class Thing:
    """A post, comment, medium or review. ``parent``: what it stands under, ``root``: the post of all."""

    id: str
    kind: str
    author: dict[str, str] | None
    text: str
    created: datetime
    parent: str = ""
    root: str = ""
    pictures: list[str] = field(default_factory=list)
    alts: list[str] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)
    privately_answered: bool = False


@dataclass
class Conversation:
    id: str
    platform: str
    person: str
    messages: list[dict[str, Any]] = field(default_factory=list)
    heard_at: datetime | None = None


class World:
    """``lag``: seconds that timestamps lie in the past. All ids are unlike each other."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.token = "EAApage0"
        self.renewals = 0
        self.revoked_subcode = 0
        self.scopes = list(ALL_SCOPES)
        self.codes: dict[str, str] = {}  # of logins, and the address each came back to
        self.subscribed: list[str] = []
        self.human_agent = False
        self.require_proof = True
        self.page: dict[str, Any] = {
            "about": "We fly you there.", "website": "https://alvara.example",
            "hours": {"mon_1_open": "09:00", "mon_1_close": "17:00"},
        }  # fmt: skip
        self.things: dict[str, Thing] = {}
        self.conversations: dict[tuple[str, str], Conversation] = {}
        self.uploads: dict[str, dict[str, Any]] = {}
        self.mentioned: dict[str, Thing] = {}
        self.deliveries: list[Delivery] = []
        self.calls: dict[str, int] = defaultdict(int)
        self.break_after_posting = False
        self.faults: list[dict[str, Any]] = []  # errors for the next calls
        # The same for one call: (method, last part of the path) to an error, or to an answer.
        self.faults_at: dict[tuple[str, str], dict[str, Any]] = {}
        self.answers_at: dict[tuple[str, str], Any] = {}
        self.most: dict[str, int] = {}  # how many things of an edge are not too much data
        self.usage: int | None = None
        self._numbers = itertools.count(1)
        self.post = self.add_post("We fly to Split again from May.")
        self.medium = self.add("medium", self.instagram, "Split from above", root="")

    page_author = {"id": PAGE_ID, "name": PAGE_NAME}
    instagram = {"id": IG_ID, "username": IG_HANDLE}
    person = {"id": PERSON_ID, "name": PERSON_NAME}
    instagram_person = {"id": PERSON_ID, "username": PERSON_HANDLE}

    def number(self) -> int:
        return next(self._numbers)

    def now(self) -> datetime:
        return datetime.now(UTC)

    # Public ---------------------------------------------------------------------------------------
    def add(
        self,
        kind: str,
        author: dict[str, str] | None,
        text: str,
        *,
        parent: str = "",
        root: str = "",
        **more: Any,
    ) -> Thing:
        with self.lock:
            n = self.number()
            made = {
                "post": f"{PAGE_ID}_{800000 + n}",
                "comment": f"{root.rpartition('_')[2] or root}_{900000 + n}",
                "medium": f"179{n:014d}",
                "ig_comment": f"178{n:014d}",
                "review": f"{700000 + n}",
            }[kind]
            thing = Thing(made, kind, author, text, self.now(), parent=parent, root=root, **more)
            self.things[made] = thing
            return thing

    def add_post(self, text: str, author: dict[str, str] | None = None) -> Thing:
        return self.add("post", author or self.page_author, text)

    def comment(
        self, text: str, *, to: str | None = None, image: bool = False, author: dict[str, str] | None = None
    ) -> Thing:
        """A comment on the page's post, or under ``to``; told by webhook."""
        with self.lock:
            above = self.things[to] if to else self.post
            root = above.root or above.id
            # Answers nest one deep.
            parent = above.parent if above.kind == "comment" and above.parent != above.root else above.id
            pictures = ["https://scontent.example/box.jpg"] if image else []
            made = self.add(
                "comment", author or self.person, text, parent=parent, root=root, pictures=pictures
            )
            self.tell_comment(made, "add")
            return made

    def tell_comment(self, thing: Thing, verb: str) -> None:
        value = {
            "item": "comment", "verb": verb, "comment_id": thing.id, "post_id": thing.root,
            "parent_id": thing.parent, "created_time": int(thing.created.timestamp()), "message": thing.text,
            **({"from": thing.author} if thing.author else {}),
            **({"photo": thing.pictures[0]} if thing.pictures else {}),
            "post": {"status_type": "mobile_status_update", "id": thing.root},
        }  # fmt: skip
        self.tell_page("feed", value)

    def ig_comment(self, text: str, *, to: str | None = None, author: dict[str, str] | None = None) -> Thing:
        with self.lock:
            above = self.things[to] if to else self.medium
            root = above.root or above.id
            parent = above.parent if above.kind == "ig_comment" and above.parent != above.root else above.id
            made = self.add("ig_comment", author or self.instagram_person, text, parent=parent, root=root)
            self.tell_ig_comment(made)
            return made

    def tell_ig_comment(self, thing: Thing) -> None:
        value = {
            "id": thing.id, "text": thing.text, "from": thing.author,
            "media": {"id": thing.root, "media_product_type": "FEED"},
            **({"parent_id": thing.parent} if thing.parent != thing.root else {}),
        }  # fmt: skip
        self.tell(
            {
                "object": "instagram",
                "entry": [
                    {
                        "id": IG_ID,
                        "time": int(self.now().timestamp()),
                        "changes": [{"field": "comments", "value": value}],
                    }
                ],
            }
        )

    # Private --------------------------------------------------------------------------------------
    def conversation(self, platform: str, person: str = PERSON_ID) -> Conversation:
        with self.lock:
            key = (platform, person)
            if key not in self.conversations:
                self.conversations[key] = Conversation(f"t_{300000 + self.number()}", platform, person)
            return self.conversations[key]

    def say(
        self,
        platform: str,
        text: str,
        *,
        own: bool = False,
        attachments: list[dict[str, Any]] | None = None,
        metadata: str = "",
        reply_to: str | None = None,
    ) -> str:
        """A message in the conversation with the person; told by webhook, as an echo when it is ours."""
        with self.lock:
            conversation = self.conversation(platform)
            mid = (
                f"m_{'A' * 40}{self.number()}"
                if platform == "messenger"
                else f"aWdfZAG1f{'B' * 90}{self.number()}"
            )
            us, them = self.parties(platform)
            writer, reader = (us, them) if own else (them, us)
            now = self.now()
            if now.microsecond < 1000:  # never a whole second: those would be taken for a list's
                now += timedelta(milliseconds=1)
            conversation.messages.insert(
                0,
                {
                    "id": mid,
                    "created_time": now,
                    "from": writer,
                    "to": {"data": [reader]},
                    "message": text,
                    "attachments": attachments or [],
                },
            )
            if not own:
                conversation.heard_at = now
            message: dict[str, Any] = {"mid": mid}
            if text:
                message["text"] = text
            if attachments:
                message["attachments"] = [
                    {"type": one["type"], "payload": {"url": one["url"]}} for one in attachments
                ]
            if own:
                message |= {
                    "is_echo": True,
                    "app_id": int(APP_ID),
                    **({"metadata": metadata} if metadata else {}),
                }
            if reply_to:
                message["reply_to"] = {"mid": reply_to}
            self.tell_messaging(
                platform,
                {
                    "sender": {"id": writer["id"]},
                    "recipient": {"id": reader["id"]},
                    "timestamp": milliseconds(now),
                    "message": message,
                },
            )
            return mid

    def reads(self, platform: str) -> None:
        """The person opens the conversation and sees all that is in it: told by webhook."""
        with self.lock:
            ours = self._ours(platform)
            if platform == "instagram":
                self._receipt(platform, {"read": {"mid": ours["id"]}})
            elif "message_reads" in self.subscribed:
                self._receipt(platform, {"read": {"watermark": milliseconds(ours["created_time"])}})

    def gets(self, *, mids: bool) -> None:
        """The person's device gets all that is in the Messenger conversation. ``mids``: it is a newer one."""
        with self.lock:
            if "message_deliveries" in self.subscribed:
                ours = self._ours("messenger")
                named = {"mids": [ours["id"]]} if mids else {}
                body = {**named, "watermark": milliseconds(ours["created_time"])}
                self._receipt("messenger", {"delivery": body}, timed=False)

    def _ours(self, platform: str) -> dict[str, Any]:
        us, _them = self.parties(platform)
        return next(one for one in self.conversation(platform).messages if one["from"]["id"] == us["id"])

    def _receipt(self, platform: str, body: dict[str, Any], *, timed: bool = True) -> None:
        us, them = self.parties(platform)
        at = {"timestamp": milliseconds(self.now())} if timed else {}
        self.tell_messaging(
            platform, {"sender": {"id": them["id"]}, "recipient": {"id": us["id"]}, **at, **body}
        )

    def parties(self, platform: str) -> tuple[dict[str, str], dict[str, str]]:
        if platform == "instagram":
            return self.instagram, self.instagram_person
        return self.page_author, self.person

    def heard_long_ago(self, platform: str, ago: timedelta) -> None:
        with self.lock:
            self.conversation(platform).heard_at = self.now() - ago

    # Webhooks -------------------------------------------------------------------------------------
    def tell_page(self, name: str, value: dict[str, Any]) -> None:
        if name not in self.subscribed:
            return
        self.tell(
            {
                "object": "page",
                "entry": [
                    {
                        "id": PAGE_ID,
                        "time": int(self.now().timestamp()),
                        "changes": [{"field": name, "value": value}],
                    }
                ],
            }
        )

    def tell_messaging(self, platform: str, event: dict[str, Any]) -> None:
        if platform == "messenger" and "messages" not in self.subscribed:
            return
        kind, own = ("page", PAGE_ID) if platform == "messenger" else ("instagram", IG_ID)
        self.tell(
            {
                "object": kind,
                "entry": [{"id": own, "time": int(self.now().timestamp() * 1000), "messaging": [event]}],
            }
        )

    def tell(self, body: dict[str, Any]) -> None:
        if self.subscribed:
            self.deliveries.append(signed(body))

    def take_deliveries(self) -> list[Delivery]:
        with self.lock:
            taken, self.deliveries = self.deliveries, []
            return taken


def milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def signed(body: Any, *, secret: str = APP_SECRET) -> Delivery:
    # Meta escapes everything outside ASCII and slashes in the bodies that it signs.
    raw = json.dumps(body).replace("/", "\\/").encode()
    made = hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
    return Delivery(
        method="POST",
        headers={"content-type": "application/json", "x-hub-signature-256": f"sha256={made}"},
        body=raw,
    )
