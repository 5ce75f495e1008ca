"""Where agents enter letters and calls, under ``/desk/new/``."""

from __future__ import annotations

from django.urls import path

from rapport.web.views import letters

urlpatterns = [path("", letters.new, name="letter-new")]
