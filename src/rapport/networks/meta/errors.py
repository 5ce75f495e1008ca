"""Meta's error codes as Rapport's three errors, each with a sentence that a care lead understands.

https://developers.facebook.com/docs/graph-api/guides/error-handling
https://developers.facebook.com/docs/messenger-platform/error-codes
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx
from django.utils.translation import gettext as _

from rapport.networks.client import usual
from rapport.networks.errors import CredentialsGone, NetworkError, Refused, TryAgain
from rapport.networks.meta import limits

# Application, user, page and custom budgets, and 80001-80014 for the business use cases.
_RATE = frozenset({4, 17, 32, 341, 613, *range(80000, 80015)})
_TOKEN = frozenset({102, 190})
_TEMPORARY = frozenset({1, 2})
_MISSING_SUBCODES = frozenset({33})
# Comes with code 1, which is every unknown fault's; only the words tell.
_LESS = "reduce the amount of data"
# Outside the window: Messenger, Instagram.
_WINDOW_SUBCODES = frozenset({2018278, 2534022})
_UNAVAILABLE_SUBCODES = frozenset({1545041, 2018108})
_BLOCKED = timedelta(hours=1)
_RATE_PAUSE = timedelta(minutes=5)


class NotPermitted(Refused):
    """The token lacks a permission or the app a feature. Other calls may still work."""


class TooMuch(TryAgain):
    """An answer with so many things is more than Meta makes. The same question for fewer may be answered."""


class Missing(Refused):
    """There is no such object, or it is not shown to us: Meta does not tell the two apart."""


def explain(response: httpx.Response, *, writes: bool) -> NetworkError | None:
    """The error that a refused call means; None when the answer is not one of Meta's error bodies."""
    error = _error(response)
    if error is None:
        return None
    code, subcode = _int(error.get("code")), _int(error.get("error_subcode"))
    words = _words(error)
    if code in _TOKEN:
        return CredentialsGone(_token(subcode))
    if code == 100 and "appsecret_proof" in words:
        return CredentialsGone(
            _("Meta does not accept the app secret for this token. Connect the channel again.")
        )
    if code in _RATE:
        return TryAgain(_("Meta asks us to slow down."), after=limits.regain(response) or _RATE_PAUSE)
    if code == 368:
        return TryAgain(
            _("Meta has blocked this for a while, for breaking its rules: {words}").format(words=words),
            after=_BLOCKED,
        )
    if not writes and _LESS in str(error.get("message")).lower():
        return TooMuch(_("Meta has a fault of its own: {words}").format(words=words))
    if code in _TEMPORARY or error.get("is_transient") is True:
        return TryAgain(_("Meta has a fault of its own: {words}").format(words=words), doubt=writes)
    return _refusal(code, subcode, words) or usual(response, writes=writes, reason=words)


def _refusal(code: int, subcode: int, words: str) -> NetworkError | None:
    if subcode in _WINDOW_SUBCODES:
        return Refused(outside_window())
    if code == 551 or subcode in _UNAVAILABLE_SUBCODES:
        return Refused(_("This person cannot be reached: they do not take messages from you now."))
    if code == 10900:
        return Refused(
            _("This comment was answered in private before. Meta allows one private reply to a comment.")
        )
    if code == 10903:
        return Refused(_("Meta takes no private reply to this comment."))
    if code == 506:
        return Refused(_("Meta does not take the same text twice in a row. Change a word and try again."))
    if (code == 100 and subcode in _MISSING_SUBCODES) or code == 803:
        return Missing(_("This is gone from Meta, or it is not shown to us."))
    if code in {3, 10} or 200 <= code <= 299:
        return NotPermitted(_("Meta does not permit it: {words}").format(words=words))
    return None


def outside_window() -> str:
    return _(
        "Meta allows private answers only for a limited time after the person's last message. "
        "That time is over: they must write again first."
    )


def _token(subcode: int) -> str:
    if subcode == 458:
        return _("The app was removed from the account. Connect the channel again.")
    if subcode == 460:
        return _(
            "The password of the person who connected the channel was changed. Connect the channel again."
        )
    if subcode in {463, 467}:
        return _("The access token has expired or was withdrawn. Connect the channel again.")
    if subcode in {459, 464, 490}:
        return _("Meta wants the person who connected the channel to log in and confirm something there.")
    if subcode == 492:
        return _("The person who connected the channel no longer has a role on the page.")
    return _("Meta does not accept the access token. Connect the channel again.")


def _error(response: httpx.Response) -> Mapping[str, Any] | None:
    try:
        found = response.json()
    except (ValueError, RecursionError):
        return None
    error = found.get("error") if isinstance(found, Mapping) else None
    return error if isinstance(error, Mapping) else None


def _words(error: Mapping[str, Any]) -> str:
    for key in ("error_user_msg", "message"):
        found = error.get(key)
        if isinstance(found, str) and found.strip():
            return found.strip()[:300]
    return _("no reason given")


def _int(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
