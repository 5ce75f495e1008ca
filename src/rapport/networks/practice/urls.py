"""Addresses under ``/practice/``."""

from __future__ import annotations

from django.urls import path, re_path

from rapport.networks.practice import api, pages

app_name = "practice"

V1 = "api/v1/"

urlpatterns = [
    path(f"{V1}accounts/me", api.endpoint(get=api.me)),
    path(f"{V1}accounts/me/posts", api.endpoint(get=api.own_posts)),
    path(f"{V1}accounts/<str:handle>", api.endpoint(get=api.account)),
    path(f"{V1}posts", api.endpoint(post=api.create_post)),
    path(f"{V1}posts/<int:pk>", api.endpoint(get=api.post, patch=api.edit_post, delete=api.delete_post)),
    path(f"{V1}posts/<int:pk>/thread", api.endpoint(get=api.thread)),
    path(f"{V1}posts/<int:pk>/repost", api.endpoint(post=api.repost)),
    path(f"{V1}posts/<int:pk>/read", api.endpoint(post=api.read)),
    path(f"{V1}events", api.endpoint(get=api.events)),
    path(f"{V1}subscriptions", api.endpoint(get=api.subscriptions, post=api.subscribe)),
    path(f"{V1}subscriptions/<int:pk>", api.endpoint(delete=api.unsubscribe)),
    path(f"{V1}chaos", api.endpoint(get=api.chaos, patch=api.change_chaos)),
    path("", pages.timeline, name="timeline"),
    path("new", pages.new_post, name="new"),
    path("posts/<int:pk>", pages.post, name="post"),
    path("posts/<int:pk>/change", pages.change_post, name="change"),
    path("files/<int:pk>", pages.picture, name="picture"),
    path("messages", pages.conversations, name="conversations"),
    path("messages/<slug:conversation>", pages.conversation, name="conversation"),
    path("weather", pages.weather, name="weather"),
    re_path(r"^@(?P<handle>[A-Za-z0-9_.]+)$", pages.account, name="account"),
]
