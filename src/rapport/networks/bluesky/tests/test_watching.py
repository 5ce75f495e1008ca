"""Posts that are watched, without a server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rapport.networks.bluesky.watching import Watch
from rapport.networks.bluesky.xrpc import Bearer, Pds
from rapport.networks.errors import TryAgain

NOW = datetime(2026, 11, 1, tzinfo=UTC)
HUGE, SMALL = "at://did:plc:us/app.bsky.feed.post/huge", "at://did:plc:us/app.bsky.feed.post/small"
REPLY = "at://did:plc:ana/app.bsky.feed.post/reply"


class AppView(Pds):
    """Knows two posts of ours and the thread of one."""

    def __init__(self, error: TryAgain) -> None:
        super().__init__("https://pds.example", Bearer(""), did="did:plc:us")
        self._error = error

    def get(self, method: str, params: Any = None, *, headers: Any = None) -> dict[str, Any]:
        if method.endswith("getPosts"):
            return {"posts": [{"uri": uri, "replyCount": 1} for _name, uri in params]}
        if params["uri"] == HUGE:
            raise self._error
        reply = {"post": {"uri": REPLY, "author": {"did": "did:plc:ana"}}}
        return {"thread": {"post": {"uri": SMALL, "author": {"did": "did:plc:us"}}, "replies": [reply]}}


@pytest.mark.parametrize("after", [None, timedelta(minutes=5)])
def test_a_thread_that_cannot_be_had_stops_nothing_and_is_asked_for_again(after: timedelta | None) -> None:
    """The AppView times out over threads of thousands."""
    at = int((NOW - timedelta(hours=1)).timestamp())
    watch = Watch.load({HUGE: [0, 0, at - 60], SMALL: [0, 0, at]}, now=NOW)
    found = watch.read(AppView(TryAgain("the answer took too long", after=after)))
    # When it is our calls that are too many, none is made after that.
    assert [item.key for item in found] == ([] if after else [f"post:{REPLY}"])
    assert watch.due == 0, "another poll at once would find the same"
    assert Watch.load(watch.dump(), now=NOW).dump()[HUGE][0] == 0
