"""Asking a network whose credentials these are, before anything is kept. Ends in time, and in words."""

from __future__ import annotations

import contextvars
import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.utils.translation import gettext as _

from rapport.lib.errors import Invalid
from rapport.networks.base import Account, Profile
from rapport.networks.errors import CredentialsGone, NetworkError, TryAgain
from rapport.networks.registry import UnknownNetwork, connect, connector_class

_log = logging.getLogger(__name__)

# Somebody is looking at a page meanwhile.
DEADLINE_S = 30.0

_T = TypeVar("_T")


def check_account(
    *,
    network: str,
    credentials: Mapping[str, Any],
    settings: Mapping[str, Any],
    deadline_s: float = DEADLINE_S,
) -> Profile:
    """Whose account it is. Raises Invalid with what the network said and what to do about it."""
    account = Account(external_id="", handle="", credentials=credentials, settings=settings)

    def ask() -> Profile:
        return connect(network, account).check()

    profile = ask_network(network, ask, deadline_s=deadline_s)
    if not profile.external_id:
        raise Invalid(_("The network did not say whose account this is."))
    return profile


def ask_network(network: str, ask: Callable[[], _T], *, deadline_s: float = DEADLINE_S) -> _T:
    """What ``ask`` returns, or Invalid in words: for calls that a person waits for.

    ``ask`` must not touch the database: it runs in a thread of its own, which is left behind when it
    takes too long (its calls end by themselves, see networks/http.py).
    """
    label = _label(network)
    answer: list[_T] = []
    failure: list[Exception] = []

    def run() -> None:
        try:
            answer.append(ask())
        except Exception as error:
            failure.append(error)

    # The context brings the language along, which words the errors.
    thread = threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True)
    thread.start()
    thread.join(deadline_s)
    if answer:
        return answer[0]
    if not failure:
        raise Invalid(
            _("%(network)s did not answer in time. Nothing was changed. Try again in a moment.")
            % {"network": label}
        )
    raise Invalid(_words(label, failure[0])) from failure[0]


def _words(label: str, error: Exception) -> str:
    given = {"network": label, "reason": str(error).rstrip(".")}
    if isinstance(error, CredentialsGone):
        return (
            _("%(network)s does not accept these credentials: %(reason)s. Check them and try again.") % given
        )
    if isinstance(error, TryAgain):
        return (
            _(
                "%(network)s cannot be asked now: %(reason)s. Nothing is wrong with what you typed as far as we "
                "know. Try again in a moment."
            )
            % given
        )
    if isinstance(error, NetworkError):
        return _("%(network)s refused: %(reason)s.") % given
    if isinstance(error, UnknownNetwork):
        return _("The connector of this network is not installed.")
    _log.error("a connector failed in an unexpected way while it was asked by a person", exc_info=error)
    return _("The connector failed in an unexpected way (%(name)s).") % {"name": type(error).__name__}


def _label(network: str) -> str:
    try:
        return str(connector_class(network).label)
    except UnknownNetwork:
        return network
