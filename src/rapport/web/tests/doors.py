"""Every address of Rapport, whom each of its methods lets in, and a request that would do what it is for.

The tests compare it with the addresses that there are: one that is not here fails them.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.utils import timezone

from rapport.inbox.actions import close_case, link_cases, merge_cases, split_case
from rapport.inbox.actions.bulk import Pick
from rapport.inbox.actions.bulk_work import set_priorities
from rapport.inbox.actions.handover import delete_team
from rapport.inbox.actions.people import add_contact_note, merge_contacts
from rapport.inbox.saved import create_view
from rapport.networks.webform.tokens import form_token
from rapport.outbox.actions import reply
from rapport.outbox.models import Outgoing, OutgoingState, Verb
from rapport.staff.models import Membership, Role
from rapport.staff.permissions import Permission as Can
from rapport.web.tests.doors_aids import AIDS
from rapport.web.tests.doors_alerts import ALERTS
from rapport.web.tests.doors_mentions import MENTIONS
from rapport.web.tests.doors_notices import NOTICES
from rapport.web.tests.doors_queries import QUERIES
from rapport.web.tests.doors_sources import SOURCES
from rapport.web.tests.doors_ways import (
    NO_LOGIN,
    Door,
    Form,
    Way,
    anybody,
    anywhere,
    login,
    of,
    only_with_a_key,
    who_may,
)
from rapport.web.tests.doors_world import Site


# Forms that need something to have happened ------------------------------------------------------------
def _queued(site: Site, **changed: object) -> Form:
    made = reply(
        actor=site.admin, case_id=site.case.id, text="Soon.", visibility="public", in_reply_to_id=None,
        form_key=uuid.uuid4(),
    )  # fmt: skip
    Outgoing.objects.filter(id=made.id).update(**{"not_before": timezone.now(), **changed})
    return {"outgoing": made.id}


def _scheduled(site: Site) -> Form:
    at = timezone.now() + timedelta(days=1)
    return {**_queued(site, scheduled_for=at, not_before=at), "what": "now"}


def _merged(site: Site) -> Form:
    merge_cases(actor=site.admin, case_id=site.case.id, other_id=site.second.id)
    return {"other": site.second.id}


def _linked(site: Site) -> Form:
    link_cases(actor=site.admin, case_id=site.case.id, other_id=site.second.id)
    return {"other": site.second.id}


def _halved(site: Site) -> Form:
    made = split_case(actor=site.admin, case_id=site.case.id, message_id=site.later.id)
    return {"other": made.id}


def _closed(site: Site) -> Form:
    close_case(actor=site.admin, case_id=site.case.id, reason="spam")
    return {}


def _noted(site: Site) -> Form:
    note = add_contact_note(actor=site.admin, case_id=site.case.id, text="Likes tea.")
    return {"note": note.id, "kept": ""}


def _one_person(site: Site) -> Form:
    gone = site.else_case.contact_id
    merge_contacts(actor=site.admin, case_id=site.case.id, other_case_id=site.else_case.id)
    return {"contact": gone}


def _ended(site: Site) -> Form:
    site.target.is_active = False
    site.target.save(update_fields=["is_active"])
    return {}


def _undo_path(site: Site) -> str:
    return f"/people/undo/{delete_team(actor=site.admin, team_id=site.team.id).reversal.pk}/"


def _bulk_undo_path(site: Site) -> str:
    done = set_priorities(actor=site.admin, picks=[Pick(site.case.id, None)], priority=4)
    return f"/desk/undo/{done.act_id}/"


def _view_path(site: Site) -> str:
    saved = create_view(actor=site.admin, name="Mine", view="all", filters={})
    return f"/desk/views/{saved.pk}/delete/"


def _reply(site: Site) -> Form:
    return {
        "text": "We look.", "visibility": "public", "in_reply_to": site.message.id, "form_key": uuid.uuid4(),
    }  # fmt: skip


def _sent(site: Site) -> Form:
    return {
        "token": form_token(f"contact:{site.form.id}", now=timezone.now().timestamp() - 60),
        "name": "Ana", "email": "ana@example.com", "subject": "Bag", "message": "Where is it?",
    }  # fmt: skip


def _letter(site: Site) -> Form:
    return {
        "key": str(uuid.uuid4()), "brand": site.brand.slug, "way": "letter", "name": "Josip", "address": "Ilica 1",
        "date": timezone.localdate().isoformat(), "text": "The kettle leaks.",
    }  # fmt: skip


def _member(site: Site) -> Form:
    Membership.objects.get_or_create(user=site.target, brand=site.brand, defaults={"role": Role.AGENT})
    return {"brand": site.brand.id, "role": "lead"}


# The addresses -----------------------------------------------------------------------------------------
def _case(action: str, permission: Can, form: Callable[[Site], Form] = lambda site: {}, **more: Any) -> Door:
    """What is done to a case: read, its address leads to the case."""
    return Door(
        f"desk/<slug:view>/case/<int:case_id>/{action}/",
        lambda site: f"/desk/all/case/{site.case.id}/{action}/",
        {"GET": login(ok=(302,)), "POST": of(permission, form, **more)},
        f"/desk/all/case/999999/{action}/",
    )


def _read(route: str, way: Way, path: Callable[[Site], str] | None = None, ghost: str = "") -> Door:
    return Door(route, path or (lambda site: f"/{route}"), {"GET": way}, ghost)


def _write(route: str, way: Way, path: Callable[[Site], str] | None = None, ghost: str = "") -> Door:
    return Door(route, path or (lambda site: f"/{route}"), {"POST": way}, ghost)


def _person(action: str, way: Way, *, read: Way | None = None) -> Door:
    ways = {"POST": way} if read is None else {"GET": read, "POST": way}
    return Door(
        f"people/<int:person_id>/{action}/",
        lambda site: f"/people/{site.target.id}/{action}/",
        ways,
        f"/people/999999/{action}/",
    )


def _channel(action: str, way: Way) -> Door:
    method = "GET" if action == "past" else "POST"
    return Door(
        f"channels/<int:channel_id>/{action}/",
        lambda site: f"/channels/{site.channel.id}/{action}/",
        {method: way},
        f"/channels/999999/{action}/",
    )


def _api(route: str, **methods: Way) -> Door:
    path = route.replace("<str:handle>", "aerofan").replace("<int:pk>", "1")
    return Door(f"practice/api/v1/{route}", lambda site: f"/practice/api/v1/{path}",
                methods or {"GET": only_with_a_key(401)}, shared=True)  # fmt: skip


def _practice(route: str, ways: dict[str, Way], path: Callable[[Site], str], ghost: str = "") -> Door:
    return Door(f"practice/{route}", path, ways, ghost, shared=True)


_KEY = only_with_a_key(401)
_HOOK = only_with_a_key(400, 401, 404, 405)
_UNKNOWN = "/webform/thread/nonsense/"

DOORS: list[Door] = [
    *NOTICES,
    *MENTIONS,
    *ALERTS,
    *AIDS,
    *SOURCES,
    *QUERIES,
    _read("", anybody(ok=(302,))),
    _read("healthz", anybody()),
    Door("login/", lambda site: "/login/", {"GET": anybody(), "POST": anybody(ok=(200, 302))}),
    _write("logout/", anybody()),
    Door("account/", lambda site: "/account/", {"GET": login(), "POST": login(ok=(200, 422))}),
    _write("account/language/", anybody(lambda site: {"language": "hr"})),
    _write("account/look/", login(lambda site: {"theme": "dark"})),
    _write("account/profile/", login(lambda site: {"name": "Mara", "initials": "M", "time_zone": "UTC"})),
    _write("account/picture/", login(lambda site: {"remove": "1"})),
    _write("account/signatures/", login(lambda site: {f"initials-{site.brand.id}": "QQ"}, ok=(302, 422))),
    _write("account/availability/", login(lambda site: {"away": "yes"})),
    _write("account/logins/", login(lambda site: {"device": "others"})),
    Door("keys/", lambda site: "/keys/", {"GET": login(), "POST": login(lambda site: {"key-assign": "q"})}),
    _read("styleguide/", login()),
    _read("palette/", login(), lambda site: f"/palette/?q={site.case.id}"),
    Door("hooks/<slug:network>/<int:channel_id>", lambda site: f"/hooks/practice/{site.channel.id}",
         {"GET": _HOOK, "POST": _HOOK}),
    Door("hooks/<slug:network>", lambda site: "/hooks/practice", {"GET": _HOOK, "POST": _HOOK}),
    Door("hooks/<slug:network>/", lambda site: "/hooks/practice/", {"GET": _HOOK, "POST": _HOOK}),
    _read("live/", login(no_login=(401,))),
    Door("webform/<int:channel_id>/", lambda site: f"/webform/{site.form.id}/",
         {"GET": anybody(), "POST": anybody(_sent, ok=(303,), csrf=False)}, "/webform/999999/"),
    Door("webform/thread/<str:token>/", lambda site: _UNKNOWN,
         {"GET": anybody(ok=(404,)), "POST": anybody(ok=(404,), csrf=False)}),
    _read("webform/thread/<str:token>/file/<int:file_id>/", anybody(ok=(404,)),
          lambda site: f"{_UNKNOWN}file/{site.file_id}/"),
    Door("desk/new/", lambda site: "/desk/new/", {
        "GET": anywhere(Can.REPLY), "POST": of(Can.REPLY, _letter, absent=(403, 422), ok=(302,), crossed=True)}),
    _read("search/", login()),
    _read("search/complete/", login(), lambda site: "/search/complete/?q=from:a"),
    _read("desk/", login()),
    # Of what was picked only what one may work on is changed; the answer says how many were not.
    _write("desk/<slug:view>/bulk/", of(Can.WORK_CASES, lambda site: {"do": "priority:4", "pick": site.case.id},
                                        refused=302, absent=302), lambda site: "/desk/all/bulk/"),
    Door("desk/undo/<int:act_id>/", _bulk_undo_path, {"POST": Way({"admin"}, refused=404)}, "/desk/undo/999999/",
         acts=True),
    _read("desk/views/", login()),
    _write("desk/views/new/<slug:view>/", login(lambda site: {"name": "Late"}), lambda site: "/desk/views/new/all/"),
    Door("desk/views/<int:view_id>/<slug:what>/", _view_path, {"POST": Way({"admin"}, refused=404)},
         "/desk/views/999999/delete/", acts=True),
    _read("desk/<slug:view>/", login(), lambda site: "/desk/unassigned/"),
    _read("desk/<slug:view>/case/<int:case_id>/", of(Can.VIEW_CASES), lambda site: f"/desk/all/case/{site.case.id}/",
          "/desk/all/case/999999/"),
    _case("seen", Can.VIEW_CASES, lambda site: {"until": site.message.id}, ok=(204,)),
    _case("draft", Can.REPLY, lambda site: {"field": "reply", "text": "Dear"}),
    _case("draft/use", Can.REPLY, lambda site: {"aside": 999999}, ok=(404, 422)),
    _case("draft/drop", Can.REPLY, lambda site: {"aside": 999999}, ok=(404, 422)),
    _case("follow", Can.VIEW_CASES, lambda site: {"following": "1"}),
    _case("looking", Can.VIEW_CASES, lambda site: {"screen": "abcdefghij"}),
    _case("hand", Can.WORK_CASES, lambda site: {"to": f"person-{site.target.id}", "hand_note": "Yours."}, crossed=True),
    _case("handed", Can.VIEW_CASES, lambda site: {"handover": 999999}, ok=(404,)),
    _case("merge", Can.WORK_CASES, lambda site: {"other": site.second.id}, crossed=True),
    _case("part", Can.WORK_CASES, _merged, crossed=True),
    _case("split", Can.WORK_CASES, lambda site: {"message": site.later.id}, crossed=True),
    _case("unsplit", Can.WORK_CASES, _halved, crossed=True),
    _case("link", Can.WORK_CASES, lambda site: {"other": site.second.id}, crossed=True),
    _case("unlink", Can.WORK_CASES, _linked, crossed=True),
    _case("person/name", Can.WORK_CASES, lambda site: {"name": "Anna"}),
    _case("person/attribute", Can.WORK_CASES, lambda site: {"name": "Airport", "value": "ZAG"}),
    _case("person/note", Can.NOTE, lambda site: {"text": "Likes tea."}),
    _case("person/note/keep", Can.NOTE, _noted, crossed=True),
    _case("person/same", Can.WORK_CASES, lambda site: {"other": site.else_case.id}, crossed=True),
    _case("person/part", Can.WORK_CASES, _one_person, crossed=True),
    _case("person/split", Can.WORK_CASES, lambda site: {"identity": site.message.identity_id}, crossed=True,
          ok=(200, 302, 409)),
    _case("assign", Can.WORK_CASES, lambda site: {"assignee": site.target.id}, crossed=True),
    _case("priority", Can.WORK_CASES, lambda site: {"priority": 4}),
    _case("tag", Can.WORK_CASES, lambda site: {"name": "bags"}),
    _case("untag", Can.WORK_CASES, lambda site: {"tag": site.tag.id}),
    _case("snooze", Can.WORK_CASES, lambda site: {"until": "hour"}),
    _case("close", Can.WORK_CASES, lambda site: {"reason": "spam"}),
    _case("reopen", Can.WORK_CASES, _closed),
    _case("note", Can.NOTE, lambda site: {"note": "Ask again."}),
    _case("reply", Can.REPLY, _reply, crossed=True),
    _case("undo", Can.REPLY, _queued, crossed=True),
    _case("retry", Can.REPLY, lambda site: _queued(site, state=OutgoingState.FAILED, error="No."), crossed=True),
    _case("later", Can.REPLY, _scheduled, crossed=True),
    _case("dismiss", Can.REPLY, lambda site: _queued(site, state=OutgoingState.FAILED, error="No.", verb=Verb.EDIT,
                                                   target=site.own), crossed=True),
    _case("length", Can.REPLY, lambda site: {"text": "words"}),
    _case("edit", Can.REPLY, lambda site: {"message": site.own.id, "text": "Other words."}, crossed=True),
    _case("delete", Can.REPLY, lambda site: {"message": site.own.id}, crossed=True),
    _read("media/<int:file_id>/", Way(who_may(Can.VIEW_CASES), refused=404), lambda site: f"/media/{site.file_id}/",
          "/media/999999/"),
    _read("figures/", login()),
    _read("channels/", login()),
    _read("channels/connect/", anywhere(Can.MANAGE_CHANNELS)),
    Door("channels/connect/<slug:network>/", lambda site: f"/channels/connect/webform/?brand={site.brand.slug}", {
        "GET": of(Can.MANAGE_CHANNELS, absent=(403, 404)),
        "POST": of(Can.MANAGE_CHANNELS, ok=(422,), absent=(403, 404))}, "/channels/connect/nowhere/"),
    _read("channels/connect/<slug:network>/back/", login(ok=(404,)), lambda site: "/channels/connect/webform/back/"),
    Door("channels/connect/<slug:network>/<uuid:pending_id>/",
         lambda site: f"/channels/connect/webform/{site.pending.pk}/",
         {"GET": login(ok=(404,)), "POST": login(ok=(404,))}),
    _read("channels/<int:channel_id>/", of(Can.VIEW_CASES), lambda site: f"/channels/{site.channel.id}/",
          "/channels/999999/"),
    _channel("options", of(Can.MANAGE_CHANNELS, lambda site: {"role": "support", "signature": "name"})),
    _channel("rotate", of(Can.MANAGE_CHANNELS, lambda site: {"name": "webhook_secret"}, ok=(302, 422))),
    _channel("past", of(Can.VIEW_CASES)),
    _channel("past/fetch", of(Can.MANAGE_CHANNELS, lambda site: {"since": "2026-01-02"}, ok=(302, 422))),
    Door("channels/<int:channel_id>/<slug:what>/", lambda site: f"/channels/{site.channel.id}/pause/",
         {"POST": of(Can.MANAGE_CHANNELS)}, "/channels/999999/pause/"),
    Door("brands/<slug:slug>/reasons/", lambda site: f"/brands/{site.brand.slug}/reasons/", {
        "GET": of(Can.MANAGE_CHANNELS), "POST": of(Can.MANAGE_CHANNELS, lambda site: {"label": "Sold out"})},
        "/brands/nowhere/reasons/"),
    _read("brands/<slug:slug>/profiles/", of(Can.VIEW_CASES), lambda site: f"/brands/{site.brand.slug}/profiles/",
          "/brands/nowhere/profiles/"),
    _write("brands/<slug:slug>/profiles/read/", of(Can.MANAGE_CHANNELS),
           lambda site: f"/brands/{site.brand.slug}/profiles/read/", "/brands/nowhere/profiles/read/"),
    _write("brands/<slug:slug>/profiles/write/",
           of(Can.MANAGE_CHANNELS, lambda site: {"name": "Aero", "channel": site.channel.id}, ok=(302, 422),
              crossed=True),
           lambda site: f"/brands/{site.brand.slug}/profiles/write/", "/brands/nowhere/profiles/write/"),
    _read("people/", login()),
    _read("people/permissions/", login()),
    _read("people/teams/", login()),
    _write("people/teams/new/", of(Can.MANAGE_TEAM, lambda site: {"name": "Day", "brand": site.brand.id}, crossed=True)),
    Door("people/teams/<int:team_id>/", lambda site: f"/people/teams/{site.team.id}/", {
        "GET": of(Can.MANAGE_TEAM),
        "POST": of(Can.MANAGE_TEAM, lambda site: {"name": "Owls", "member": site.target.id, "channel": site.channel.id},
                   crossed=True)}, "/people/teams/999999/"),
    _write("people/teams/<int:team_id>/delete/", of(Can.MANAGE_TEAM),
           lambda site: f"/people/teams/{site.team.id}/delete/", "/people/teams/999999/delete/"),
    Door("people/invitations/", lambda site: "/people/invitations/", {
        "GET": login(),
        "POST": of(Can.MANAGE_TEAM, lambda site: {"brand": site.brand.id, "email": "one@example.com", "role": "agent"},
                   crossed=True)}),
    _write("people/invitations/<int:invitation_id>/renew/", of(Can.MANAGE_TEAM),
           lambda site: f"/people/invitations/{site.invited.invitation.pk}/renew/",
           "/people/invitations/999999/renew/"),
    _write("people/invitations/<int:invitation_id>/revoke/", of(Can.MANAGE_TEAM),
           lambda site: f"/people/invitations/{site.invited.invitation.pk}/revoke/",
           "/people/invitations/999999/revoke/"),
    Door("people/undo/<int:reversal_id>/", _undo_path, {"POST": Way({"admin"}, refused=404)}, "/people/undo/999999/",
         acts=True),
    _read("people/<int:person_id>/", of(Can.VIEW_CASES), lambda site: f"/people/{site.target.id}/", "/people/999999/"),
    _person("role", of(Can.MANAGE_TEAM, _member, crossed=True)),
    _person("leave", of(Can.MANAGE_TEAM), read=of(Can.VIEW_CASES)),
    _person("reactivate", Way(who_may(Can.MANAGE_TEAM), _ended, refused=404)),
    _person("sign-out", of(Can.MANAGE_TEAM)),
    _person("owner", Way({"owner"}, lambda site: {"owner": "yes"})),
    _read("people/<int:person_id>/picture/", login(ok=(404,)), lambda site: f"/people/{site.target.id}/picture/"),
    Door("invitation/<str:token>/", lambda site: f"/invitation/{site.invited.token}/", {
        "GET": anybody(),
        "POST": Way(NO_LOGIN, lambda site: {"name": "Mia Marin", "password": "a long enough password"}, absent=403)},
        "/invitation/nonsense/", shared=True),  # it says which brand one is invited to
    _read("parked/", anywhere(Can.REPLAY_EVENTS)),
    _write("parked/replay/", Way(who_may(Can.REPLAY_EVENTS), lambda site: {"event": site.raw.id}, absent=(403, 422),
                                 crossed=True)),
    _read("bluesky/oauth-client.json", anybody(ok=(200, 400)), lambda site: "/bluesky/oauth-client.json?back=/there"),
    _api("accounts/me"),
    _api("accounts/me/posts"),
    _api("accounts/<str:handle>"),
    _api("posts", POST=_KEY),
    _api("posts/<int:pk>", GET=_KEY, PATCH=_KEY, DELETE=_KEY),
    _api("posts/<int:pk>/thread"),
    _api("posts/<int:pk>/repost", POST=_KEY),
    _api("posts/<int:pk>/read", POST=_KEY),
    _api("events"),
    _api("subscriptions", GET=_KEY, POST=_KEY),
    _api("subscriptions/<int:pk>", DELETE=_KEY),
    _api("chaos", GET=_KEY, PATCH=_KEY),
    _practice("", {"GET": login()}, lambda site: "/practice/"),
    _practice("new", {"POST": login(lambda site: {"author": site.post.author_id, "text": "Hello"})},
              lambda site: "/practice/new"),
    _practice("posts/<int:pk>", {"GET": login()}, lambda site: f"/practice/posts/{site.post.pk}",
              "/practice/posts/999999"),
    _practice("posts/<int:pk>/change", {"POST": login(lambda site: {"act": "edit", "text": "Other"})},
              lambda site: f"/practice/posts/{site.post.pk}/change", "/practice/posts/999999/change"),
    _practice("files/<int:pk>", {"GET": login(ok=(404,))}, lambda site: "/practice/files/999999"),
    _practice("messages", {"GET": login()}, lambda site: "/practice/messages"),
    _practice("messages/<slug:conversation>", {"GET": login(ok=(404,))}, lambda site: "/practice/messages/none"),
    _practice("weather", {"GET": Way({"owner"}, absent=403), "POST": Way({"owner"}, absent=403)},
              lambda site: "/practice/weather"),
    _practice(r"^@(?P<handle>[A-Za-z0-9_.]+)$", {"GET": login()}, lambda site: f"/practice/@{site.post.author.handle}",
              "/practice/@nobody_at_all"),
]  # fmt: skip
