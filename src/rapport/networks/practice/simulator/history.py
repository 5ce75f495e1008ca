"""A past for the network: the last days as if companies had been answering, most of the time."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from rapport.networks.practice import actions
from rapport.networks.practice.actions import Draft, Passing
from rapport.networks.practice.models import Account, Run, RunStep
from rapport.networks.practice.simulator import plan
from rapport.networks.practice.simulator.plan import Opening, Reaction, dice
from rapport.networks.practice.simulator.script import WAITING_KINDS, Script, say

# Share of posts an hour of the day gets, midnight first: people write in the morning, and after work.
_HOURS = (1, 1, 1, 1, 1, 2, 3, 6, 8, 8, 7, 6, 6, 6, 6, 7, 7, 8, 8, 8, 7, 5, 3, 2)
_MEDIAN_ANSWER_S = 14 * 60
_SPREAD = 1.1  # of the logarithm: one answer in ten takes about an hour
_STILL_ANNOYED = timedelta(hours=3)  # who wrote since then may yet nudge


@dataclass(slots=True, eq=False)
class _Line:
    """One post of the past. ``answers`` is another line of the same talk."""

    at: datetime
    author: Account
    text: str
    recipient: Account | None = None  # set: it is private
    answers: _Line | None = None
    id: int = 0


@dataclass(slots=True)
class _Talk:
    """What became of one opening. ``over``: the customer has nothing more to say."""

    opening: Opening
    first: _Line
    lines: list[_Line]
    said: list[str] = field(default_factory=list)
    over: bool = False
    reposts: list[tuple[Account, datetime]] = field(default_factory=list)

    def until(self, now: datetime) -> None:
        """Forget what lies in the future: a talk cut short goes on in the live play."""
        kept = [line for line in self.lines if line.at < now]
        if len(kept) < len(self.lines):
            self.over = False
            self.said = [line for line in self.said if line in {"dm", "follow_up"}][: len(kept)]
        self.lines = kept
        self.reposts = [(who, at) for who, at in self.reposts if at < now]


@dataclass(frozen=True, slots=True)
class Historian:
    """Tells the past. ``signatures``: how each brand's agents sign, as in ``{"telqo": ["^MK"]}``."""

    script: Script
    accounts: Mapping[str, Account]
    signatures: Mapping[str, Sequence[str]]
    seed: str
    now: datetime

    def write(self, *, situations: int, days: float = 4.0) -> int:
        """Publish the last ``days``; returns how many posts. Call it in a transaction.

        Old posts are nearly all answered, recent ones often wait. The runs go on from here: a
        customer who is answered now reacts.
        """
        times = _opening_times(dice(self.seed, "times"), now=self.now, count=situations, days=days)
        # Nobody has two talks with one company: an answer could then be taken for the other one's.
        busy: set[tuple[str, str]] = set()
        talks = [self._tell(number, at, busy) for number, at in enumerate(times)]
        lines = sorted((line for talk in talks for line in talk.lines), key=lambda line: line.at)
        for line, pk in zip(lines, actions.reserve_ids(len(lines)), strict=True):
            line.id = pk
        actions.publish_many([_draft(line) for line in lines])
        actions.repost_many(
            [Passing(author=who, post_id=talk.first.id, at=at) for talk in talks for who, at in talk.reposts]
        )
        Run.objects.bulk_create(self._run(talk) for talk in talks)
        return len(lines)

    def _tell(self, number: int, at: datetime, busy: set[tuple[str, str]]) -> _Talk:
        opening = plan.opening(script=self.script, seed=self.seed, number=number, busy=busy)
        situation = opening.situation
        busy.add((opening.customer.handle, situation.to))
        rng = dice(self.seed, "history", number)
        company, customer = self.accounts[situation.to], self.accounts[opening.customer.handle]
        first = _Line(at, customer, opening.text, company if situation.private else None)
        talk = _Talk(opening, first, [first])
        if situation.announcement:
            first.answers = _Line(at - _minutes(rng, 4, 50), company, situation.announcement)
            talk.lines.append(first.answers)
        for who, text in zip(opening.joiners, situation.joins, strict=False):
            words = say(text, to=situation.to, voice=who.voice, fill=opening.fill)
            talk.lines.append(
                _Line(at + _minutes(rng, 1, 20), self.accounts[who.handle], words, answers=first)
            )
        talk.reposts = [(self.accounts[who.handle], at + _minutes(rng, 1, 40)) for who in opening.reposters]
        age = self.now - at
        chance = 0.95 if age > timedelta(hours=24) else 0.8 if age > timedelta(hours=6) else 0.5
        if situation.answer and rng.random() < chance:
            self._answered(talk, rng)
        talk.until(self.now)
        return talk

    def _answered(self, talk: _Talk, rng: random.Random) -> None:
        """The company's answer, and what the customer made of it."""
        sign = rng.choice(list(self.signatures.get(talk.opening.situation.brand) or [""]))
        reply = self._answer(talk, talk.first, talk.opening.situation.answer, sign, rng)
        said = self._reaction(talk, reply, rng)
        if said is not None and said.line not in {"dm", "thanks", "glad"} and rng.random() < 0.8:
            # Most talks of the past ended well; a few wait for the newcomer.
            talk.said += ["follow_up", "unhappy", "short"]
            said = self._reaction(talk, reply, rng)
        if said is None:
            talk.over = True
            return
        line = self._reply(talk, reply, said, rng)
        if said.line == "dm" and rng.random() < 0.85:
            pool = self.script.reactions[talk.opening.situation.lang]
            received = self._answer(talk, line, rng.choice(pool.received), sign, rng)
            talk.said += ["follow_up", "unhappy", "short"]
            thanks = self._reaction(talk, received, rng)
            if thanks is not None:
                self._reply(talk, received, thanks, rng)

    def _answer(self, talk: _Talk, to: _Line, text: str, sign: str, rng: random.Random) -> _Line:
        opening = talk.opening
        customer = opening.customer
        words = say(
            text,
            to=opening.situation.to,
            voice="",
            fill={**opening.fill, "name": customer.first_name},
        )
        private = to.recipient is not None
        line = _Line(
            to.at + timedelta(seconds=rng.lognormvariate(0, _SPREAD) * _MEDIAN_ANSWER_S),
            self.accounts[opening.situation.to],
            f"{words} {sign}".strip() if private else f"@{customer.handle} {words} {sign}".strip(),
            to.author if private else None,
            to,
        )
        talk.lines.append(line)
        return line

    def _reaction(self, talk: _Talk, reply: _Line, rng: random.Random) -> Reaction | None:
        return plan.reaction(
            script=self.script,
            situation=talk.opening.situation,
            customer=talk.opening.customer,
            answer=reply.text,
            private=reply.recipient is not None,
            said=talk.said,
            fill=talk.opening.fill,
            rng=rng,
        )

    def _reply(self, talk: _Talk, reply: _Line, said: Reaction, rng: random.Random) -> _Line:
        line = _Line(
            reply.at + _minutes(rng, 2, 45),
            talk.first.author,
            said.text,
            reply.author if said.private else None,
            reply,
        )
        talk.lines.append(line)
        talk.said.append(said.line)
        talk.over = said.done
        return line

    def _run(self, talk: _Talk) -> Run:
        opening = talk.opening
        number, situation = opening.number, opening.situation
        mine = [line for line in talk.lines if line.author == talk.first.author]
        newest = max(talk.lines, key=lambda line: line.at)
        run = Run(
            situation=situation.id,
            customer=talk.first.author,
            company=self.accounts[situation.to],
            post_id=max(line.id for line in mine),
            step=RunStep.DONE if talk.over else RunStep.WAIT,
            fill=opening.fill,
            said=talk.said,
            turns=len(mine) - 1,
            seed=f"{self.seed}:{number}",
            number=number,
        )
        recent = newest.at > self.now - _STILL_ANNOYED
        if not talk.over and recent and situation.kind in WAITING_KINDS:
            run.due_at = self.now + _minutes(dice(run.seed, "patience"), 2, 25)
        return run


def _minutes(rng: random.Random, least: float, most: float) -> timedelta:
    return timedelta(minutes=rng.uniform(least, most))


def _opening_times(rng: random.Random, *, now: datetime, count: int, days: float) -> list[datetime]:
    slots = [now - timedelta(hours=hour) for hour in range(max(1, int(days * 24)))]
    picked = rng.choices(slots, [_HOURS[slot.hour] for slot in slots], k=count)
    return sorted(slot - timedelta(seconds=rng.uniform(60, 3600)) for slot in picked)


def _draft(line: _Line) -> Draft:
    return Draft(
        id=line.id,
        author=line.author,
        text=line.text,
        lang=line.author.lang,
        private=line.recipient is not None,
        recipient=line.recipient,
        in_reply_to=line.answers.id if line.answers else None,
        at=line.at,
    )
