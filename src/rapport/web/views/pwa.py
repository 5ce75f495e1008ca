"""The desk as an app: its manifest, its service worker, and the page it shows without a connection.

None of these hold anything personal: they are the same for everybody who reads that language.
"""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from rapport.web.preferences import theme_of

_LANGUAGES = dict(settings.LANGUAGES)
_WORKER = "web/js/service-worker.js"
# What the page without a connection needs. Everything else is asked of the server, always.
_SHELL = (
    "web/css/tokens.css",
    "web/css/base.css",
    "web/css/pages.css",
    "web/js/offline.js",
    "web/favicon.svg",
    "vendor/inter-latin-wght-normal.woff2",
    "vendor/inter-latin-ext-wght-normal.woff2",
)
# The ground of each theme, as tokens.css has it.
GROUND = {"light": "#f5f4f3", "dark": "#12100e"}


@require_safe
def manifest(request: HttpRequest) -> HttpResponse:
    """What the app is called and looks like, in the reader's language."""
    ground = GROUND.get(theme_of(request), GROUND["light"])
    content = {
        "id": "/",
        "name": _("Rapport: customer care"),
        "short_name": "Rapport",
        "description": _("One place to hear everyone who speaks to your brand, and to answer them."),
        "lang": translation.get_language(),
        "dir": "rtl" if translation.get_language_bidi() else "ltr",
        "start_url": reverse("desk"),
        "scope": "/",
        "display": "standalone",
        "theme_color": ground,
        "background_color": ground,
        "categories": ["business", "productivity"],
        "icons": [
            {"src": static("web/icons/icon-192.png"), "sizes": "192x192", "type": "image/png"},
            {"src": static("web/icons/icon-512.png"), "sizes": "512x512", "type": "image/png"},
            {
                "src": static("web/icons/maskable-512.png"),
                "sizes": "512x512",
                "type": "image/png",
                "purpose": "maskable",
            },
            {"src": static("web/favicon.svg"), "sizes": "any", "type": "image/svg+xml"},
        ],
        "shortcuts": [
            {"name": _("My cases"), "url": reverse("desk-list", args=["mine"])},
            {"name": _("Unassigned cases"), "url": reverse("desk-list", args=["unassigned"])},
            {"name": _("Notifications"), "url": reverse("notices")},
        ],
    }
    response = JsonResponse(content, content_type="application/manifest+json")
    response["Cache-Control"] = "no-cache"
    patch_vary_headers(response, ["Cookie", "Accept-Language"])
    return response


@require_safe
def service_worker(request: HttpRequest) -> HttpResponse:
    """The worker with what it has to keep. Its text changes with any file of that, so that browsers take the new
    one by themselves. ``lang``: of the page it keeps."""
    lang = request.GET.get("lang", "")
    lang = lang if lang in _LANGUAGES else settings.LANGUAGE_CODE
    shell = {
        "name": f"rapport-shell-{_version()}-{lang}",
        "page": f"{reverse('offline')}?lang={lang}",
        "files": [_named(path) for path in _SHELL],
        "icon": static("web/icons/icon-192.png"),
        "badge": static("web/icons/badge-96.png"),
    }
    body = f"const SHELL = {json.dumps(shell)};\n{_source(_WORKER)}"
    response = HttpResponse(body, content_type="text/javascript; charset=utf-8")
    response["Service-Worker-Allowed"] = "/"
    response["Cache-Control"] = "no-cache"
    return response


@require_safe
def offline(request: HttpRequest) -> HttpResponse:
    """What the app shows in place of a page while there is no connection."""
    lang = request.GET.get("lang", "")
    with translation.override(lang if lang in _LANGUAGES else translation.get_language()):
        files = {path.rsplit("/", 1)[-1].replace(".", "_"): _named(path) for path in _SHELL[:4]}
        response = render(request, "web/offline.html", {"files": files})
    response["Cache-Control"] = "no-cache"
    return response


def _named(path: str) -> str:
    """A file's address, which names its content too."""
    return f"{static(path)}?v={hashlib.sha256(_bytes(path)).hexdigest()[:16]}"


def _version() -> str:
    """Of all that the shell is made of."""
    whole = hashlib.sha256()
    for path in (*_SHELL, _WORKER):
        whole.update(_bytes(path))
    for template in ("base.html", "offline.html"):
        whole.update((Path(__file__).parent.parent / "templates/web" / template).read_bytes())
    return whole.hexdigest()[:16]


def _source(path: str) -> str:
    return _bytes(path).decode()


def _bytes(path: str) -> bytes:
    return _read(path) if not settings.DEBUG else _read.__wrapped__(path)


@functools.cache
def _read(path: str) -> bytes:
    found = finders.find(path)
    if not isinstance(found, str):
        raise FileNotFoundError(path)
    return Path(found).read_bytes()
