import pytest

from rapport.brands.models import Brand, Channel
from rapport.lib.errors import NotAllowed, NotFound
from rapport.staff.access import (
    access_brand,
    brand_ids_for,
    granted,
    may,
    may_answer_from,
    require_answer_from,
)
from rapport.staff.models import Membership, Role, Team, User
from rapport.staff.permissions import GRANTS, Permission, roles_with

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("permission", list(Permission))
def test_it_grants_what_the_table_says_and_only_for_that_brand(role: Role, permission: Permission) -> None:
    mine, other = Brand.objects.create(slug="a", name="A"), Brand.objects.create(slug="b", name="B")
    user = User.objects.create_user("x@example.com", "long enough pw", name="X Y", initials="XY")
    Membership.objects.create(user=user, brand=mine, role=role)
    assert may(user, mine.id, permission) == (role in roles_with(permission))
    assert (permission in granted(user, mine.id)) == (role in roles_with(permission))
    assert not may(user, other.id, permission)
    assert permission not in granted(user, other.id)


def test_it_has_a_grant_for_every_permission() -> None:
    assert set(GRANTS) == set(Permission)


def test_it_hides_what_may_not_be_seen_and_names_what_may_not_be_done() -> None:
    brand = Brand.objects.create(slug="a", name="A")
    user = User.objects.create_user("x@example.com", "long enough pw", name="X Y", initials="XY")
    with pytest.raises(NotFound):
        access_brand(user, "a", Permission.REPLY)
    Membership.objects.create(user=user, brand=brand, role=Role.VIEWER)
    with pytest.raises(NotAllowed):
        access_brand(user, "a", Permission.REPLY)
    assert access_brand(user, "a", Permission.VIEW_CASES) == brand


def test_an_inactive_owner_sees_nothing() -> None:
    Brand.objects.create(slug="a", name="A")
    owner = User.objects.create_superuser("o@example.com", "long enough pw", name="O", initials="O")
    assert len(brand_ids_for(owner, Permission.REPLY)) == 1
    assert granted(owner, Brand.objects.get().id) == set(Permission)
    owner.is_active = False
    assert granted(owner, Brand.objects.get().id) == set()
    assert brand_ids_for(owner, Permission.REPLY) == []


def test_a_channel_with_teams_is_answered_from_by_their_members_leads_and_admins() -> None:
    brand = Brand.objects.create(slug="aero", name="Aero")
    channel = Channel.objects.create(brand=brand, network="x", external_id="1", handle="@aero")
    people = {
        role: User.objects.create_user(f"{role.value}@example.com", name=role.value, initials="X")
        for role in Role
    }
    for role, user in people.items():
        Membership.objects.create(user=user, brand=brand, role=role)

    def who() -> set[Role]:
        return {role for role, user in people.items() if may_answer_from(user, channel)}

    assert who() == {Role.ADMIN, Role.LEAD, Role.AGENT}
    team = Team.objects.create(brand=brand, name="Night")
    team.channels.add(channel)
    assert who() == {Role.ADMIN, Role.LEAD}
    team.members.add(people[Role.AGENT], people[Role.VIEWER])
    assert who() == {Role.ADMIN, Role.LEAD, Role.AGENT}  # a team gives nobody the right to reply
    with pytest.raises(NotAllowed):
        require_answer_from(people[Role.VIEWER], channel)
