"""What strangers wrote, heard so that one post nobody thought of does not stop all that come after it."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from django.db import InterfaceError, OperationalError, transaction

from rapport.mentions.hearing import Heard, hear
from rapport.mentions.recording import QueriesChangedMeanwhile

log = logging.getLogger(__name__)


def hear_what_can_be(heard: Sequence[Heard], *, source_id: int) -> int:
    """:func:`~.hearing.hear`, and what fails again and again when halved is left out and named in the log.

    Returns how many matched. Raises only what the database raises when it is away or too busy for now, and
    :class:`~.recording.QueriesChangedMeanwhile`, of which the posts are innocent too.
    """
    try:
        with transaction.atomic():
            return hear(heard, source_key=f"source:{source_id}", source_id=source_id)
    except (OperationalError, InterfaceError, QueriesChangedMeanwhile):
        raise
    except Exception:
        if len(heard) == 1:
            log.exception("post %s of %s cannot be heard", heard[0].post.id[:200], heard[0].post.network)
            return 0
    half = len(heard) // 2
    return sum(hear_what_can_be(some, source_id=source_id) for some in (heard[:half], heard[half:]))
