"""The kinds of sources there are: one table, read by the listeners, the pages and the docs."""

from __future__ import annotations

from importlib import import_module

from rapport.mentions.sources.base import Kind, SourceKind
from rapport.mentions.sources.file import File
from rapport.networks.registry import is_here

# Network → the module of its sources, which goes with the network's folder.
_MODULES = {
    "bluesky": "bluesky",
    "mastodon": "mastodon",
    "reddit": "reddit",
    "x": "x",
    "feeds": "feed",
    "practice": "practice",
}


def _here() -> list[SourceKind]:
    found: list[SourceKind] = []
    for network, module in _MODULES.items():
        if is_here(network):
            found += import_module(f"{__package__}.{module}").KINDS
    return found


# What listeners read by themselves and an owner can add.
STREAMED: dict[str, SourceKind] = {kind.key: kind for kind in _here()}
SOURCES: dict[str, Kind] = {**STREAMED, File.key: File()}
