"""The play on the network: customers begin, wait, react. Its memory is the table :class:`Run`, so it can be
stopped at any moment and goes on where it was. It acts through the network's actions only."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection, transaction

from rapport.networks.practice import actions, reading
from rapport.networks.practice.accounts import Profile, ensure_accounts
from rapport.networks.practice.actions import Draft
from rapport.networks.practice.errors import Problem
from rapport.networks.practice.models import Account, Post, PostVisibility, Run, RunStep
from rapport.networks.practice.simulator import plan
from rapport.networks.practice.simulator.plan import Opening, Pace, Reaction, dice
from rapport.networks.practice.simulator.script import WAITING_KINDS, Customer, Script, Situation, say

log = logging.getLogger(__name__)

_LOCK = 0x706C_6179  # "play": one process at a time begins situations
_AT_ONCE = 50
_CROWD = 40  # so many people waiting, and the next ones take twice as long to come

_MEMORY = timedelta(hours=3)
_LATE = 1000  # ids are given before posts are committed, so the newest ones are looked through again

# Who waits and has been answered: the company's newest post to that customer after the customer's last.
_ANSWERED = """
SELECT r.id, max(p.id)
FROM practice_run r
JOIN practice_post p ON p.author_id = r.company_id AND p.id > r.post_id AND p.deleted_at IS NULL
LEFT JOIN practice_post parent ON parent.id = p.in_reply_to_id
JOIN practice_post mine ON mine.id = r.post_id
WHERE r.step = 'wait' AND p.id > %s AND (
    p.recipient_id = r.customer_id OR (parent.author_id = r.customer_id AND p.root_id = mine.root_id))
