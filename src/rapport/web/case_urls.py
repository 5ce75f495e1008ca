"""Addresses about one case: how far it was read, and the case work."""

from __future__ import annotations

from django.urls import path

from rapport.web.views import casework, thread

urlpatterns = [
    path("seen/", thread.seen, name="case-seen"),
    path("merge/", casework.merge, name="case-merge"),
    path("part/", casework.part, name="case-part"),
    path("split/", casework.split, name="case-split"),
    path("unsplit/", casework.unsplit, name="case-unsplit"),
    path("link/", casework.link, name="case-link"),
    path("unlink/", casework.unlink, name="case-unlink"),
]
