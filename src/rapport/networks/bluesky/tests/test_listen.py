"""Listening: to a Jetstream, and to the firehose of Bluesky's own server."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.sync.server import serve

from rapport.lib.tests.shared_data import shared_data
from rapport.networks.base import Account, MessageDeleted, MessageSeen
from rapport.networks.bluesky import cbor, listen
from rapport.networks.bluesky.connector import BlueskyConnector
from rapport.networks.bluesky.recordkeys import POST, tid
from rapport.networks.bluesky.tests.hearing import messages
from rapport.networks.bluesky.tests.jetstream import Jetstream
from rapport.networks.bluesky.tests.place import BlueskyPlace
from rapport.networks.errors import Refused, TryAgain

pytestmark = pytest.mark.xdist_group("bluesky")

US = "did:plc:telqotelqotelqotelqotelq"
THEM = "did:plc:miramiramiramiramiramira"
_numbers = itertools.count(1)


@pytest.fixture
def jetstream() -> Iterator[Jetstream]:
    with Jetstream() as running:
        yield running


def commit(
    record: dict[str, Any] | None,
    *,
    did: str = THEM,
    operation: str = "create",
    rkey: str = "",
    collection: str = POST,
) -> dict[str, Any]:
    number = next(_numbers)
    at = 1_760_000_000_000_000 + number * 10_000_000
    body: dict[str, Any] = {
        "rev": tid(at, 0),
        "operation": operation,
        "collection": collection,
        "rkey": rkey or tid(at, number),
    }
    if record is not None:
        body |= {
            "record": {"$type": collection, "createdAt": "2025-10-09T08:53:20Z", **record},
            "cid": "bafyreia",
        }
    return {"did": did, "time_us": at, "kind": "commit", "commit": body}


def mention(text: str) -> dict[str, Any]:
    facet = {
        "index": {"byteStart": 0, "byteEnd": 6},
        "features": [{"$type": "app.bsky.richtext.facet#mention", "did": US}],
    }
    return commit({"text": text, "facets": [facet]})


def reply_to(did: str, text: str) -> dict[str, Any]:
    parent = {"uri": f"at://{did}/{POST}/3lplngnsi6224", "cid": "bafyreib"}
    return commit({"text": text, "reply": {"parent": parent, "root": parent}})


def listener(jetstream: Jetstream, pds: str = "http://127.0.0.1:1") -> BlueskyConnector:
    credentials = {"access_jwt": "x.y.z", "pds": pds}
    account = Account(
        external_id=US, handle="telqo.test", credentials=credentials, settings={"jetstream": jetstream.url}
    )
    return BlueskyConnector(account)


def hear(
    connector: BlueskyConnector, cursor: dict[str, Any], enough: int
) -> tuple[list[Any], dict[str, Any], list[str]]:
    """Events until there are enough of them, the cursor then, and the keys."""
    events: list[Any] = []
    keys: list[str] = []
    done = threading.Event()
    until = time.monotonic() + 15
    for polled in connector.stream(cursor, done.is_set):
        cursor = polled.cursor
        for item in polled.items:
            keys.append(item.dedupe_key())
            events += connector.parse(item.kind, item.payload)
        if len(events) >= enough or time.monotonic() > until:
            done.set()
    return events, cursor, keys


def collect(
    url: str, position: int | None, enough: Callable[[list[Any]], bool]
) -> tuple[list[Any], int | None]:
    """What is listened to until it is enough, and the position then."""
    done, heard = threading.Event(), []
    for batch in listen.posts(url, position, done.is_set):
        heard += batch.events
        position = batch.position
        if heard and enough(heard):
            done.set()
    return heard, position


def test_only_what_concerns_us_is_heard(jetstream: Jetstream) -> None:
    quote = commit(
        {
            "text": "look",
            "embed": {
                "$type": "app.bsky.embed.record",
                "record": {"uri": f"at://{US}/{POST}/3lplngnsi6224", "cid": "x"},
            },
        }
    )
    said, own = mention("@telqo hello"), commit({"text": "ours"}, did=US)
    jetstream.happen(
        commit({"text": "nothing to do with us"}),
        said,
        reply_to(THEM, "among themselves"),
        reply_to(US, "an answer"),
        {"did": THEM, "time_us": 1, "kind": "identity", "identity": {"did": THEM, "seq": 1}},
        quote,
        commit({"subject": {"uri": f"at://{US}/{POST}/3lplngnsi6224"}}, collection="app.bsky.feed.like"),
        own,
        commit(None, operation="delete", rkey=said["commit"]["rkey"]),
        commit(None, operation="delete", rkey="3lplngnsi6227"),
    )
    events, cursor, _keys = hear(listener(jetstream), {"position": 0}, 5)
    assert [one.text for one in events if isinstance(one, MessageSeen)] == [
        "@telqo hello",
        "an answer",
        "look",
        "ours",
    ]
    (gone,) = [one for one in events if isinstance(one, MessageDeleted)]
    assert gone.external_id == f"at://{THEM}/{POST}/{said['commit']['rkey']}"
    assert events[3].author.external_id == US
    assert jetstream.asked[0]["wantedCollections"] == [POST]
    assert cursor["position"] == jetstream.events[-1]["time_us"]


def test_after_a_break_nothing_is_missing_and_what_comes_twice_has_the_same_key(jetstream: Jetstream) -> None:
    connector = listener(jetstream)
    jetstream.happen(mention("@telqo one"))
    first, cursor, keys = hear(connector, {"position": 0}, 1)
    jetstream.hang_up()
    jetstream.twice = True
    jetstream.happen(mention("@telqo two"), mention("@telqo 3"))
    again, _cursor, more = hear(connector, cursor, 5)
    assert [one.text for one in first] == ["@telqo one"]
    assert {one.text for one in again} == {"@telqo one", "@telqo two", "@telqo 3"}
    assert len(set(keys + more)) == 3
    assert int(jetstream.asked[1]["cursor"][0]) == cursor["position"] - listen.OVERLAP_US


def test_without_a_position_it_begins_now(jetstream: Jetstream) -> None:
    jetstream.happen(mention("@telqo long ago"))
    connector = listener(jetstream)
    done = threading.Event()
    for number, polled in enumerate(connector.stream({}, done.is_set)):
        if polled.items or number > 8:
            done.set()
        if not number:
            jetstream.happen(mention("@telqo now"))
        events = [event for item in polled.items for event in connector.parse(item.kind, item.payload)]
    assert [one.text for one in events if isinstance(one, MessageSeen)] == ["@telqo now"]


def test_a_position_of_another_place_is_not_asked_for(jetstream: Jetstream) -> None:
    connector = listener(jetstream)
    for cursor in ({"position": 7, "of": "wss://pds.example/xrpc/" + listen.FIREHOSE}, {"position": 7}):
        next(iter(connector.stream(cursor, lambda: False)))
    assert ["cursor" in one for one in jetstream.asked] == [False, True]


def test_a_firehose_that_does_not_know_the_position_is_read_from_now_on() -> None:
    frame = bytes.fromhex("a1626f7020") + bytes.fromhex("a1656572726f72") + b"\x6cFutureCursor"
    with serve(lambda connection: connection.send(frame), "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}/xrpc/{listen.FIREHOSE}"
        heard = list(listen.posts(url, 99_999, lambda: False))
        server.shutdown()
    assert heard == [listen.Heard([], None)]


def test_the_account_hears_by_the_firehose_of_the_real_server_and_goes_on_from_its_place(
    place: BlueskyPlace, connector: BlueskyConnector
) -> None:
    url = place.pds.replace("http://", "ws://") + f"/xrpc/{listen.FIREHOSE}"
    account = connector.account
    ear = BlueskyConnector(replace(account, settings={**account.settings, "jetstream": url}))
    first = place.customer_says("heard by the firehose")
    place.customer.post("among ourselves")
    events, cursor, keys = _until(ear, {"position": 0, "of": url}, first)
    assert messages(events)[first].author.name == "Mira Holt"
    # While nobody listened:
    missed = place.customer_says("said while nobody listened")
    events, _cursor, again = _until(ear, cursor, missed)
    assert {one.external_id for one in messages(events).values()} == {missed}
    assert not set(again) & set(keys)


def _until(connector: BlueskyConnector, cursor: dict[str, Any], wanted: str) -> Any:
    done, events, keys = threading.Event(), [], []
    until = time.monotonic() + 30
    for polled in connector.stream(cursor, done.is_set):
        cursor = polled.cursor
        for item in polled.items:
            keys.append(item.dedupe_key())
            events += connector.parse(item.kind, item.payload)
        if wanted in messages(events) or time.monotonic() > until:
            done.set()
    return events, cursor, keys


def test_names_are_looked_up(place: BlueskyPlace, connector: BlueskyConnector, jetstream: Jetstream) -> None:
    uri = place.customer_says("who am I?")
    did, _collection, rkey = uri.removeprefix("at://").split("/")
    record = place.customer.call("com.atproto.repo.getRecord", repo=did, collection=POST, rkey=rkey)["value"]
    jetstream.happen(commit(record, did=did, rkey=rkey))
    account = connector.account
    streaming = BlueskyConnector(
        Account(
            external_id=account.external_id,
            handle=account.handle,
            credentials=account.credentials,
            settings={**account.settings, "jetstream": jetstream.url},
        )
    )
    events, _cursor, keys = hear(streaming, {"position": 0}, 1)
    assert messages(events)[uri].author.name == "Mira Holt"
    polled = {item.dedupe_key(): item for item in connector.poll({}).items}
    assert keys[0] in polled


def test_addresses_that_cannot_be_are_told(jetstream: Jetstream, monkeypatch: pytest.MonkeyPatch) -> None:
    connector = listener(jetstream)
    for url, error in (("", Refused), ("https://example.com", Refused), ("ws://127.0.0.1:1/x", TryAgain)):
        account = Account(
            external_id=US, handle="", credentials=connector.account.credentials, settings={"jetstream": url}
        )
        with pytest.raises(error):
            next(iter(BlueskyConnector(account).stream({}, lambda: False)))
    monkeypatch.setattr("rapport.networks.bluesky.sockets.may_call", lambda address: False)
    with pytest.raises(Refused, match="private network"):
        next(iter(connector.stream({}, lambda: False)))
    assert jetstream.asked == []


def test_broken_messages_do_not_end_the_stream(
    jetstream: Jetstream, caplog: pytest.LogCaptureFixture
) -> None:
    broken = {**commit({"text": "x"}), "time_us": 1.5}
    jetstream.happen(broken, mention("@telqo still there"))
    events, _cursor, _keys = hear(listener(jetstream), {"position": 0}, 1)
    assert [one.text for one in events] == ["@telqo still there"]
    assert "could not be read" in caplog.text


def test_recorded_events_of_the_real_jetstream_are_read() -> None:
    path = shared_data("payloads/bluesky_jetstream_2events.ndjson")
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 2
    for line in lines:
        (event,), position = listen.from_jetstream(line)
        (seen,) = BlueskyConnector.parse("commit", {"event": event, "author": None})
        assert isinstance(seen, MessageSeen)
        assert position == event["time_us"]
        assert seen.text == json.loads(line)["commit"]["record"]["text"]


def test_the_firehose_of_the_real_server_tells_the_same_as_its_records(place: BlueskyPlace) -> None:
    url = place.pds.replace("http://", "ws://") + f"/xrpc/{listen.FIREHOSE}"
    said = [place.customer.post(f"firehose {n} 👩‍👩‍👦‍👦") for n in range(3)]
    with_picture = place.customer.post("with a picture", embed=place.customer.picture())
    place.customer.delete(said[1])
    heard, position = collect(url, 0, lambda found: found[-1]["commit"]["operation"] == "delete")
    mine = [one for one in heard if one["did"] == place.customer.did]
    created = {
        f"at://{one['did']}/{POST}/{one['commit']['rkey']}": one
        for one in mine
        if one["commit"]["operation"] == "create"
    }
    assert {*said, with_picture} <= created.keys()
    did, _collection, rkey = with_picture.removeprefix("at://").split("/")
    record = place.customer.call("com.atproto.repo.getRecord", repo=did, collection=POST, rkey=rkey)
    assert created[with_picture]["commit"]["record"] == record["value"]
    assert created[with_picture]["commit"]["cid"] == record["cid"]
    (seen,) = BlueskyConnector.parse("commit", {"event": created[with_picture], "author": None})
    assert isinstance(seen, MessageSeen)
    assert [one.alt for one in seen.media] == ["A broken box"]
    (gone,) = BlueskyConnector.parse("commit", {"event": mine[-1], "author": None})
    assert isinstance(gone, MessageDeleted)
    assert gone.external_id == said[1]
    # From the position on there is only what came later.
    later = place.customer.post("later")
    fresh, _position = collect(url, position, bool)
    assert [one["commit"]["rkey"] for one in fresh] == [later.rpartition("/")[2]]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_frame_or_an_error(data: bytes) -> None:
    for read in (cbor.decode, cbor.raw_map, cbor.blocks, listen.from_frame, listen.from_jetstream):
        try:
            read(data)
        except (ValueError, KeyError, TypeError):
            continue


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ("a2616101626262f5", {"a": 1, "bb": True}),
        ("840120fa3fc00000f6", None),
        ("83013903e7f6", [1, -1000, None]),
        ("fb3ff8000000000000", 1.5),
        ("43010203", {"$bytes": "AQID"}),
        ("66c3bcc3a4e2", None),
    ],
)
def test_values_of_the_data_model(data: str, value: Any) -> None:
    if value is None:
        with pytest.raises(ValueError, match=r"cut off|unknown simple"):
            cbor.decode(bytes.fromhex(data))
        return
    assert cbor.decode(bytes.fromhex(data)) == value


def test_what_is_nested_without_end_is_refused() -> None:
    with pytest.raises(ValueError, match="too deep"):
        cbor.decode(b"\x81" * 100_000)
    with pytest.raises(ValueError, match="cut off"):
        cbor.decode(b"\x9b" + b"\xff" * 8)