GROUP BY r.id
"""


def open_accounts(script: Script) -> dict[str, Account]:
    """The accounts of everybody in the script, by handle; made where they are missing."""
    companies = [
        Profile(handle=one.handle, name=one.name, bio=one.bio, followers=one.followers, is_company=True)
        for one in script.companies
    ]
    customers = [
        Profile(
            handle=one.handle,
            name=one.name,
            bio=one.bio,
            lang=one.lang,
            voice=one.voice,
            followers=one.followers,
        )
        for one in script.customers
    ]
    return ensure_accounts([*companies, *customers])


@dataclass
class Simulator:
    """Call :meth:`tick` often. The same seed, times and answers give the same play."""

    script: Script
    seed: str
    pace: Pace = field(default_factory=Pace)
    _noticed: int = field(default=0, init=False)  # posts up to here were looked through

    def tick(self, now: datetime) -> int:
        """Do what is due at ``now``; returns how many things people did."""
        self._notice(now)
        return self._act(now) + self._begin(now)

    # Beginning ----------------------------------------------------------------------------------
    def _begin(self, now: datetime) -> int:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
                if not cursor.fetchone()[0]:
                    return 0
            last = Run.objects.exclude(number=None).order_by("-number").select_related("post").first()
            number = 0 if last is None or last.number is None else last.number + 1
            if last is not None and now < last.post.created_at + self._gap(number, now):
                return 0
            talking = Run.objects.exclude(step=RunStep.DONE)
            busy = set(talking.values_list("customer__handle", "company__handle"))
            begin(
                opening=plan.opening(script=self.script, seed=self.seed, number=number, busy=busy),
                accounts=open_accounts(self.script),
                seed=self.seed,
                pace=self.pace,
                now=now,
            )
        return 1

    def _gap(self, number: int, now: datetime) -> timedelta:
        """How long after the one before the next situation begins: longer the more people wait already,
        so a desk nobody works in is not buried."""
        waiting = Run.objects.filter(
            step=RunStep.WAIT, number__isnull=False, post__created_at__gt=now - _MEMORY
        ).count()
        crowd = 1 + (waiting / _CROWD) ** 2
        return self.pace.wait(self.pace.new, dice(self.seed, "gap", number)) * crowd

    # Reacting -----------------------------------------------------------------------------------
    def _notice(self, now: datetime) -> None:
        newest = Post.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        with connection.cursor() as cursor:
            cursor.execute(_ANSWERED, [self._noticed])
            answered = dict(cursor.fetchall())
        with transaction.atomic():
            waiting = Run.objects.select_for_update(skip_locked=True)
            runs = list(waiting.filter(pk__in=answered, step=RunStep.WAIT))
            for run in runs:
                run.step, run.answer_id = RunStep.REACT, answered[run.pk]
                run.due_at = now + self.pace.wait(self.pace.react, dice(run.seed, run.turns, "react"))
            Run.objects.bulk_update(runs, ["step", "answer", "due_at"])
            # They read at once what is said to them alone, and think before they answer.
            private = Post.objects.filter(
                pk__in=[run.answer_id for run in runs], visibility=PostVisibility.PRIVATE
            )
            reading.read(posts=list(private.values_list("pk", flat=True)), at=now)
        self._noticed = max(0, newest - _LATE)

    def _act(self, now: datetime) -> int:
        due = Run.objects.filter(due_at__lte=now).exclude(step=RunStep.DONE).order_by("due_at", "pk")
        # One transaction each: a post holds the streams' lock until its commit, and others wait for it.
        return sum(self._take(pk, now) for pk in list(due.values_list("pk", flat=True)[:_AT_ONCE]))

    def _take(self, pk: int, now: datetime) -> int:
        """One person's next step, if nobody else took it; returns how many were taken."""
        with transaction.atomic():
            run = (
                Run.objects.select_for_update(skip_locked=True, of=("self",))
                .select_related("customer", "company", "post", "answer")
                .filter(pk=pk, due_at__lte=now)
                .exclude(step=RunStep.DONE)
                .first()
            )
            if run is None:
                return 0
            try:
                with transaction.atomic():
                    self._step(run, now)
            except Problem as problem:
                # The post they would speak about is gone.
                log.info("%s has nothing more to say: %s", run, problem)
                run.step, run.due_at = RunStep.DONE, None
            run.save(update_fields=["step", "due_at", "post", "turns", "impatience", "said"])
        return 1

    def _step(self, run: Run, now: datetime) -> None:
        situation = self.script.situation(run.situation)
        customer = next((one for one in self.script.customers if one.handle == run.customer.handle), None)
        if situation is None or customer is None:  # the script changed since
            run.step, run.due_at = RunStep.DONE, None
            return
        if run.step == RunStep.EDIT:
            text = say(situation.edit, to=situation.to, voice=customer.voice, fill=run.fill)
            actions.edit(author=run.customer, post_id=run.post_id, text=text, at=now)
            self._wait(run, situation, now)
        elif run.step == RunStep.DELETE:
            actions.delete(author=run.customer, post_id=run.post_id, at=now)
            run.step, run.due_at = RunStep.DONE, None
        elif run.step == RunStep.REPOST:
            actions.repost(author=run.customer, post_id=run.post_id, at=now)
            run.step, run.due_at = RunStep.DONE, None
        elif run.step == RunStep.JOIN:
            self._post(run, run.fill["join"], private=False, now=now)
            run.step, run.due_at = RunStep.WAIT, None  # they are answered or not; they do not nag
        elif run.step == RunStep.REACT:
            self._react(run, situation, customer, now)
        elif run.step == RunStep.WAIT:
            self._nag(run, situation, customer, now)

    def _react(self, run: Run, situation: Situation, customer: Customer, now: datetime) -> None:
        said = None
        if run.answer is not None and run.answer.deleted_at is None:
            said = plan.reaction(
                script=self.script,
                situation=situation,
                customer=customer,
                answer=run.answer.text,
                private=run.answer.is_private,
                said=run.said,
                fill=run.fill,
                rng=dice(run.seed, run.turns, "words"),
            )
        if said is None:
            run.step, run.due_at = RunStep.DONE, None
            return
        self._say(run, said, answers=run.answer_id, now=now)
        run.impatience = 0
        if said.done:
            run.step, run.due_at = RunStep.DONE, None
        else:
            self._wait(run, situation, now)

    def _nag(self, run: Run, situation: Situation, customer: Customer, now: datetime) -> None:
        said = plan.complaint_about_silence(
            script=self.script,
            situation=situation,
            customer=customer,
            impatience=run.impatience,
            private=run.post.is_private,
            rng=dice(run.seed, run.turns, "nag"),
        )
        run.due_at = None
        if said is None:
            return
        self._say(run, said, answers=run.post_id, now=now)
        run.impatience += 1
        if run.impatience == 1:
            run.due_at = now + self.pace.wait(self.pace.temper, dice(run.seed, run.turns, "temper"))

    def _wait(self, run: Run, situation: Situation, now: datetime) -> None:
        run.step = RunStep.WAIT
        run.due_at = patience(run.seed, run.turns, situation, self.pace, now)

    def _say(self, run: Run, said: Reaction, *, answers: int | None, now: datetime) -> None:
        self._post(run, said.text, private=said.private, answers=answers, now=now)
        run.said = [*run.said, said.line]

    def _post(self, run: Run, text: str, *, private: bool, now: datetime, answers: int | None = None) -> None:
        run.post, _new = actions.publish(
            Draft(
                author=run.customer,
                text=text,
                private=private,
                recipient=run.company if private else None,
                in_reply_to=answers or run.post_id,
                lang=run.customer.lang,
                at=now,
            )
        )
        run.turns += 1


