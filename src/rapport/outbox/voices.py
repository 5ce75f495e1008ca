"""As which channel a public answer can leave: the brand's accounts on the network of what is answered."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext as _

from rapport.brands.models import Channel, ChannelState
from rapport.inbox.models import Message, Visibility
from rapport.lib.errors import Invalid
from rapport.networks.base import Elsewhere
from rapport.outbox.checks import connector_of
from rapport.staff.access import granted
from rapport.staff.models import Team, User
from rapport.staff.permissions import Permission


def voices(*, user: User, channel: Channel) -> tuple[Channel, ...]:
    """The channels from which ``user`` may answer in public what came to ``channel``: itself first, then others.

    Raises Invalid for a network that is not installed.
    """
    reach = connector_of(channel).rules.answers_elsewhere
    if reach == Elsewhere.NONE:
        return (channel,)
    others = (
        Channel.objects.defer("credentials")
        .filter(brand_id=channel.brand_id, network=channel.network)
        .exclude(id=channel.id)
        .exclude(state=ChannelState.DISCONNECTED)
        .order_by("handle", "id")
    )
    if reach == Elsewhere.SERVER:
        server = channel.settings.get("server")
        others = others.filter(settings__server=server) if server else others.none()
    # As staff.access.may_answer_from has it, for all of them at once.
    if Permission.MANAGE_TEAM not in granted(user, channel.brand_id):
        mine = Team.objects.filter(members=user).values("channels")
        others = others.filter(Q(teams=None) | Q(id__in=mine))
    return (channel, *others.distinct())


def voice(*, user: User, parent: Message, visibility: str, channel_id: int | None) -> Channel:
    """The channel that a reply to ``parent`` leaves from: the one chosen, else the one that was written to.

    Raises Invalid for one that cannot answer it.
    """
    channel = Channel.objects.defer("credentials").get(id=parent.channel_id)
    if channel_id is None or channel_id == channel.id:
        return channel
    if visibility != Visibility.PUBLIC or parent.visibility != Visibility.PUBLIC:
        raise Invalid(_("A private answer comes from the channel that the customer wrote to."))
    for one in voices(user=user, channel=channel):
        if one.id == channel_id:
            return one
    raise Invalid(_("That channel cannot answer this. Choose another one."))
