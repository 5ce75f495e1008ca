"""Reddit as far as the connector speaks to it. Strict: what Reddit refuses, it refuses, mostly with status 200.

https://www.reddit.com/dev/api/, https://github.com/reddit-archive/reddit/wiki/OAuth2
"""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Callable, Iterable
from typing import Any

from rapport.networks.doubles import Answer, Request, login_page
from rapport.networks.reddit.tests.refusals import Fault, Refuse
from rapport.networks.reddit.tests.world import Person, Thing, World

CLIENT_ID, CLIENT_SECRET = "reddit-app-1", "reddit secret"
SCOPES = {"edit", "history", "identity", "modmail", "privatemessages", "read", "submit"}
AGENT = re.compile(r"[a-z]+:[^:]+:[^ ]+ \(by /u/[A-Za-z0-9_-]+\)")
WINDOW_S = 600
LISTED = 1000  # https://www.reddit.com/dev/api/#listings
# What a token of an app alone may call: nothing of an account.
FOR_APPS = re.compile(r"/api/info|/r/[^/]+/(comments|new|search)|/search|/comments/[0-9a-z]+")


class RedditDouble(World):
    def __init__(self) -> None:
        super().__init__()
        self.tokens: dict[str, tuple[Person, float]] = {}
        self.refresh_tokens: dict[str, Person] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.calls: list[float] = []
        self.limit = 1000
        self.rest_until = 0.0  # the account must take a break until then
        self.app = Person("", 0)  # whoever asks with a token of the app alone

    def token(self, person: Person, *, seconds: float = 86_400) -> tuple[str, str]:
        access, refresh = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        self.tokens[access] = (person, self.now() + seconds)
        self.refresh_tokens[refresh] = person
        return access, refresh

    def answer(self, request: Request) -> Answer:
        try:
            if request.path == "/api/v1/authorize" and request.method == "GET":
                return self._authorize(request)
            if not AGENT.fullmatch(request.headers.get("user-agent", "")):
                raise Refuse(429, "Too Many Requests")
            if request.path == "/api/v1/access_token" and request.method == "POST":
                return self._token(request)
            who = self._who(request)
            if who is self.app and not FOR_APPS.fullmatch(request.path):
                raise Refuse(403, "Forbidden")
            headers = self._spend()
            for method, pattern, handle in ROUTES:
                found = re.fullmatch(pattern, request.path)
                if found and method == request.method:
                    answer = handle(self, request, who, **found.groupdict())
                    return Answer(answer.status, answer.body, headers)
            raise Refuse(404, "Not Found")
        except (Refuse, Fault) as refusal:
            return Answer(refusal.answer.status, refusal.answer.body, self._headers())

    def _who(self, request: Request) -> Person:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        person, until = self.tokens.get(token, (None, 0.0))
        if person is None or until < self.now():
            raise Refuse(401, "Unauthorized")
        return person

    def _spend(self) -> dict[str, str]:
        self.calls = [one for one in self.calls if self.now() - one < WINDOW_S]
        if len(self.calls) >= self.limit:
            raise Refuse(429, "Too Many Requests")
        self.calls.append(self.now())
        return self._headers()

    def _headers(self) -> dict[str, str]:
        reset = WINDOW_S - (self.now() - self.calls[0]) if self.calls else WINDOW_S
        return {
            "x-ratelimit-used": str(len(self.calls)),
            "x-ratelimit-remaining": f"{max(0, self.limit - len(self.calls))}.0",
            "x-ratelimit-reset": str(int(reset)),
        }

    # Login ----------------------------------------------------------------------------------------
    def _authorize(self, request: Request) -> Answer:
        """The login page, opened by the brand's owner in a browser."""
        query = request.query
        if (
            query.get("response_type") != "code"
            or query.get("client_id") != CLIENT_ID
            or query.get("duration") != "permanent"
            or set(query.get("scope", "").split()) != SCOPES
        ):
            raise Refuse(400, "Bad Request")
        code = secrets.token_urlsafe(16)
        self.codes[code] = {"user": self.brand.name, "redirect_uri": query["redirect_uri"]}
        state = {"state": query["state"]}
        refused = {"error": "access_denied", **state}
        return login_page(query["redirect_uri"], allowed={"code": code, **state}, refused=refused)

    def _token(self, request: Request) -> Answer:
        pair = "Basic " + base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if request.headers.get("authorization") != pair:
            raise Refuse(401, "Unauthorized")
        form = request.form
        if form["grant_type"] == "client_credentials":  # no refresh token: it is asked for again
            access, _refresh = self.token(self.app)
            return Answer(
                200, {"access_token": access, "token_type": "bearer", "expires_in": 86400, "scope": "*"}
            )
        if form["grant_type"] == "refresh_token":
            person = self.refresh_tokens.get(form["refresh_token"])
            if person is None:
                return Answer(400, {"error": "invalid_grant"})
            access, _refresh = self.token(person)
            return Answer(
                200, {"access_token": access, "token_type": "bearer", "expires_in": 86400, "scope": "*"}
            )
        code = self.codes.pop(form["code"], None)
        if code is None or code["redirect_uri"] != form["redirect_uri"]:
            return Answer(200, {"error": "invalid_grant"})  # Reddit says so with status 200
        access, refresh = self.token(self.people[code["user"].lower()])
        found = {
            "access_token": access,
            "refresh_token": refresh,
            "token_type": "bearer",
            "expires_in": 86400,
        }
        return Answer(200, found)

    def _me(self, request: Request, who: Person) -> Answer:
        page = {
            "public_description": "We fly. Answers from 6 to 23 h.",
            "title": "Alvara Air",
            "subscribers": 12,
        }
        return Answer(
            200, {"id": who.fullname[3:], "name": who.name, "subreddit": page, "is_suspended": False}
        )

    # Reading --------------------------------------------------------------------------------------
    def _listing(self, request: Request, found: Iterable[Thing], *, inbox: bool = False) -> Answer:
        limit = int(request.query.get("limit", "25"))
        shown = sorted(
            (one for one in found if one.name not in self.unseen),
            key=lambda one: (one.at, int(one.name[3:], 36)),
            reverse=True,
        )[:LISTED]
        if after := request.query.get("after"):
            names = [one.name for one in shown]
            shown = shown[names.index(after) + 1 :] if after in names else []
        page, rest = shown[: min(limit, 100)], shown[min(limit, 100) :]
        raw = request.query.get("raw_json") == "1"
        children = [self.thing_json(one, raw=raw, inbox=inbox) for one in page]
        data = {
            "children": children,
            "after": page[-1].name if rest else None,
            "before": None,
            "dist": len(page),
        }
        return Answer(200, {"kind": "Listing", "data": data})

    def _inbox(self, request: Request, who: Person) -> Answer:
        def for_us(one: Thing) -> bool:
            if one.by is who or one.deleted or one.removed:
                return False
            if one.name.startswith("t4_"):
                return one.to is who
            parent = self.things.get(one.parent or "")
            return (parent is not None and parent.by is who) or f"u/{who.name}" in one.body.lower()

        things = [one for one in self.things.values() if not one.name.startswith("t3_")]
        return self._listing(request, filter(for_us, things), inbox=True)

    def _sent_messages(self, request: Request, who: Person) -> Answer:
        return self._listing(
            request, (one for one in self.things.values() if one.by is who and one.name.startswith("t4_"))
        )

    def _overview(self, request: Request, who: Person, name: str) -> Answer:
        def shown(one: Thing) -> bool:
            return one.by.name == name and not one.name.startswith("t4_") and not one.deleted

        return self._listing(request, filter(shown, self.things.values()))

    def _in_communities(self, request: Request, who: Person, names: str, what: str) -> Answer:
        kind = "t1_" if what == "comments" else "t3_"
        everything = {one.name for one in self.communities.values() if one.kind == "public"}
        wanted = everything if names == "all" else {self._open(name, who).name for name in names.split("+")}
        return self._listing(
            request,
            (one for one in self.things.values() if one.community in wanted and one.name.startswith(kind)),
        )

    def _open(self, name: str, who: Person) -> Any:
        found = self.communities.get(name.lower())
        if found is None:
            raise Refuse(404, "Not Found", "banned")
        if found.kind != "public" and who.name not in found.moderators:
            raise Refuse(403, "Forbidden", found.kind)
        return found

    def _search(self, request: Request, who: Person, names: str = "") -> Answer:
        query = request.query.get("q", "")
        if not 0 < len(query) <= 512 or request.query.get("type", "link") != "link":
            raise Refuse(400, "Bad Request")
        words = query.lower().replace('"', "").split()
        within = {one.lower() for one in names.split("+")} if names else set(self.communities)

        def found(one: Thing) -> bool:
            text = f"{one.title} {one.body}".lower()
            return (
                one.name.startswith("t3_") and one.community in within and all(word in text for word in words)
            )

        return self._listing(request, filter(found, self.things.values()))

    def _info(self, request: Request, who: Person) -> Answer:
        if "sr_name" in request.query:
            return self._subreddits(request.query["sr_name"].lower().split(","))
        names = request.query.get("id", "").split(",")
        if len(names) > 100:
            raise Refuse(400, "Bad Request")
        return self._listing(
            Request("GET", "", {**request.query, "limit": "100"}, {}, b""),
            (self.things[one] for one in names if one in self.things),
        )

    def _subreddits(self, names: list[str]) -> Answer:
        """Those that are there; what there is not is left out."""
        if len(names) > 100:
            raise Refuse(400, "Bad Request")
        children = [
            {"kind": "t5", "data": {"display_name": one.name, "subreddit_type": one.kind, "name": "t5_2"}}
            for one in (self.communities.get(name) for name in names)
            if one is not None
        ]
        return Answer(200, {"kind": "Listing", "data": {"children": children, "after": None, "before": None}})

    def _comments(self, request: Request, who: Person, post: str) -> Answer:
        """The tree; what does not fit ``limit`` is only named by ``more``."""
        root = self.things.get(f"t3_{post}")
        if root is None:
            raise Refuse(404, "Not Found")
        left = [int(request.query.get("limit", "200"))]
        raw = request.query.get("raw_json") == "1"

        def under(name: str) -> list[dict[str, Any]]:
            shown, named = [], []
            for one in [one for one in self.things.values() if one.parent == name]:
                if left[0] <= 0:
                    named.append(one.name[3:])
                    continue
                left[0] -= 1
                thing = self.thing_json(one, raw=raw)
                below = under(one.name)
                thing["data"]["replies"] = {"kind": "Listing", "data": {"children": below}} if below else ""
                shown.append(thing)
            if named:
                more = {
                    "children": named,
                    "count": len(named),
                    "parent_id": name,
                    "name": "t1_more",
                    "id": "more",
                }
                shown.append({"kind": "more", "data": more})
            return shown

        head = {"kind": "Listing", "data": {"children": [self.thing_json(root, raw=raw)]}}
        return Answer(200, [head, {"kind": "Listing", "data": {"children": under(root.name)}}])

    def _more(self, request: Request, who: Person) -> Answer:
        ids = request.query["children"].split(",")
        if len(ids) > 100:
            raise Refuse(400, "Bad Request")
        things = [self.thing_json(self.things[f"t1_{one}"], raw=True) for one in ids]
        return Answer(200, {"json": {"errors": [], "data": {"things": things}}})

    # Writing --------------------------------------------------------------------------------------
    def _form(self, request: Request, *, long: str = "text") -> dict[str, str]:
        form = request.form
        if form.get("api_type") != "json":
            raise Refuse(400, "Bad Request")
        if self.rest_until > self.now():
            minutes = int((self.rest_until - self.now()) // 60) or 1
            sentence = f"Looks like you've been doing that a lot. Take a break for {minutes} minutes before trying again."
            raise Fault("RATELIMIT", sentence, "ratelimit")
        if not form.get(long, "").strip():
            raise Fault("NO_TEXT", "we need something here", long)
        if len(form[long]) > 10_000:
            raise Fault("TOO_LONG", "this is too long (max: 10000)", long)
        return form

    def _comment(self, request: Request, who: Person) -> Answer:
        form = self._form(request)
        parent = self.things.get(form["thing_id"])
        if parent is None:
            raise Refuse(403, "Forbidden")
        if parent.deleted:
            raise Fault("DELETED_COMMENT", "that comment has been deleted", "parent")
        if self.things.get(parent.post, parent).locked:
            raise Fault("THREAD_LOCKED", "Comments are locked.", "parent")
        if parent.name.startswith("t4_"):
            to = parent.by if parent.by is not who else parent.to
            assert to is not None
            found = self.message(who, to, form["text"], parent=parent.name)
        else:
            found = self.comment(who, form["text"], to=parent.name)
        return self._thing(request, found)

    def _thing(self, request: Request, found: Thing) -> Answer:
        thing = self.thing_json(found, raw=request.query.get("raw_json") == "1")
        return Answer(200, {"json": {"errors": [], "data": {"things": [thing]}}})

    def _compose(self, request: Request, who: Person) -> Answer:
        form = self._form(request)
        to = self.people.get(form["to"].lower())
        if to is None:
            raise Fault("USER_DOESNT_EXIST", "that user doesn't exist", "to")
        if not to.takes_messages:
            raise Fault("NOT_WHITELISTED_BY_USER_MESSAGE", "can't send a message to that user", "to")
        if not 0 < len(form.get("subject", "")) <= 100:
            raise Fault("NO_SUBJECT", "please enter a subject", "subject")
        self.message(who, to, form["text"], title=form["subject"])
        return Answer(200, {"json": {"errors": []}})

    def _submit(self, request: Request, who: Person) -> Answer:
        form = self._form(request, long="title")
        community = self._open(form["sr"], who)
        found = self.post(who, form["title"], form.get("text", ""), community=community.name)
        data = {
            "name": found.name,
            "id": found.name[3:],
            "url": f"https://www.reddit.com/r/{community.name}/comments/{found.name[3:]}/",
        }
        return Answer(200, {"json": {"errors": [], "data": data}})

    def _edit(self, request: Request, who: Person) -> Answer:
        form = self._form(request)
        found = self.things.get(form["thing_id"])
        if found is None or found.by is not who:
            raise Refuse(403, "Forbidden")
        found.body, found.edited = form["text"], float(int(self.now()))
        return self._thing(request, found)

    def _delete(self, request: Request, who: Person) -> Answer:
        found = self.things.get(request.form["id"])
        if found is not None and found.by is who:
            found.deleted = True
        return Answer(200, {})  # whatever happened

    # Modmail --------------------------------------------------------------------------------------
    def _conversations(self, request: Request, who: Person) -> Answer:
        found = sorted(self.conversations.values(), key=lambda one: one.mails[-1].at, reverse=True)
        ids = [one.id for one in found if who.name in self.communities[one.community].moderators]
        if after := request.query.get("after"):
            ids = ids[ids.index(after) + 1 :]
        ids = ids[: min(int(request.query.get("limit", "25")), 100)]
        shown = {one: self.conversation_json(self.conversations[one]) for one in ids}
        return Answer(200, {"conversations": shown, "conversationIds": ids, "messages": {}})

    def _conversation(self, request: Request, who: Person, conversation: str) -> Answer:
        found = self.conversations.get(conversation)
        if found is None or who.name not in self.communities[found.community].moderators:
            raise Refuse(404, "Not Found")
        if request.method == "POST":
            form = request.form
            if not 0 < len(form.get("body", "")) <= 10_000:
                raise Refuse(422, "Unprocessable")
            hidden = form["isAuthorHidden"] == "true"
            self.mail(found.id, who, form["body"], hidden=hidden, internal=form["isInternal"] == "true")
        body = {"conversation": self.conversation_json(found), "messages": self.mails_json(found)}
        return Answer(201 if request.method == "POST" else 200, body)


Handler = Callable[..., Answer]
ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/api/v1/me", RedditDouble._me),
    ("GET", "/message/inbox", RedditDouble._inbox),
    ("GET", "/message/sent", RedditDouble._sent_messages),
    ("GET", "/user/(?P<name>[^/]+)/overview", RedditDouble._overview),
    ("GET", "/r/(?P<names>[^/]+)/(?P<what>comments|new)", RedditDouble._in_communities),
    ("GET", "/search", RedditDouble._search),
    ("GET", "/r/(?P<names>[^/]+)/search", RedditDouble._search),
    ("GET", "/api/info", RedditDouble._info),
    ("GET", "/comments/(?P<post>[0-9a-z]+)", RedditDouble._comments),
    ("GET", "/api/morechildren", RedditDouble._more),
    ("POST", "/api/comment", RedditDouble._comment),
    ("POST", "/api/compose", RedditDouble._compose),
    ("POST", "/api/submit", RedditDouble._submit),
    ("POST", "/api/editusertext", RedditDouble._edit),
    ("POST", "/api/del", RedditDouble._delete),
    ("GET", "/api/mod/conversations", RedditDouble._conversations),
    ("GET", "/api/mod/conversations/(?P<conversation>[0-9a-z]+)", RedditDouble._conversation),
    ("POST", "/api/mod/conversations/(?P<conversation>[0-9a-z]+)", RedditDouble._conversation),
)
