"""The account as the public sees it: https://docs.joinmastodon.org/methods/accounts/#verify_credentials."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from rapport.networks.base import Profile
from rapport.networks.errors import Refused, TryAgain
from rapport.networks.mastodon import server
from rapport.networks.mastodon.api import Mastodon, NotThere, listed, mapping
from rapport.networks.mastodon.items import field, text_id
from rapport.networks.mastodon.markup import plain_text
from rapport.networks.mastodon.words import countable

_LINK_NAMES = {"website", "web", "link", "homepage", "url"}


def check(api: Mastodon, settings: Mapping[str, Any]) -> Profile:
    """Whose the token is, and what the server allows."""
    account = _own(api)
    external_id, name = text_id(account), field(account, "username")
    if not external_id or not isinstance(name, str):
        raise TryAgain(_("The network's answer could not be read."))
    learned = server.learn(api)
    bio = _bio(account)
    avatar, url, followers = (field(account, one) for one in ("avatar", "url", "followers_count"))
    learned["domain"] = _domain(learned, url) or urlsplit(api.server).netloc
    return Profile(
        external_id=external_id,
        handle=f"{name}@{learned['domain']}",
        name=str(field(account, "display_name") or name),
        url=url if isinstance(url, str) else "",
        bio=bio,
        bio_length=countable(bio),
        link=next((found for found in map(_link_in, _fields(account)) if found), ""),
        picture_url=avatar if isinstance(avatar, str) else "",
        followers=followers if isinstance(followers, int) else None,
        settings={"server": settings.get("server") or api.server, **learned},
    )


def write(api: Mastodon, changes: Mapping[str, str]) -> None:
    """Change name, bio and link (https://docs.joinmastodon.org/methods/accounts/#update_credentials).

    A link is a field of the profile; all fields are given back, for those left out would be lost.
    """
    body: dict[str, Any] = {}
    if "name" in changes:
        body["display_name"] = changes["name"]
    if "bio" in changes:
        body["note"] = changes["bio"]
    if "link" in changes:
        fields = _with_link(_fields(_own(api)), changes["link"])
        body["fields_attributes"] = {str(index): one for index, one in enumerate(fields)}
    if body:
        api.write("PATCH", "/api/v1/accounts/update_credentials", body)


def _own(api: Mastodon) -> Mapping[str, Any]:
    try:
        return mapping(api.get("/api/v1/accounts/verify_credentials"))
    except NotThere as error:
        raise Refused(_("No server at this address speaks Mastodon's language.")) from error


def _domain(learned: Mapping[str, Any], url: Any) -> str:
    """The server's name in handles. Takahē has many domains on one server and names the one it was asked by."""
    if learned["software"] == "takahe" and isinstance(url, str):
        return urlsplit(url).netloc or str(learned["domain"])
    return str(learned["domain"])


def _bio(account: Any) -> str:
    """As it was typed, where the server gives that back (``source``)."""
    source = field(field(account, "source"), "note")
    note = field(account, "note")
    return source if isinstance(source, str) else plain_text(note) if isinstance(note, str) else ""


def _fields(account: Any) -> list[dict[str, str]]:
    """Name and value of each field, as plain text."""
    typed = listed(field(field(account, "source"), "fields"))
    found = typed or listed(field(account, "fields"))
    return [
        {"name": str(field(one, "name") or ""), "value": plain_text(str(field(one, "value") or ""))}
        for one in found
    ]


def _link_in(one: Mapping[str, str]) -> str:
    found = re.search(r"https?://[^\s)]+", one["value"])
    return found[0] if found else ""


def _with_link(fields: list[dict[str, str]], link: str) -> list[dict[str, str]]:
    """The link in the field that is named so, or the first with a link, or a new one."""
    named = [one for one in fields if one["name"].strip().casefold() in _LINK_NAMES]
    chosen = named or [one for one in fields if _link_in(one)]
    if not chosen:
        return [*fields, {"name": "Website", "value": link}]
    return [one | {"value": link} if one is chosen[0] else one for one in fields]
