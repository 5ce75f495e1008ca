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
_CHANGED = {"en": (("ies", "y"),)}


def forms(word: str, languages: tuple[str, ...]) -> tuple[str, ...]:
    """The other forms of a normalised word, sorted; none of a word that is too short to tell."""
    found: set[str] = set()
    for language in languages:
        found |= _forms(word, language)
    return tuple(sorted(found - {word}))


def _forms(word: str, language: str) -> set[str]:
    for one, other in _CHANGED.get(language, ()):
        for ending, instead in ((one, other), (other, one)):
            if word.endswith(ending) and len(word) - len(ending) >= SHORTEST:
                return {word.removesuffix(ending) + instead}
    for ending in sorted(ENDINGS[language], key=len, reverse=True):
        stem = word.removesuffix(ending)
        if word.endswith(ending) and len(stem) >= SHORTEST and not (ending == "s" and stem.endswith("s")):
            return {stem + other for other in ENDINGS[language]}
    return set()
