"""Where a page of a list ended, as an opaque signed string.

Signed, so that nobody can ask for a place the list never gave out, and a cursor of one list cannot be
used on another.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.core import signing
from django.utils.translation import gettext as _

from rapport.lib.errors import Invalid


def encode(*, place: str, at: datetime, row_id: int) -> str:
    """A cursor behind the row of ``place`` that sorts by ``(at, row_id)``."""
    return signing.dumps([at.isoformat(), row_id], salt=f"rapport.cursor.{place}")


def decode(*, place: str, cursor: str) -> tuple[datetime, int]:
    """What :func:`encode` was given. Raises :class:`~rapport.lib.errors.Invalid`."""
    try:
        at, row_id = signing.loads(cursor, salt=f"rapport.cursor.{place}")
        return datetime.fromisoformat(at), int(row_id)
    except (signing.BadSignature, ValueError):
        raise Invalid(_("That place in the list is no longer known. Start from the top.")) from None


def encode_key(*, place: str, key: Sequence[str], row_id: int) -> str:
    """A cursor behind the row of ``place`` that sorts by these values, as the database wrote them, and its id."""
    return signing.dumps([list(key), row_id], salt=f"rapport.cursor.{place}")


def decode_key(*, place: str, cursor: str) -> tuple[list[str], int]:
    """What :func:`encode_key` was given. Raises :class:`~rapport.lib.errors.Invalid`."""
    try:
        key, row_id = signing.loads(cursor, salt=f"rapport.cursor.{place}")
        return [str(value) for value in key], int(row_id)
    except (signing.BadSignature, ValueError):
        raise Invalid(_("That place in the list is no longer known. Start from the top.")) from None
