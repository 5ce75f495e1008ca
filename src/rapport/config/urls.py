"""Every address of Rapport."""

from __future__ import annotations

from django.urls import include, path

from rapport.networks.registry import url_modules

urlpatterns = [
    path("", include("rapport.web.urls")),
    *(path(f"{name}/", include(module)) for name, module in url_modules().items()),
]
