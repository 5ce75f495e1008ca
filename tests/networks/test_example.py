"""The worked example of the documentation: found through its entry point, and it works."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rapport.networks.base import Account, Connector, MessageSeen, OutgoingMessage
from rapport.networks.doubles import Answer, Double, Request
from rapport.networks.errors import CredentialsGone, TryAgain
from tests.networks.test_conformance import NOW

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "rapport-guestbook"
KEY = "3f1c9f0e-8f3b-4a38-9d1f-0a4ad7c3a001"


class Guestbook(Double):
    """Keeps what its documentation promises: an entry's ``ref`` can be asked for."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        super().__init__()

    def write(self, guest: str, text: str, below: str | None = None, ref: str = "") -> dict[str, Any]:
        entry = {
            "number": len(self.entries) + 1, "guest": {"id": guest, "name": guest.title()}, "text": text,
            "below": below, "ref": ref, "written_at": NOW.isoformat(),
        }  # fmt: skip
        self.entries.append(entry)
        return entry

    def answer(self, request: Request) -> Answer:
        if request.headers.get("authorization") != "Bearer open-sesame":
            return Answer(status=401, body={"error": "who are you?"})
        if request.path == "/me":
            return Answer(body={"id": "hotel", "name": "Hotel Lipa"})
        if request.method == "POST":
            asked = request.json
            return Answer(body=self.write("hotel", asked["text"], asked["below"], asked["ref"]))
        if "ref" in request.query:
            return Answer(body=[one for one in self.entries if one["ref"] == request.query["ref"]])
        return Answer(body=[one for one in self.entries if one["number"] > int(request.query["after"])])


@pytest.fixture
def connector_class(monkeypatch: pytest.MonkeyPatch) -> type[Connector]:
    monkeypatch.syspath_prepend(str(EXAMPLE))
    found: type[Connector] = importlib.import_module("rapport_guestbook").CONNECTOR
    return found


@pytest.fixture
def guestbook() -> Iterator[Guestbook]:
    double = Guestbook()
    with double:
        yield double


def connect(cls: type[Connector], guestbook: Guestbook, token: str = "open-sesame") -> Connector:
    return cls(
        Account(
            external_id="hotel", handle="Hotel Lipa", credentials={"token": token},
            settings={"address": guestbook.url},
        )
    )  # fmt: skip


def test_an_installed_package_is_found_by_its_entry_point(tmp_path: Path) -> None:
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    entries = project["entry-points"]["rapport.networks"]
    # What an installer writes: the module, and beside it what it says of itself.
    about = tmp_path / "rapport_guestbook-1.0.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 1.0.0\n")
    lines = [f"{name} = {target}" for name, target in entries.items()]
    (about / "entry_points.txt").write_text("\n".join(["[rapport.networks]", *lines]) + "\n")
    (tmp_path / "rapport_guestbook.py").write_bytes((EXAMPLE / "rapport_guestbook.py").read_bytes())
    listed = subprocess.run(
        [sys.executable, "-m", "rapport.cli", "networks", "--json"],
        env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"}, cwd=tmp_path,
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    networks = {one["network"]: one for one in json.loads(listed.stdout)}
    assert networks["guestbook"]["comments"]
    assert "practice" in networks


def test_it_is_short_enough_to_read_at_once() -> None:
    assert len((EXAMPLE / "rapport_guestbook.py").read_text().splitlines()) < 150


def test_it_hears_answers_and_posts_once(connector_class: type[Connector], guestbook: Guestbook) -> None:
    connector = connect(connector_class, guestbook)
    assert connector.check().external_id == "hotel"
    guestbook.write("ana", "The pillow was too soft.")
    polled = connector.poll({})
    (event,) = connector.parse(polled.items[0].kind, polled.items[0].payload)
    assert isinstance(event, MessageSeen)
    assert (event.external_id, event.author.name, event.parent_id) == ("1", "Ana", None)
    assert connector.poll(polled.cursor).items == []
    message = OutgoingMessage(
        idempotency_key=KEY,
        text="A harder one waits for you.",
        visibility="public",
        parent_id="1",
        created_at=NOW,
    )
    assert connector.find_sent(message) is None
    with guestbook.answers_lost(lambda request: request.method == "POST"), pytest.raises(TryAgain) as lost:
        connector.send(message)
    assert lost.value.doubt
    found = connector.find_sent(message)
    assert found is not None
    assert [one["text"] for one in guestbook.entries if one["below"] == "1"] == [
        "A harder one waits for you."
    ]


def test_a_wrong_token_and_an_absent_guestbook_are_told_apart(
    connector_class: type[Connector], guestbook: Guestbook
) -> None:
    with pytest.raises(CredentialsGone):
        connect(connector_class, guestbook, token="wrong").check()
    with guestbook.outage(), pytest.raises(TryAgain):
        connect(connector_class, guestbook).check()
