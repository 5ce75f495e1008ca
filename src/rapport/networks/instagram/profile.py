"""An account as the public sees it. Instagram lets no program change it.

https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-user
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from rapport.networks.base import Profile
from rapport.networks.errors import Refused
from rapport.networks.meta.graph import Graph, reading
from rapport.networks.meta.values import identifier, optional_mapping, text

_FIELDS = (
    "id,instagram_business_account{id,username,name,biography,website,profile_picture_url,followers_count}"
)


def read(graph: Graph) -> Profile:
    """Raises Refused when the page has no account linked to it."""
    with reading():
        found = optional_mapping(graph.get("me", fields=_FIELDS).get("instagram_business_account"))
        if not found:
            raise Refused(_("This Facebook page is not linked to an Instagram business or creator account."))
        bio, handle, followers = (
            text(found, "biography"),
            text(found, "username"),
            found.get("followers_count"),
        )
        return Profile(
            external_id=identifier(found, "id"),
            handle=handle,
            name=text(found, "name"),
            url=f"https://www.instagram.com/{handle}/",
            bio=bio,
            bio_length=len(bio),
            link=text(found, "website"),
            picture_url=text(found, "profile_picture_url"),
            followers=followers if isinstance(followers, int) and not isinstance(followers, bool) else None,
        )
