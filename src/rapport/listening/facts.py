"""What a field asks of a post: true, false, or None when the post does not say (see ``tree.py``).

The reference and the matcher share this, so it is exact by being the definition.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from rapport.listening.post import Post
from rapport.listening.text import (
    asks,
    handle_name,
    handle_names,
    has_emoji,
    links,
    mentions,
    padded,
    plain,
    tags,
    words,
)
from rapport.listening.tree import Field, Value

_COMPARE: dict[str, Callable[[int, int], bool]] = {
    ":": operator.eq, ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le,
}  # fmt: skip


def fits(field: Field, post: Post) -> bool | None:
    """Whether the post has one of the field's values; None when that is not known."""
    return _FACTS[field.name](post, field)


def originals(post: Post) -> tuple[tuple[str, str], ...]:
    """The texts of a post that words are looked for in, by name: the title, if there is one, and the text."""
    return (("title", post.title), ("text", post.text)) if post.title else (("text", post.text),)


def _author(post: Post, field: Field) -> bool | None:
    """One of the two names is enough to know who it was."""
    if post.author is None and post.author_name is None:
        return None
    handles = handle_names(post.author) if post.author else ()
    name = words(post.author_name or "")
    return any(handle_name(str(one)) in handles or _has_words(name, str(one)) for one in field.values)


def _has_words(name: str, wanted: str) -> bool:
    """Whether these words are in normalised ones; a handle such as ``_`` has none."""
    found = words(wanted)
    return found != "" and padded(found) in f" {name} "


def _from(post: Post, field: Field) -> bool | None:
    return None if post.author is None else _one_of(handle_names(post.author), field)


def _to(post: Post, field: Field) -> bool | None:
    if post.to is None:
        return False if post.is_reply is False else None
    return _one_of(handle_names(post.to), field)


def _lang(post: Post, field: Field) -> bool | None:
    if not post.lang:
        return None
    code = post.lang.casefold().replace("_", "-")
    return any(code == one or code.startswith(f"{one}-") for one in field.values)


def _network(post: Post, field: Field) -> bool | None:
    return _one_of((post.network.casefold(),), field) if post.network else None


def _channel(post: Post, field: Field) -> bool | None:
    return _one_of((post.channel.casefold(),), field) if post.channel else None


def _country(post: Post, field: Field) -> bool | None:
    return _one_of((post.country.upper(),), field) if post.country else None


def _title(post: Post, field: Field) -> bool | None:
    if post.title is None:
        return None
    title = f" {words(plain(post.title))} "
    return any(padded(str(one)) in title for one in field.values)


def _one_of(found: Iterable[str], field: Field) -> bool:
    return any(one in field.values for one in found)


def _addresses(post: Post) -> list[str]:
    found = [*post.links, *(link for _, text in originals(post) for link in links(text))]
    return [*found, post.url] if post.url else found


def _site(post: Post, field: Field) -> bool | None:
    hosts = [_host(address) for address in _addresses(post)]
    return any(host == site or host.endswith(f".{site}") for host in hosts for site in field.values)


def _host(address: str) -> str:
    try:
        host = urlsplit(address if "://" in address else f"//{address}").hostname
    except ValueError:  # brackets that are no address of a host
        return ""
    return (host or "").casefold()


def _url(post: Post, field: Field) -> bool | None:
    folded = [address.casefold() for address in _addresses(post)]
    return any(str(piece) in address for address in folded for piece in field.values)


def _has(post: Post, field: Field) -> bool | None:
    return _any(_HAS[str(one)](post) for one in field.values)


def _media(post: Post, kind: str = "") -> bool | None:
    return None if post.media is None else any(kind in ("", one) for one in post.media)


_HAS: dict[str, Callable[[Post], bool | None]] = {
    "media": _media,
    "image": lambda post: _media(post, "image"),
    "video": lambda post: _media(post, "video"),
    "link": lambda post: bool(post.links) or any(links(text) for _, text in originals(post)),
    "question": lambda post: any(asks(text) for _, text in originals(post)),
    "emoji": lambda post: any(has_emoji(text) for _, text in originals(post)),
    "tag": lambda post: bool(post.tags) or any(True for _, text in originals(post) for _ in tags(text)),
    "mention": lambda post: (
        bool(post.mentions) or any(True for _, text in originals(post) for _ in mentions(text))
    ),
}


def _is(post: Post, field: Field) -> bool | None:
    return _any(_IS[str(one)](post) for one in field.values)


_IS: dict[str, Callable[[Post], bool | None]] = {
    "reply": lambda post: post.is_reply,
    "repost": lambda post: post.is_repost,
    "quote": lambda post: post.is_quote,
    "verified": lambda post: post.is_verified,
}


def _any(found: Iterable[bool | None]) -> bool | None:
    """OR of three values: true if one is, else unknown if one is."""
    values = list(found)
    return True if True in values else None if None in values else False


def _number(known: Callable[[Post], int | None]) -> Callable[[Post, Field], bool | None]:
    def fact(post: Post, field: Field) -> bool | None:
        number = known(post)
        if number is None:
            return None
        return any(isinstance(one, int) and _COMPARE[field.operator](number, one) for one in field.values)

    return fact


def _after(post: Post, field: Field) -> bool | None:
    return None if post.created_at is None else any(_not_before(post, one) for one in field.values)


def _before(post: Post, field: Field) -> bool | None:
    return None if post.created_at is None else any(not _not_before(post, one) for one in field.values)


def _not_before(post: Post, moment: Value) -> bool:
    return not isinstance(moment, int | str) and post.created_at is not None and post.created_at >= moment


_FACTS: dict[str, Callable[[Post, Field], bool | None]] = {
    "author": _author,
    "from": _from,
    "to": _to,
    "lang": _lang,
    "network": _network,
    "channel": _channel,
    "site": _site,
    "url": _url,
    "has": _has,
    "is": _is,
    "followers": _number(lambda post: post.followers),
    "likes": _number(lambda post: post.likes),
    "reposts": _number(lambda post: post.reposts),
    "replies": _number(lambda post: post.replies),
    "country": _country,
    "title": _title,
    "after": _after,
    "before": _before,
}
