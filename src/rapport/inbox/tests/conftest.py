"""One brand with one channel and an agent: where most of these tests begin."""

from __future__ import annotations

import pytest

from rapport.brands.models import Channel
from rapport.inbox.tests.making import make_brand, make_channel, make_user
from rapport.staff.models import User


@pytest.fixture
def channel() -> Channel:
    return make_channel(make_brand())


@pytest.fixture
def agent(channel: Channel) -> User:
    return make_user("Mara Kovač", brand=channel.brand)
