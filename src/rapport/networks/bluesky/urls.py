"""Addresses under ``/bluesky/``."""

from __future__ import annotations

from django.urls import path

from rapport.networks.bluesky import pages

app_name = "bluesky"

urlpatterns = [path("oauth-client.json", pages.oauth_client, name="oauth-client")]
