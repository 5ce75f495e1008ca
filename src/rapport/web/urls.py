"""The addresses of the desk and the pages beside it."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import include, path

from rapport.web.views import (
    account,
    case,
    channel,
    channels,
    connect,
    desk,
    events,
    figures,
    health,
    hooks,
    keys,
    live,
    media,
    profiles,
    replies,
)

_CASE = "desk/<slug:view>/case/<int:case_id>"

urlpatterns = [
    path("", desk.home, name="home"),
    path("healthz", health.healthz, name="healthz"),
    path("login/", account.Login.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("account/", account.account, name="account"),
    path("account/language/", account.language, name="language"),
    path("account/look/", account.look, name="look"),
    path("keys/", keys.keys, name="keys"),
    path("hooks/<slug:network>/<int:channel_id>", hooks.receive, name="hook"),
    # Both ways of writing it: a network does not follow us to the other one with its body.
    path("hooks/<slug:network>", hooks.receive_for_all, name="hook-network"),
    path("hooks/<slug:network>/", hooks.receive_for_all),
    path("live/", live.live, name="live"),
    path("webform/", include("rapport.web.form_urls")),
    path("desk/", desk.desk, name="desk"),
    path("desk/<slug:view>/", desk.desk, name="desk-list"),
    path(f"{_CASE}/", desk.desk, name="desk-case"),
    path(f"{_CASE}/assign/", case.assign, name="case-assign"),
    path(f"{_CASE}/priority/", case.priority, name="case-priority"),
    path(f"{_CASE}/tag/", case.tag, name="case-tag"),
    path(f"{_CASE}/untag/", case.untag, name="case-untag"),
    path(f"{_CASE}/snooze/", case.snooze, name="case-snooze"),
    path(f"{_CASE}/close/", case.close, name="case-close"),
    path(f"{_CASE}/reopen/", case.reopen, name="case-reopen"),
    path(f"{_CASE}/note/", replies.note, name="case-note"),
    path(f"{_CASE}/reply/", replies.send, name="case-reply"),
    path(f"{_CASE}/undo/", replies.undo, name="case-undo"),
    path(f"{_CASE}/retry/", replies.retry, name="case-retry"),
    path(f"{_CASE}/length/", replies.length, name="case-length"),
    path(f"{_CASE}/edit/", replies.edit, name="case-edit"),
    path(f"{_CASE}/delete/", replies.delete, name="case-delete"),
    path("media/<int:file_id>/", media.stored_file, name="media"),
    path("figures/", figures.figures, name="figures"),
    path("channels/", channels.channels, name="channels"),
    path("channels/connect/", connect.pick, name="connect"),
    path("channels/connect/<slug:network>/", connect.guide, name="connect-network"),
    path("channels/connect/<slug:network>/back/", connect.back, name="connect-back"),
    path("channels/connect/<slug:network>/<uuid:pending_id>/", connect.step, name="connect-step"),
    path("channels/<int:channel_id>/", channel.channel, name="channel"),
    path("channels/<int:channel_id>/options/", channel.options, name="channel-options"),
    path("channels/<int:channel_id>/rotate/", channel.rotate, name="channel-rotate"),
    path("channels/<int:channel_id>/past/", channel.past, name="channel-past"),
    path("channels/<int:channel_id>/past/fetch/", channel.fetch_past, name="channel-fetch-past"),
    path("channels/<int:channel_id>/<slug:what>/", channel.act, name="channel-act"),
    path("brands/<slug:slug>/profiles/", profiles.profiles, name="profiles"),
    path("brands/<slug:slug>/profiles/read/", profiles.read, name="profiles-read"),
    path("brands/<slug:slug>/profiles/write/", profiles.write, name="profiles-write"),
    path("parked/", events.parked, name="parked"),
    path("parked/replay/", events.replay, name="parked-replay"),
]
