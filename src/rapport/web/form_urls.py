"""The contact form's addresses, under ``/webform/``: for customers, without a login."""

from __future__ import annotations

from django.urls import path

from rapport.web.views import form, form_thread

urlpatterns = [
    path("<int:channel_id>/", form.contact, name="form"),
    path("thread/<str:token>/", form_thread.thread, name="form-thread"),
    path("thread/<str:token>/file/<int:file_id>/", form_thread.file, name="form-file"),
]
