"""Some posts read together, as the layers of a matcher look at them."""

from __future__ import annotations

import functools
from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from operator import attrgetter

from rapport.listening.checks import APART, Subject
from rapport.listening.post import Post
from rapport.listening.reading import BETWEEN, read_many
from rapport.listening.text import handle_names

_text, _title = attrgetter("text"), attrgetter("title")
_author, _mentions, _tags = attrgetter("author"), attrgetter("mentions"), attrgetter("tags")


def encoded(text: str) -> bytes:
    """UTF-8, also of surrogates without their other half, which come with JSON."""
    return text.encode("utf-8", "surrogatepass")


class Batch:
    """Posts by their numbers; what is made of all of them is made when it is first asked for."""

    def __init__(self, posts: Sequence[Post]) -> None:
        self.posts = posts
        self.words = ready(posts)
        self._subjects: dict[int, Subject] = {}

    def subject(self, number: int) -> Subject:
        """The post of that number, to be asked about."""
        found = self._subjects.get(number)
        if found is None:
            found = self._subjects[number] = Subject(self.posts[number])
        return found

    @functools.cached_property
    def joined_words(self) -> Joined:
        """The words, padded."""
        return Joined(self.words)

    @functools.cached_property
    def joined(self) -> Joined:
        """The originals; those of a title apart from those of the text."""
        return Joined(self.originals)

    @functools.cached_property
    def lowered(self) -> Joined:
        """The originals with the ASCII letters lowered."""
        return self.joined.lower()

    @functools.cached_property
    def originals(self) -> list[str]:
        """Text, or title and text, of each post."""
        if not any(map(_title, self.posts)):
            return list(map(_text, self.posts))
        return [f"{post.title}{APART}{post.text}" if post.title else post.text for post in self.posts]

    @functools.cached_property
    def told(self) -> set[int]:
        """The posts of which the network told hashtags or handles."""
        if not any(map(_mentions, self.posts)) and not any(map(_tags, self.posts)):
            return set()
        return {number for number, post in enumerate(self.posts) if post.mentions or post.tags}

    @functools.cached_property
    def unsure(self) -> set[int]:
        """The posts whose hashtags and handles may be written in other ways than in :attr:`lowered`."""
        found = {
            number
            for number in self._having("#")
            if not (text := self.originals[number]).isascii() or "__" in text or "#_" in text
        }
        return found | self._having("＠") | self._having("＃")

    @functools.cached_property
    def with_shares(self) -> set[int]:
        """The posts in which there may be signs of shares."""
        return self._having("$") | self._having("＄")

    @functools.cached_property
    def authors(self) -> list[tuple[int, tuple[str, ...]]]:
        """The names of who wrote a post, where that is known."""
        known = [author is not None for author in map(_author, self.posts)]
        return [
            (number, handle_names(post.author or ""))
            for number, post in enumerate(self.posts)
            if known[number]
        ]

    def _having(self, sign: str) -> set[int]:
        if encoded(sign) not in self.joined.bytes:
            return set()
        return {number for number, text in enumerate(self.originals) if sign in text}


class Joined:
    """Texts as one, so that one pass finds what is in any of them."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.bytes = encoded(BETWEEN.join(texts)) + b" "
        ascii_only = len(self.bytes) == sum(map(len, texts)) + len(texts)
        # Hits are at places in bytes.
        sizes = map(len, texts if ascii_only else map(encoded, texts))
        self.ends = list(accumulate(size + 1 for size in sizes))

    def lower(self) -> Joined:
        """The same with the ASCII letters lowered."""
        found = Joined.__new__(Joined)
        found.bytes, found.ends = self.bytes.lower(), self.ends
        return found

    def number(self, end: int) -> int:
        """Of the text that has something ending there."""
        return bisect_left(self.ends, end)


def ready(posts: Sequence[Post]) -> list[str]:
    """The words of each post, padded; those of a title apart from those of the text."""
    found = read_many(list(map(_text, posts)))
    if any(map(_title, posts)):
        titled = [number for number, post in enumerate(posts) if post.title]
        titles = read_many([posts[number].title or "" for number in titled])
        for number, title in zip(titled, titles, strict=True):
            found[number] += APART + title
    return found
