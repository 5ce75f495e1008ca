"""The addresses of the first steps."""

from __future__ import annotations

from django.urls import path

from rapport.web.views import start

urlpatterns = [
    path("start/", start.start, name="start"),
    path("start/brand/", start.brand, name="start-brand"),
    path("start/away/", start.away, name="start-away"),
]
