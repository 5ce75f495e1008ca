"""The account as the public sees it, read and written. https://docs.bsky.app/docs/api/app-bsky-actor-get-profile"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from rapport.networks.base import Profile
from rapport.networks.bluesky import chat, richtext
from rapport.networks.bluesky.reading import did, text_or_empty, within_or_empty
from rapport.networks.bluesky.xrpc import Named, Pds
from rapport.networks.errors import NetworkError, Refused, TryAgain

MAX_BIO = 256
MAX_NAME = 64
_FIELDS = {"name": "displayName", "bio": "description", "link": "website"}


def profile_of(pds: Pds, session: Mapping[str, Any]) -> Profile:
    """The profile. ``session`` has ``did`` and ``handle``, for an account the AppView does not know yet."""
    try:
        account = did(session)
    except (ValueError, KeyError, TypeError) as error:
        raise TryAgain(_("The network's answer could not be read.")) from error
    try:
        found = pds.get("app.bsky.actor.getProfile", {"actor": account})
    except (Named, TryAgain):
        # The session is good; an account that has just been made has no profile yet.
        found = {}
    bio = text_or_empty(found, "description", 20_000)
    followers = found.get("followersCount")
    handle = text_or_empty(found, "handle", 253) or text_or_empty(session, "handle", 253)
    return Profile(
        external_id=account,
        handle=handle,
        name=text_or_empty(found, "displayName", 640),
        url=f"https://bsky.app/profile/{account}",
        bio=bio,
        bio_length=richtext.graphemes(bio),
        link=text_or_empty(found, "website"),
        picture_url=text_or_empty(found, "avatar"),
        followers=followers if type(followers) is int else None,
        settings=_settings(pds),
    )


def write(pds: Pds, changes: Mapping[str, str]) -> None:
    """Change name, bio and link; the rest of the profile stays as it is."""
    unknown = set(changes) - set(_FIELDS)
    if unknown:
        raise Refused(_("Bluesky has no such field: %(names)s.") % {"names": ", ".join(sorted(unknown))})
    for name, limit in (("name", MAX_NAME), ("bio", MAX_BIO)):
        if richtext.graphemes(changes.get(name, "")) > limit:
            raise Refused(_("Bluesky takes %(limit)d characters there.") % {"limit": limit})
    where = {"repo": pds.did, "collection": "app.bsky.actor.profile", "rkey": "self"}
    try:
        found = pds.get("com.atproto.repo.getRecord", where)
    except Named as error:
        if error.name != "RecordNotFound":
            raise
        found = {}
    record = {**within_or_empty(found, "value"), "$type": "app.bsky.actor.profile"}
    for name, value in changes.items():
        if value:
            record[_FIELDS[name]] = value
        else:
            record.pop(_FIELDS[name], None)
    try:
        pds.post("com.atproto.repo.putRecord", {**where, "record": record, "swapRecord": found.get("cid")})
    except Named as error:
        if error.name != "InvalidSwap":
            raise
        raise TryAgain(_("The profile was changed by somebody else at the same time.")) from error


def _settings(pds: Pds) -> dict[str, Any]:
    """What was learned of the account: whether direct messages may be read. Nothing when that is unknown."""
    try:
        return {"direct_messages": chat.may_read(pds)}
    except NetworkError:
        return {}
