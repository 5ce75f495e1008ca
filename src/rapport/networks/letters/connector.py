"""Letters and calls: nothing is fetched, and an answer is what an agent says they wrote or said."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from rapport.networks.base import (
    Capabilities,
    Connector,
    Event,
    Field,
    Guide,
    Hears,
    MediaRules,
    OutgoingMessage,
    Profile,
    Sent,
    Tested,
)
from rapport.networks.errors import Refused
from rapport.networks.letters.entry import ACCOUNT
from rapport.networks.letters.parse import KINDS, parse_event

_GUIDE = Guide(
    about=lazy(
        "Letters, telephone calls and visits, entered by agents under “Enter a letter or a call”. They open cases "
        "like everything else. The channel makes itself when the first letter is entered."
    ),
    fields=(
        Field(
            name="name",
            label=lazy("Name"),
            help=lazy("What the channel is called here."),
            default=lazy("Letters and calls"),
        ),
    ),
    costs=lazy("Nothing."),
    cannot=(
        lazy(
            "Rapport posts no letters and makes no calls. What you send here is kept as the answer you gave: print "
            "and post it, or say it, yourself."
        ),
    ),
)


class LettersConnector(Connector):
    """No credentials; one channel for each brand. Settings: ``name``."""

    network: ClassVar[str] = "letters"
    label = lazy("Letters and calls")
    capabilities: ClassVar[Capabilities] = Capabilities(
        max_length=50_000,
        hears=frozenset({Hears.PRIVATE}),
        public_reply=False,
        private_reply=True,
        media_private=MediaRules(
            max_count=10, max_bytes={"image": 6_000_000, "file": 6_000_000}, alt_text=True
        ),
        tested=Tested.ITSELF,
    )
    guide: ClassVar[Guide | None] = _GUIDE
    kinds: ClassVar[Mapping[str, str]] = KINDS

    def check(self) -> Profile:
        """There is nothing that could refuse, but it needs a name."""
        name = " ".join(str(self.account.settings.get("name") or "").split())
        if not name:
            raise Refused(_("Give the channel a name."))
        return Profile(external_id=ACCOUNT, handle=name, name=name)

    @staticmethod
    def parse(kind: str, payload: Any) -> list[Event]:
        return parse_event(kind, payload)

    def send(self, message: OutgoingMessage) -> Sent:
        """Keep the answer as given now: the agent posts the letter, or has said the words."""
        return _recorded(message)

    def find_sent(self, message: OutgoingMessage) -> Sent | None:
        """Recording is all there is to sending, and it happens when this is known."""
        return _recorded(message)


def _recorded(message: OutgoingMessage) -> Sent:
    if message.visibility != "private":
        raise Refused(_("Letters and calls are answered privately."))
    return Sent(
        external_id=f"answer:{message.idempotency_key}",
        sent_at=datetime.now(UTC),
        thread_key=message.thread_key,
    )


CONNECTOR = LettersConnector