def patience(seed: str, turns: int, situation: Situation, pace: Pace, now: datetime) -> datetime | None:
    """When somebody who waits for an answer will say so; None for those who do not."""
    if situation.kind not in WAITING_KINDS:
        return None
    return now + pace.wait(pace.patience, dice(seed, turns, "patience"))


def begin(
    *, opening: Opening, accounts: Mapping[str, Account], seed: str, pace: Pace, now: datetime
) -> list[Run]:
    """Play an opening: the first post, and who will join in or pass it on."""
    situation = opening.situation
    company, customer = accounts[situation.to], accounts[opening.customer.handle]
    announced = None
    if situation.announcement:
        announced, _new = actions.publish(
            Draft(author=company, text=situation.announcement, lang=situation.lang, at=now)
        )
    post, _new = actions.publish(
        Draft(
            author=customer,
            text=opening.text,
            private=situation.private,
            recipient=company if situation.private else None,
            in_reply_to=None if announced is None else announced.pk,
            lang=situation.lang,
            at=now,
        )
    )
    main = Run(
        situation=situation.id,
        customer=customer,
        company=company,
        post=post,
        step=RunStep.WAIT,
        fill=opening.fill,
        seed=f"{seed}:{opening.number}",
        number=opening.number,
    )
    main.due_at = patience(main.seed, 0, situation, pace, now)
    if situation.edit or situation.delete:
        main.step = RunStep.EDIT if situation.edit else RunStep.DELETE
        main.due_at = now + pace.wait(pace.second_thoughts, dice(main.seed, "second thoughts"))
    runs = [main, *_company_of_others(opening, accounts, post, main, pace, now)]
    return Run.objects.bulk_create(runs)


def _company_of_others(
    opening: Opening, accounts: Mapping[str, Account], post: Post, main: Run, pace: Pace, now: datetime
) -> Sequence[Run]:
    def other(who: Customer, step: str, wait: timedelta, fill: dict[str, str]) -> Run:
        return Run(
            situation=main.situation,
            customer=accounts[who.handle],
            company=main.company,
            post=post,
            step=step,
            due_at=now + wait,
            fill={**opening.fill, **fill},
            seed=f"{main.seed}:{who.handle}",
            # A bystander has no follow-up of their own to ask, and no papers to send.
            said=["follow_up", "dm"],
        )

    situation = opening.situation
    return [
        *(
            other(
                who,
                RunStep.JOIN,
                pace.wait(pace.join, dice(main.seed, who.handle)),
                {"join": say(text, to=situation.to, voice=who.voice, fill=opening.fill)},
            )
            for who, text in zip(opening.joiners, situation.joins, strict=False)
        ),
        *(
            other(who, RunStep.REPOST, pace.wait(pace.repost, dice(main.seed, who.handle)), {})
            for who in opening.reposters
        ),
    ]
