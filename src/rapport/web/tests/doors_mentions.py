"""The addresses of mentions, and of what leads decide about them, as ``doors.py`` lists them."""

from __future__ import annotations

from rapport.mentions.acts import Pick, mark_seen
from rapport.mentions.case_rules import Asked, save_rule
from rapport.mentions.models import CaseRule, Mention, MuteKind
from rapport.mentions.muting import add_mute
from rapport.mentions.partners import add_partner
from rapport.mentions.tests.made import make_mention, make_post
from rapport.staff.permissions import Permission as Can
from rapport.web.tests.doors_ways import Door, Form, Way, login, of
from rapport.web.tests.doors_world import Site


def _mention(site: Site) -> Mention:
    return make_mention(site.brand, make_post(f"Words of {site.brand.slug}", network=site.channel.network))


def _rule(site: Site) -> CaseRule:
    asked = Asked(name=f"Rule of {site.brand.slug}", langs=["en"])
    return save_rule(user=site.admin, brand_id=site.brand.id, asked=asked)


def _done_path(site: Site) -> str:
    done = mark_seen(user=site.admin, picks=[Pick(_mention(site).id)])
    return f"/mentions/undo/{done.act_id}/"


def _mute_path(site: Site) -> str:
    mute = add_mute(
        user=site.admin, brand_id=site.brand.id, kind=MuteKind.WORD, value=f"{site.brand.slug} words"
    )
    return f"/listening/mutes/{mute.pk}/remove/"


def _partner_path(site: Site) -> str:
    partner = add_partner(user=site.admin, brand_id=site.brand.id, handle=f"{site.brand.slug}-shop")
    return f"/listening/left-out/{partner.pk}/remove/"


def _picked(site: Site) -> Form:
    return {"do": "seen", "pick": f"{_mention(site).id}:1"}


_NEW = {"name": "Bags", "lang": "en"}

MENTIONS: list[Door] = [
    Door("mentions/", lambda site: "/mentions/", {"GET": login()}),
    # Of what was picked only what one may handle is changed; the answer says how many were not.
    Door("mentions/act/", lambda site: "/mentions/act/", {
        "POST": of(Can.WORK_CASES, _picked, refused=302, absent=302)}),
    Door("mentions/undo/<int:act_id>/", _done_path, {"POST": Way({"admin"}, refused=404)}, "/mentions/undo/999999/",
         acts=True),
    Door("mentions/<int:mention_id>/", lambda site: f"/mentions/{_mention(site).id}/", {"GET": of(Can.VIEW_CASES)},
         "/mentions/999999/", acts=True),
    Door("mentions/<int:mention_id>/case/", lambda site: f"/mentions/{_mention(site).id}/case/", {
        "GET": login(ok=(302,)), "POST": of(Can.WORK_CASES)}, "/mentions/999999/case/", acts=True),
    Door("listening/mutes/", lambda site: "/listening/mutes/", {
        "GET": login(),
        "POST": of(Can.MANAGE_LISTENING, lambda site: {"brand": site.brand.id, "kind": "word", "value": "win"})}),
    Door("listening/mutes/<int:mute_id>/remove/", _mute_path, {"POST": of(Can.MANAGE_LISTENING)},
         "/listening/mutes/999999/remove/", acts=True),
    Door("listening/left-out/", lambda site: "/listening/left-out/", {
        "GET": login(),
        "POST": of(Can.MANAGE_LISTENING, lambda site: {"brand": site.brand.id, "handle": "shop"})}),
    Door("listening/left-out/<int:partner_id>/remove/", _partner_path, {"POST": of(Can.MANAGE_LISTENING)},
         "/listening/left-out/999999/remove/", acts=True),
    Door("listening/rules/", lambda site: "/listening/rules/", {"GET": login()}),
    Door("listening/rules/new/", lambda site: f"/listening/rules/new/?brand={site.brand.slug}", {
        "GET": of(Can.MANAGE_LISTENING),
        "POST": of(Can.MANAGE_LISTENING, lambda site: {**_NEW, "brand": site.brand.slug})}),
    Door("listening/rules/<int:rule_id>/", lambda site: f"/listening/rules/{_rule(site).pk}/", {
        "GET": of(Can.MANAGE_LISTENING), "POST": of(Can.MANAGE_LISTENING, lambda site: dict(_NEW))},
        "/listening/rules/999999/", acts=True),
    Door("listening/rules/<int:rule_id>/<slug:what>/", lambda site: f"/listening/rules/{_rule(site).pk}/pause/", {
        "POST": of(Can.MANAGE_LISTENING)}, "/listening/rules/999999/pause/", acts=True),
    Door("listening/voice/", lambda site: "/listening/voice/", {"GET": login()}),
]  # fmt: skip
