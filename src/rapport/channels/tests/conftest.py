"""A brand with an admin, an agent and a lead, and a network to connect to."""

from __future__ import annotations

import pytest

from rapport.brands.models import Brand, Channel
from rapport.channels.actions import connect_channel
from rapport.channels.tests.cooee import CREDENTIALS, VALUES, Server, cooee
from rapport.inbox.tests.making import make_brand, make_user
from rapport.staff.models import Role, User

__all__ = ["cooee"]


@pytest.fixture
def brand(db: None) -> Brand:
    return make_brand()


@pytest.fixture
def admin(brand: Brand) -> User:
    return make_user("Ada Admin", brand=brand, role=Role.ADMIN)


@pytest.fixture
def agent(brand: Brand) -> User:
    return make_user("Mara Kovač", brand=brand, role=Role.AGENT)


@pytest.fixture
def channel(admin: User, brand: Brand, cooee: Server) -> Channel:
    return connect_channel(
        actor=admin, brand_id=brand.id, network="cooee", credentials=CREDENTIALS, settings=VALUES
    )
