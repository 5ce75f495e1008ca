"""What somebody says next: pure, and the same for the same seed."""

from __future__ import annotations

import random
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from rapport.networks.practice.simulator.script import WAITING_KINDS, Customer, Script, Situation, say

SHORT = 24  # characters under which an answer feels like none
MOST_TURNS = 4
_SIGNATURE = re.compile(r"\s*(\^\w{1,4}|[–—-]\s*\w+)\s*$")
_MENTION = re.compile(r"@[\w.]+")


def dice(*parts: object) -> random.Random:
    """Random numbers that are the same for the same parts."""
    return random.Random(":".join(map(str, parts)))  # noqa: S311 - a play, not a secret


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the play goes: (least, most) seconds of each wait, divided by ``speed``."""

    new: tuple[float, float] = (5, 15)
    second_thoughts: tuple[float, float] = (8, 25)
    join: tuple[float, float] = (15, 90)
    repost: tuple[float, float] = (10, 120)
    react: tuple[float, float] = (10, 40)
    patience: tuple[float, float] = (240, 600)
    temper: tuple[float, float] = (600, 1500)
    speed: float = 1.0

    def wait(self, between: tuple[float, float], rng: random.Random) -> timedelta:
        return timedelta(seconds=rng.uniform(*between) / self.speed)


@dataclass(frozen=True, slots=True)
class Opening:
    """One situation as it is played this time."""

    number: int
    situation: Situation
    customer: Customer
    text: str
    fill: dict[str, str]
    joiners: tuple[Customer, ...]
    reposters: tuple[Customer, ...]


def opening(*, script: Script, seed: str, number: int, busy: Collection[tuple[str, str]] = ()) -> Opening:
    """The ``number``-th situation of a play. Every situation comes once before any comes again.

    ``busy``: (customer's handle, company's handle) that are in conversation and should not start another.
    """
    total = len(script.situations)
    order = list(range(total))
    dice(seed, "order", number // total).shuffle(order)
    situation = script.situations[order[number % total]]
    rng = dice(seed, "opening", number)
    people = script.who_may(situation)
    free = [one for one in people if (one.handle, situation.to) not in busy] or people
    customer = rng.choice(free)
    others = [one for one in free if one != customer]
    rng.shuffle(others)
    fill = {gap: rng.choice(words) for gap, words in situation.gaps.items()}
    return Opening(
        number=number,
        situation=situation,
        customer=customer,
        text=say(
            rng.choice(situation.text),
            to=situation.to,
            voice=customer.voice,
            fill=fill,
            private=situation.private,
        ),
        fill=fill,
        joiners=tuple(others[: len(situation.joins)]),
        reposters=tuple(others[len(situation.joins) : len(situation.joins) + situation.reposts]),
    )


@dataclass(frozen=True, slots=True)
class Reaction:
    """What a customer says next. ``line`` names it, so that it is said once; ``done`` ends the talk."""

    text: str
    line: str
    private: bool = False
    done: bool = False


def bare(text: str) -> str:
    """An answer without whom it greets and who signed it."""
    return _SIGNATURE.sub("", _MENTION.sub("", text)).strip()


def invites_to_private(script: Script, lang: str, answer: str) -> bool:
    """Whether an answer asks the customer to write privately."""
    low = answer.lower()
    return any(
        re.search(rf"(?<!\w){re.escape(word)}(?!\w)", low) if word.isascii() else word in low
        for word in script.reactions[lang].private_words
    )


def reaction(
    *,
    script: Script,
    situation: Situation,
    customer: Customer,
    answer: str,
    private: bool,
    said: Sequence[str],
    fill: Mapping[str, str],
    rng: random.Random,
) -> Reaction | None:
    """How ``customer`` takes an ``answer``; None when they say nothing and are done.

    ``private``: the answer was a private message. ``said``: the lines used already.
    """
    pool = script.reactions[situation.lang]

    def line(name: str, text: str, *, to_private: bool = private, done: bool = False) -> Reaction:
        words = say(text, to=situation.to, voice=customer.voice, fill=fill, private=to_private)
        return Reaction(words, name, private=to_private, done=done)

    if situation.kind == "spam" or len(said) >= MOST_TURNS:
        return None
    if situation.kind in {"praise", "joke"}:
        return line("glad", rng.choice(pool.glad), done=True) if rng.random() < 0.6 else None
    if situation.dm and "dm" not in said and (private or invites_to_private(script, situation.lang, answer)):
        return line("dm", situation.dm, to_private=True)
    if len(bare(answer)) < SHORT and "short" not in said:
        return line("short", rng.choice(pool.short))
    if situation.follow_up and "follow_up" not in said and rng.random() < 0.45:
        return line("follow_up", situation.follow_up)
    if situation.kind in {"angry", "complaint"} and "unhappy" not in said and rng.random() < 0.2:
        return line("unhappy", rng.choice(pool.unhappy))
    return line("thanks", rng.choice(pool.thanks), done=True)


def complaint_about_silence(
    *,
    script: Script,
    situation: Situation,
    customer: Customer,
    impatience: int,
    private: bool,
    rng: random.Random,
) -> Reaction | None:
    """What somebody says who is left waiting: a nudge, then sharper; None when they have given up."""
    if situation.kind not in WAITING_KINDS or impatience > 1:
        return None
    pool = script.reactions[situation.lang]
    name, texts = ("nudge", pool.nudge) if impatience == 0 else ("escalate", pool.escalate)
    words = say(rng.choice(texts), to=situation.to, voice=customer.voice, fill={}, private=private)
    return Reaction(words, name, private=private)
