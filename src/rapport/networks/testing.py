"""What a network brings so that the common tests can drive it: its fixtures, and a place to really talk to.

``tests/place.py`` in a network's folder has ``PLACE``, a :class:`Place`; ``fixtures/`` holds raw events as
JSON files, ``{"kind": …, "payload": …, "says": […]}``, written or anonymised by us (``says``: what parse
must make of it, in the words of :func:`said`; ``"parked": true`` instead where it must understand nothing). Packages with networks of their own can use both.
"""

from __future__ import annotations

import html
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, ClassVar

import httpx

from rapport.networks.base import Connector, Delivery, Event, MessageSeen, Receipt


@dataclass(frozen=True)
class Fixture:
    """One raw event of a network. ``says`` is None where the file does not say; ``parked``: nobody can
    understand it, and parse says so."""

    name: str
    kind: str
    payload: Any
    says: list[str] | None
    parked: bool = False


def fixtures(connector: type[Connector]) -> Iterator[Fixture]:
    """The raw events in the ``fixtures`` folder beside a connector, in order of their names."""
    folder = files(connector.__module__.rpartition(".")[0]) / "fixtures"
    if not folder.is_dir():
        return
    for file in sorted(folder.iterdir(), key=lambda one: one.name):
        if file.name.endswith(".json"):
            found = json.loads(file.read_text(encoding="utf-8"))
            parked = bool(found.get("parked"))
            yield Fixture(file.name, found["kind"], found["payload"], found.get("says"), parked)


def said(event: Event) -> str:
    """An event in a few words, for fixtures: ``message 17 by 4 (public, to 12): Hello``."""
    if isinstance(event, MessageSeen):
        marks: list[str] = [event.visibility]
        marks += [f"to {event.parent_id}"] if event.parent_id else []
        marks += [f"in {event.thread_key}"] if event.thread_key else []
        marks += [name for name in ("automatic", "context") if getattr(event, name)]
        marks += ["edited"] if event.edited_at else []
        marks += [f"{len(event.media)} media"] if event.media else []
        text = " ".join(event.text.split())
        return f"message {event.external_id} by {event.author.external_id} ({', '.join(marks)}): {text}"
    if isinstance(event, Receipt):
        until = event.message_id or (event.until.isoformat() if event.until else "")
        return f"{event.kind} by {event.reader_id} in {event.thread_key} until {until}"
    name = type(event).__name__
    original = getattr(event, "original_id", "")
    return f"{name} {event.external_id}" + (f" on {original}" if original else "")


class Place(ABC):
    """A network that runs here, with one account of ours on it and customers: a real server or a double.

    Used as a context manager: entering starts it, leaving stops it and frees everything. Servers listen
    on 127.0.0.1 and a free port only. What customers do is done as a customer's own client would.
    """

    network: ClassVar[str]
    # What cannot be had here and why, by the name of a method below: the test skips with these words.
    cannot: ClassVar[Mapping[str, str]] = {}
    # Whether a customer can answer privately, whether they can publicly.
    public: ClassVar[bool] = True
    private: ClassVar[bool] = True
    # Whether the network tells times in whole seconds, so that what happens within one has no order.
    whole_seconds: ClassVar[bool] = False
    # Seconds until the network's own side has surely caught up with what somebody did.
    patience_s: ClassVar[float] = 10.0

    @abstractmethod
    def __enter__(self) -> Place: ...

    @abstractmethod
    def __exit__(self, *exc: object) -> None: ...

    @abstractmethod
    def values(self) -> dict[str, Any]:
        """What an admin types on the connecting page, by the guide's field names. Also after :meth:`renew`."""

    @abstractmethod
    def customer_says(
        self, text: str, *, to: str | None = None, private: bool = False, image: bool = False
    ) -> str:
        """A customer writes to us: mentions us, comments, mails. ``to``: an external id they answer.
        ``image``: a picture goes along, with the alt text ``A broken box``; raises NotImplementedError where
        customers cannot send one that way. Returns the external id."""

    def log_in(self, url: str, *, allow: bool = True) -> str:
        """The account's owner opens the network's own login at ``url`` and says yes or no; returns the address
        to which that sends their browser. As :func:`~rapport.networks.doubles.login_page` shows it."""
        page = httpx.get(url, trust_env=False)
        found = re.search(rf'id="{"allow" if allow else "refuse"}" href="([^"]+)"', page.text)
        assert page.status_code == 200, page.text
        assert found is not None, page.text
        return html.unescape(found[1])

    @abstractmethod
    def customer_reads(self, external_id: str, *, private: bool = False) -> list[str]:
        """The texts of our answers that the customer finds under that message, or in that conversation."""

    def customer_opens(self, external_id: str) -> None:
        """The customer looks at the private conversation of that message, all of it; where the network tells."""
        raise NotImplementedError

    def customer_sees_images(self, external_id: str) -> list[str]:
        """The alt texts of pictures in our answers to that message."""
        raise NotImplementedError

    def customer_deletes(self, external_id: str) -> None:
        """The customer takes their message away."""
        raise NotImplementedError

    def customer_edits(self, external_id: str, text: str) -> None:
        """The customer changes their message."""
        raise NotImplementedError

    def outage(self) -> AbstractContextManager[None]:
        """The network is away while inside: its server is stopped, and started again with all it had."""
        raise NotImplementedError

    def break_after_posting(self) -> AbstractContextManager[None]:
        """While inside, a post of ours is carried out but the connection breaks before the answer."""
        raise NotImplementedError

    def revoke(self) -> None:
        """Our credentials stop working."""
        raise NotImplementedError

    def renew(self) -> None:
        """We get new ones, which :meth:`values` then gives."""
        raise NotImplementedError

    def deliveries(self) -> list[Delivery]:
        """Webhook requests that the network has made since the last call, as they would arrive."""
        return []
