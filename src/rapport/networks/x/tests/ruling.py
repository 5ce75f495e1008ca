"""What a rule of X's filtered stream finds, and what is wrong with it.

https://docs.x.com/x-api/posts/filtered-stream/integrate/build-a-rule and …/operators: AND binds tighter than OR, words are
tokens cut at punctuation and symbols, what stands in quotes is found as it is, accents count and letter case does not.
"""

from __future__ import annotations

import re
from collections.abc import Callable

LONGEST = 1024
_TOKEN = re.compile(r'\s*(OR\b|[()]|-?(?:from:|is:|lang:|has:)?(?:"[^"]*"|[^\s()"]+))')
# Each finds too much to be a rule alone.
_NOT_ALONE = ("is:", "has:", "lang:", "-")

Test = Callable[[str, str, bool], bool]


class WrongRule(Exception):
    """The rule cannot be read."""


def problem_of(rule: str) -> str:
    """X's reason to refuse a rule, or ""."""
    if len(rule) > LONGEST:
        return f"Rule length is {len(rule)} characters, the maximum is {LONGEST} (at position {LONGEST})"
    try:
        tokens = _tokens(rule)
        _either(tokens)
        if tokens:
            raise WrongRule(f"no viable alternative at input '{tokens[0]}'")
    except WrongRule as error:
        return str(error)
    if all(one.startswith(_NOT_ALONE) or one in {"OR", "(", ")"} for one in _tokens(rule)):
        return "Rules must contain a non-negation, stand-alone operator"
    return ""


def finds(rule: str, text: str, *, by: str, reposted: bool = False) -> bool:
    return _either(_tokens(rule))(text, by, reposted)


def _tokens(rule: str) -> list[str]:
    found, at = [], 0
    while at < len(rule.rstrip()):
        match = _TOKEN.match(rule, at)
        if match is None:
            raise WrongRule(f"token recognition error at: '{rule[at:]}' (at position {at})")
        found.append(match[1])
        at = match.end()
    return found


def _either(tokens: list[str]) -> Test:
    parts = [_every(tokens)]
    while tokens and tokens[0] == "OR":
        tokens.pop(0)
        parts.append(_every(tokens))
    return lambda *post: any(part(*post) for part in parts)


def _every(tokens: list[str]) -> Test:
    parts = []
    while tokens and tokens[0] not in {"OR", ")"}:
        token = tokens.pop(0)
        if token == "(":
            parts.append(_either(tokens))
            if not tokens or tokens.pop(0) != ")":
                raise WrongRule("missing ')' at '<EOF>'")
        else:
            parts.append(_operator(token))
    if not parts:
        raise WrongRule("mismatched input, expecting a clause")
    return lambda *post: all(part(*post) for part in parts)


def _operator(token: str) -> Test:
    if token.startswith("-"):
        inner = _operator(token[1:])
        return lambda *post: not inner(*post)
    name, _colon, value = token.partition(":")
    if name == "from":
        return lambda text, by, reposted: by.lower() == value.lower()
    if token == "is:retweet":
        return lambda text, by, reposted: reposted
    if name in {"is", "lang", "has"}:
        return lambda text, by, reposted: True
    if token[0] in "#@$":
        whole = re.compile(rf"(?<![\w@#$]){re.escape(token)}(?!\w)", re.IGNORECASE)
        return lambda text, by, reposted: whole.search(text) is not None
    asked = token.strip('"').lower()
    if re.fullmatch(r"[\w\s]*", asked):
        words = asked.split()
        return lambda text, by, reposted: _in_a_row(words, re.findall(r"\w+", text.lower()))
    return lambda text, by, reposted: asked in text.lower()


def _in_a_row(words: list[str], within: list[str]) -> bool:
    return any(within[at : at + len(words)] == words for at in range(len(within) - len(words) + 1))
