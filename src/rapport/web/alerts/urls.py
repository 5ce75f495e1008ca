"""The addresses of alerts, under ``listening/``."""

from __future__ import annotations

from django.urls import path

from rapport.web.alerts import views

urlpatterns = [
    path("listening/alerts/", views.alerts, name="alerts"),
    path("listening/alerts/settings/<slug:slug>/", views.settings_page, name="alert-settings"),
    path("listening/alerts/<int:alert_id>/", views.alert, name="alert"),
]
