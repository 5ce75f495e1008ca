"""Files for a post: https://docs.joinmastodon.org/methods/media/."""

from __future__ import annotations

import time
from typing import Any

from django.utils.translation import gettext as _

from rapport.networks.base import OutgoingMedia
from rapport.networks.client import decoded
from rapport.networks.errors import Refused, TryAgain
from rapport.networks.mastodon.api import Mastodon, NotThere
from rapport.networks.mastodon.items import text_id

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 1.0


def upload(api: Mastodon, media: OutgoingMedia, *, until: float) -> str:
    """The id under which a post may carry the file.

    The server may still work on it (202, then 206 while it does): it is asked until ``until``, a time of
    :func:`time.monotonic`; after that TryAgain, and nothing was posted.
    """
    more: dict[str, Any] = {
        "files": {"file": (media.name, media.content, media.content_type)},
        "form": {"description": media.alt} if media.alt else None,
        # A large file may take all the time there is.
        "deadline_s": max(until - time.monotonic(), 0.1),
    }
    try:
        response = api.call("POST", "/api/v2/media", **more)
    except NotThere:  # before Mastodon 3.1.3
        response = api.call("POST", "/api/v1/media", **more)
    media_id = text_id(decoded(response))
    if not media_id:
        raise TryAgain(_("The network's answer could not be read."))
    pause = _FIRST_PAUSE_S
    while response.status_code in {202, 206}:
        if time.monotonic() + pause > until:
            raise TryAgain(_("The server still works on the file; nothing was posted."))
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_S)
        response = api.call("GET", f"/api/v1/media/{media_id}", accept=(422,))
        if response.status_code == 422:
            raise Refused(_("The server could not read the file “%(name)s”.") % {"name": media.name})
    return media_id
