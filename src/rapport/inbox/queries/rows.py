"""What a list shows of each case, fetched for a whole page at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from rapport.staff.models import User


@dataclass(frozen=True, kw_only=True)
class CaseRow:
    """One line of a list. ``handle`` and ``avatar_url`` are the contact's on the case's network.

    ``waiting_since`` doubles as unread: the contact's newest words have no answer. ``failed``: a reply
    could not be delivered and somebody must look at it. ``names_you``: a note names the reader, who has
    not seen it yet.
    """

    id: int
    version: int
    status: str
    priority: int
    brand_id: int
    brand_name: str
    brand_colour: str
    channel_id: int
    channel_handle: str
    network: str
    contact_id: int
    contact_name: str
    handle: str
    avatar_url: str
    visibility: str
    preview: str
    lang: str
    opened_at: datetime
    last_message_at: datetime
    waiting_since: datetime | None
    snoozed_until: datetime | None
    closed_at: datetime | None
    close_reason: str
    assignee_id: int | None
    assignee_name: str
    assignee_initials: str
    team_name: str
    tags: tuple[str, ...]
    failed: bool
    names_you: bool


# Outgoing belongs to a room above this one; of it no more is asked than whether somebody must look at it.
_ROWS = """
    SELECT c.id, c.version, c.status, c.priority, c.brand_id, brand.name, brand.colour, c.channel_id, channel.handle,
        channel.network, c.contact_id, contact.name, known.handle, known.name, known.external_id, known.avatar_url,
        c.visibility, c.preview, c.lang, c.opened_at, c.last_message_at, c.waiting_since, c.snoozed_until, c.closed_at,
        c.close_reason, c.assignee_id, assignee.name, assignee.initials, team.name,
        ARRAY(SELECT tag.name FROM inbox_case_tags one JOIN inbox_tag tag ON tag.id = one.tag_id
              WHERE one.case_id = c.id ORDER BY tag.name),
        EXISTS (SELECT FROM outbox_outgoing o WHERE o.case_id = c.id AND o.state = 'failed'),
        EXISTS (SELECT FROM inbox_mention m WHERE m.case_id = c.id AND m.user_id = %(reader)s AND m.seen_at IS NULL)
    FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY AS asked(id, place)
    JOIN inbox_case c ON c.id = asked.id
    JOIN brands_brand brand ON brand.id = c.brand_id
    JOIN brands_channel channel ON channel.id = c.channel_id
    JOIN contacts_contact contact ON contact.id = c.contact_id
    LEFT JOIN staff_user assignee ON assignee.id = c.assignee_id
    LEFT JOIN staff_team team ON team.id = c.team_id
    LEFT JOIN LATERAL (
        SELECT i.handle, i.name, i.external_id, i.avatar_url FROM contacts_identity i
        WHERE i.contact_id = c.contact_id AND i.network = channel.network ORDER BY i.seen_at DESC, i.id DESC LIMIT 1
    ) known ON true
    ORDER BY asked.place
"""


def case_rows(case_ids: Sequence[int], *, reader: User) -> tuple[CaseRow, ...]:
    """The rows of these cases in the order given, in one query. A case that is gone is left out."""
    if not case_ids:
        return ()
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, {"ids": list(case_ids), "reader": reader.pk})
        return tuple(_row(values) for values in cursor.fetchall())


def _row(values: tuple[Any, ...]) -> CaseRow:
    (
        case_id, version, status, priority, brand_id, brand_name, brand_colour, channel_id, channel_handle, network,
        contact_id, contact_name, handle, known_name, external_id, avatar_url, visibility, preview, lang, opened_at,
        last_message_at, waiting_since, snoozed_until, closed_at, close_reason, assignee_id, assignee_name, initials,
        team_name, tags, failed, names_you,
    ) = values  # fmt: skip
    return CaseRow(
        id=case_id,
        version=version,
        status=status,
        priority=priority,
        brand_id=brand_id,
        brand_name=brand_name,
        brand_colour=brand_colour,
        channel_id=channel_id,
        channel_handle=channel_handle,
        network=network,
        contact_id=contact_id,
        contact_name=contact_name or known_name or handle or external_id or "",
        handle=handle or "",
        avatar_url=avatar_url or "",
        visibility=visibility,
        preview=preview,
        lang=lang,
        opened_at=opened_at,
        last_message_at=last_message_at,
        waiting_since=waiting_since,
        snoozed_until=snoozed_until,
        closed_at=closed_at,
        close_reason=close_reason,
        assignee_id=assignee_id,
        assignee_name=assignee_name or "",
        assignee_initials=initials or "",
        team_name=team_name or "",
        tags=tuple(tags),
        failed=failed,
        names_you=names_you,
    )
