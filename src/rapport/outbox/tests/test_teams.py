"""A channel that belongs to a team is answered from by its members, and by leads and admins."""

from uuid import uuid4

import pytest

from rapport.brands.models import Brand, Channel
from rapport.inbox.tests.making import make_brand, make_case, make_channel, make_user
from rapport.lib.errors import NotAllowed
from rapport.outbox.actions import reply
from rapport.outbox.models import Outgoing
from rapport.staff.models import Role, Team, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def brand() -> Brand:
    return make_brand()


@pytest.fixture
def channel(brand: Brand) -> Channel:
    return make_channel(brand, "practice")


def _reply(actor: User, channel: Channel) -> Outgoing:
    return reply(
        actor=actor,
        case_id=make_case(channel).id,
        text="It is on its way.",
        visibility="public",
        in_reply_to_id=None,
        form_key=uuid4(),
    )


def test_only_its_team_answers_from_a_channel(brand: Brand, channel: Channel) -> None:
    agent, lead = make_user(brand=brand), make_user(brand=brand, role=Role.LEAD)
    assert _reply(agent, channel)
    team = Team.objects.create(brand=brand, name="Night")
    team.channels.add(channel)
    with pytest.raises(NotAllowed, match="Only certain teams"):
        _reply(agent, channel)
    assert _reply(lead, channel)
    team.members.add(agent)
    assert _reply(agent, channel)
    assert Outgoing.objects.count() == 3
