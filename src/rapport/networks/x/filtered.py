"""X's filtered stream: the rules of an app, and what comes over its one connection.

https://docs.x.com/x-api/posts/filtered-stream/introduction, for keeping it open
https://docs.x.com/x-api/fundamentals/handling-disconnections, for the rules
https://docs.x.com/x-api/stream/update-stream-rules. A rule is there once in an app, whoever added it.
"""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

import httpx
from django.utils.translation import gettext as _

from rapport.networks.base import RawItem
from rapport.networks.client import Api, decoded
from rapport.networks.errors import CredentialsGone, NetworkError, Refused, TryAgain
from rapport.networks.x import pages
from rapport.networks.x.api import explain, reason_of

log = logging.getLogger(__name__)

STREAM = "2/tweets/search/stream"
RULES = f"{STREAM}/rules"
SILENT_S = 30.0  # X sends a blank line at least every 20 seconds
LONGEST_LINE = 1_000_000
# The connection that is taken is let go of when its reader is found to be gone.
TAKEN = timedelta(minutes=5)
# New rules are in the stream after about 20 seconds; X then knows that there are some.
NEW_RULES = timedelta(seconds=20)
# "Start with a 5 second wait" after a failure of X's; the caller doubles it.
AFTER_ERROR = timedelta(seconds=5)
_AT_ONCE = 100  # rules in one call
_PAGES = 30  # of a thousand rules each, more than any plan has

