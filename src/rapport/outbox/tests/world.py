"""A customer who asked, an agent who answers, and a network that does as the test says."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

import pytest
from django.db import connection

from rapport.brands.models import Channel
from rapport.inbox.models import Case
from rapport.inbox.tests.making import make_brand, make_channel, make_contact, make_user, say
from rapport.outbox.actions import reply
from rapport.outbox.delivery import deliver
from rapport.outbox.models import Outgoing
from rapport.outbox.tests.strict import Behaviour, Killed, Strict, StrictConnector
from rapport.staff.models import User


class World:
    """A customer who asked, an agent who answers, and the network between them."""

    def __init__(self) -> None:
        self.side = StrictConnector.side = Strict()
        self.brand = make_brand()
        self.channel: Channel = make_channel(self.brand, "strict")
        self.agent: User = make_user("Mara Kovač", brand=self.brand)
        self.ana = make_contact(self.channel)
        self.asked = say(self.channel, self.ana)
        self.case = Case.objects.get()

    def reply(
        self,
        text: str = "On its way.",
        *,
        close_after: bool = False,
        visibility: str = "public",
        in_reply_to_id: int | None = None,
        send_at: datetime | None = None,
        snooze_until: datetime | None = None,
        split: bool = False,
        numbered: bool = False,
        channel_id: int | None = None,
    ) -> Outgoing:
        return reply(
            actor=self.agent,
            case_id=self.case.id,
            text=text,
            visibility=visibility,
            in_reply_to_id=in_reply_to_id,
            form_key=uuid4(),
            close_after=close_after,
            send_at=send_at,
            snooze_until=snooze_until,
            split=split,
            numbered=numbered,
            channel_id=channel_id,
        )

    def deliver(self, outgoing: Outgoing, behaviour: Behaviour = "ok") -> Outgoing:
        self.side.behaviour = behaviour
        if behaviour.startswith("killed"):
            with pytest.raises(Killed):
                deliver(outgoing_id=outgoing.id)
        else:
            deliver(outgoing_id=outgoing.id)
        outgoing.refresh_from_db()
        return outgoing


def time_passes() -> None:
    """Every wait of replies and breakers is over."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE outbox_outgoing SET not_before = not_before - interval '1 day', "
            "scheduled_for = scheduled_for - interval '1 day', lease_until = lease_until - interval '1 day'"
        )
        cursor.execute("UPDATE brands_channel SET open_until = open_until - interval '1 day'")
        cursor.execute("UPDATE procrastinate_jobs SET scheduled_at = scheduled_at - interval '1 day'")


def drop_jobs() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
