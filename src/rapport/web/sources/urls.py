"""The addresses of sources."""

from __future__ import annotations

from django.urls import path

from rapport.web.sources import views

urlpatterns = [
    path("listening/sources/", views.sources, name="sources"),
    path("listening/sources/new/<slug:kind>/", views.new, name="source-new"),
    path("listening/sources/<int:source_id>/edit/", views.edit, name="source-edit"),
    path("listening/sources/<int:source_id>/<slug:what>/", views.act, name="source-act"),
]
