"""The addresses of notifications, and of the desk as an app."""

from __future__ import annotations

from django.urls import path

from rapport.web.views import notices, pwa

urlpatterns = [
    path("notices/", notices.notices, name="notices"),
    path("notices/bell/", notices.bell, name="notices-bell"),
    path("notices/read/", notices.read, name="notices-read"),
    path("notices/unread/", notices.unread, name="notices-unread"),
    path("notices/<int:notice_id>/", notices.notice, name="notice"),
    path("notices/stop/<str:token>/", notices.stop, name="notices-stop"),
    path("account/notices/", notices.settings_page, name="account-notices"),
    path("account/devices/", notices.device, name="account-devices"),
    path("account/devices/<int:device_id>/remove/", notices.device_remove, name="account-device-remove"),
    path("account/devices/<int:device_id>/try/", notices.device_try, name="account-device-try"),
    path("manifest.webmanifest", pwa.manifest, name="manifest"),
    path("service-worker.js", pwa.service_worker, name="service-worker"),
    path("offline/", pwa.offline, name="offline"),
]
