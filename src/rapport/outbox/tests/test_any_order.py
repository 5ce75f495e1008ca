"""Whatever fails, in whatever order: no reply twice, none lost, none out of order, none that was undone."""

from __future__ import annotations

import contextlib
from typing import Literal, get_args

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rapport.brands.models import Channel
from rapport.inbox.models import Message
from rapport.lib.errors import Conflict
from rapport.networks import registry
from rapport.outbox.actions import retry_reply, undo_reply
from rapport.outbox.delivery import deliver, sweep
from rapport.outbox.models import Outgoing
from rapport.outbox.tests.strict import Behaviour, Killed, StrictConnector
from rapport.outbox.tests.world import World, drop_jobs, time_passes

Step = tuple[Literal["reply", "deliver", "wait", "undo", "retry", "reconnect"], int, Behaviour]

steps = st.lists(
    st.tuples(
        st.sampled_from(
            ["reply", "deliver", "deliver", "deliver", "wait", "wait", "undo", "retry", "reconnect"]
        ),
        st.integers(0, 3),
        st.sampled_from(get_args(Behaviour)),
    ),
    min_size=4,
    max_size=30,
)


class Run:
    """One example: the world, and what must hold after each step."""

    def __init__(self, honours_keys: bool) -> None:
        self.world = World()
        self.world.side.honours_keys = honours_keys
        self.replies: list[Outgoing] = []

    def step(self, what: str, which: int, behaviour: Behaviour) -> None:
        self.world.side.behaviour = "ok"
        if what == "reply" or not self.replies:
            self.replies.append(self.world.reply(f"Answer {len(self.replies)}."))
        elif what == "wait":
            time_passes()
        elif what == "reconnect":
            Channel.objects.update(state="active")
        else:
            self._act(what, self.replies[which % len(self.replies)].id, behaviour)
        self.check()

    def _act(self, what: str, outgoing_id: int, behaviour: Behaviour) -> None:
        with contextlib.suppress(Conflict, Killed):
            if what == "deliver":
                self.world.side.behaviour = behaviour
                deliver(outgoing_id=outgoing_id)
            elif what == "undo":
                undo_reply(actor=self.world.agent, outgoing_id=outgoing_id)
            else:
                retry_reply(actor=self.world.agent, outgoing_id=outgoing_id)

    def check(self) -> None:
        posted = [post.idempotency_key for post in self.world.side.posts]
        assert len(posted) == len(set(posted)), "posted twice"
        rows = {str(row.idempotency_key): row for row in Outgoing.objects.all()}
        for key, row in rows.items():
            assert not (row.state == "cancelled" and key in posted), "posted though undone"
            assert not (row.state == "sent" and key not in posted), "called sent though it was not"
            assert (row.state == "sent") == (row.message_id is not None)
            assert row.state != "failed" or row.error, "failed without a reason"

    def settle(self) -> None:
        """The network is well again, and everybody has time: what can be sent is sent."""
        self.world.side.behaviour = "ok"
        Channel.objects.update(state="active")
        for _ in range(3 * len(self.replies) + 3):
            time_passes()
            drop_jobs()
            sweep()
            with connection.cursor() as cursor:
                cursor.execute("SELECT (args ->> 'outgoing_id')::bigint FROM procrastinate_jobs")
                for (outgoing_id,) in cursor.fetchall():
                    deliver(outgoing_id=outgoing_id)
        self.check()
        assert not Outgoing.objects.filter(state__in=["queued", "sending"]).exists(), "left waiting"
        for row in Outgoing.objects.filter(state="sent").select_related("message"):
            assert row.message is not None
            assert (row.message.own, row.message.user_id) == (True, row.author_id)
        assert Message.objects.filter(own=True).count() == Outgoing.objects.filter(state="sent").count()


@pytest.mark.django_db
@pytest.mark.parametrize("honours_keys", [True, False])
def test_it_holds_whatever_happens(monkeypatch: pytest.MonkeyPatch, honours_keys: bool) -> None:
    monkeypatch.setattr(registry, "connectors", lambda: {"strict": StrictConnector})

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(steps)
    def holds(plan: list[Step]) -> None:
        with transaction.atomic():
            run = Run(honours_keys)
            for what, which, behaviour in plan:
                run.step(what, which, behaviour)
            run.settle()
            transaction.set_rollback(True)

    holds()
