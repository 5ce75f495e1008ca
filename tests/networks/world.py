"""A brand with one channel on a network that really runs, driven through the product's own ways."""

from __future__ import annotations

import importlib
import importlib.util
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from django.test import Client
from django.utils import timezone

from rapport.brands.models import Brand, Channel
from rapport.channels.actions import connect_channel, reconnect_channel
from rapport.inbox.models import Case, Message
from rapport.ingest.listener import claim_due, poll
from rapport.ingest.process import process_channel
from rapport.lib.errors import Invalid
from rapport.networks.errors import TryAgain
from rapport.networks.registry import connector_class, connectors
from rapport.networks.testing import Place
from rapport.outbox.actions import reply
from rapport.outbox.checks import NewMedia
from rapport.outbox.delivery import deliver
from rapport.outbox.models import Outgoing, OutgoingState
from rapport.staff.models import Membership, Role, User

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8cfc0000003010100"
    "18dd8db00000000049454e44ae426082"
)


def places() -> dict[str, type[Place]]:
    """The place of every network that brings one."""
    found = {}
    for network, connector in connectors().items():
        module = f"{connector.__module__.rpartition('.')[0]}.tests.place"
        try:
            there = importlib.util.find_spec(module) is not None
        except ModuleNotFoundError:
            there = False
        if there:
            found[network] = importlib.import_module(module).PLACE
    return found


def split(network: str, values: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What was typed on the connecting page, as credentials and settings."""
    guide = connector_class(network).guide
    # Where no person connects the network there is no guide, and all that is given is secret.
    secret = {one.name for one in guide.fields if one.secret} if guide else set(values)
    return {
        "credentials": {name: value for name, value in values.items() if name in secret},
        "settings": {name: value for name, value in values.items() if name not in secret},
    }


@dataclass
class World:
    """``place`` is the network; ``channel`` our account on it; ``agent`` the person who answers."""

    place: Place
    brand: Brand = field(init=False)
    channel: Channel = field(init=False)
    agent: User = field(init=False)

    def __post_init__(self) -> None:
        self.brand = Brand.objects.create(slug="alvara", name="Alvara Air")
        self.agent = User.objects.create(email="mara@example.com", name="Mara Kovač", initials="MK")
        Membership.objects.create(user=self.agent, brand=self.brand, role=Role.AGENT)
        self.channel = self.connect()
        self.pass_a_moment()
        self.place.deliveries()  # what the tests before this one left
        self.listen_once()

    def connect(self) -> Channel:
        """As a person does."""
        return self.ask(
            lambda: connect_channel(
                actor=None,
                brand_id=self.brand.id,
                network=self.place.network,
                **split(self.place.network, self.place.values()),
            )
        )

    def reconnect(self) -> None:
        """As a person does, with what the network asks for now."""
        self.channel = self.ask(
            lambda: reconnect_channel(
                actor=None, channel_id=self.channel.id, **split(self.place.network, self.place.values())
            )
        )

    def ask(self, press: Callable[[], Channel]) -> Channel:
        """When the network could not be asked, the button is pressed once more."""
        for attempt in range(3):
            try:
                return press()
            except Invalid as refused:
                if attempt == 2 or not isinstance(refused.__cause__, TryAgain):
                    raise
                time.sleep(1)
        raise AssertionError("unreachable")

    def pass_a_moment(self) -> None:
        """Nobody answers within a second; where times are whole seconds, tests must not either: wait for the next."""
        if self.place.whole_seconds:
            time.sleep(1.01 - time.time() % 1)

    # Hearing ----------------------------------------------------------------------------------
    def listen_once(self) -> None:
        """What networks push is taken, then the channel is polled once, and all of it understood."""
        for one in self.place.deliveries():
            headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in one.headers.items()}
            query = "&".join(f"{name}={value}" for name, value in one.query.items())
            answer = Client().generic(
                one.method,
                f"/hooks/{self.place.network}/{self.channel.id}" + (f"?{query}" if query else ""),
                data=one.body,
                content_type=headers.get("HTTP_CONTENT_TYPE", "application/json"),
                **headers,
            )
            assert answer.status_code < 300, answer.content
        Channel.objects.filter(id=self.channel.id).update(next_poll_at=None, open_until=None)
        for lease in claim_due(limit=5):
            poll(lease)
        process_channel(self.channel.id)
        self.channel.refresh_from_db()

    def hear(self, done: Callable[[], Any], what: str) -> Any:
        """Listen until ``done`` gives something, as long as the network may need. Fails in words."""
        deadline = time.monotonic() + self.place.patience_s
        while True:
            self.listen_once()
            if found := done():
                return found
            assert time.monotonic() < deadline, f"not heard in time: {what} ({self.channel.last_error})"
            time.sleep(0.2)

    def message(self, external_id: str) -> Message:
        """The customer's message, once it is heard."""
        found: Message = self.hear(
            lambda: Message.objects.filter(
                external_id=external_id, channel=self.channel, context=False
            ).first(),
            f"message {external_id}",
        )
        return found

    def case(self, external_id: str) -> Case:
        """The case of that message's author, once it is heard."""
        message = self.message(external_id)
        return Case.objects.get(
            case_threads__thread_id=message.thread_id, contact_id=message.identity.contact_id
        )

    # Answering --------------------------------------------------------------------------------
    def answer(
        self, case: Case, text: str, *, private: bool = False, files: Iterable[NewMedia] = (), tries: int = 5
    ) -> Outgoing:
        """Answer, with as many tries as a worker would make in some seconds: a server may be busy."""
        outgoing = reply(
            actor=self.agent,
            case_id=case.id,
            text=text,
            visibility="private" if private else "public",
            in_reply_to_id=None,
            form_key=uuid4(),
            files=list(files),
        )
        for attempt in range(tries):
            if attempt:
                time.sleep(1)
            self.send(outgoing)
            if outgoing.state != OutgoingState.QUEUED:
                break
        return outgoing

    def send(self, outgoing: Outgoing) -> None:
        """One try now, whatever it waits for."""
        Outgoing.objects.filter(id=outgoing.id, state=OutgoingState.QUEUED).update(not_before=timezone.now())
        Channel.objects.filter(id=self.channel.id).update(open_until=None)
        deliver(outgoing_id=outgoing.id)
        outgoing.refresh_from_db()

    def read(self, external_id: str, count: int, *, private: bool = False) -> list[str]:
        """Our answers as the customer reads them, once there are ``count``."""
        deadline = time.monotonic() + self.place.patience_s
        while True:
            texts = self.place.customer_reads(external_id, private=private)
            if len(texts) >= count or time.monotonic() > deadline:
                return texts
            time.sleep(0.2)
