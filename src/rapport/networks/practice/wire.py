"""How the practice network's things look as JSON: one place, read by the API and by the event stream."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse

from rapport.networks.practice.models import Account, Picture, Post, Repost

Json = dict[str, Any]


def moment(value: datetime) -> str:
    """ISO 8601 with its zone."""
    return value.isoformat()


def absolute(path: str) -> str:
    """The address a browser uses."""
    return f"{settings.RAPPORT_BASE_URL}{path}"


def account_json(account: Account) -> Json:
    return {
        "id": str(account.pk),
        "handle": account.handle,
        "name": account.name,
        "url": absolute(reverse("practice:account", args=[account.handle])),
        "followers": account.followers,
        "bot": account.is_bot,
    }


def post_json(post: Post, *, reader_id: int | None) -> Json:
    """``client_ref`` is shown to nobody but the author. ``post.author`` and its pictures should be loaded."""
    return {
        "id": str(post.pk),
        "url": absolute(reverse("practice:post", args=[post.pk])),
        "author": account_json(post.author),
        "text": post.text,
        "visibility": post.visibility,
        "in_reply_to": None if post.in_reply_to_id is None else str(post.in_reply_to_id),
        "conversation": post.conversation or None,
        "recipient_id": None if post.recipient_id is None else str(post.recipient_id),
        "lang": post.lang,
        "media": [picture_json(one) for one in post.pictures.all()],
        "created_at": moment(post.created_at),
        "edited_at": None if post.edited_at is None else moment(post.edited_at),
        "client_ref": post.client_ref if reader_id == post.author_id else "",
    }


def picture_json(picture: Picture) -> Json:
    return {
        "id": str(picture.pk),
        "kind": "image",
        "url": absolute(reverse("practice:picture", args=[picture.pk])),
        "name": picture.name,
        "content_type": picture.content_type,
        "alt": picture.alt,
    }


def reading_json(post: Post, at: datetime) -> Json:
    """That the one a private message went to has read up to it."""
    return {
        "conversation": post.conversation,
        "reader_id": str(post.recipient_id),
        "post_id": str(post.pk),
        "read_at": moment(at),
    }


def repost_json(repost: Repost) -> Json:
    return {
        "id": f"repost-{repost.pk}",
        "post_id": str(repost.post_id),
        "author": account_json(repost.author),
        "created_at": moment(repost.created_at),
    }
