"""Every kind of person at every address with every method: nothing is seen or done that the table does not grant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axes.utils import reset
from django.db import transaction
from django.http import HttpResponse
from django.urls import URLResolver, get_resolver

from rapport.inbox.models import Case, Tag
from rapport.web.tests.doors import DOORS
from rapport.web.tests.doors_ways import Door, Way
from rapport.web.tests.doors_world import ACTORS, Changes, Contents, World, Writes, make_world
from rapport.web.views import pages

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def _routes(resolver: URLResolver, before: str = "") -> Iterator[str]:
    for one in resolver.url_patterns:
        route = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from _routes(one, route)
        else:
            yield route


HERE = [door for door in DOORS if door.route in set(_routes(get_resolver()))]
AREAS = sorted({door.route.partition("/")[0] for door in HERE})


@pytest.fixture
def world(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Thousands are refused here; how the page looks that says so is tested elsewhere."""
    monkeypatch.setattr(pages, "error_page", lambda _, error: HttpResponse(status=pages.status_of(error)))
    yield make_world()
    reset()


def test_the_table_holds_every_address_once() -> None:
    listed = [door.route for door in DOORS]
    assert set(_routes(get_resolver())) - set(listed) == set()
    assert len(set(listed)) == len(listed)


def test_what_is_written_is_noticed(world: World) -> None:
    """Or the tests below would find nothing whatever happened."""
    case = world.ours.case
    changes: list[tuple[Callable[[], object], str]] = [
        (lambda: Tag.objects.create(brand=world.ours.brand, name="New"), "inbox_tag"),
        (lambda: Case.objects.filter(id=case.id).update(priority=1), "inbox_case"),
        (lambda: case.tags.clear(), "inbox_case_tags"),
    ]
    for change, table in changes:
        before = Writes()
        assert before.since() == []
        with transaction.atomic():
            change()
            transaction.set_rollback(True)
        assert table in before.since(), "also what is taken back"


def _ask(
    world: World,
    actor: str,
    method: str,
    path: str,
    form: dict[str, Any] | None = None,
    *,
    csrf: bool = False,
) -> Any:
    client = world.client(actor, csrf=csrf)
    return client.post(path, form or {}) if method == "POST" else client.generic(method, path)


def _to_login(answer: Any) -> bool:
    return bool(answer.status_code == 302 and answer["Location"].startswith("/login/?next="))


def _names(answer: Any, actor: str) -> str:
    """The brand that this page names and its reader does not work for, if it does."""
    page = b"" if answer.streaming else answer.content.lower()
    hidden = {"foreign": ["aerolux"], "stranger": ["aerolux", "bistro"], "owner": []}.get(actor, ["bistro"])
    return next((slug for slug in hidden if slug.encode() in page), "")


@pytest.mark.parametrize("area", AREAS)
def test_only_those_whom_the_table_names_come_in(world: World, area: str) -> None:
    wrong: list[object] = []
    for door in HERE:
        if door.route.partition("/")[0] == area:
            for method, way in door.ways.items():
                wrong += [(method, door.route, *one) for one in _let_in(world, door, method, way)]
                wrong += [(method, door.route, *one) for one in _kept_out(world, door, method, way)]
    assert not wrong


def _let_in(world: World, door: Door, method: str, way: Way) -> Iterator[tuple[object, ...]]:
    """What is wrong for those who may."""
    for actor in [one for one in ACTORS if one in way.who]:
        with transaction.atomic():
            path, form = door.path(world.ours), way.form(world.ours)
            answer = _ask(world, actor, method, path, form)
            if answer.status_code not in way.ok or _to_login(answer):
                yield actor, answer.status_code
            if not door.shared and (named := _names(answer, actor)):
                yield actor, "reads of", named
            transaction.set_rollback(True)


def _kept_out(
    world: World, door: Door, method: str, way: Way, changes: type[Changes] = Writes
) -> Iterator[tuple[object, ...]]:
    """What is wrong for everybody else: another answer, or a change."""
    with transaction.atomic():
        path, form = door.path(world.ours), way.form(world.ours)
        before = changes()
        for actor in [one for one in ACTORS if one not in way.who]:
            answer = _ask(world, actor, method, path, form)
            if answer.status_code not in way.expected(actor):
                yield actor, answer.status_code, way.expected(actor)
            if answer.status_code == 302 and not _to_login(answer) and way.refused != 302:
                yield actor, "goes to", answer["Location"]
        touched = before.since()
        transaction.set_rollback(True)
    if touched and changes is Writes:  # perhaps taken back; then nothing changed
        yield from _kept_out(world, door, method, way, Contents)
    elif touched:
        yield "changed", *touched


@pytest.mark.parametrize("actor", ["nobody", "owner"])
def test_no_other_method_does_anything(world: World, actor: str) -> None:
    wrong: list[object] = []
    before = Contents()
    for door in HERE:
        if door.acts:
            continue
        path = door.path(world.ours)
        for method in METHODS:
            if method in door.ways:
                continue
            reads = method == "HEAD" and "GET" in door.ways
            expected = {405, *(door.ways["GET"].expected(actor) if reads else ())}
            if door.route == "login/" and actor == "owner":
                expected.add(302)  # sent on before the method is looked at
            if actor == "nobody" and not reads:
                expected |= {302, 401, 403}
            if method == "OPTIONS":
                expected |= {200}
            status = _ask(world, actor, method, path).status_code
            if status not in expected:
                wrong.append((door.route, method, status))
    assert (wrong, before.since()) == ([], [])


def test_what_is_not_there_is_not_found(world: World) -> None:
    wrong: list[object] = []
    for door in [one for one in HERE if one.ghost]:
        for method, way in door.ways.items():
            wrong += [(method, door.route, *one) for one in _not_found(world, door, method, way)]
    assert not wrong


def _not_found(
    world: World, door: Door, method: str, way: Way, changes: type[Changes] = Writes
) -> Iterator[tuple[object, ...]]:
    with transaction.atomic():
        form = way.form(world.ours)
        before = changes()
        for actor in ("agent", "owner"):
            status = _ask(world, actor, method, door.ghost, form).status_code
            leads_on = way.ok == (302,) and method == "GET" and way.refused != 404
            if status != (302 if leads_on else 404) and not (status == 403 and actor == "agent"):
                yield actor, status
        touched = before.since()
        transaction.set_rollback(True)
    if touched and changes is Writes:
        yield from _not_found(world, door, method, way, Contents)
    elif touched:
        yield "changed", *touched


def test_a_form_cannot_name_things_of_another_brand(world: World) -> None:
    wrong: list[object] = []
    for door in HERE:
        way = door.ways.get("POST")
        if way is None or not way.crossed:
            continue
        with transaction.atomic():
            path, form = door.path(world.ours), way.form(world.theirs)
            before = Contents()
            status = _ask(world, "admin", "POST", path, form).status_code
            if status not in {403, 404, 409, 422} or before.since():
                wrong.append((door.route, status, before.since()))
            transaction.set_rollback(True)
    assert not wrong


def test_another_site_cannot_send_a_form(world: World) -> None:
    wrong: list[object] = []
    before = Contents()
    for door in HERE:
        way = door.ways.get("POST")
        if way is None or not way.csrf or door.acts:
            continue
        status = _ask(world, "owner", "POST", door.path(world.ours), csrf=True).status_code
        if status != 403:
            wrong.append((door.route, status))
    assert (wrong, before.since()) == ([], [])
