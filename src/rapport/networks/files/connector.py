"""The connector of imported files: nothing to poll and nowhere to send, only events to understand."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from rapport.networks.base import Capabilities, Connector, Event, Profile, Tested
from rapport.networks.errors import Refused
from rapport.networks.files.parse import canonical_events, twcs_events


class FileConnector(Connector):
    """One channel per company that speaks in imported files."""

    network: ClassVar[str] = "file"
    label = lazy("Imported file")
    capabilities: ClassVar[Capabilities] = Capabilities(
        max_length=100_000,
        tested=Tested.ITSELF,
        public_reply=False,
        private_reply=False,
        send=False,
        archive=True,
        history=True,
    )

    def check(self) -> Profile:
        """An imported account has no credentials; there is nobody to ask for them."""
        if not self.account.external_id:
            raise Refused(_("An imported channel has no account."))
        return Profile(external_id=self.account.external_id, handle=self.account.handle)

    @staticmethod
    def parse(kind: str, payload: Any) -> list[Event]:
        """Events of one imported row. Kinds: ``twcs`` and ``jsonl`` (canonical, also from CSV)."""
        if not isinstance(payload, dict):
            raise TypeError("an imported row must be an object")
        if kind == "twcs":
            return twcs_events(payload)
        if kind == "jsonl":
            return canonical_events(payload)
        raise ValueError(f"unknown kind of imported row: {kind!r}")


CONNECTOR = FileConnector