BROKEN = (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as X has it."""

    id: str
    value: str
    tag: str


@dataclass(frozen=True, slots=True)
class Kept:
    """``ids``: of the rules that are wanted and there. ``refused``: X's reason by rule. ``leaving``: some that are not
    wanted are there still, until those that were added work."""

    ids: frozenset[str]
    refused: Mapping[str, str] = field(default_factory=dict)
    leaving: bool = False


class _Full(Exception):
    """The app has as many rules as X lets it have."""


def api_for(token: str, base_url: str) -> Api:
    """Calls with the app's own token."""
    return Api(base_url, headers=headers_for(token), explain=explain_app)


def headers_for(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "User-Agent": "Rapport"}


def rules_there(api: Api) -> list[Rule]:
    """Every rule of the app, whoever added it."""
    found: list[Rule] = []
    params: dict[str, str] = {}
    for _page in range(_PAGES):
        answer = api.json("GET", RULES, params=params) or {}
        try:
            found += [
                Rule(str(one["id"]), str(one["value"]), str(one.get("tag") or ""))
                for one in answer.get("data") or []
            ]
            following = (answer.get("meta") or {}).get("next_token")
        except BROKEN as error:
            raise TryAgain(_("The network's answer could not be read.")) from error
        if not following:
            break
        params = {"pagination_token": str(following)}
    return found


def keep(api: Api, wanted: Sequence[str], tag: str, *, leaving: Collection[str] = ()) -> Kept:
    """Have these rules in the app: the missing ones are added under ``tag``, and what else is under it is taken
    away. Rules under other tags stay, and do for ours where they say the same.

    ``leaving`` are rules that stay beside what is added now, because X takes :data:`NEW_RULES` to begin with that;
    the next call takes them away. Where X has no room for both they go at once.
    """
    there = rules_there(api)
    known = {one.value: one.id for one in there}
    missing = [one for one in dict.fromkeys(wanted) if one not in known]
    added, refused = add(api, missing, tag)
    still = frozenset(wanted)
    old = {one.id: one.value for one in there if one.tag == tag and one.value not in still}
    gone = [one for one, rule in old.items() if not added or refused or rule not in leaving]
    for some in _in_parts(gone):
        api.json("POST", RULES, json_body={"delete": {"ids": list(some)}})
    if refused and gone:  # now there may be room
        more, refused = add(api, list(refused), tag)
        added += more
    ids = frozenset([*(known[one] for one in wanted if one in known), *added])
    return Kept(ids, refused, leaving=len(gone) < len(old))


def add(
    api: Api, rules: Sequence[str], tag: str, *, dry_run: bool = False
) -> tuple[list[str], dict[str, str]]:
    """Ids of the rules that are there now, and X's reason by rule for the others. ``dry_run``: only asked."""
    ids: list[str] = []
    refused: dict[str, str] = {}
    waiting = deque(map(list, _in_parts(rules)))
    while waiting:
        asked = waiting.popleft()
        try:
            done = _add(api, asked, tag, ids, refused, dry_run=dry_run)
        except _Full as error:
            # X adds none of a call that has one too many: there may be room for some of them.
            half = len(asked) // 2
            if not half:
                refused |= dict.fromkeys([*asked, *chain.from_iterable(waiting)], str(error))
                break
            waiting.extendleft((asked[half:], asked[:half]))
            continue
        # One that X cannot read may keep the others of the call from being added: they are asked for again.
        left = [one for one in asked if one not in done] if refused and done else []
        waiting.extendleft([left] if left else [])
    return ids, refused


def _add(
    api: Api, rules: Sequence[str], tag: str, ids: list[str], refused: dict[str, str], *, dry_run: bool
) -> set[str]:
    """One call; the rules that were dealt with."""
    response = api.call(
        "POST", RULES, params={"dry_run": "true"} if dry_run else None, accept=(400, 422),
        json_body={"add": [{"value": one, "tag": tag} for one in rules]},
    )  # fmt: skip
    try:
        answer = decoded(response) or {}
        made = [one for one in answer.get("data") or [] if one.get("value") in rules]
        problems = [one for one in answer.get("errors") or [] if one.get("value") in rules]
        there = [one for one in problems if _is_there(one)]
        ids += [str(one["id"]) for one in (*made, *there) if one.get("id")]
    except BROKEN as error:
        raise TryAgain(_("The network's answer could not be read.")) from error
    if not problems and (response.status_code >= 300 or answer.get("errors")):
        # Of the call, or of all rules together.
        why = explain_app(response, writes=False)
        raise _Full(str(why)) if _is_full(answer) else why
    refused |= {str(one["value"]): _reason(one) for one in problems if one not in there}
    return {str(one["value"]) for one in (*made, *problems)}


def read(lines: Iterable[str], *, ids: Collection[str], tag: str) -> tuple[list[RawItem], TryAgain | None]:
    """What is in some lines, as :func:`posts_in` says, and X's word if it ended behind them: to be raised once the
    posts before it are kept."""
    items: list[RawItem] = []
    for line in lines:
        try:
            items += posts_in(line, ids=ids, tag=tag)
        except TryAgain as error:
            return items, error
    return items, None


def posts_in(line: str, *, ids: Collection[str], tag: str) -> list[RawItem]:
    """The post in a line, if a rule of ours asked for it, and posts it refers to that are gone.

    Nothing for a heartbeat, another's post, or what cannot be read. Raises TryAgain when X says that it ends.
    """
    if not line.strip():
        return []
    try:
        found = json.loads(line)
        if "data" not in found:
            for problem in found.get("errors") or ([found] if "title" in found else []):
                raise TryAgain(_("X closed the stream: %(reason)s") % {"reason": _reason(problem)})
            return []
        rules = found.get("matching_rules") or []
        if not any(str(one.get("id")) in ids or one.get("tag") == tag for one in rules):
            return []
        page = {**found, "data": [found["data"]]}
        return pages.posts_of(page, now=datetime.now(UTC))
    except BROKEN as error:
        log.info("a line of X's stream could not be read: %r", error)
        return []


def check(response: httpx.Response) -> None:
    """Whether the stream has begun. Raises Refused and TryAgain."""
    if response.status_code == 200:
        return
    response.read()
    try:
        issue = str(response.json().get("connection_issue") or "")
    except BROKEN:
        issue = ""
    if response.status_code == 429 and (issue or "connection" in reason_of(response).lower()):
        raise TryAgain(taken(), after=TAKEN)
    if response.status_code == 409:
        raise TryAgain(_("X does not know the rules yet."), after=NEW_RULES)
    error = explain_app(response, writes=False)
    if isinstance(error, TryAgain) and error.after is None:
        raise TryAgain(str(error), after=AFTER_ERROR) from error
    raise error


def taken() -> str:
    """That the app's one connection is another's, as a sentence."""
    return _(
        "X allows this app no further connection: another program has it, or a channel that listens "
        "live with the same token."
    )


def explain_app(response: httpx.Response, *, writes: bool) -> NetworkError:
    """What a refusal of the app's own token means: no account's login has to do with it."""
    error = explain(response, writes=writes)
    if isinstance(error, CredentialsGone):
        return Refused(_("X does not accept the Bearer token. Copy it again from the developer console."))
    return error or TryAgain(_("The stream ended."))


def _is_full(answer: Any) -> bool:
    """Whether it is about the number of rules, and not that of posts."""
    problems = [answer, *(answer.get("errors") or [])] if isinstance(answer, dict) else []
    return any(
        "rulescap" in str(one.get("title")).lower() or str(one.get("type")).endswith("/rule-cap")
        for one in problems
        if isinstance(one, dict)
    )


def _is_there(problem: Mapping[str, Any]) -> bool:
    return "duplicate" in f"{problem.get('title')}{problem.get('type')}".lower()


def _reason(problem: Mapping[str, Any]) -> str:
    """X's words: ``details`` of a rule, else ``detail``, else the title."""
    details = problem.get("details")
    found = [str(one) for one in details] if isinstance(details, list) else []
    for key in ("detail", "message", "title"):
        if not found and isinstance(problem.get(key), str):
            found = [str(problem[key])]
    return " ".join(" ".join(found).split())[:300] or "?"


def _in_parts(some: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(some), _AT_ONCE):
        yield some[start : start + _AT_ONCE]
