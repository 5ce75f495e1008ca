"""Whom an address lets in, by method, and how that is written in a table."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from rapport.staff.permissions import Permission as Can
from rapport.staff.permissions import roles_with
from rapport.web.tests.doors_world import ACTORS, Site

Form = dict[str, Any]
NO_LOGIN = frozenset({"nobody", "ended"})
LOGGED_IN = frozenset(ACTORS) - NO_LOGIN
KNOWN = LOGGED_IN - {"stranger", "foreign"}


@dataclass(frozen=True)
class Way:
    """One method of an address.

    ``refused``: the status for somebody who may know of the brand and not do this. ``absent``: for somebody who
    may not know of it. ``no_login``: for nobody. ``crossed``: the form names things, so that another brand's
    must not be taken. ``names``: of the fields, for requests made up.
    """

    who: Collection[str]
    form: Callable[[Site], Form] = field(default=lambda site: {})
    ok: Collection[int] = (200, 302)
    refused: int = 403
    absent: int | Collection[int] = 404
    no_login: Collection[int] = (302,)
    crossed: bool = False
    csrf: bool = True

    def expected(self, actor: str) -> Collection[int]:
        """The statuses that ``actor`` may get."""
        if actor in self.who:
            return self.ok
        if actor in NO_LOGIN:
            return self.no_login
        if actor in KNOWN:
            return {self.refused}
        return {self.absent} if isinstance(self.absent, int) else self.absent


@dataclass(frozen=True)
class Door:
    """``route`` as the resolver has it; ``path`` makes the address; ``ghost`` the one of what is not there."""

    route: str
    path: Callable[[Site], str]
    ways: dict[str, Way]
    ghost: str = ""
    # What is shown may name the other brand: the practice network is everybody's.
    shared: bool = False
    # Making the address changes something already.
    acts: bool = False


def who_may(permission: Can) -> frozenset[str]:
    """Of the actors, who has ``permission`` for the first brand."""
    return frozenset({"owner", *roles_with(permission)})


def of(permission: Can, form: Callable[[Site], Form] = lambda site: {}, **more: Any) -> Way:
    """For who has a permission for the brand whose thing it is."""
    return Way(who_may(permission), form, **more)


def anywhere(permission: Can, form: Callable[[Site], Form] = lambda site: {}, **more: Any) -> Way:
    """For who has a permission for any brand."""
    return Way(who_may(permission) | {"foreign"}, form, **{"absent": 403, **more})


def login(form: Callable[[Site], Form] = lambda site: {}, **more: Any) -> Way:
    """For everybody who is logged in."""
    return Way(LOGGED_IN, form, **more)


def anybody(form: Callable[[Site], Form] = lambda site: {}, **more: Any) -> Way:
    """Without a login too."""
    return Way(ACTORS, form, **more)


def only_with_a_key(*statuses: int, form: Callable[[Site], Form] = lambda site: {}) -> Way:
    """A login opens nothing: what comes has to be signed, or to bring a token."""
    return Way(ACTORS, form, ok=statuses, csrf=False)
