"""Sending one forged request, and what must hold afterwards."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from django.db import connection, transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded

from rapport.networks.practice.accounts import issue_token
from rapport.staff.models import Role
from rapport.web.tests.doors import DOORS
from rapport.web.tests.doors_ways import NO_LOGIN, Door, Way
from rapport.web.tests.doors_world import World, Writes
from tests.forged.making import Forged, body_of, fields_of, known, requests

CHANGING = ("POST", "PATCH", "PUT", "DELETE")
# Every address that something can be sent to, with the method.
TARGETS = [(door, method) for door in DOORS for method in CHANGING if method in door.ways]
ACTORS = ("nobody", "ended", "stranger", "foreign", "viewer", "agent", "lead", "admin", "owner")
_OURS = {role.value for role in Role}
# By which column a row is some brand's, first come first taken, and the brand's things it is compared with.
_BELONGS = {
    "brand_id": "= %(brand)s",
    "case_id": "IN (SELECT id FROM inbox_case WHERE brand_id = %(brand)s)",
    "thread_id": "IN (SELECT id FROM inbox_thread WHERE brand_id = %(brand)s)",
    "channel_id": "IN (SELECT id FROM brands_channel WHERE brand_id = %(brand)s)",
    "message_id": "IN (SELECT id FROM inbox_message WHERE brand_id = %(brand)s)",
    "team_id": "IN (SELECT id FROM staff_team WHERE brand_id = %(brand)s)",
    "contact_id": "IN (SELECT contact_id FROM inbox_case WHERE brand_id = %(brand)s)",
    "invitation_id": "IN (SELECT id FROM staff_invitation WHERE brand_id = %(brand)s)",
}
_NAMED = {
    "brands_brand": "id = %(brand)s",
    "contacts_contact": "id IN (SELECT contact_id FROM inbox_case WHERE brand_id = %(brand)s)",
}


class Broken(AssertionError):
    """A request did what none may do."""


def attack(
    world: World,
    door: Door,
    method: str,
    *,
    examples: int,
    seed: int = 0,
    note: Callable[[int], None] = lambda _: None,
) -> None:
    """So many forged requests to one address; ``note`` is told each status. Raises what the smallest of those that
    should not be raises."""

    @seeded(seed)
    @settings(
        max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )  # fmt: skip
    @given(requests(ACTORS))
    def one(forged: Forged) -> None:
        note(sent(world, door, method, forged))

    one()


def sent(world: World, door: Door, method: str, forged: Forged) -> int:
    """Send it, in a transaction that is rolled back; returns the status. Raises Broken, or what the view raised.

    Most write nothing, and counting that is much quicker than comparing: what writes is taken back, and sent again
    between two looks at all there is.
    """
    status = _sent(world, door, method, forged, compare=False)
    return _sent(world, door, method, forged, compare=True) if status is None else status


def _sent(world: World, door: Door, method: str, forged: Forged, *, compare: bool) -> int | None:
    """The status; None when it wrote something and that was not compared."""
    way = door.ways[method]
    with transaction.atomic():
        path = _path(world, door.path(world.ours), forged)
        form = way.form(world.theirs if forged.crossed else world.ours)
        fields = fields_of(world, forged, form)
        body, content_type = body_of(forged.way, fields)
        watched = _watched(world, door, way, forged)
        before = [_state(brand) for brand in watched] if compare else []
        writes = Writes()
        answer = _client(world, forged).generic(
            method, path, body, content_type, headers=_headers(world, door, forged)
        )
        if answer.status_code >= 500:
            raise Broken(f"{answer.status_code} from {method} {path[:200]}")
        unsure = not compare and watched and writes.since()
        for brand, was in zip(watched, before, strict=compare):
            if touched := [name for name, now in _state(brand).items() if was[name] != now]:
                raise Broken(
                    f"{method} {path[:200]} by {forged.actor} ({answer.status_code}) changed {touched} of another brand"
                )
        transaction.set_rollback(True)
        return None if unsure else int(answer.status_code)


def _path(world: World, path: str, forged: Forged) -> str:
    if forged.moved is not None:
        path = re.sub(r"\d+", known(world, forged.moved), path, count=1)
    return path.partition("?")[0] + forged.query if forged.query else path


def _client(world: World, forged: Forged) -> Client:
    return world.client(forged.actor, csrf=forged.csrf)


def _headers(world: World, door: Door, forged: Forged) -> dict[str, str]:
    if not door.route.startswith("practice/api/"):
        return forged.headers
    return {**forged.headers, "Authorization": f"Bearer {issue_token(account=world.ours.post.author)}"}


def _watched(world: World, door: Door, way: Way, forged: Forged) -> list[int]:
    """The brands in which this request may change nothing."""
    ours, theirs = world.ours.brand.pk, world.theirs.brand.pk
    open_to_all = bool(NO_LOGIN & set(way.who))
    if forged.csrf and way.csrf:
        return [ours, theirs]
    if open_to_all or door.shared or forged.actor == "owner":
        return []
    if forged.actor in _OURS:
        return [theirs]
    return [ours] if forged.actor == "foreign" else [ours, theirs]


@cache
def _question() -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, array_agg(attname::text) FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid AND attnum > 0 "
            "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace GROUP BY relname ORDER BY relname"
        )
        tables = cursor.fetchall()
    found = []
    for table, columns in tables:
        column = next((one for one in _BELONGS if one in columns), None)
        where = _NAMED.get(table) or (f"{column} {_BELONGS[column]}" if column else "")
        if where:
            found.append(
                f"SELECT '{table}', md5(coalesce(string_agg(h, '' ORDER BY h), '')) FROM "
                f"(SELECT md5(to_jsonb(t)::text) h FROM {table} t WHERE {where}) one"
            )
    return " UNION ALL ".join(found)


def _state(brand_id: int) -> dict[str, Any]:
    """A sum over each table's rows of one brand, its audit log among them."""
    with connection.cursor() as cursor:
        cursor.execute(_question(), {"brand": brand_id})
        return dict(cursor.fetchall())
