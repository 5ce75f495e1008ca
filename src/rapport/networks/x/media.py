"""Files for a post or a private message: uploaded in pieces, described, waited for.

https://docs.x.com/x-api/media/quickstart/media-upload-chunked and
https://docs.x.com/x-api/media/quickstart/best-practices
"""

from __future__ import annotations

import time
from typing import Any

from django.utils.translation import gettext as _

from rapport.networks.base import MediaRules, OutgoingMedia, Visibility
from rapport.networks.client import Api
from rapport.networks.errors import Refused, TryAgain

MEGABYTE = 1024 * 1024
MAX_IMAGE, MAX_GIF, MAX_VIDEO = 5 * MEGABYTE, 15 * MEGABYTE, 512 * MEGABYTE
_TYPES = ("image/jpeg", "image/png", "image/webp", "image/gif", "video/mp4", "video/quicktime")
_PIECE = 4 * MEGABYTE
# A reply is sent under a lease, so a video that takes longer is tried again from the start later.
_LONGEST_WAIT_S = 45.0

RULES = MediaRules(
    max_count=4,
    max_bytes={"image": MAX_IMAGE, "video": MAX_VIDEO},
    content_types=_TYPES,
    alt_text=True,
    max_alt_length=1000,
    mixed=False,
)
RULES_PRIVATE = MediaRules(
    max_count=1,
    max_bytes={"image": MAX_IMAGE, "video": MAX_VIDEO},
    content_types=_TYPES,
    alt_text=True,
    max_alt_length=1000,
    mixed=False,
)


def check(files: tuple[OutgoingMedia, ...], visibility: Visibility) -> None:
    """Refuse what X would refuse after the upload: up to four pictures, or one GIF, or one video."""
    rules = RULES_PRIVATE if visibility == "private" else RULES
    alone = [one for one in files if one.content_type == "image/gif" or one.kind == "video"]
    if len(files) > rules.max_count or (alone and len(files) > 1):
        raise Refused(
            _("X takes up to four pictures, or one GIF, or one video; one file in a private message.")
        )
    for one in files:
        if one.content_type not in _TYPES:
            raise Refused(_("X does not take %(name)s: its kind is %(kind)s.") % _named(one))
        limit = MAX_GIF if one.content_type == "image/gif" else rules.max_bytes[one.kind]
        if len(one.content) > limit:
            raise Refused(
                _("%(name)s is too large for X, which takes %(limit)d MB.")
                % {"name": one.name, "limit": limit // MEGABYTE}
            )


def upload(api: Api, file: OutgoingMedia, visibility: Visibility) -> str:
    """The media id of an uploaded file. Nothing is public before a post carries it, so there is no doubt."""
    started = api.json(
        "POST",
        "2/media/upload/initialize",
        json_body={
            "media_type": file.content_type,
            "total_bytes": len(file.content),
            "media_category": _category(file, visibility),
        },
    )
    media_id = _data(started, "id")
    for index, start in enumerate(range(0, len(file.content), _PIECE)):
        api.call(
            "POST",
            f"2/media/upload/{media_id}/append",
            form={"segment_index": str(index)},
            files={"media": (file.name or "file", file.content[start : start + _PIECE], file.content_type)},
        )
    finished = api.json("POST", f"2/media/upload/{media_id}/finalize")
    _wait(api, media_id, finished)
    if file.alt:
        api.json(
            "POST",
            "2/media/metadata",
            json_body={"id": media_id, "metadata": {"alt_text": {"text": file.alt[:1000]}}},
        )
    return media_id


def _category(file: OutgoingMedia, visibility: Visibility) -> str:
    what = "gif" if file.content_type == "image/gif" else file.kind
    return f"{'dm' if visibility == 'private' else 'tweet'}_{what}"


def _wait(api: Api, media_id: str, answer: Any) -> None:
    """Videos and GIFs are worked on after the upload: pending, in_progress, then succeeded or failed."""
    until = time.monotonic() + _LONGEST_WAIT_S
    while True:
        info = (answer or {}).get("data", {}).get("processing_info") if isinstance(answer, dict) else None
        state = (info or {}).get("state", "succeeded")
        if state == "succeeded":
            return
        if state == "failed":
            raise Refused(_("X could not read the file."))
        seconds = info.get("check_after_secs") if isinstance(info, dict) else None
        pause = min(max(float(seconds if isinstance(seconds, int) else 1), 0.2), 10.0)
        if time.monotonic() + pause > until:
            raise TryAgain(_("X is still working on the file."))
        time.sleep(pause)
        answer = api.json("GET", "2/media/upload", params={"command": "STATUS", "media_id": media_id})


def _data(answer: Any, key: str) -> str:
    try:
        return str(answer["data"][key])
    except (KeyError, TypeError) as error:
        raise TryAgain(_("The network's answer could not be read.")) from error


def _named(file: OutgoingMedia) -> dict[str, str]:
    return {"name": file.name, "kind": file.content_type}
