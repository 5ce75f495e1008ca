from __future__ import annotations

import pytest

from rapport.inbox.access import access_case
from rapport.inbox.tests.making import make_brand, make_case, make_channel, make_user
from rapport.lib.errors import NotAllowed, NotFound
from rapport.staff.models import Role
from rapport.staff.permissions import Permission

pytestmark = pytest.mark.django_db


def test_it_gives_a_case_to_a_viewer_of_its_brand_only() -> None:
    brand, other = make_brand("aero"), make_brand("bolt")
    case = make_case(make_channel(brand))
    viewer = make_user(brand=brand, role=Role.VIEWER)
    assert access_case(user=viewer, case_id=case.id) == case
    with pytest.raises(NotAllowed):
        access_case(user=viewer, case_id=case.id, permission=Permission.REPLY)
    with pytest.raises(NotFound):
        access_case(user=make_user(brand=other, role=Role.ADMIN), case_id=case.id)


def test_it_tells_a_missing_case_and_a_hidden_one_in_the_same_way() -> None:
    brand = make_brand()
    case = make_case(make_channel(brand))
    stranger = make_user(brand=make_brand("bolt"))
    with pytest.raises(NotFound):
        access_case(user=stranger, case_id=case.id)
    with pytest.raises(NotFound):
        access_case(user=stranger, case_id=case.id + 1000)


def test_it_brings_no_credentials_along() -> None:
    brand = make_brand()
    case = access_case(user=make_user(brand=brand), case_id=make_case(make_channel(brand)).id)
    assert "credentials" in case.channel.get_deferred_fields()
