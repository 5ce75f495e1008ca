"""Why the practice network says no, as it says it: a status, a code for programs, a sentence for people."""

from __future__ import annotations


class Problem(Exception):
    """``status`` is HTTP's; ``code`` never changes once published."""

    status = 422

    def __init__(self, code: str, message: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_after_s = retry_after_s


class NotThere(Problem):
    """No such account, post or subscription, or not for this account's eyes."""

    status = 404


class NotYours(Problem):
    """The token is good but does not allow this."""

    status = 403


class NoToken(Problem):
    """No token, or one that was revoked."""

    status = 401


class TooFast(Problem):
    """The rate limit; ``retry_after_s`` says when the next minute begins."""

    status = 429


class Outage(Problem):
    """The network is down, on demand."""

    status = 503
