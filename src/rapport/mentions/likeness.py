"""Whether two texts say the same, by one key that equal ones share: no pair of posts is ever compared.

The words of a text are taken as search writes them (case, accents and look-alikes folded), without addresses, handles,
numbers, emoji, and the ``RT`` and ``via`` that people put before what they pass on. Texts whose words are then
the same in the same order have the same key. So copies that differ in links, in whom they name, in punctuation or in
a number are one; a text with a word more or less is another. Short texts ("thank you", "good morning") have no key:
what many people say by themselves is no copy.
"""

from __future__ import annotations

import hashlib

from rapport.listening.text import ELSEWHERE, is_piece, plain, words

# Fewer words, or fewer letters, are no sign of copying. In scripts without spaces two characters count as a word.
LEAST_WORDS = 6
LEAST_LETTERS = 24
_PASSED_ON = frozenset({"rt", "via", ELSEWHERE})


def likeness(text: str) -> str:
    """The key of what a text says; "" when it is too short to tell."""
    kept = [word for word in words(plain(text)).split() if word not in _PASSED_ON and word.isalpha()]
    counted = sum(max(1, len(word) // 2) if is_piece(word[0]) else 1 for word in kept)
    if counted < LEAST_WORDS or sum(map(len, kept)) < LEAST_LETTERS:
        return ""
    return _key("t", " ".join(kept))


def repost_key(network: str, original_id: str) -> str:
    """The key of all reposts of one post."""
    return _key("o", f"{network}\n{original_id}")


def same_post_key(network: str, url: str) -> str:
    """The key of one post that several servers tell, by its address, for texts too short to have one of their own."""
    return _key("u", f"{network}\n{url}")


def _key(kind: str, said: str) -> str:
    return kind + hashlib.blake2b(said.encode("utf-8", "replace"), digest_size=16).hexdigest()
