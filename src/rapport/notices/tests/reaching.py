"""Devices that are told things, and what waits for them in the queue, run as a worker would."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.db import connection
from django.test import Client

from rapport.inbox.actions import assign_case
from rapport.inbox.models import Case
from rapport.inbox.tests.making import case_of, make_contact, say
from rapport.notices import tasks
from rapport.notices.devices import add_device
from rapport.notices.making import make_notices
from rapport.notices.models import Device
from rapport.notices.telling import tell_due
from rapport.notices.tests.conftest import Desk
from rapport.notices.tests.pushservice import Browser, PushService
from rapport.staff.models import User


def log_in(user: User) -> str:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return str(client.session.session_key)


def device_for(user: User, service: PushService, browser: Browser, path: str = "/push/1") -> Device:
    return add_device(
        user=user,
        session_key=log_in(user),
        endpoint=f"{service.url}{path}",
        p256dh=browser.p256dh,
        auth="c2l4dGVlbiBieXRlcyBvaw",
        agent="Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0",
    )


def jobs() -> list[tuple[str, dict[str, Any], datetime | None]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT task_name, args, scheduled_at FROM procrastinate_jobs WHERE queue_name = 'notices' ORDER BY id"
        )
        return [(name, json.loads(args) if isinstance(args, str) else args, at) for name, args, at in cursor]


def run_jobs() -> int:
    """Runs what waits in the queue, as a worker would."""
    waiting = jobs()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs WHERE queue_name = 'notices'")
    known = {task.name: task for task in (tasks.push, tasks.mail, tasks.try_device)}
    for name, args, _at in waiting:
        known[name](**args)
    return len(waiting)


def pushed(service: PushService, browser: Browser, path: str = "/push/1") -> list[dict[str, Any]]:
    return [json.loads(browser.read(body)) for body in service.pushes.get(path, [])]


def tell(now: datetime | None = None) -> int:
    make_notices()
    tell_due(now=now)
    return run_jobs()


def other_cases(desk: Desk, count: int) -> list[Case]:
    """Mara is given so many cases more, all at once, by a colleague."""
    cases = [
        case_of(say(desk.channel, make_contact(desk.channel, f"Person {n}"), "Hello?")) for n in range(count)
    ]
    make_notices()
    for case in cases:
        assign_case(actor=desk.ivo, case_id=case.id, assignee_id=desk.mara.pk)
    return cases
