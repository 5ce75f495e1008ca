"""A preview as a page shows it: one step of looking at a time, and what was seen until now."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.utils.translation import gettext as _

from rapport.listening.parse import read
from rapport.listening.query import Query as Asked
from rapport.listening.reference import Hit
from rapport.listening.show import show, show_node
from rapport.mentions import preview
from rapport.mentions.examples import LONGEST_EXAMPLE, known_of
from rapport.mentions.preview import Sampled, Seen
from rapport.web.listening.forms import Form
from rapport.web.text import language_name
from rapport.web.views.pages import DeskRequest

_SALT = "listening.preview"
_HOUR = 3600
_AROUND = 320  # characters of a long text that are shown
_LANGUAGES = 6
_WIDTH, _HEIGHT = 620, 96  # of the bars


@dataclass(frozen=True)
class Piece:
    """Some of a text: ``hit`` when it is why the post was found."""

    text: str
    hit: bool


@dataclass(frozen=True)
class Shown:
    """One post of the sample. ``kept``: what a button keeps as an example, in JSON; ``terms``: why, where no text shows it."""

    post: Any
    title: tuple[Piece, ...]
    pieces: tuple[Piece, ...]
    terms: tuple[str, ...]
    kept: str


def preview_of(request: DeskRequest, form: Form) -> dict[str, Any] | None:
    """One more step of the preview that the form carries, or the first of a new one. None for a text with errors."""
    asked = read(form.text).query
    if asked is None:
        return None
    seen = _carried(request, form, asked) or preview.begin()
    stopped = "stop" in request.POST
    if not stopped:
        seen = preview.look(user=request.user, asked=asked, seen=seen, brand_id=form.brand_id)
    return {
        "seen": seen,
        "going": not (seen.finished or seen.full or stopped),
        "stopped": stopped and not seen.finished,
        "most": preview.MOST,
        "days": preview.DAYS,
        "carried": signing.dumps(preview.as_json(seen), salt=_salt(request, form, asked), compress=True),
        "bars": _bars(seen),
        "langs": _languages(seen),
        "sample": [_shown(one) for one in preview.sample(user=request.user, asked=asked, keys=seen.sample)],
    }


def _salt(request: DeskRequest, form: Form, asked: Asked) -> str:
    """What was seen counts for this person, brand and query only."""
    digest = hashlib.blake2b(show(asked).encode(), digest_size=16).hexdigest()
    return f"{_SALT}:{request.user.pk}:{form.brand_id}:{digest}"


def _carried(request: DeskRequest, form: Form, asked: Asked) -> Seen | None:
    """How far the preview came that the form carries; None when it is of another query, or old."""
    if "go-on" not in request.POST and "stop" not in request.POST:
        return None
    try:
        kept = signing.loads(request.POST.get("carried", ""), salt=_salt(request, form, asked), max_age=_HOUR)
    except signing.BadSignature:
        return None
    return preview.from_json(kept)


def _bars(seen: Seen) -> dict[str, Any]:
    """The volume by day as boxes of a drawing, in its own units."""
    volume = preview.volume(seen)
    most = max((count for _day, count in volume), default=0)
    step = _WIDTH / max(1, len(volume))
    boxes = [
        {
            "day": day,
            "count": count,
            "x": round(number * step + 1, 1),
            "width": round(step - 2, 1),
            "height": round(count / most * (_HEIGHT - 2), 1) if most else 0,
            "y": round(_HEIGHT - count / most * (_HEIGHT - 2), 1) if most else _HEIGHT,
        }
        for number, (day, count) in enumerate(volume)
    ]
    return {
        "boxes": boxes,
        "most": most,
        "width": _WIDTH,
        "height": _HEIGHT,
        "first": volume[0][0],
        "last": volume[-1][0],
    }


def _languages(seen: Seen) -> list[tuple[str, int]]:
    """The commonest languages by name; the others together."""
    common = seen.langs.most_common()
    named = [(language_name(code) if code else _("Not known"), count) for code, count in common[:_LANGUAGES]]
    rest = sum(count for _code, count in common[_LANGUAGES:])
    return [*named, (_("Others"), rest)] if rest else named


def _shown(one: Sampled) -> Shown:
    post = one.post
    elsewhere = [hit for hit in one.why if hit.where not in ("text", "title")]
    kept = {"title": post.title, "author": post.author, "author_name": post.author_name, "lang": post.lang}
    part = post.text[one.start : one.start + LONGEST_EXAMPLE]
    return Shown(
        post=post,
        title=tuple(pieces(post.title or "", spans(one.why, "title"))),
        pieces=tuple(pieces(post.text, spans(one.why, "text"), most=_AROUND)),
        terms=tuple(dict.fromkeys(show_node(hit.leaf) for hit in elsewhere)),
        kept=json.dumps({"text": part, **known_of({**kept, "network": post.network})}, ensure_ascii=False),
    )


def spans(why: tuple[Hit, ...], where: str) -> list[tuple[int, int]]:
    """The places in one of a post's texts, in order, those that overlap as one."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(
        (hit.start, hit.end) for hit in why if hit.where == where and hit.end > hit.start
    ):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def pieces(text: str, places: list[tuple[int, int]], *, most: int | None = None) -> list[Piece]:
    """A text cut at its places; of one longer than ``most`` what is around the first of them."""
    first, last = 0, len(text)
    if most is not None and len(text) > most:
        first = max(0, min((places[0][0] if places else 0) - most // 3, len(text) - most))
        last = first + most
    found: list[Piece] = []
    at = first
    for start, end in places:
        start, end = max(start, first), min(end, last)
        if end <= start:
            continue
        if start > at:
            found.append(Piece(text[at:start], False))
        found.append(Piece(text[start:end], True))
        at = end
    if at < last:
        found.append(Piece(text[at:last], False))
    if first:
        found.insert(0, Piece("…", False))
    if last < len(text):
        found.append(Piece("…", False))
    return found
