"""The names of a post that queries look for whole: hashtags, handles, signs of shares, and who wrote it."""

from __future__ import annotations

from collections.abc import Iterator

from rapport.listening.facts import originals
from rapport.listening.post import Post
from rapport.listening.reading import handles
from rapport.listening.text import handle_names, tag_name, tags, tickers


def hashtags(post: Post) -> set[str]:
    """The names of its hashtags, of the texts and told by the network."""
    found = {name for _, text in originals(post) for name, _, _ in tags(text)}
    return found.union(filter(None, map(tag_name, post.tags))) if post.tags else found


def mentioned(post: Post) -> set[str]:
    """The names of the handles in it, each with and without its server."""
    found = {name for _, text in originals(post) for name in handles(text)}
    for handle in post.mentions:
        found.update(handle_names(handle))
    return found


def shares(post: Post) -> set[str]:
    """The signs of shares in it."""
    return {name for _, text in originals(post) for name, _, _ in tickers(text)}


def names(post: Post, kinds: str) -> Iterator[str]:
    """All of these of the asked kinds (some of ``#@$f``), as anchors write them."""
    if "@" in kinds:
        for name in mentioned(post):
            yield f"@{name}"
    if "#" in kinds:
        for name in hashtags(post):
            yield f"#{name}"
    if "$" in kinds:
        for name in shares(post):
            yield f"${name}"
    if "f" in kinds and post.author is not None:
        for name in handle_names(post.author):
            yield f"from:{name}"
