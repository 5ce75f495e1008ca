"""The addresses of brands and their settings."""

from __future__ import annotations

from django.urls import path

from rapport.web.views import brands

urlpatterns = [
    path("brands/", brands.brands, name="brands"),
    path("brands/new/", brands.new, name="brand-new"),
    path("brands/<slug:slug>/settings/", brands.brand, name="brand"),
]
