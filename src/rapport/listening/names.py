"""The names of a post that queries look for whole: hashtags, handles, signs of shares, and who wrote it."""

from __future__ import annotations

from rapport.listening.facts import originals
from rapport.listening.post import Post
from rapport.listening.reading import read_names
from rapport.listening.text import handle_names, tag_name, tickers


def every(post: Post) -> list[str]:
    """The hashtags and handles of a post, of its texts and told by the network, each with its sign."""
    found = [name for _, text in originals(post) for name in read_names(text)]
    _complete(post, found)
    return found


def shares(post: Post) -> set[str]:
    """The signs of shares in it."""
    return {name for _, text in originals(post) for name, _, _ in tickers(text)}


def _complete(post: Post, names: list[str]) -> None:
    """Add to the names that were read in the texts of a post those that the network told."""
    for handle in post.mentions:
        names += (f"@{name}" for name in handle_names(handle))
    for tag in post.tags:
        names.append(f"#{tag_name(tag)}")
