"""How a channel is connected: what the guided page asks for, and the way through the network's own login."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One thing to fill in. ``secret`` values are encrypted and never shown again; the others are settings.

    ``label`` and ``help`` may be lazy translations. ``choices``: (value, label) for kind ``choice``.
    ``lines`` for kind ``lines``: one value per line, stored as a list of strings.
    """

    name: str
    label: Any
    help: Any = ""
    kind: Literal["text", "secret", "url", "email", "number", "choice", "switch", "lines"] = "text"
    required: bool = True
    default: Any = None
    placeholder: str = ""
    choices: tuple[tuple[str, Any], ...] = ()

    @property
    def secret(self) -> bool:
        return self.kind == "secret"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of getting credentials: a sentence, and the page where it happens."""

    text: Any
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guide:
    """The page on which a channel is connected.

    ``needs``: what to have at hand. ``oauth``: after the fields comes the network's own login page
    (:meth:`Connector.begin` and :meth:`Connector.finish`); ``oauth_optional``: the admin may choose it
    instead of filling in every secret. ``costs`` and ``cannot``: what it costs, what the network does not allow.
    """

    about: Any
    needs: tuple[Any, ...] = ()
    steps: tuple[Step, ...] = ()
    fields: tuple[Field, ...] = ()
    oauth: bool = False
    oauth_optional: bool = False
    costs: Any = ""
    cannot: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """Where to send the admin's browser, and what must be remembered until it comes back (kept encrypted)."""

    url: str
    keep: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """One account that the network's login gave us the right to use."""

    label: str
    credentials: Mapping[str, Any]
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewed:
    """Credentials that replace the ones in use; ``expires_at`` is None when they last for ever."""

    credentials: Mapping[str, Any]
    expires_at: datetime | None = None
