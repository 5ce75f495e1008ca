"""Feeds as sites write them, the connector that reads them, and what it read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from rapport.networks.base import Account, MessageSeen, Polled
from rapport.networks.feeds.connector import CONNECTOR, FeedsConnector


def connector(**settings: Any) -> FeedsConnector:
    credentials = {"password": settings.pop("password")} if "password" in settings else {}
    return FeedsConnector(
        Account(external_id="feeds:test", handle="", credentials=credentials, settings=settings)
    )


def rss(*items: str, head: str = "") -> bytes:
    body = "".join(f"<item>{one}</item>" for one in items)
    return f'<rss version="2.0"><channel><title>Kettle Talk</title>{head}{body}</channel></rss>'.encode()


def item(name: str, text: str = "", *, ago: timedelta | None = timedelta(0)) -> str:
    date = "" if ago is None else (datetime.now(UTC) - ago).strftime("%a, %d %b %Y %H:%M:%S GMT")
    dated = f"<pubDate>{date}</pubDate>" if date else ""
    return f'<guid isPermaLink="false">{name}</guid><title>{text or name}</title>{dated}'


def texts(polled: Polled) -> list[str]:
    events = [event for one in polled.items for event in CONNECTOR.parse(one.kind, one.payload)]
    return [event.text for event in events if isinstance(event, MessageSeen)]
