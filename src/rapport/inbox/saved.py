"""Views that people save: a list, what it is narrowed to and how it is sorted, under a name.

A saved view is its owner's own, or shared with everybody who sees the cases of a brand; who may share
(``share_views``) may change what is shared there. It stores what an address says and not what it found:
whoever opens it is shown what they may see.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from rapport.audit.actions import record
from rapport.inbox.models import SavedView
from rapport.inbox.queries.views import VIEW_TABLE
from rapport.lib.errors import Invalid, NotFound
from rapport.lib.text import storable
from rapport.staff.access import brand_ids_for, may, require
from rapport.staff.models import User
from rapport.staff.permissions import Permission

NAME_LENGTH = 80
MOST_VIEWS = 50  # of one person, or of one brand
_MOST_VALUES, _LONGEST_VALUE = 100, 200
_KEPT = timedelta(days=1)


def views_for(*, user: User) -> list[SavedView]:
    """The person's own views in their order, then those shared with a brand of theirs."""
    found = _visible(user).filter(deleted_at=None).select_related("brand")
    return sorted(
        found,
        key=lambda view: (
            view.brand is not None,
            view.brand.name if view.brand else "",
            view.position,
            view.id,
        ),
    )


def _visible(user: User) -> QuerySet[SavedView]:
    brand_ids = brand_ids_for(user, Permission.VIEW_CASES)
    return SavedView.objects.filter(Q(owner=user, brand=None) | Q(brand_id__in=brand_ids))


def access_view(*, user: User, view_id: int) -> SavedView:
    """The view, its own or shared. Raises NotFound."""
    view = _visible(user).filter(id=view_id).select_related("brand").first()
    if view is None:
        raise NotFound(_("There is no such view, or you may not see it."))
    return view


def deleted_view(*, user: User, view_id: int) -> SavedView | None:
    """The view, if it is deleted and can still be had back."""
    return _visible(user).filter(id=view_id, deleted_at__isnull=False).first()


def may_change(*, user: User, view: SavedView) -> bool:
    """Whether ``user``, who may see it, may change the view."""
    return view.brand_id is None or may(user, view.brand_id, Permission.SHARE_VIEWS)


def _to_change(user: User, view_id: int) -> SavedView:
    """The view with its row locked. Raises NotFound or NotAllowed."""
    view = access_view(user=user, view_id=view_id)
    if view.brand_id is not None:
        require(user, view.brand_id, Permission.SHARE_VIEWS)
    locked = SavedView.objects.select_for_update().filter(id=view.id).first()
    if locked is None:
        raise NotFound(_("There is no such view, or you may not see it."))
    return locked


def create_view(
    *, actor: User, name: str, view: str, filters: Mapping[str, Sequence[str]], brand_id: int | None = None
) -> SavedView:
    """Save a view at the end of its list; with ``brand_id``, for everybody of the brand."""
    name, kept = _clean_name(name), _clean_filters(view, filters)
    if brand_id is not None:
        require(actor, brand_id, Permission.SHARE_VIEWS)
    with transaction.atomic():
        beside = list(_beside(actor, brand_id).select_for_update())
        if len(beside) >= MOST_VIEWS:
            raise Invalid(
                _("There are %(n)s views already. Delete one that nobody uses.") % {"n": MOST_VIEWS}
            )
        saved = SavedView.objects.create(
            owner=actor,
            brand_id=brand_id,
            name=name,
            view=view,
            filters=kept,
            position=max((one.position for one in beside), default=0) + 1,
        )
        _told("created", actor, saved)
    return saved


def change_view(
    *,
    actor: User,
    view_id: int,
    name: str | None = None,
    place: tuple[str, Mapping[str, Sequence[str]]] | None = None,
) -> SavedView:
    """Give the view another name, or another list and other filters."""
    with transaction.atomic():
        saved = _to_change(actor, view_id)
        if name is not None:
            saved.name = _clean_name(name)
        if place is not None:
            saved.view, saved.filters = place[0], _clean_filters(*place)
        saved.save(update_fields=["name", "view", "filters"])
        _told("changed", actor, saved)
    return saved


def delete_view(*, actor: User, view_id: int) -> SavedView:
    """Take the view away; for a day :func:`restore_view` brings it back."""
    with transaction.atomic():
        saved = _to_change(actor, view_id)
        SavedView.objects.filter(deleted_at__lt=timezone.now() - _KEPT).delete()
        if saved.deleted_at is None:
            saved.deleted_at = timezone.now()
            saved.save(update_fields=["deleted_at"])
            _told("deleted", actor, saved)
    return saved


def restore_view(*, actor: User, view_id: int) -> SavedView:
    """Bring a deleted view back, where it was."""
    with transaction.atomic():
        saved = _to_change(actor, view_id)
        if saved.deleted_at is not None:
            saved.deleted_at = None
            saved.save(update_fields=["deleted_at"])
            _told("restored", actor, saved)
    return saved


def move_view(*, actor: User, view_id: int, up: bool) -> SavedView:
    """Put the view one place higher or lower among those it stands with; at the end it stays."""
    with transaction.atomic():
        saved = _to_change(actor, view_id)
        beside = list(_beside(actor, saved.brand_id).select_for_update())
        at = next((number for number, one in enumerate(beside) if one.id == saved.id), None)
        to = None if at is None else at + (-1 if up else 1)
        if at is None or to is None or not 0 <= to < len(beside):
            return saved
        beside[at], beside[to] = beside[to], beside[at]
        for number, one in enumerate(beside, start=1):
            one.position = number
        SavedView.objects.bulk_update(beside, ["position"])
    return saved


def _beside(user: User, brand_id: int | None) -> QuerySet[SavedView]:
    """The views that stand in one list, in order."""
    mine = Q(owner=user, brand=None) if brand_id is None else Q(brand_id=brand_id)
    return SavedView.objects.filter(mine, deleted_at=None).order_by("position", "id")


def _clean_name(name: str) -> str:
    name = " ".join(storable(name).split())
    if not name:
        raise Invalid(_("A view needs a name."))
    if len(name) > NAME_LENGTH:
        raise Invalid(_("A view's name can have %(limit)s characters.") % {"limit": NAME_LENGTH})
    return name


def _clean_filters(view: str, filters: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    if view not in VIEW_TABLE:
        raise Invalid(_("There is no such list."))
    kept = {
        storable(name): [storable(value) for value in values] for name, values in filters.items() if values
    }
    values = [value for some in kept.values() for value in some]
    if len(values) > _MOST_VALUES or any(len(value) > _LONGEST_VALUE for value in (*kept, *values)):
        raise Invalid(_("That is too much for one view. Narrow it by less."))
    return kept


def _told(what: str, actor: User, saved: SavedView) -> None:
    record(
        action=f"view.{what}",
        actor_id=actor.id,
        brand_id=saved.brand_id,
        object_type="view",
        object_id=saved.id,
        data={"view": saved.view},
    )
