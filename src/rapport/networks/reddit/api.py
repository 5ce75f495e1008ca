"""Reddit's API under one token: its addresses, its user agent, its words for a refusal, its limits.

https://www.reddit.com/dev/api/ and https://support.reddithelp.com/hc/en-us/articles/16160319875092-Reddit-Data-API-Wiki
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as later

from rapport.networks.base import Account, SeenLimit
from rapport.networks.client import LONGEST_WAIT, Api, usual
from rapport.networks.errors import CredentialsGone, NetworkError, Refused, TryAgain

API = "https://oauth.reddit.com"
SITE = "https://www.reddit.com"
_BREAK = re.compile(r"(\d{1,4})\s+(millisecond|second|minute|hour)", re.IGNORECASE)
_UNITS = {"millisecond": 0.001, "second": 1, "minute": 60, "hour": 3600}
_LATER = frozenset({"RATELIMIT", "SERVER_ERROR", "INTERNAL_SERVER_ERROR"})

# Reddit's codes that people should read in other words.
_SAID = {
    "DELETED_COMMENT": later("The comment was deleted meanwhile."),
    "DELETED_LINK": later("The post was deleted meanwhile."),
    "THREAD_LOCKED": later("Moderators have locked the thread: nobody can answer there."),
    "TOO_OLD": later("The post is archived: nobody can answer there any more."),
    "TOO_LONG": later("The text is too long for Reddit."),
    "NO_TEXT": later("There is no text to send."),
    "USER_DOESNT_EXIST": later("There is nobody of that name on Reddit any more."),
    "NOT_WHITELISTED_BY_USER_MESSAGE": later("They take private messages only from people they chose."),
    "SUBREDDIT_NOTALLOWED": later("The account may not post in that community."),
    "USER_BLOCKED": later("They have blocked the account, or it has blocked them."),
}


def setting(account: Account, name: str) -> str:
    """A value from the connecting page, wherever it was kept; "" when it was left empty."""
    return str(account.credentials.get(name) or account.settings.get(name) or "").strip()


def user_agent(client_id: str, username: str) -> str:
    """``<platform>:<app ID>:<version string> (by /u/<reddit username>)``, which Reddit demands."""
    return f"server:{client_id or 'rapport'}:v1 (by /u/{username or 'unknown'})"


def address(values: Mapping[str, Any], default: str) -> str:
    """Reddit's own host, or the one that speaks for all of them."""
    return (str(values.get("api_url") or "").strip() or default).rstrip("/")


def api_for(account: Account, seen: list[SeenLimit]) -> Api:
    token = setting(account, "access_token")
    if not token:
        raise CredentialsGone(_("The channel has no access token for Reddit. Connect it again."))
    who = account.handle or setting(account, "username")
    return Api(
        address({"api_url": setting(account, "api_url")}, API),
        headers={
            "Authorization": f"Bearer {token}",
            "User-Agent": user_agent(setting(account, "client_id"), who),
        },
        explain=explain,
        watch=lambda response: watch(response, seen),
    )


def explain(response: httpx.Response, *, writes: bool) -> NetworkError | None:
    """The error to raise for a status that is not good."""
    try:
        body = response.json()
        reason = str(body.get("reason") or "")
    except (ValueError, AttributeError, RecursionError):
        reason = ""
    if response.status_code == 429:
        limit = _limit(response)
        after = limit[1] - datetime.now(UTC) if limit else timedelta(minutes=1)
        return TryAgain(
            _("Reddit has no more calls for us right now."),
            after=min(max(after, timedelta(seconds=1)), LONGEST_WAIT),
        )
    if response.status_code in {302, 403, 404} and reason in {
        "private",
        "quarantined",
        "banned",
        "gold_only",
    }:
        return Refused(_("The community is closed to the account: %(reason)s.") % {"reason": reason})
    if response.status_code == 403:
        return Refused(_("Reddit does not allow the account to do this here."))
    return usual(response, writes=writes)


def said(answer: Any) -> Any:
    """``data`` of an answer to a post, which is 200 also for a refusal: ``json.errors`` tells.

    Each error is [code, sentence, field]. Raises TryAgain and Refused.
    """
    found = answer["json"]
    for code, sentence, *_field in found.get("errors") or []:
        if code in _LATER:
            raise TryAgain(str(sentence)[:300] or str(code), after=_pause(found, str(sentence)))
        raise Refused(str(_SAID.get(code) or "") or str(sentence)[:300] or str(code))
    return found.get("data")


def _pause(found: Mapping[str, Any], sentence: str) -> timedelta:
    """How long Reddit wants us to rest: ``ratelimit`` in seconds, or only in words ("for 9 minutes")."""
    seconds = found.get("ratelimit")
    if isinstance(seconds, int | float) and 0 < seconds < 86_400:
        return timedelta(seconds=float(seconds))
    match = _BREAK.search(sentence)
    if match is None:
        return timedelta(minutes=10)
    # "9 minutes" may be nearly ten.
    unit = _UNITS[match[2].lower()]
    return min(timedelta(seconds=(int(match[1]) + 1) * unit), LONGEST_WAIT)


def watch(response: httpx.Response, seen: list[SeenLimit]) -> None:
    """Note in ``seen`` what an answer says of the limit."""
    limit = _limit(response)
    if limit is not None:  # one budget for everything
        seen += [SeenLimit(budget=name, remaining=limit[0], reset_at=limit[1]) for name in ("read", "write")]


def _limit(response: httpx.Response) -> tuple[int, datetime] | None:
    """(calls left, when there are new ones): ``remaining`` has a fraction, ``reset`` is in seconds from now."""
    try:
        left = float(response.headers["x-ratelimit-remaining"])
        reset = float(response.headers["x-ratelimit-reset"])
    except (KeyError, ValueError):
        return None
    if not (0 <= left < 10**9 and 0 <= reset < 86_400):
        return None
    return int(left), datetime.now(UTC) + timedelta(seconds=reset)
