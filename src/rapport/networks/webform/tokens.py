"""Signed tokens: that a form is ours and fresh, and the secret address of a conversation.

A form inside another site gets no cookies, so what a cookie usually proves stands in the form.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from django.conf import settings
from django.core import signing

_FORM = "webform.form"
_THREAD = "webform.thread"
MAX_AGE_S = 24 * 3600
# Nobody reads and fills in a form faster; programs do.
MIN_AGE_S = 2.0


@dataclass(frozen=True)
class FormToken:
    """``nonce`` is another one in every form that is shown. ``age_s``: seconds since it was."""

    nonce: str
    age_s: float


class BadToken(Exception):
    """Not a token of ours for this form, or too old."""


def form_token(form: str, *, now: float | None = None) -> str:
    """A token for one showing of ``form`` (any name of it)."""
    made = {"f": form, "n": secrets.token_urlsafe(12), "t": round(time.time() if now is None else now, 1)}
    return signing.dumps(made, salt=_FORM)


def read_form_token(token: str, form: str) -> FormToken:
    """Raises :class:`BadToken`."""
    try:
        found = signing.loads(token[:500], salt=_FORM, max_age=MAX_AGE_S)
        nonce, age = str(found["n"]), time.time() - float(found["t"])
    except (signing.BadSignature, KeyError, TypeError, ValueError) as error:
        raise BadToken from error
    if found.get("f") != form:
        raise BadToken
    return FormToken(nonce=nonce, age_s=age)


def thread_token(thread_key: str) -> str:
    """What opens a conversation's page. It holds while Rapport's secret key does."""
    return signing.dumps(thread_key, salt=_THREAD)


def read_thread_token(token: str) -> str:
    """The thread key. Raises :class:`BadToken`."""
    try:
        found = signing.loads(token[:500], salt=_THREAD)
    except signing.BadSignature as error:
        raise BadToken from error
    if not isinstance(found, str):
        raise BadToken
    return found


def thread_path(thread_key: str) -> str:
    """The address of a conversation's page on this server."""
    return f"/webform/thread/{thread_token(thread_key)}/"


def thread_url(thread_key: str) -> str:
    """The whole address."""
    return f"{settings.RAPPORT_BASE_URL}{thread_path(thread_key)}"
