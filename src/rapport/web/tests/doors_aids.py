"""The addresses of what helps to write and to begin, as ``doors.py`` lists them."""

from __future__ import annotations

from collections.abc import Callable

from rapport.channels.brand_settings import mark_of
from rapport.outbox.models import SavedReply
from rapport.outbox.saved_replies import Content, create_reply, delete_reply
from rapport.staff.permissions import Permission as Can
from rapport.web.tests.doors_ways import Door, Form, Way, anywhere, login, of
from rapport.web.tests.doors_world import Site

_WRITTEN = {
    "name": "Late",
    "shortcut": "late",
    "language": "",
    "text": "Soon, {{customer.name}}.",
    "version": 1,
}


def _shared(site: Site) -> SavedReply:
    content = Content(name="Refund", texts={"": "It is on its way."})
    return create_reply(actor=site.admin, content=content, brand_id=site.brand.id)


def _deleted(site: Site) -> str:
    return f"/replies/{delete_reply(actor=site.admin, reply_id=_shared(site).id).pk}/restore/"


def _use(site: Site) -> Form:
    return {"reply": _shared(site).id}


def _reply(action: str, ways: dict[str, Way], path: Callable[[Site], str] | None = None) -> Door:
    return Door(
        f"replies/<int:reply_id>/{action}",
        path or (lambda site: f"/replies/{_shared(site).pk}/{action}"),
        ways,
        f"/replies/999999/{action}",
        acts=True,
    )


def _aid(what: str, way: Way, method: str = "GET") -> Door:
    return Door(
        f"aids/<int:case_id>/{what}/",
        lambda site: f"/aids/{site.case.id}/{what}/" + ("?q=a" if method == "GET" else ""),
        {method: way},
        f"/aids/999999/{what}/",
    )


AIDS: list[Door] = [
    Door("replies/", lambda site: "/replies/?q=late", {"GET": login()}),
    Door("replies/new/", lambda site: "/replies/new/", {
        "GET": login(),
        "POST": of(Can.SHARE_REPLIES, lambda site: {**_WRITTEN, "brand": site.brand.id}, crossed=True)}),
    _reply("", {"GET": of(Can.SHARE_REPLIES), "POST": of(Can.SHARE_REPLIES, lambda site: _WRITTEN)}),
    _reply("delete/", {"POST": of(Can.SHARE_REPLIES)}),
    _reply("restore/", {"POST": of(Can.SHARE_REPLIES)}, _deleted),
    _aid("replies", of(Can.REPLY)),
    _aid("used", of(Can.REPLY, _use, ok=(204,), crossed=True), "POST"),
    _aid("people", of(Can.REPLY)),
    _aid("hashtags", of(Can.REPLY)),
    _aid("colleagues", of(Can.NOTE)),
    Door("start/", lambda site: "/start/", {"GET": anywhere(Can.MANAGE_CHANNELS)}),
    Door("start/brand/", lambda site: "/start/brand/", {
        "POST": Way({"owner"}, lambda site: {"name": "Third", "time_zone": "UTC"}, absent=403)}),
    Door("brands/", lambda site: "/brands/", {"GET": anywhere(Can.MANAGE_CHANNELS)}),
    Door("brands/new/", lambda site: "/brands/new/", {
        "GET": Way({"owner"}, absent=403),
        "POST": Way({"owner"}, lambda site: {"name": "Fourth", "time_zone": "UTC"}, absent=403)}),
    Door("brands/<slug:slug>/settings/", lambda site: f"/brands/{site.brand.slug}/settings/", {
        "GET": of(Can.MANAGE_CHANNELS),
        "POST": of(Can.MANAGE_CHANNELS, lambda site: {
            "name": "Aero Two", "time_zone": "UTC", "mark": mark_of(site.brand)})},
        "/brands/nowhere/settings/"),
    Door("start/away/", lambda site: "/start/away/", {"POST": anywhere(Can.MANAGE_CHANNELS)}),
    Door("start/practice/", lambda site: "/start/practice/", {
        "POST": of(Can.MANAGE_CHANNELS, lambda site: {"brand": site.brand.id}, crossed=True)}),
]  # fmt: skip
