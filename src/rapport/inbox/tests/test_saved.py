from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from rapport.audit.models import AuditEntry
from rapport.brands.models import Channel
from rapport.inbox import saved
from rapport.inbox.models import SavedView
from rapport.inbox.tests.making import make_brand, make_user
from rapport.lib.errors import ActionError, Invalid, NotAllowed, NotFound
from rapport.staff.models import Role, User

pytestmark = pytest.mark.django_db
FILTERS = {"tag": ["3"], "q": ["lost bag"]}


@pytest.fixture
def lead(channel: Channel) -> User:
    return make_user("Lena Lead", brand=channel.brand, role=Role.LEAD)


def keep(actor: User, name: str = "Refunds", brand_id: int | None = None) -> SavedView:
    return saved.create_view(actor=actor, name=name, view="waiting", filters=FILTERS, brand_id=brand_id)


def names(user: User) -> list[str]:
    return [view.name for view in saved.views_for(user=user)]


def test_ones_own_are_seen_by_nobody_else_and_shared_ones_by_the_brand(
    channel: Channel, agent: User, lead: User
) -> None:
    stranger = make_user("Sam", brand=make_brand("bolt"), role=Role.LEAD)
    viewer = make_user("Vic", brand=channel.brand, role=Role.VIEWER)
    mine, shared = keep(agent, "Mine"), keep(lead, "Ours", channel.brand_id)
    assert names(agent) == ["Mine", "Ours"]
    assert names(lead) == names(viewer) == ["Ours"]
    assert names(stranger) == []
    with pytest.raises(NotFound):
        saved.access_view(user=lead, view_id=mine.id)
    with pytest.raises(NotFound):
        saved.access_view(user=stranger, view_id=shared.id)
    assert saved.access_view(user=viewer, view_id=shared.id).filters == FILTERS


def test_only_who_may_share_changes_what_is_shared(channel: Channel, agent: User, lead: User) -> None:
    stranger = make_user("Sam", brand=make_brand("bolt"), role=Role.ADMIN)
    with pytest.raises(NotAllowed):
        keep(agent, brand_id=channel.brand_id)
    with pytest.raises(NotFound):
        keep(stranger, brand_id=channel.brand_id)
    shared, mine = keep(lead, "Ours", channel.brand_id), keep(agent, "Mine")
    attempts = (
        lambda user, view_id: saved.change_view(actor=user, view_id=view_id, name="x"),
        lambda user, view_id: saved.delete_view(actor=user, view_id=view_id),
        lambda user, view_id: saved.restore_view(actor=user, view_id=view_id),
        lambda user, view_id: saved.move_view(actor=user, view_id=view_id, up=True),
    )
    for attempt in attempts:
        for user, view in ((agent, shared), (stranger, shared), (lead, mine), (stranger, mine)):
            with pytest.raises(ActionError):
                attempt(user, view.id)
    assert set(SavedView.objects.values_list("name", "deleted_at")) == {("Ours", None), ("Mine", None)}
    other_lead = make_user("Lou", brand=channel.brand, role=Role.LEAD)
    assert saved.change_view(actor=other_lead, view_id=shared.id, name=" All  ours ").name == "All ours"


def test_a_deleted_one_comes_back_where_it_was_for_a_day(agent: User) -> None:
    first, second = keep(agent, "First"), keep(agent, "Second")
    saved.delete_view(actor=agent, view_id=first.id)
    assert names(agent) == ["Second"]
    saved.restore_view(actor=agent, view_id=first.id)
    assert names(agent) == ["First", "Second"]
    saved.delete_view(actor=agent, view_id=first.id)
    SavedView.objects.filter(id=first.id).update(deleted_at=timezone.now() - timedelta(hours=25))
    saved.delete_view(actor=agent, view_id=second.id)
    with pytest.raises(NotFound):
        saved.restore_view(actor=agent, view_id=first.id)
    assert list(
        AuditEntry.objects.filter(action__startswith="view.").order_by("id").values_list("action", flat=True)
    ) == [
        "view.created",
        "view.created",
        "view.deleted",
        "view.restored",
        "view.deleted",
        "view.deleted",
    ]


def test_they_stand_in_the_order_one_gives_them(channel: Channel, agent: User, lead: User) -> None:
    views = [keep(agent, name) for name in "abc"]
    keep(lead, "other")
    saved.move_view(actor=agent, view_id=views[2].id, up=True)
    assert names(agent) == ["a", "c", "b"]
    saved.move_view(actor=agent, view_id=views[2].id, up=True)
    saved.move_view(actor=agent, view_id=views[2].id, up=True)
    assert names(agent) == ["c", "a", "b"]
    saved.move_view(actor=agent, view_id=views[1].id, up=False)
    saved.move_view(actor=agent, view_id=views[2].id, up=False)
    assert names(agent) == ["a", "c", "b"]
    keep(agent, "d")
    assert names(agent)[-1] == "d"


@pytest.mark.parametrize("name", ["", "  \n", "x" * 81])
def test_a_name_is_needed_and_has_an_end(name: str, agent: User) -> None:
    with pytest.raises(Invalid):
        keep(agent, name)


def test_hostile_names_and_filters_are_stored_or_refused(agent: User) -> None:
    view = saved.create_view(
        actor=agent, name="a\0b\ud800", view="all", filters={"q": ["\0\udfff"], "tag": []}
    )
    view.refresh_from_db()
    assert view.name == "a\ufffdb\ufffd"
    assert view.filters == {"q": ["\ufffd\ufffd"]}
    for filters in ({"q": ["x" * 201]}, {"tag": ["1"] * 101}, {"x" * 201: ["1"]}):
        with pytest.raises(Invalid):
            saved.create_view(actor=agent, name="n", view="all", filters=filters)
    with pytest.raises(Invalid):
        saved.create_view(actor=agent, name="n", view="everything", filters={})


def test_fifty_are_enough(agent: User) -> None:
    SavedView.objects.bulk_create(SavedView(owner=agent, name=str(n), view="all") for n in range(50))
    with pytest.raises(Invalid, match="50 views already"):
        keep(agent)
