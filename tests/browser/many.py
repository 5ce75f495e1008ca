"""A brand of its own with many open cases, and its one agent: ``python -m tests.browser.many 500``."""

from __future__ import annotations

import os
import sys
from datetime import timedelta

AGENT = "weight@example.com"


def main(cases: int) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rapport.config.settings")
    import django

    django.setup()
    from django.db import transaction
    from django.utils import timezone

    from rapport.brands.models import Brand, Channel
    from rapport.ingest.record import lock_channel, record_events
    from rapport.networks.base import Author, MessageSeen
    from rapport.staff.models import Membership, Role, User
    from tests.browser.world import PASSWORD

    brand = Brand.objects.create(slug="many-test", name="Many Cases")
    user = User.objects.create_user(AGENT, PASSWORD, name="Wanda Weight", initials="WW")
    Membership.objects.create(user=user, brand=brand, role=Role.LEAD)
    channel = Channel.objects.create(
        brand=brand, network="practice", external_id="many", handle="@many", credentials={"token": "none"}
    )
    now = timezone.now()
    events = [
        (
            MessageSeen(
                external_id=f"many-{number}",
                author=Author(
                    external_id=f"many-{number}", handle=f"many{number}", name=f"Customer {number}"
                ),
                text=f"Order {number} has not come, and nobody answers the phone. What shall I do?",
                sent_at=now - timedelta(minutes=number),
                visibility="public",
            ),
            now,
        )
        for number in range(1, cases + 1)
    ]
    with transaction.atomic():
        lock_channel(channel.id)
        record_events(channel=channel, events=events)


if __name__ == "__main__":
    main(int(sys.argv[1]))
