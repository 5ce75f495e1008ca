"""Pages for one network that need what the networks' room may not import, each served while its folder is there."""

from __future__ import annotations

from django.urls import include, path

from rapport.networks.registry import is_here

urlpatterns = [
    path(address, include(module))
    for network, address, module in (
        ("webform", "webform/", "rapport.web.form_urls"),
        ("letters", "desk/new/", "rapport.web.letter_urls"),
        ("practice", "start/practice/", "rapport.web.start_practice_urls"),
    )
    if is_here(network)
]
