"""The simulator's script: companies, customers, situations and reactions, read from the files here.

A situation's fields: ``id``; ``lang``; ``kind`` (:data:`KINDS`); ``to``, the company's handle;
``text``, ways to begin, with ``{gaps}`` that ``fill`` offers words for; ``private`` if it is written
privately; ``voice`` or ``customers`` where not everybody could say it; ``announcement``, a post of the
company that it answers; ``edit`` or ``delete``, second thoughts; ``joins``, what others add to the
thread; ``reposts``, how many pass it on; ``answer``, what a good agent says; ``follow_up``, asked after
an answer; ``dm`` (gaps: ``dm_fill``), written when asked to come to private messages.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from string import Formatter
from typing import Any

KINDS = frozenset({"question", "complaint", "praise", "joke", "angry", "spam"})
LANGUAGES = ("en", "es", "hr", "th", "de")
# Kinds whose author waits for an answer, and says so when none comes.
WAITING_KINDS = frozenset({"question", "complaint", "angry"})

# Endings that follow the speaker: (m, f).
_VOICE = {
    "krap": ("ครับ", "ค่ะ"),
    "krapq": ("ครับ", "คะ"),
    "ao": ("ao", "ala"),
    "o_la": ("o", "la"),
    "an": ("an", "na"),
    "a_es": ("", "a"),
}


class BadScript(Exception):
    """A file of the script says something that cannot be played."""


@dataclass(frozen=True, slots=True)
class Company:
    handle: str
    brand: str
    name: str
    role: str
    bio: str
    followers: int


@dataclass(frozen=True, slots=True)
class Customer:
    handle: str
    name: str
    lang: str
    voice: str
    followers: int = 0
    bio: str = ""

    @property
    def first_name(self) -> str:
        return self.name.split()[0]


@dataclass(frozen=True, slots=True)
class Situation:
    id: str
    brand: str
    lang: str
    kind: str
    to: str
    text: tuple[str, ...]
    private: bool = False
    voice: str = ""
    customers: tuple[str, ...] = ()
    announcement: str = ""
    edit: str = ""
    delete: bool = False
    joins: tuple[str, ...] = ()
    reposts: int = 0
    answer: str = ""
    follow_up: str = ""
    dm: str = ""
    fill: Mapping[str, tuple[str, ...]] | None = None

    @property
    def gaps(self) -> Mapping[str, tuple[str, ...]]:
        return self.fill or {}


@dataclass(frozen=True, slots=True)
class Reactions:
    """What people of one language say whatever the matter."""

    thanks: tuple[str, ...]
    glad: tuple[str, ...]
    short: tuple[str, ...]
    unhappy: tuple[str, ...]
    nudge: tuple[str, ...]
    escalate: tuple[str, ...]
    received: tuple[str, ...]
    private_words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Script:
    companies: tuple[Company, ...]
    customers: tuple[Customer, ...]
    situations: tuple[Situation, ...]
    reactions: Mapping[str, Reactions]

    def situation(self, situation_id: str) -> Situation | None:
        return next((one for one in self.situations if one.id == situation_id), None)

    def who_may(self, situation: Situation) -> list[Customer]:
        """Customers who could say it: named, or of its language and voice. Spammers only when named."""
        if situation.customers:
            return [one for one in self.customers if one.handle in situation.customers]
        named = {handle for one in self.situations if one.kind == "spam" for handle in one.customers}
        return [
            one
            for one in self.customers
            if one.lang == situation.lang and one.handle not in named and situation.voice in {"", one.voice}
        ]


def say(text: str, *, to: str, voice: str, fill: Mapping[str, str], private: bool = False) -> str:
    """``text`` with its gaps filled for one speaker. Privately nobody is mentioned."""
    spoken = {gap: forms[voice == "f"] for gap, forms in _VOICE.items()}
    return text.format_map({**spoken, "to": "" if private else f"@{to}", **fill}).strip()


def gaps_in(text: str) -> set[str]:
    """Names of the gaps of a text, without those that follow from the speaker."""
    return {name for _, name, _, _ in Formatter().parse(text) if name} - {"to", *_VOICE}


@functools.cache
def load_script() -> Script:
    """Read and check the files. Raises :class:`BadScript`."""
    here = files(__package__)
    companies = _read(here.joinpath("companies.toml"))["company"]
    customers = _read(here.joinpath("customers.toml"))["customer"]
    reactions = _read(here.joinpath("reactions.toml"))
    situations = []
    for file in sorted(here.joinpath("situations").iterdir(), key=lambda file: file.name):
        if file.name.endswith(".toml"):
            situations += _read(file)["situation"]
    try:
        brands = {one["handle"]: one["brand"] for one in companies}
        script = Script(
            companies=tuple(Company(**one) for one in companies),
            customers=tuple(Customer(**one) for one in customers),
            situations=tuple(_situation(one, brands) for one in situations),
            reactions={
                lang: Reactions(**{key: tuple(texts) for key, texts in one.items()})
                for lang, one in reactions.items()
            },
        )
    except (TypeError, KeyError) as error:
        raise BadScript(f"a field is missing or unknown: {error}") from error
    _check(script)
    return script


def _read(file: Any) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise BadScript(f"{file.name}: {error}") from error


def _situation(raw: dict[str, Any], brands: Mapping[str, str]) -> Situation:
    gaps = {**raw.pop("fill", {}), **raw.pop("dm_fill", {})}
    fields: dict[str, Any] = {key: tuple(raw.pop(key, ())) for key in ("text", "customers", "joins")}
    fields["fill"] = {gap: tuple(words) for gap, words in gaps.items()}
    return Situation(**raw, **fields, brand=brands[raw["to"]])


def _check(script: Script) -> None:
    if len({one.id for one in script.situations}) != len(script.situations):
        raise BadScript("two situations have one id")
    for one in script.situations:
        if one.kind not in KINDS or one.lang not in script.reactions:
            raise BadScript(f"{one.id}: unknown kind or language")
        if not one.text or not script.who_may(one):
            raise BadScript(f"{one.id}: nothing to say, or nobody to say it")
        texts = [*one.text, one.edit, one.follow_up, one.dm, one.answer, *one.joins]
        missing = set().union(*map(gaps_in, texts)) - set(one.gaps) - {"name"}
        if missing:
            raise BadScript(f"{one.id}: nothing fills {', '.join(sorted(missing))}")
