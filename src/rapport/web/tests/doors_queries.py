"""The addresses of saved queries, as ``doors.py`` lists them."""

from __future__ import annotations

from collections.abc import Callable

from rapport.mentions.models import Query
from rapport.mentions.saving import delete_query, mark_of, save_query
from rapport.staff.permissions import Permission as Can
from rapport.web.tests.doors_ways import Door, Form, Way, anywhere, login, of
from rapport.web.tests.doors_world import Site

_WRITTEN = {"name": "Bags", "kind": "brand", "text": "bag OR seat"}


def _saved(site: Site) -> Query:
    found = Query.objects.filter(brand=site.brand).first()
    return found or save_query(
        user=site.admin, brand_id=site.brand.id, name="Seats", text=f"{site.brand.slug} seat", kind="brand"
    )


def _changed(site: Site) -> Form:
    return {**_WRITTEN, "mark": mark_of(_saved(site))}


def _version(site: Site) -> Form:
    return {"number": 1, "mark": mark_of(_saved(site))}


def _deleted(site: Site) -> str:
    return f"/listening/{delete_query(user=site.admin, query_id=_saved(site).pk).pk}/restore/"


def _query(
    action: str, ways: dict[str, Way], path: Callable[[Site], str] | None = None, route: str = ""
) -> Door:
    return Door(
        f"listening/<int:query_id>/{route or action}",
        path or (lambda site: f"/listening/{_saved(site).pk}/{action}"),
        ways,
        f"/listening/999999/{action}",
        acts=True,
    )


QUERIES: list[Door] = [
    Door("listening/", lambda site: "/listening/", {"GET": login()}),
    Door("listening/new/", lambda site: "/listening/new/", {
        "GET": anywhere(Can.MANAGE_LISTENING),
        "POST": of(Can.MANAGE_LISTENING, lambda site: {**_WRITTEN, "brand": site.brand.id}, crossed=True,
                   absent=(403, 404))}),
    Door("listening/check/", lambda site: "/listening/check/", {
        "POST": anywhere(Can.MANAGE_LISTENING, lambda site: {"text": "bag"})}),
    Door("listening/build/", lambda site: "/listening/build/", {
        "POST": anywhere(Can.MANAGE_LISTENING, lambda site: {"group-mode": "any", "group-words": "bag"})}),
    Door("listening/examples/", lambda site: "/listening/examples/", {
        "POST": anywhere(Can.MANAGE_LISTENING, lambda site: {"text": "bag"})}),
    Door("listening/preview/", lambda site: "/listening/preview/", {
        "POST": anywhere(Can.MANAGE_LISTENING, lambda site: {"text": "bag"})}),
    _query("", {"GET": of(Can.VIEW_CASES), "POST": of(Can.MANAGE_LISTENING, _changed)}),
    _query("versions/", {"GET": of(Can.VIEW_CASES), "POST": of(Can.MANAGE_LISTENING, _version)}),
    _query("restore/", {"POST": of(Can.MANAGE_LISTENING)}, _deleted, "<slug:what>/"),
]  # fmt: skip
