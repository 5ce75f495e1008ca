"""Light stemming, for queries that ask for it: other endings of a word, by a short table for each language.

It makes the forms of a word when a query is read, so that matching stays what it is. Too many rather than too
few: most of the forms made are no words at all, and found nowhere. Irregular forms are not known.
"""

from __future__ import annotations

SHORTEST = 3
# Endings as a text has them when normalised, without accents. Any of them may stand for any other.
ENDINGS: dict[str, tuple[str, ...]] = {
    "de": ("en", "er", "es", "em", "e", "n", "s", ""),
    "en": ("ing", "ed", "es", "e", "s", ""),
    "es": ("os", "as", "es", "o", "a", "e", "s", ""),
    "fr": ("es", "e", "s", "x", ""),
    "hr": ("ima", "ama", "om", "oj", "em", "a", "e", "i", "o", "u", ""),
    "it": ("i", "e", "o", "a"),
    "nl": ("en", "e", "s", ""),
    "pt": ("os", "as", "es", "o", "a", "e", "s", ""),
}
# The same of words whose last letter changes: apply, applies. Only behind a consonant: delay, delays.
_CHANGING: dict[str, tuple[str, ...]] = {"en": ("y", "ies", "ied", "ying")}
_SHORTEST_CHANGING = 2  # try, tried
_VOWELS = "aeiou"


def forms(word: str, languages: tuple[str, ...]) -> tuple[str, ...]:
    """The other forms of a normalised word, sorted; none of a word that is too short to tell."""
    found: set[str] = set()
    for language in languages:
        found |= _forms(word, language)
    return tuple(sorted(found - {word}))


def _forms(word: str, language: str) -> set[str]:
    """All that end otherwise, whichever ending it is that ``word`` has: what is a form of it, it is a form of."""
    found: set[str] = set()
    for stem in _stems(word, ENDINGS[language]):
        if len(stem) >= SHORTEST:
            found |= {stem + other for other in ENDINGS[language] if not _is_double_s(stem, other)}
    for stem in _stems(word, _CHANGING.get(language, ())):
        if len(stem) >= _SHORTEST_CHANGING and stem[-1] not in _VOWELS:
            found |= {stem + other for other in _CHANGING[language]}
    return found


def _stems(word: str, endings: tuple[str, ...]) -> list[str]:
    stems = [(word.removesuffix(ending), ending) for ending in endings if word.endswith(ending)]
    return [stem for stem, ending in stems if not _is_double_s(stem, ending)]


def _is_double_s(stem: str, ending: str) -> bool:
    """An s behind an s is no ending: loss."""
    return ending == "s" and stem.endswith("s")
