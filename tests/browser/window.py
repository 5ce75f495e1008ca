"""A customer's private message whose reply window soon closes: ``python -m tests.browser.window SECONDS``.

Real time cannot be waited for, so the message is said to have been written a day ago less that many seconds.
"""

from __future__ import annotations

import os
import sys
from datetime import timedelta


def main(seconds: int) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rapport.config.settings")
    import django

    django.setup()
    from django.db import transaction
    from django.utils import timezone

    from rapport.brands.models import Brand, Channel
    from rapport.ingest.record import lock_channel, record_events
    from rapport.networks.base import Author, MessageSeen
    from rapport.networks.meta.private import STANDARD

    channel, _new = Channel.objects.get_or_create(
        brand=Brand.objects.get(slug="aero-test"),
        network="facebook",
        external_id="7001",
        defaults={"handle": "Aero Adria", "credentials": {"access_token": "none"}},
    )
    now = timezone.now()
    seen = MessageSeen(
        external_id=f"m_{now.timestamp()}",
        author=Author(external_id=f"p{seconds}", handle="", name=f"Vera Closing {seconds}"),
        text=f"Is my seat still free? ({seconds})",
        sent_at=now - STANDARD.length + timedelta(seconds=seconds),
        visibility="private",
        thread_key=f"t{seconds}",
    )
    with transaction.atomic():
        lock_channel(channel.id)
        record_events(channel=channel, events=[(seen, now)])


if __name__ == "__main__":
    main(int(sys.argv[1]))
