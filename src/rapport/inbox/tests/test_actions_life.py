"""Any sequence of what people, customers and the clock can do to a case keeps the laws."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from rapport.audit.models import AuditEntry
from rapport.inbox import actions
from rapport.inbox.models import Case, CaseEvent, CloseReason, Message, Priority
from rapport.inbox.tests.making import case_of, make_brand, make_channel, make_contact, make_user, say
from rapport.lib.errors import ActionError, Conflict, Invalid

REASONS = st.sampled_from([one for one in CloseReason if one != CloseReason.IMPORTED])


class CaseLife(RuleBasedStateMachine):
    """The case beside a model of it, kept in plain Python and by other rules of thumb."""

    @initialize()
    def begin(self) -> None:
        self.world = transaction.atomic()
        self.world.__enter__()
        self.channel = make_channel(make_brand())
        self.customer = make_contact(self.channel)
        self.agents = [make_user(f"Agent {n}", brand=self.channel.brand) for n in range(2)]
        self.minutes = 0.0
        self.question = say(self.channel, self.customer)
        self.case_id = case_of(self.question).id
        self.status = "open"
        self.reason = ""
        self.until: datetime | None = None
        self.assignee: int | None = None
        self.priority = int(Priority.NORMAL)
        self.tags: set[str] = set()
        self.notes = 0
        self.kinds: list[str] = []
        self.waiting = True
        self.answered = False
        self.version = Case.objects.get(id=self.case_id).version

    def teardown(self) -> None:
        if hasattr(self, "world"):
            transaction.set_rollback(True)
            self.world.__exit__(None, None, None)

    def act(
        self,
        call: Callable[..., Case],
        kind: str | None,
        refused: type[ActionError] | None = None,
        **given: Any,
    ) -> bool:
        """Do it; ``kind`` is the event that must tell it, None when nothing may change."""
        before = Case.objects.values().get(id=self.case_id)
        told = CaseEvent.objects.filter(case_id=self.case_id).count()
        audited = AuditEntry.objects.count()
        if refused is not None:
            with pytest.raises(refused):
                call(actor=self.agents[0], case_id=self.case_id, **given)
        else:
            result = call(actor=self.agents[0], case_id=self.case_id, **given)
            assert result.id == self.case_id
            assert Case.objects.get(id=self.case_id).version == result.version
        changed = kind is not None and refused is None
        now = Case.objects.values().get(id=self.case_id)
        if changed:
            assert now["version"] == before["version"] + 1
            self.kinds.append(str(kind))
            self.version = now["version"]
        else:
            assert now == before
        assert CaseEvent.objects.filter(case_id=self.case_id).count() == told + changed
        assert AuditEntry.objects.count() == audited + changed
        return changed

    @rule(to=st.sampled_from([None, 0, 1]))
    def assign(self, to: int | None) -> None:
        wanted = None if to is None else self.agents[to].id
        kind = None if wanted == self.assignee else "assigned"
        self.act(actions.assign_case, kind, assignee_id=wanted)
        self.assignee = wanted

    @rule(priority=st.sampled_from(Priority))
    def prioritise(self, priority: Priority) -> None:
        self.act(
            actions.set_priority, None if priority == self.priority else "prioritised", priority=priority
        )
        self.priority = int(priority)

    @rule(name=st.sampled_from(["refund", "Refund", "bag", "เที่ยวบิน"]))
    def tag(self, name: str) -> None:
        self.act(actions.add_tag, None if name.lower() in self.tags else "tagged", name=name)
        self.tags.add(name.lower())

    @rule(name=st.sampled_from(["refund", "bag", "เที่ยวบิน"]))
    def untag(self, name: str) -> None:
        tag = self.channel.brand.tags.filter(name__iexact=name).first()
        if tag is not None:
            self.act(actions.remove_tag, "untagged" if name in self.tags else None, tag_id=tag.id)
            self.tags.discard(name)

    @rule(text=st.sampled_from(["called them", "  "]))
    def note(self, text: str) -> None:
        if self.act(actions.add_note, "noted", None if text.strip() else Invalid, text=text):
            self.notes += 1

    @rule(hours=st.integers(-2, 100))
    def snooze(self, hours: int) -> None:
        until = timezone.now() + timedelta(hours=hours)
        refused = Invalid if hours <= 0 else Conflict if self.status == "closed" else None
        if self.act(actions.snooze_case, "snoozed", refused, until=until):
            self.status, self.until = "snoozed", until

    @rule(reason=REASONS)
    def close(self, reason: CloseReason) -> None:
        refused: type[ActionError] | None = None
        if self.status == "closed":
            refused = None if self.reason == reason else Conflict
        elif reason == CloseReason.ANSWERED and self.waiting and not self.answered:
            refused = Invalid
        kind = None if self.status == "closed" else "closed"
        if self.act(actions.close_case, kind, refused, reason=reason):
            self.status, self.reason, self.until = "closed", str(reason), None

    @rule()
    def reopen(self) -> None:
        kind = {"open": None, "snoozed": "woke", "closed": "reopened"}[self.status]
        self.act(actions.reopen_case, kind)
        self.status, self.reason, self.until = "open", "", None

    @rule(behind=st.integers(1, 3))
    def act_on_an_old_screen(self, behind: int) -> None:
        wanted = Priority.LOW if self.priority != Priority.LOW else Priority.HIGH
        old = max(self.version - behind, 0)
        self.act(actions.set_priority, "prioritised", Conflict, priority=wanted, expected_version=old)

    @rule(due=st.booleans())
    def time_passes(self, due: bool) -> None:
        if due and self.status == "snoozed":
            Case.objects.filter(id=self.case_id).update(snoozed_until=timezone.now())
        woken = actions.wake_due_cases()
        assert woken == (1 if due and self.status == "snoozed" else 0)
        if woken:
            self.status, self.until = "open", None
            self.kinds.append("woke")
            self.version += 1

    @rule()
    def customer_writes(self) -> None:
        self.minutes += 1
        self.question = say(self.channel, self.customer, "Hello?", self.minutes, to=self.question)
        if self.status == "snoozed" or (self.status == "closed" and self.reason != CloseReason.SPAM):
            self.status, self.reason, self.until = "open", "", None
        self.waiting = True
        self._heard()

    @rule()
    def brand_answers(self) -> None:
        self.minutes += 1
        say(self.channel, None, "We look into it.", self.minutes, to=self.question)
        self.waiting, self.answered = False, True
        self._heard()

    def _heard(self) -> None:
        version = Case.objects.get(id=self.case_id).version
        assert version > self.version
        self.version = version

    @invariant()
    def the_case_is_as_the_model_says(self) -> None:
        if not hasattr(self, "case_id"):
            return
        case = Case.objects.get(id=self.case_id)
        assert (case.status, case.close_reason, case.snoozed_until) == (self.status, self.reason, self.until)
        assert (case.assignee_id, case.priority) == (self.assignee, self.priority)
        assert {tag.name.lower() for tag in case.tags.all()} == self.tags
        assert case.notes.count() == self.notes
        assert case.version == self.version
        assert (case.closed_at is not None) == (case.status == "closed") == bool(case.close_reason)
        assert (case.snoozed_until is not None) == (case.status == "snoozed")
        assert (case.waiting_since is not None) == self.waiting

    @invariant()
    def the_events_tell_every_change(self) -> None:
        if not hasattr(self, "case_id"):
            return
        by_people = CaseEvent.objects.filter(case_id=self.case_id).exclude(kind__in=["opened", "received"])
        kinds = [event.kind for event in by_people.order_by("id") if "by" not in event.data]
        assert kinds == self.kinds
        assert Message.objects.filter(thread__case_threads__case_id=self.case_id).exists()


@pytest.mark.django_db
def test_it_keeps_the_laws_whatever_happens() -> None:
    run_state_machine_as_test(
        CaseLife,
        settings=settings(
            max_examples=15,
            stateful_step_count=20,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
