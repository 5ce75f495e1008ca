"""Pictures that go along with posts: what may be sent, and what they are, judged by their bytes."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import filetype
from django.db.models import Prefetch
from django.utils.translation import gettext as _

from rapport.lib.text import storable
from rapport.networks.practice.errors import Problem
from rapport.networks.practice.limits import IMAGE_TYPES, MAX_ALT, MAX_PICTURE_BYTES, MAX_PICTURES
from rapport.networks.practice.models import Picture, Post

# With posts, and without the bytes: a page of posts must not carry a hundred megabytes.
WITH_PICTURES = Prefetch("pictures", Picture.objects.defer("content").order_by("position"))
_FIELDS = {"name", "content_type", "alt", "content"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPicture:
    """A picture to publish. ``claimed_type``: what its sender says it is; "" where nobody says."""

    name: str
    content: bytes = field(repr=False)
    alt: str = ""
    claimed_type: str = ""

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def from_json(value: Any) -> tuple[NewPicture, ...]:
    """The pictures of an API request: ``[{"name", "content_type", "alt", "content"}]``, content in base64.

    Raises :class:`Problem`; ``alt`` and ``name`` may be left out, everything else not.
    """
    if value is None:
        return ()
    if not isinstance(value, list):
        raise Problem("bad_media", _("media must be a list."))
    _check_count(len(value))
    return tuple(_one(number, item) for number, item in enumerate(value, start=1))


def _one(number: int, item: Any) -> NewPicture:
    if not isinstance(item, dict) or not all(isinstance(one, str) for one in item.values()):
        raise Problem("bad_media", _("Picture %(number)d must be an object of texts.") % {"number": number})
    if unknown := sorted(set(item) - _FIELDS):
        raise Problem(
            "bad_media",
            _("Picture %(number)d has a field that is not known: %(field)s.")
            % {"number": number, "field": storable(unknown[0], limit=40)},
        )
    for name in ("content_type", "content"):
        if not item.get(name):
            raise Problem(
                "bad_media", _("Picture %(number)d has no %(field)s.") % {"number": number, "field": name}
            )
    if any(storable(item.get(name, "")) != item.get(name, "") for name in ("name", "alt")):
        raise Problem("bad_media", _("Picture %(number)d must be an object of texts.") % {"number": number})
    try:
        content = base64.b64decode(item["content"], validate=True)
    except (binascii.Error, ValueError) as error:
        raise Problem(
            "bad_media", _("The content of picture %(number)d is not base64.") % {"number": number}
        ) from error
    return NewPicture(
        name=item.get("name", ""),
        content=content,
        alt=item.get("alt", ""),
        claimed_type=item["content_type"],
    )


def build(post: Post, pictures: Sequence[NewPicture]) -> list[Picture]:
    """Rows for a post's pictures, not saved. Raises :class:`Problem` for what the network does not take."""
    _check_count(len(pictures))
    return [_build(post, position, one) for position, one in enumerate(pictures)]


def _build(post: Post, position: int, picture: NewPicture) -> Picture:
    name = {"name": storable(picture.name.strip(), limit=100) or f"{position + 1}"}
    kind = filetype.guess(picture.content)
    mime = "" if kind is None else str(kind.mime)
    if mime not in IMAGE_TYPES:
        raise Problem("not_a_picture", _("“%(name)s” is not a PNG, JPEG, GIF or WebP picture.") % name)
    if picture.claimed_type and picture.claimed_type != mime:
        raise Problem("bad_media", _("“%(name)s” is not what its content_type says.") % name)
    if len(picture.content) > MAX_PICTURE_BYTES:
        raise Problem(
            "picture_too_large",
            _("“%(name)s” is too large: a picture may have %(most).1f MB.")
            % {**name, "most": MAX_PICTURE_BYTES / 1e6},
        )
    alt = storable(picture.alt.strip())
    if len(alt) > MAX_ALT:
        raise Problem(
            "alt_too_long",
            _("The description of “%(name)s” is too long: at most %(most)d characters.")
            % {**name, "most": MAX_ALT},
        )
    return Picture(
        post=post,
        position=position,
        name=name["name"],
        content_type=mime,
        alt=alt,
        sha256=picture.sha256,
        content=picture.content,
    )


def _check_count(count: int) -> None:
    if count > MAX_PICTURES:
        raise Problem("too_many_pictures", _("A post may have %(most)d pictures.") % {"most": MAX_PICTURES})


def same(post: Post, pictures: Sequence[NewPicture]) -> bool:
    """Whether a post has just these pictures, described alike."""
    kept = [(one.sha256, one.alt) for one in post.pictures.all()]
    return kept == [(one.sha256, storable(one.alt.strip())) for one in pictures]
