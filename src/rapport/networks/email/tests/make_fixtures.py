"""Make ``fixtures/*.json`` from the readable ``*.eml`` beside them: ``python -m rapport.networks.email.tests.make_fixtures``.

What parse makes of each is written down as it is now; read the difference before it is committed.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from rapport.networks.email.parse import parse_event
from rapport.networks.testing import said

FOLDER = Path(__file__).parent.parent / "fixtures"
ARRIVED = "2026-11-21T13:45:00+00:00"
SENT = {"own_from_another_program"}


def payload(eml: Path) -> dict[str, Any]:
    """The raw event that a poll makes of this mail."""
    data = eml.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return {
        "rfc822": base64.b64encode(data).decode("ascii"),
        "folder": "Sent" if eml.stem in SENT else "INBOX",
        "uid": 17,
        "uidvalidity": 1795308802,
        "arrived": ARRIVED,
        "sent": eml.stem in SENT,
        "me": ["help@alvara.example", "support@alvara.example"],
        "lists": [],
        "trusted": ["mx.alvara.example"],
        "truncated": False,
    }


def main() -> None:
    for eml in sorted(FOLDER.glob("*.eml")):
        raw = payload(eml)
        says = [said(event) for event in parse_event("mail", raw)]
        text = json.dumps({"kind": "mail", "payload": raw, "says": says}, indent=2, ensure_ascii=False)
        eml.with_suffix(".json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
