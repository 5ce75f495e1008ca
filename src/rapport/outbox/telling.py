"""Who may touch what waits, and how it is told what became of it."""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from rapport.audit.actions import record
from rapport.lib.errors import NotFound
from rapport.lib.live import notify_desk
from rapport.outbox.models import Outgoing
from rapport.staff.access import require, require_answer_from
from rapport.staff.models import User
from rapport.staff.permissions import Permission


def access_outgoing(*, user: User, outgoing_id: int) -> Outgoing:
    """What waits or failed, for somebody who may answer from its channel. Raises NotFound, NotAllowed."""
    waiting = Outgoing.objects.select_related("channel", "author").defer("channel__credentials")
    outgoing = waiting.filter(id=outgoing_id).first()
    if outgoing is None:
        raise NotFound(_("There is no such reply, or you may not see it."))
    require(user, outgoing.brand_id, Permission.REPLY)
    require_answer_from(user, outgoing.channel)
    return outgoing


def posts_of(outgoing: Outgoing) -> QuerySet[Outgoing]:
    """All the posts of its text, in order: itself alone for most replies."""
    lead_id = outgoing.lead_id or outgoing.id
    return Outgoing.objects.filter(Q(id=lead_id) | Q(lead_id=lead_id)).order_by("part")


def tell(*, action: str, actor: User, outgoing: Outgoing) -> None:
    """Write ``action`` into the audit log and wake the screens that show the case."""
    record(
        action=action,
        actor_id=actor.id,
        brand_id=outgoing.brand_id,
        object_type="outgoing",
        object_id=outgoing.id,
        data={"case": outgoing.case_id, "visibility": outgoing.visibility},
    )
    notify_desk(brand_id=outgoing.brand_id, case_ids=[outgoing.case_id])
