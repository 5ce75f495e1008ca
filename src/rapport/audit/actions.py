"""Writing to the audit log."""

from __future__ import annotations

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
