"""The addresses of the stream of mentions, and of what leads decide about it."""

from __future__ import annotations

from django.urls import path

from rapport.web.mentions import managing, partners, views

urlpatterns = [
    path("mentions/", views.mentions, name="mentions"),
    path("mentions/act/", views.act, name="mention-act"),
    path("mentions/undo/<int:act_id>/", views.undo_act, name="mention-undo"),
    path("mentions/<int:mention_id>/", views.mentions, name="mention"),
    path("mentions/<int:mention_id>/case/", views.case, name="mention-case"),
    path("listening/mutes/", managing.mutes, name="mutes"),
    path("listening/mutes/<int:mute_id>/remove/", managing.unmute, name="mute-remove"),
    path("listening/left-out/", partners.accounts, name="left-out"),
    path("listening/left-out/<int:partner_id>/remove/", partners.remove, name="left-out-remove"),
    path("listening/rules/", managing.rules, name="case-rules"),
    path("listening/rules/new/", managing.rule, name="case-rule-new"),
    path("listening/rules/<int:rule_id>/", managing.rule, name="case-rule"),
    path("listening/rules/<int:rule_id>/<slug:what>/", managing.rule_act, name="case-rule-act"),
    path("listening/voice/", managing.voice, name="voice"),
]
