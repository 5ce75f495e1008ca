"""The addresses of the desk and the pages beside it."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import include, path

from rapport.web.views import (
    account,
    case,
    channels,
    desk,
    events,
    figures,
    health,
    hooks,
    keys,
    live,
    media,
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
    path("parked/", events.parked, name="parked"),
    path("parked/replay/", events.replay, name="parked-replay"),
]
