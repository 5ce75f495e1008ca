"""The addresses of saved queries, below ``listening/``."""

from __future__ import annotations

from django.urls import path

from rapport.web.listening import parts, views

urlpatterns = [
    path("", views.queries, name="queries"),
    path("new/", views.new, name="query-new"),
    path("check/", parts.checked, name="query-check"),
    path("build/", parts.built, name="query-build"),
    path("examples/", parts.examples, name="query-examples"),
    path("preview/", parts.previewed, name="query-preview"),
    path("<int:query_id>/", views.query, name="query"),
    path("<int:query_id>/versions/", views.versions, name="query-versions"),
    path("<int:query_id>/<slug:what>/", views.act, name="query-act"),
]
