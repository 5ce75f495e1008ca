"""Inside a running instance with a generated history: logins for all agents, and customers who write.

``python -m bench.agents_world logins`` prints them as JSON; ``python -m bench.agents_world feed RATE SECONDS`` stores raw
events as a webhook would, and prints for each message when its transaction was committed. Then ``cases`` tells
which case each message came to.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from datetime import UTC, datetime
from typing import Any


def _logins() -> list[dict[str, Any]]:
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    from rapport.brands.models import Channel, ChannelState
    from rapport.staff.models import User
    from rapport.staff.sessions import SessionStore

    Channel.objects.filter(network="practice").update(state=ChannelState.ACTIVE)
    found = []
    for user in User.objects.filter(is_superuser=False).order_by("id"):
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.save()
        brands = list(user.memberships.values_list("brand_id", flat=True))
        found.append({"session": session.session_key, "brands": brands})
    return found


def _event(number: int, parent: int | None) -> dict[str, Any]:
    at = datetime.now(UTC).isoformat()
    who = f"fed-{number if parent is None else parent}"
    return {
        "id": f"fed-event-{number}",
        "type": "post.created",
        "created_at": at,
        "post": {
            "id": f"fed-{number}",
            "url": "",
            "author": {"id": who, "handle": who, "name": who, "url": "", "followers": 3, "bot": False},
            "text": f"fed-{number}- where is my bag?",
            "visibility": "public",
            "in_reply_to": None if parent is None else f"fed-{parent}",
            "conversation": None,
            "recipient_id": None,
            "lang": "en",
            "media": [],
            "created_at": at,
            "edited_at": None,
            "client_ref": "",
        },
    }


def _feed(rate: float, seconds: float) -> None:
    """Messages at an even rate, to brands by their size; two of five go on in a conversation of before."""
    from rapport.brands.models import Channel
    from rapport.ingest.actions import store_raw
    from rapport.ingest.models import Via
    from rapport.networks.base import RawItem

    chance = random.Random(3)
    channels = list(
        Channel.objects.filter(network="practice").order_by("brand_id").values_list("id", flat=True)
    )
    begun: dict[int, list[int]] = {channel: [] for channel in channels}
    began, number = time.time(), 0
    while (due := began + number / rate) < began + seconds:
        time.sleep(max(0.0, due - time.time()))
        (channel,) = chance.choices(channels, [40, 25, 15, 10, 6, 4])
        earlier = begun[channel]
        parent = chance.choice(earlier[-50:]) if earlier and chance.random() < 0.4 else None
        if parent is None:
            earlier.append(number)
        event = _event(number, parent)
        item = RawItem(kind="post.created", payload=event, key=event["id"])
        store_raw(channel_id=channel, items=[item], via=Via.WEBHOOK)
        print(json.dumps([number, time.time()]), flush=True)
        number += 1


def _cases() -> dict[str, list[int]]:
    """By number of a message: its case and its brand."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT substr(m.external_id, 5), ct.case_id, m.brand_id FROM inbox_message m JOIN inbox_casethread ct USING (thread_id) "
            "WHERE m.external_id LIKE 'fed-%'"
        )
        return {number: [case_id, brand_id] for number, case_id, brand_id in cursor.fetchall()}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rapport.config.settings")
    import django

    django.setup()
    match sys.argv[1:]:
        case ["logins"]:
            print(json.dumps(_logins()))
        case ["feed", rate, seconds]:
            _feed(float(rate), float(seconds))
        case ["cases"]:
            print(json.dumps(_cases()))


if __name__ == "__main__":
    main()
