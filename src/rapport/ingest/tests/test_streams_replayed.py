"""A stream over a real WebSocket, with its place in the database: what happened while nobody read is replayed."""

from __future__ import annotations

import pytest

from rapport.brands.models import Channel
from rapport.inbox.tests.making import make_brand
from rapport.ingest.models import RawEvent
from rapport.ingest.tests.test_streams import eventually, running
from rapport.networks.bluesky import listen
from rapport.networks.bluesky.recordkeys import POST
from rapport.networks.bluesky.tests.jetstream import Jetstream

pytestmark = pytest.mark.django_db(transaction=True)

US, THEM = "did:plc:telqotelqotelqotelqotelq", "did:plc:miramiramiramiramiramira"


def _mention(number: int) -> dict[str, object]:
    feature = {"$type": "app.bsky.richtext.facet#mention", "did": US}
    facet = {"index": {"byteStart": 0, "byteEnd": 6}, "features": [feature]}
    record = {
        "$type": POST, "createdAt": "2025-10-09T08:53:20Z", "text": f"@telqo {number}", "facets": [facet],
    }  # fmt: skip
    commit = {
        "rev": "3lplngnsi6224", "operation": "create", "collection": POST, "rkey": f"3lplngnsi622{number}",
        "record": record, "cid": "bafyreia",
    }  # fmt: skip
    at = 1_760_000_000_000_000 + number * 10_000_000
    return {"did": THEM, "time_us": at, "kind": "commit", "commit": commit}


def _heard() -> list[str]:
    found = RawEvent.objects.order_by("id").values_list("payload__event__commit__record__text", flat=True)
    return [str(one) for one in found]


def test_after_a_restart_and_a_broken_connection_each_event_is_stored_once() -> None:
    with Jetstream() as jetstream:
        channel = Channel.objects.create(
            brand=make_brand(), network="bluesky", external_id=US, handle="telqo.test", streamed=True,
            credentials={"access_jwt": "x.y.z", "pds": "http://127.0.0.1:1"},
            settings={"jetstream": jetstream.url}, stream_cursor={"position": 0},
        )  # fmt: skip
        jetstream.happen(_mention(2))
        with running():
            eventually(lambda: _heard() == ["@telqo 2"], "it is heard")
        channel.refresh_from_db()
        place = channel.stream_cursor["position"]
        assert place == _mention(2)["time_us"]
        jetstream.happen(_mention(3))  # nobody reads
        jetstream.twice = True
        with running():
            eventually(lambda: _heard() == ["@telqo 2", "@telqo 3"], "what was missed is replayed")
            jetstream.hang_up()
            jetstream.happen(_mention(4))
            eventually(lambda: len(_heard()) == 3, "it is opened again")
        assert _heard() == ["@telqo 2", "@telqo 3", "@telqo 4"]
        assert int(jetstream.asked[1]["cursor"][0]) == place - listen.OVERLAP_US
