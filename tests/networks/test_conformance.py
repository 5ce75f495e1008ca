"""What every connector promises, checked for all that are installed.

A network from another package is checked too, once it is installed beside Rapport.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rapport.brands.models import Channel
from rapport.contacts.models import Identity
from rapport.inbox.models import Visibility
from rapport.ingest.clean import clean, fold
from rapport.lib.errors import Invalid
from rapport.networks import base
from rapport.networks.base import Account, Connector, Delivery, Hears, MessageSeen, OutgoingMessage
from rapport.networks.errors import NetworkError, NotFromThisNetwork, TryAgain
from rapport.networks.registry import connectors
from rapport.networks.testing import Fixture, fixtures, said
from rapport.outbox.checks import check_length
from tests.networks.mutation import JSON, mutated

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ALL = sorted(connectors().items())
# These know no person who connects them, and imported files are tested by their own room.
WITHOUT_GUIDE = {"file", "practice"}
UNDERSTOOD = (ValueError, KeyError, TypeError)

each = pytest.mark.parametrize("connector", [cls for _, cls in ALL], ids=[name for name, _ in ALL])


def folder(connector: type[Connector]) -> Path:
    return Path(inspect.getfile(connector)).parent


def all_fixtures() -> list[tuple[type[Connector], Fixture]]:
    return [(cls, one) for _, cls in ALL for one in fixtures(cls)]


each_fixture = pytest.mark.parametrize(
    ("connector", "fixture"),
    all_fixtures(),
    ids=[f"{cls.network}-{one.name.removesuffix('.json')}" for cls, one in all_fixtures()],
)


def has(connector: type[Connector], method: str) -> bool:
    """Whether the connector brings a method of its own."""
    return getattr(connector, method) is not getattr(Connector, method) and (
        getattr(getattr(connector, method), "__func__", None)
        is not getattr(getattr(Connector, method), "__func__", object())
    )


@each
class TestWhatItSays:
    def test_it_can_do_what_it_says_and_says_what_it_can_do(self, connector: type[Connector]) -> None:
        can = connector.capabilities
        claims = {
            "poll": can.poll, "receive": can.webhook, "stream": can.stream, "history": can.history,
            "send": can.send, "find_sent": can.send, "edit": can.edit, "delete": can.delete,
            "write_profile": bool(can.profile_writes),
        }  # fmt: skip
        # An imported file has its history in itself.
        wrong = {
            method: claim
            for method, claim in claims.items()
            if claim != has(connector, method)
            and not (method == "history" and connector.network in WITHOUT_GUIDE)
        }
        assert wrong == {}

    def test_its_limits_are_possible(self, connector: type[Connector]) -> None:
        can = connector.capabilities
        assert can.max_length > 0
        assert can.max_length_private is None or can.max_length_private > 0
        assert all(budget.calls > 0 and budget.per > timedelta(0) for budget in can.budgets)
        assert [w.length for w in can.windows] == sorted(w.length for w in can.windows)
        for rules in (can.media, can.media_private):
            if rules is not None:
                assert rules.max_count > 0
                assert rules.max_bytes
                assert all(size > 0 for size in rules.max_bytes.values())
        if can.private_reply_to_public:
            assert can.private_reply
        if can.public_reply_to_private:
            assert can.public_reply
        if not can.archive:
            assert can.hears, "a network from which nothing is heard"
        if Hears.LISTEN not in can.hears and not can.archive:
            assert can.send, "who asks there could not be answered"

    def test_it_is_connected_by_a_guide_that_says_where_to_get_what(self, connector: type[Connector]) -> None:
        guide = connector.guide
        if connector.network in WITHOUT_GUIDE:
            assert guide is None
            return
        assert guide is not None
        assert str(guide.about)
        names = [field.name for field in guide.fields]
        assert len(names) == len(set(names))
        for field in guide.fields:
            assert str(field.label), field.name
            assert (field.kind == "choice") == bool(field.choices), field.name
            looks_secret = any(word in field.name for word in ("password", "token", "secret"))
            assert field.secret or not looks_secret or field.kind == "switch", field.name
        if any(field.secret for field in guide.fields) or guide.oauth:
            assert guide.steps, "where does one get the credentials?"
        if guide.oauth or guide.oauth_optional:
            assert has(connector, "begin")
            assert has(connector, "finish")

    def test_its_folder_tells_people_about_it(self, connector: type[Connector]) -> None:
        if connector.network in WITHOUT_GUIDE:
            return
        text = (folder(connector) / "README.md").read_text(encoding="utf-8")
        assert len(text) > 800
        if connector.capabilities.tested is not base.Tested.ITSELF:
            assert "http" in text, "which fact came from which page?"

    def test_it_has_fixtures_of_every_kind_it_knows(self, connector: type[Connector]) -> None:
        if connector.network == "file":
            return
        if connector.network not in WITHOUT_GUIDE:
            assert connector.kinds
            assert {one.kind for one in fixtures(connector)} >= set(connector.kinds)
        assert list(fixtures(connector))


@each_fixture
class TestParse:
    def test_it_is_pure_and_says_what_the_fixture_says(
        self, connector: type[Connector], fixture: Fixture
    ) -> None:
        payload = copy.deepcopy(fixture.payload)
        if fixture.parked:
            with pytest.raises(UNDERSTOOD):
                connector.parse(fixture.kind, payload)
            return
        events = connector.parse(fixture.kind, payload)
        assert payload == fixture.payload
        assert connector.parse(fixture.kind, copy.deepcopy(fixture.payload)) == events
        if fixture.says is not None:
            assert [said(event) for event in events] == fixture.says

    def test_what_it_says_can_be_kept(self, connector: type[Connector], fixture: Fixture) -> None:
        if fixture.parked:
            return
        events = [clean(one, received_at=NOW) for one in connector.parse(fixture.kind, fixture.payload)]
        fold([(one, NOW) for one in events])
        for event in events:
            if isinstance(event, MessageSeen):
                assert event.sent_at.tzinfo is not None
                assert event.author.external_id

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def test_it_is_total_over_payloads_gone_wrong(
        self, connector: type[Connector], fixture: Fixture, data: st.DataObject
    ) -> None:
        payload = data.draw(mutated(fixture.payload))
        try:
            events = connector.parse(fixture.kind, payload)
        except UNDERSTOOD:
            return
        for event in events:
            with suppress(ValueError):
                clean(event, received_at=NOW)


@each
class TestHostile:
    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(payload=JSON, data=st.data())
    def test_parse_understands_or_says_so(
        self, connector: type[Connector], payload: Any, data: st.DataObject
    ) -> None:
        kind = data.draw(st.sampled_from([*connector.kinds, "unknown", ""]))
        with suppress(*UNDERSTOOD):
            connector.parse(kind, payload)

    def test_a_deep_payload_is_no_way_to_stop_it(self, connector: type[Connector]) -> None:
        deep: Any = "x"
        for _ in range(5000):
            deep = [deep]
        for kind in [*connector.kinds, "unknown"]:
            for payload in (deep, {"a": deep}):
                with suppress(*UNDERSTOOD, RecursionError):
                    connector.parse(kind, payload)

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(body=st.binary(max_size=200) | JSON.map(lambda value: repr(value).encode()), headers=st.data())
    def test_a_delivery_without_a_right_signature_is_refused(
        self, connector: type[Connector], body: bytes, headers: st.DataObject
    ) -> None:
        if not connector.capabilities.webhook:
            pytest.skip("it has no webhooks")
        names = st.sampled_from(
            ["x-hub-signature-256", "x-twitter-webhooks-signature", "x-rapport-signature", "authorization"]
        )
        given_headers = headers.draw(
            st.dictionaries(names, st.sampled_from(["", "sha256=", "sha256=" + "0" * 64, "é"]), max_size=2)
        )
        secrets = {"app_secret": "s1", "webhook_secret": "s2", "consumer_secret": "s3", "verify_token": "s4"}
        one = connector(Account(external_id="1", handle="us", credentials=secrets, settings={}))
        delivery = Delivery(method="POST", headers=given_headers, body=body)
        connector.addressees(delivery)
        with pytest.raises(NotFromThisNetwork):
            one.receive(delivery)

    @given(text=st.text(max_size=200))
    @settings(max_examples=50, deadline=None)
    def test_it_can_count_any_text(self, connector: type[Connector], text: str) -> None:
        one = connector(Account(external_id="1", handle="us", credentials={}, settings={}))
        assert one.length("") == 0
        assert one.length(text) >= 0
        assert one.length(text) == one.length(text)

    def test_without_credentials_it_says_so_in_words(self, connector: type[Connector]) -> None:
        one = connector(Account(external_id="1", handle="us", credentials={}, settings={}))
        can = connector.capabilities
        message = OutgoingMessage(
            idempotency_key="3f1c9f0e-8f3b-4a38-9d1f-0a4ad7c3a001", text="Hello", visibility="public",
            parent_id="1", recipient_id="2", created_at=NOW,
        )  # fmt: skip
        calls: list[tuple[bool, Callable[[], object]]] = [
            (connector.guide is not None, one.check),
            (can.poll, lambda: one.poll({})),
            (can.send, lambda: one.send(message)),
            (can.send, lambda: one.find_sent(message)),
            (can.history and not can.archive, lambda: one.history({}, since=NOW)),
            (can.delete, lambda: one.delete("1")),
        ]
        for possible, call in calls:
            if not possible:
                continue
            with pytest.raises(NetworkError) as refused:
                call()
            assert str(refused.value)
            assert not (isinstance(refused.value, TryAgain) and refused.value.doubt), "nothing was done"

    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(cursor=st.dictionaries(st.sampled_from(["feeds", "inbox", "search", "x"]), JSON, max_size=3))
    def test_it_can_tell_its_troubles_of_any_cursor(
        self, connector: type[Connector], cursor: dict[str, Any]
    ) -> None:
        for source, why in connector.troubles(cursor).items():
            assert isinstance(source, str)
            assert isinstance(why, str)

    def test_its_account_keeps_its_secrets(self, connector: type[Connector]) -> None:
        account = Account(external_id="1", handle="us", credentials={"token": "hush"}, settings={})
        assert "hush" not in repr(account)
        assert "hush" not in repr(connector(account))


# Letters, ones of two and three bytes, ones of several characters that people see as one, and of two units.
SCRIPTS = ["a", "č", "ก", "é", "👩\u200d👩\u200d👦", "漢", "😀 "]
SPEAKING = [cls for _, cls in ALL if cls.capabilities.send]


@pytest.mark.parametrize("connector", SPEAKING, ids=[cls.network for cls in SPEAKING])
class TestLength:
    """What the composer accepts is what the network accepts: not a character less, not one more."""

    def longest(self, one: Connector, way: base.Visibility, script: str) -> str:
        """As much of ``script`` as the network takes, filled up with plain letters."""
        text = ""
        for more in (script, "a"):
            fits, too_many = 0, one.rules.limit(way) + 1
            while too_many - fits > 1:
                middle = (fits + too_many) // 2
                if one.length(one.written(text + more * middle, way, to="ana"), way) <= one.rules.limit(way):
                    fits = middle
                else:
                    too_many = middle
            text += more * fits
        return text

    @pytest.mark.parametrize("script", SCRIPTS)
    def test_a_text_at_the_limit_is_accepted_and_one_more_is_not(
        self, connector: type[Connector], script: str
    ) -> None:
        one = connector(Account(external_id="1", handle="us", credentials={}, settings={}))
        channel = Channel(network=connector.network, external_id="1", handle="us", settings={})
        ana = Identity(network=connector.network, external_id="2", handle="ana")
        for way in one.rules.ways():
            text, visibility = self.longest(one, way, script), Visibility(way)
            check_length(channel=channel, text=text, visibility=visibility, recipient=ana)
            with pytest.raises(Invalid, match="Too long by"):
                check_length(channel=channel, text=f"{text}a", visibility=visibility, recipient=ana)

    def test_what_is_put_to_a_text_is_counted_and_put_to_it_once(self, connector: type[Connector]) -> None:
        one = connector(Account(external_id="1", handle="us", credentials={}, settings={}))
        for way in one.rules.ways():
            written = one.written("It is here.", way, to="ana")
            assert "It is here." in written
            assert one.written(written, way, to="ana") == written
            assert one.written("It is here.", way) == "It is here."
