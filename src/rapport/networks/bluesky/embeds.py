"""What a post carries: pictures, a video, a link's card, a quoted post. Pure.

A record names files by their hash; the AppView's view of it has addresses. Without a view the address is
the one that Bluesky's own AppView gives. https://docs.bsky.app/docs/advanced-guides/posts#images-embeds
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rapport.networks.base import Media
from rapport.networks.bluesky.reading import items, kind_of, text_or_empty, within_or_empty
from rapport.networks.bluesky.recordkeys import POST, split_uri

_IMAGE_CDN = "https://cdn.bsky.app/img/feed_fullsize/plain/{did}/{cid}@jpeg"
_VIDEO_CDN = "https://video.bsky.app/watch/{did}/{cid}/playlist.m3u8"
_MOST_IMAGES = 20
_CID = re.compile(r"[A-Za-z0-9]{10,120}")


def media_of(did: str, embed: Mapping[str, Any], view: Mapping[str, Any]) -> tuple[Media, ...]:
    """Files of a post by ``did``, from its record's embed, or better from the AppView's view of it."""
    shown, held = _media_part(view), _media_part(embed)
    match kind_of(shown):
        case "app.bsky.embed.images#view":
            return tuple(
                Media(url=url, alt=_alt(one))
                for one in items(shown, "images", _MOST_IMAGES)
                if (url := _web(one, "fullsize"))
            )
        case "app.bsky.embed.video#view":
            url = _web(shown, "playlist")
            return (Media(url=url, kind="video", alt=_alt(shown)),) if url else ()
    match kind_of(held):
        case "app.bsky.embed.images":
            return tuple(
                Media(url=_IMAGE_CDN.format(did=did, cid=cid), alt=_alt(one))
                for one in items(held, "images", _MOST_IMAGES)
                if (cid := _blob(one, "image"))
            )
        case "app.bsky.embed.video":
            cid = _blob(held, "video")
            url = _VIDEO_CDN.format(did=did.replace(":", "%3A"), cid=cid)
            return (Media(url=url, kind="video", alt=_alt(held), content_type="video/mp4"),) if cid else ()
    return ()


def card_address(embed: Mapping[str, Any]) -> str:
    """The address a link's card leads to, "" where there is none."""
    part = _media_part(embed)
    if kind_of(part) != "app.bsky.embed.external":
        return ""
    return _web(within_or_empty(part, "external"), "uri")


def quoted(embed: Mapping[str, Any]) -> str:
    """The ``at://`` address of the post it quotes, "" where it quotes none."""
    match kind_of(embed):
        case "app.bsky.embed.record":
            record = within_or_empty(embed, "record")
        case "app.bsky.embed.recordWithMedia":
            record = within_or_empty(within_or_empty(embed, "record"), "record")
        case _:
            return ""
    uri = text_or_empty(record, "uri", 200)
    try:
        return uri if split_uri(uri)[1] == POST else ""  # lists and feeds can be embedded too
    except ValueError:
        return ""


def _media_part(embed: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is beside the quoted post, where there is one."""
    if kind_of(embed).startswith("app.bsky.embed.recordWithMedia"):
        return within_or_empty(embed, "media")
    return embed


def _blob(value: Mapping[str, Any], key: str) -> str:
    """The hash of a file: ``{"$type": "blob", "ref": {"$link"}}``, or the first posts' ``{"cid"}``."""
    blob = within_or_empty(value, key)
    found = text_or_empty(within_or_empty(blob, "ref"), "$link", 200) or text_or_empty(blob, "cid", 200)
    return found if _CID.fullmatch(found) else ""


def _alt(value: Mapping[str, Any]) -> str:
    return text_or_empty(value, "alt", 20_000)


def _web(value: Mapping[str, Any], key: str) -> str:
    found = text_or_empty(value, key)
    return found if found.startswith(("https://", "http://")) else ""
