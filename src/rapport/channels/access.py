"""A channel is reached through this function, which checks who asks."""

from __future__ import annotations

from django.utils.translation import gettext as _

from rapport.brands.models import Channel
from rapport.lib.errors import NotFound
from rapport.staff.access import require
from rapport.staff.models import User
from rapport.staff.permissions import Permission


def access_channel(
    *, user: User | None, channel_id: int, permission: Permission = Permission.MANAGE_CHANNELS
) -> Channel:
    """The channel with its brand, without its credentials. ``user`` is None for a command of the operator's.

    Raises :class:`~rapport.lib.errors.NotFound` or :class:`~rapport.lib.errors.NotAllowed`.
    """
    channel = Channel.objects.select_related("brand").defer("credentials").filter(id=channel_id).first()
    if channel is None:
        raise NotFound(_("There is no such channel, or you may not see it."))
    if user is not None:
        require(user, channel.brand_id, permission)
    return channel
