"""The three ways a network says no. A connector raises one of these and nothing else."""

from __future__ import annotations

from datetime import datetime, timedelta


class NetworkError(Exception):
    """Base of the three; ``str(error)`` is shown to people, so it holds no secret."""


class TryAgain(NetworkError):
    """It may work later: an outage, a time-out, a rate limit.

    ``after`` is how long the network asked us to wait, or None to leave it to the caller's backoff.
    ``doubt`` says that the request may have been carried out all the same (the connection broke
    after it was sent), so a send must be looked for before it is repeated.
    """

    def __init__(self, reason: str, *, after: timedelta | None = None, doubt: bool = False) -> None:
        super().__init__(reason)
        self.after = after
        self.doubt = doubt

    def not_before(self, now: datetime, fallback: timedelta) -> datetime:
        """When to try again."""
        return now + (self.after if self.after is not None else fallback)


class Refused(NetworkError):
    """The network will never accept this: too long, deleted parent, blocked. Trying again is useless."""


class CredentialsGone(NetworkError):
    """The channel's credentials no longer work; a person must connect it again."""


class NotFromThisNetwork(Exception):
    """A webhook delivery whose signature or shape is not this network's. It is refused, not stored."""
