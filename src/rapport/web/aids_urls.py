"""The addresses of what helps to write: saved replies, and what is completed as one types."""

from __future__ import annotations

from django.urls import path

from rapport.web.views import aids, saved_replies

urlpatterns = [
    path("replies/", saved_replies.replies, name="saved-replies"),
    path("replies/new/", saved_replies.new, name="saved-reply-new"),
    path("replies/<int:reply_id>/", saved_replies.reply, name="saved-reply"),
    path("replies/<int:reply_id>/delete/", saved_replies.delete, name="saved-reply-delete"),
    path("replies/<int:reply_id>/restore/", saved_replies.restore, name="saved-reply-restore"),
    path("aids/<int:case_id>/replies/", aids.replies, name="aid-replies"),
    path("aids/<int:case_id>/used/", aids.used, name="aid-used"),
    path("aids/<int:case_id>/people/", aids.people, name="aid-people"),
    path("aids/<int:case_id>/hashtags/", aids.hashtags, name="aid-hashtags"),
    path("aids/<int:case_id>/colleagues/", aids.colleagues, name="aid-colleagues"),
]
