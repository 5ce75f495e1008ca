"""A case is reached through this function, which checks who asks."""

from __future__ import annotations

from django.utils.translation import gettext as _

from rapport.inbox.models import Case
from rapport.lib.errors import NotFound
from rapport.staff.access import require
from rapport.staff.models import User
from rapport.staff.permissions import Permission


def access_case(*, user: User, case_id: int, permission: Permission = Permission.VIEW_CASES) -> Case:
    """The case, with its brand, channel, contact, assignee and team.

    The channel comes without its credentials, which nothing on the way to a screen needs. A merged
    case is returned as it is; ``merged_into_id`` says where its work went. Raises
    :class:`~rapport.lib.errors.NotFound` or :class:`~rapport.lib.errors.NotAllowed`.
    """
    case = (
        Case.objects.select_related("brand", "channel", "contact", "assignee", "team")
        .defer("channel__credentials")
        .filter(id=case_id)
        .first()
    )
    if case is None:
        raise NotFound(_("There is no such case, or you may not see it."))
    require(user, case.brand_id, permission)
    return case
