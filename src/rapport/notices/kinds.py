"""What people are told, in one table: the reader, the settings page, the docs and the tests read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext


class Way(StrEnum):
    """How somebody is told."""

    DESK = "desk"
    PUSH = "push"
    MAIL = "mail"


WAYS: dict[Way, str | Promise] = {
    Way.DESK: gettext_lazy("In the desk"),
    Way.PUSH: gettext_lazy("On my devices"),
    Way.MAIL: gettext_lazy("By e-mail"),
}


class NoticeKind(models.TextChoices):
    ASSIGNED = "assigned", gettext_lazy("A case is given to me")
    TEAM = "team", gettext_lazy("A case is given to my team")
    NAMED = "named", gettext_lazy("Somebody names me in a note")
    ANSWERED = "answered", gettext_lazy("The customer writes in a case of mine")
    FOLLOWED = "followed", gettext_lazy("The customer writes in a case that I follow")
    NOTED = "noted", gettext_lazy("A colleague writes a note in a case that I follow")
    FAILED = "failed", gettext_lazy("A reply of mine could not be sent")
    HELD = "held", gettext_lazy("A reply of mine is held back")
    WOKE = "woke", gettext_lazy("The snooze of a case of mine is over")
    TAKEN = "taken", gettext_lazy("A case of mine is taken over or handed to somebody else")
    ALERT = "alert", gettext_lazy("A listening query finds far more than usual, for leads")


@dataclass(frozen=True)
class Line:
    """What happened in one case, folded: ``n`` times the same by the same person. ``who`` is the customer for
    what customers do, else the colleague; "" where nobody did it. ``own``: they did it for themselves.
    ``cases``: of how many cases that changed hands together it speaks."""

    kind: NoticeKind
    n: int
    who: str
    own: bool = False
    cases: int = 1


@dataclass(frozen=True)
class Spec:
    """``ways``: how people are told who chose nothing. ``says``: the sentence in the reader's language.
    ``leads``: of those who chose nothing only whoever may change the brand's listening is told."""

    icon: str
    ways: frozenset[Way]
    says: Callable[[Line], str]
    leads: bool = False


def _assigned(line: Line) -> str:
    if line.cases > 1:
        return _many(
            line,
            ngettext("%(who)s gave you %(n)d case", "%(who)s gave you %(n)d cases", line.cases),
            ngettext("%(n)d case was given to you", "%(n)d cases were given to you", line.cases),
        )
    if not line.who:
        return _("This case was given to you")
    return _("%(who)s gave you this case") % {"who": line.who}


def _team(line: Line) -> str:
    if line.cases > 1:
        return _many(
            line,
            ngettext("%(who)s gave your team %(n)d case", "%(who)s gave your team %(n)d cases", line.cases),
            ngettext("%(n)d case was given to your team", "%(n)d cases were given to your team", line.cases),
        )
    if not line.who:
        return _("This case was given to your team")
    return _("%(who)s gave this case to your team") % {"who": line.who}


def _named(line: Line) -> str:
    return ngettext("%(who)s named you in a note", "%(who)s named you in %(n)d notes", line.n) % vars(line)


def _wrote(line: Line) -> str:
    return ngettext("A new message from %(who)s", "%(n)d new messages from %(who)s", line.n) % vars(line)


def _noted(line: Line) -> str:
    return ngettext("%(who)s wrote a note", "%(who)s wrote %(n)d notes", line.n) % vars(line)


def _failed(line: Line) -> str:
    return ngettext("Your reply could not be sent", "%(n)d of your replies could not be sent", line.n) % vars(
        line
    )


def _held(line: Line) -> str:
    return ngettext(
        "Your reply is held back: look at the case before it goes",
        "%(n)d of your replies are held back: look at the case before they go",
        line.n,
    ) % vars(line)


def _woke(line: Line) -> str:
    return _("The snooze is over")


def _taken(line: Line) -> str:
    if line.cases > 1:
        own = ngettext(
            "%(who)s took over %(n)d case from you", "%(who)s took over %(n)d cases from you", line.cases
        )
        other = ngettext(
            "%(who)s gave %(n)d case of yours to somebody else",
            "%(who)s gave %(n)d cases of yours to somebody else",
            line.cases,
        )
        return _many(
            line,
            own if line.own else other,
            ngettext("%(n)d case is no longer yours", "%(n)d cases are no longer yours", line.cases),
        )
    if not line.who:
        return _("This case is no longer yours")
    if line.own:
        return _("%(who)s took over your case") % {"who": line.who}
    return _("%(who)s gave your case to somebody else") % {"who": line.who}


def _many(line: Line, by_somebody: str, by_nobody: str) -> str:
    return (by_somebody if line.who else by_nobody) % {"who": line.who, "n": line.cases}


def _alert(line: Line) -> str:
    return _("A listening query finds far more than usual")


_EVERY = frozenset(Way)
_DESK = frozenset({Way.DESK})
_AT_HAND = frozenset({Way.DESK, Way.PUSH})

KINDS: dict[NoticeKind, Spec] = {
    NoticeKind.ASSIGNED: Spec("user-round-plus", _EVERY, _assigned),
    NoticeKind.TEAM: Spec("users-round", _DESK, _team),
    NoticeKind.NAMED: Spec("at-sign", _EVERY, _named),
    NoticeKind.ANSWERED: Spec("message-circle", _EVERY, _wrote),
    NoticeKind.FOLLOWED: Spec("message-circle", _DESK, _wrote),
    NoticeKind.NOTED: Spec("sticky-note", _DESK, _noted),
    NoticeKind.FAILED: Spec("circle-alert", _EVERY, _failed),
    NoticeKind.HELD: Spec("pause", _EVERY, _held),
    NoticeKind.WOKE: Spec("alarm-clock", _AT_HAND, _woke),
    NoticeKind.TAKEN: Spec("users-round", _AT_HAND, _taken),
    # No case is behind it: mentions/spikes tells it, in each way as its reader chose here.
    NoticeKind.ALERT: Spec("triangle-alert", _EVERY, _alert, leads=True),
}

# Of these the customer is who did it.
BY_CUSTOMER = frozenset({NoticeKind.ANSWERED, NoticeKind.FOLLOWED})


def says(line: Line) -> str:
    """What happened, as a sentence without a full stop."""
    return KINDS[line.kind].says(line)
