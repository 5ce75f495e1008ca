"""What a kind of source is: what its form asks, and one way to read it."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django.utils.functional import Promise

from rapport.mentions.hearing import Heard
from rapport.networks.connecting import Field

# How often a source that waits says so, which keeps its lease.
BREATH_S = 2.0
_LOOK_S = 0.2

Stop = Callable[[], bool]


class NotShared(Exception):
    """What was heard could not be handed on to the stream between processes now."""


@dataclass(frozen=True, slots=True)
class Given:
    """What the form brought. ``options`` are shown again, ``secrets`` never."""

    options: Mapping[str, Any]
    secrets: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def text(self, name: str) -> str:
        """A field's text, without spaces around it; a secret's too."""
        return str(self.options.get(name) or self.secrets.get(name) or "").strip()

    def lines(self, name: str) -> list[str]:
        """A field of lines."""
        found = self.options.get(name)
        return [str(one).strip() for one in found if str(one).strip()] if isinstance(found, list) else []


@dataclass(frozen=True, slots=True)
class Hint:
    """Something to look at before a source is added, under the form: ``rows`` are a name and some lines each."""

    title: str
    about: str
    rows: Sequence[tuple[str, Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Posts in their order, possibly none, and the cursor that is behind them: both are stored together.

    ``left_out``: sentences that say what is not listened to and why; None leaves those that were said.
    """

    heard: list[Heard]
    cursor: dict[str, Any]
    left_out: Sequence[str] | None = None


class Kind:
    """What a source is: ``network`` is that of its posts."""

    key: ClassVar[str]
    label: ClassVar[str | Promise]
    about: ClassVar[str | Promise]
    network: ClassVar[str]


class SourceKind(Kind, ABC):
    """A kind that listeners read by themselves, and that an owner adds by a form of ``fields``.

    Every method may be called from any thread and raises only the errors of :mod:`rapport.networks.errors`.
    """

    fields: ClassVar[tuple[Field, ...]] = ()

    def checked(self, given: Given) -> Given:
        """What is kept of a form: addresses made whole. Raises Refused with a sentence."""
        return given

    def named(self, given: Given) -> str:
        """What a source with these options is called."""
        return str(self.label)

    def place(self, given: Given) -> str:
        """Where it is read, "" if there is one place only. A cursor and secrets of one place are of no use at another.
        Raises Refused for what is no place."""
        return ""

    def apart(self, one: Given, other: Given) -> str:
        """Why these two cannot be listened to side by side, "" if they can."""
        return ""

    def hint(self) -> Hint | None:
        """What is shown under its form; asked in a request, so it may look into the database, and calls nobody."""
        return None

    @abstractmethod
    def run(self, given: Given, cursor: Mapping[str, Any], stop: Stop) -> Iterator[Chunk]:
        """Read from ``cursor`` on ({}: from now) until ``stop()``; yields every few seconds, also when nothing came.

        What comes again after a break is harmless. It may end by itself, and is then begun again.
        """


def idle(seconds: float, cursor: Mapping[str, Any], stop: Stop) -> Iterator[Chunk]:
    """Wait, heard every :data:`BREATH_S`; ends early at ``stop()``."""
    until = time.monotonic() + seconds
    while not stop() and (left := until - time.monotonic()) > 0:
        breath = time.monotonic() + min(BREATH_S, left)
        while not stop() and time.monotonic() < breath:
            time.sleep(_LOOK_S)
        yield Chunk([], dict(cursor))
