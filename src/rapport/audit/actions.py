"""Writing to the audit log."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rapport.audit.models import AuditEntry


def record(
    *,
    action: str,
    actor_id: int | None,
    brand_id: int | None = None,
    object_type: str = "",
    object_id: object = "",
    data: dict[str, Any] | None = None,
) -> None:
    """Append one entry, in the caller's transaction: no act without its entry, no entry without its act.

    ``data`` must hold no secret and no message text; ids and the changed fields are enough.
    """
    AuditEntry.objects.create(
        action=action,
        actor_id=actor_id,
        brand_id=brand_id,
        object_type=object_type,
        object_id=str(object_id),
        data=data or {},
    )


def record_many(entries: Iterable[tuple[str, int | None, int | None, str, object, dict[str, Any]]]) -> None:
    """Append many in one statement: ``(action, actor, brand, object type, object id, data)`` of each."""
    AuditEntry.objects.bulk_create(
        AuditEntry(
            action=action,
            actor_id=actor_id,
            brand_id=brand_id,
            object_type=object_type,
            object_id=str(object_id),
            data=data,
        )
        for action, actor_id, brand_id, object_type, object_id, data in entries
    )
