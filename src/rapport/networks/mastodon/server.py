"""What kind of server it is and what it allows, learned once when a channel is checked.

https://docs.joinmastodon.org/methods/instance/. Not every server answers version 2 (Takahē may say 500), and
none tells how it counts; that follows from the software's name, which NodeInfo gives
(https://nodeinfo.diaspora.software/protocol).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from rapport.networks.base import Account, Capabilities, MediaKind, MediaRules
from rapport.networks.errors import CredentialsGone, Refused, TryAgain
from rapport.networks.mastodon.api import Mastodon, listed
from rapport.networks.mastodon.items import field
from rapport.networks.mastodon.words import LINK_LENGTH, countable

# Software that counts links and mentions as Mastodon does; the others count every character.
_COUNTS_LIKE_MASTODON = {"mastodon", "hometown", "glitchsoc", "glitch-soc", "fedibird", "kmyblue"}
# https://docs.joinmastodon.org/user/posting/#media, where a server does not say.
_MEDIA = {"image": 16_000_000, "video": 40_000_000, "audio": 40_000_000}
MEDIA = MediaRules(
    max_count=4,
    max_bytes={"image": _MEDIA["image"], "video": _MEDIA["video"], "audio": _MEDIA["audio"]},
    alt_text=True,
    max_alt_length=1500,
    mixed=False,
)


def learn(api: Mastodon) -> dict[str, Any]:
    """The server's own limits and ways, as settings of the channel; keys below. Whatever it does not tell is
    absent. Only rate limits and outages are raised, not what a server cannot answer.

    ``software`` (str, lower case), ``version`` (str), ``domain`` (str), ``max_characters``, ``link_length``,
    ``max_media``, ``image_bytes``, ``video_bytes``, ``alt_length``, ``bio_length`` (int), ``media_types``
    (list of str), ``streaming`` (str, the address of the streaming server; empty: there is none).
    """
    old = _optional(api, "/api/v1/instance")
    new = _optional(api, "/api/v2/instance")
    if not old and not new:
        api.get("/api/v1/instance")  # says what is wrong
    version = str(field(new, "version") or field(old, "version") or "")
    software = _software(api) or _guess(version, str(field(new, "source_url") or ""))
    found: dict[str, Any] = {
        "software": software,
        "version": version[:100],
        "domain": str(field(new, "domain") or field(old, "uri") or "").rpartition("//")[2].strip("/")[:200],
        "streaming": _streaming(old, new, software),
    }
    for instance in (old, new):  # the newer one has the last word
        configuration = field(instance, "configuration")
        statuses, media = field(configuration, "statuses"), field(configuration, "media_attachments")
        numbers = {
            "max_characters": field(statuses, "max_characters") or field(instance, "max_toot_chars"),
            "link_length": field(statuses, "characters_reserved_per_url"),
            "max_media": field(statuses, "max_media_attachments"),
            "image_bytes": field(media, "image_size_limit"),
            "video_bytes": field(media, "video_size_limit"),
            "alt_length": field(media, "description_limit"),
            "bio_length": field(field(configuration, "accounts"), "max_note_length"),
        }
        found |= {name: value for name, value in numbers.items() if _is_count(value)}
        types = [one for one in listed(field(media, "supported_mime_types")) if isinstance(one, str)]
        if types:
            found["media_types"] = types[:100]
    return found


def rules(general: Capabilities, settings: Mapping[str, Any]) -> Capabilities:
    """What is allowed on this channel's own server."""
    media = _media_rules(settings)
    return replace(
        general,
        max_length=_number(settings, "max_characters", general.max_length),
        counts=general.counts if counts_like_mastodon(settings) else "characters, links and mentions in full",
        media=media,
        media_private=media,
        stream=settings.get("streaming", "unknown") != "",
        max_bio_length=_number(settings, "bio_length", general.max_bio_length or 500),
    )


def length(text: str, settings: Mapping[str, Any]) -> int:
    """Length of ``text`` as the channel's server counts it; unknown servers may count like Mastodon or not, and
    then the longer count is the safe one."""
    like_mastodon = countable(text, link_length=_number(settings, "link_length", LINK_LENGTH))
    if counts_like_mastodon(settings):
        return like_mastodon
    return len(text) if settings.get("software") else max(len(text), like_mastodon)


def counts_like_mastodon(settings: Mapping[str, Any]) -> bool:
    return settings.get("software", "mastodon") in _COUNTS_LIKE_MASTODON


def domain_of(account: Account) -> str:
    """The server's name in handles of its people."""
    known = str(account.settings.get("domain", ""))
    return known or (urlsplit(str(account.settings.get("server", ""))).netloc)


def publishes_edits(settings: Mapping[str, Any]) -> bool:
    """Takahē makes every edited post public (``Post.edit_local`` there), so a private one must stay as it is."""
    return settings.get("software") == "takahe" or str(settings.get("version", "")).startswith("takahe")


def _optional(api: Mastodon, path: str) -> Any:
    """An answer that a server may not have: what is missing, refused or fails there is None."""
    try:
        return api.get(path)
    except (Refused, CredentialsGone):
        return None
    except TryAgain as error:
        if error.after is not None:
            raise
        return None


def _software(api: Mastodon) -> str:
    """The software's name by NodeInfo; read from this server whatever host the link names."""
    for link in listed(field(_optional(api, "/.well-known/nodeinfo"), "links"))[:5]:
        href = field(link, "href")
        if not isinstance(href, str):
            continue
        try:
            path = urlsplit(href).path
        except ValueError:
            continue
        name = field(field(_optional(api, path), "software"), "name") if path.startswith("/") else None
        if isinstance(name, str) and name:
            return name.lower()[:40]
    return ""


def _guess(version: str, source: str) -> str:
    """The software by what its version and its source's address look like; empty when they say nothing."""
    said = f"{version} {source}".lower()
    for name in ("gotosocial", "takahe", "pleroma", "akkoma", "hometown", "glitch", "friendica", "pixelfed"):
        if name in said:
            return name if name != "glitch" else "glitchsoc"
    return "mastodon" if "mastodon/mastodon" in said else ""


def _streaming(old: Any, new: Any, software: str) -> str:
    """Version 2 names it ``configuration.urls.streaming``, version 1 ``urls.streaming_api``."""
    if software == "takahe":
        return ""
    for address in (
        field(field(field(new, "configuration"), "urls"), "streaming"),
        field(field(old, "urls"), "streaming_api"),
    ):
        if isinstance(address, str) and address.startswith(("wss://", "ws://", "https://", "http://")):
            return address[:500].rstrip("/")
    return ""


def _media_rules(settings: Mapping[str, Any]) -> MediaRules:
    video = _number(settings, "video_bytes", _MEDIA["video"])
    sizes: dict[MediaKind, int] = {
        "image": _number(settings, "image_bytes", _MEDIA["image"]),
        "video": video,
        "audio": video,
    }
    types = tuple(str(one) for one in listed(settings.get("media_types")))
    if types:
        sizes = {kind: size for kind, size in sizes.items() if any(one.startswith(kind) for one in types)}
    return replace(
        MEDIA,
        max_count=_number(settings, "max_media", MEDIA.max_count),
        max_bytes=sizes,
        content_types=types,
        max_alt_length=_number(settings, "alt_length", 1500),
        mixed=not counts_like_mastodon(settings),
    )


def _number(settings: Mapping[str, Any], name: str, otherwise: int) -> int:
    value = settings.get(name)
    return value if _is_count(value) and isinstance(value, int) else otherwise


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**40
