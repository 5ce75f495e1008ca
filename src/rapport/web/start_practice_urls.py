"""The address that connects the practice network, served while its folder is there."""

from __future__ import annotations

from django.urls import path

from rapport.web.views import start_practice

urlpatterns = [path("", start_practice.practice, name="start-practice")]
