"""A post as listening sees it: what is known of it, whatever network, file or stream it came from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Post:
    """One post. ``None`` is "not known", which is not "none": an unknown field decides nothing (``tree.py``).

    ``text`` and ``title`` are the original, never normalised, with entities such as ``&amp;`` already read.
    """

    id: str
    text: str
    title: str | None = None
    author: str | None = None  # a handle, without @
    author_name: str | None = None  # as the author writes it
    to: str | None = None  # handle of whom it answers
    created_at: datetime | None = None  # aware
    lang: str | None = None  # BCP 47: en, pt-BR
    network: str | None = None
    channel: str | None = None
    url: str | None = None  # of the post itself
    country: str | None = None  # ISO 3166, two letters
    # Besides what can be read in the text: the network's own lists are often longer than the text.
    mentions: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    media: tuple[str, ...] | None = None  # kinds: image, video, audio, file
    is_reply: bool | None = None
    is_repost: bool | None = None
    is_quote: bool | None = None
    is_verified: bool | None = None
    followers: int | None = None  # of the author
    likes: int | None = None
    reposts: int | None = None
    replies: int | None = None
