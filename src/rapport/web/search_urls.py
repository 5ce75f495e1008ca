"""The addresses of search's help."""

from __future__ import annotations

from django.urls import path

from rapport.web.views import search

urlpatterns = [
    path("search/", search.search_help, name="search-help"),
    path("search/complete/", search.complete, name="search-complete"),
]
