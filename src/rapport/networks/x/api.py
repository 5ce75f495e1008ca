"""X's API v2 under one token: its addresses, its words for a refusal, its limits in headers.

https://docs.x.com/x-api/fundamentals/response-codes-and-errors, https://docs.x.com/x-api/fundamentals/rate-limits
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from django.utils.translation import gettext as _

from rapport.networks.base import Account, SeenLimit
from rapport.networks.client import LONGEST_WAIT, Api, usual
from rapport.networks.errors import CredentialsGone, NetworkError, Refused, TryAgain

API = "https://api.x.com"
_LOGIN = "https://x.com"

# How long to wait for what only time or money changes.
_NO_CREDITS_WAIT = timedelta(hours=1)
_CAPPED_WAIT = timedelta(hours=6)  # the month's cap; it may be raised meanwhile
_WINDOW = timedelta(minutes=15)

# Which budget an endpoint's headers speak of. Others have limits of their own that must not slow these.
_BUDGETS = (
    ("POST", re.compile(r"/2/tweets$"), "write"),
    ("GET", re.compile(r"/2/users/\d+/mentions$"), "read"),
)


class SaidBefore(Refused):
    """X refuses the same text twice: it may be the answer to "did it post?"."""


def setting(account: Account, name: str) -> str:
    """A value from the connecting page, wherever it was kept; "" when it was left empty."""
    return str(account.credentials.get(name) or account.settings.get(name) or "").strip()


def base_url(account_or_values: Account | Mapping[str, Any]) -> str:
    """The API's address: X's own, or the one of a server that speaks for it."""
    if isinstance(account_or_values, Account):
        found = setting(account_or_values, "api_url")
    else:
        found = str(account_or_values.get("api_url") or "").strip()
    return (found or API).rstrip("/")


def login_url(api_url: str) -> str:
    """Where people log in: on x.com, or beside another server's API."""
    return f"{_LOGIN if api_url == API else api_url}/i/oauth2/authorize"


def api_for(account: Account, seen: list[SeenLimit]) -> Api:
    """Calls as the channel's account; what the answers say of limits goes to ``seen``."""
    token = setting(account, "access_token")
    if not token:
        raise CredentialsGone(_("The channel has no access token for X. Connect it again."))
    return Api(
        base_url(account),
        headers={"Authorization": f"Bearer {token}", "User-Agent": "Rapport"},
        explain=explain,
        watch=lambda response: _watch(response, seen),
    )


def explain(response: httpx.Response, *, writes: bool) -> NetworkError | None:
    """The error to raise for a refusal, in X's words or ours."""
    reason = reason_of(response)
    lowered = reason.lower()
    match response.status_code:
        case 429:
            return TryAgain(
                _("X has no more calls for us right now: %(reason)s") % {"reason": reason},
                after=_CAPPED_WAIT if "usage cap" in lowered else _until_reset(response),
            )
        case 402:
            return TryAgain(
                _("X asks for money: the developer account has no credits left. Buy some on console.x.com."),
                after=_NO_CREDITS_WAIT,
            )
        case 403 if "duplicate content" in lowered:
            return SaidBefore(_("X refuses a text that the account has posted before. Change a word."))
        case 403 if "you can only reply to" in lowered or "not been mentioned" in lowered:
            return Refused(
                _(
                    "X lets apps without an Enterprise contract answer only posts that mention the account or "
                    "quote it. Answer this one on x.com."
                )
            )
        case 403 if "not permitted to perform this action" in lowered and not writes:
            return Refused(_("The app on X may not do this. Check its permissions, then connect again."))
        case _:
            return usual(response, writes=writes, reason=reason)


def reason_of(response: httpx.Response) -> str:
    """X's own sentence: ``detail`` of a problem, or the first of ``errors``."""
    try:
        found = response.json()
        for one in (found, *(found.get("errors") or [])):
            for key in ("detail", "message", "error_description", "title"):
                if isinstance(one.get(key), str) and one[key].strip():
                    return str(one[key]).strip()[:300]
    except (ValueError, TypeError, AttributeError, RecursionError):
        pass
    return ""


def _watch(response: httpx.Response, seen: list[SeenLimit]) -> None:
    path = response.request.url.path
    for method, pattern, budget in _BUDGETS:
        if response.request.method == method and pattern.search(path):
            for prefix in ("x-rate-limit", "x-user-limit-24hour", "x-app-limit-24hour"):
                limit = _limit(response, prefix)
                if limit is not None:
                    seen.append(SeenLimit(budget=budget, remaining=limit[0], reset_at=limit[1]))


def _limit(response: httpx.Response, prefix: str) -> tuple[int, datetime] | None:
    """(calls left, when there are new ones)."""
    left, reset = response.headers.get(f"{prefix}-remaining", ""), response.headers.get(f"{prefix}-reset", "")
    if not (left.isascii() and left.isdecimal() and reset.isascii() and reset.isdecimal()):
        return None
    if len(left) > 12 or len(reset) > 11:
        return None
    return int(left), datetime.fromtimestamp(int(reset), UTC)


def _until_reset(response: httpx.Response) -> timedelta:
    """Until the last of the limits that are used up begins anew. X sends no Retry-After."""
    used_up = [
        limit[1]
        for prefix in ("x-rate-limit", "x-user-limit-24hour", "x-app-limit-24hour")
        if (limit := _limit(response, prefix)) is not None and limit[0] == 0
    ]
    if not used_up:
        return _WINDOW
    return min(max(max(used_up) - datetime.now(UTC), timedelta(seconds=1)), LONGEST_WAIT)
