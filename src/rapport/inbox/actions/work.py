"""Who works on a case, how urgent it is, and what it is about."""

from __future__ import annotations

from dataclasses import replace

from django.utils.translation import gettext as _

from rapport.inbox.actions.change import Change, change_case
from rapport.inbox.actions.follow import end_following, would_begin
from rapport.inbox.models import Case, CaseEvent, CaseEventKind, CaseHandover, Priority, Tag
from rapport.inbox.queries.people import assignable_users
from rapport.lib.errors import Invalid, NotFound
from rapport.lib.text import storable
from rapport.staff.models import Team, User

TAG_LENGTH = 60


def assign_case(
    *,
    actor: User,
    case_id: int,
    assignee_id: int | None,
    team_id: int | None = None,
    expected_version: int | None = None,
    undoing: bool = False,
) -> Case:
    """Give the case to a person, to a team, to both, or to nobody.

    Without ``team_id`` a person gets the case and its team stays; with neither, it belongs to nobody.
    The person must be able to answer for the brand, and the team must be the brand's. Giving it to
    whoever has it changes nothing. ``undoing``: ``actor`` takes back that they gave it away, and with it what
    came of that: whoever got it follows it no more, and nobody is told at the case that it was taken.
    """

    def decide(case: Case) -> Change | None:
        change = assignment(case, assignee_id=assignee_id, team_id=team_id)
        if change is None:
            return None
        undone = _undone(case, actor, change) if undoing else None
        if undone is not None:
            _take_back(case, actor, undone)
            return replace(change, data={**change.data, "undo": True})
        if case.assignee_id not in (None, actor.id):
            # Whoever had it is told, where they look at it.
            CaseHandover.objects.create(
                case=case,
                made_by=actor,
                former_id=case.assignee_id,
                person_id=assignee_id,
                team_id=change.fields["team_id"],
            )
        if assignee_id is not None and would_begin([(case.id, assignee_id)]):
            return replace(change, data={**change.data, "begins": True})
        return change

    return change_case(actor=actor, case_id=case_id, expected_version=expected_version, decide=decide)


def _undone(case: Case, actor: User, change: Change) -> CaseEvent | None:
    """The event that ``change`` takes back: the newest that gave the case, if ``actor`` did that and the case goes
    back to where it came from. None for doing again what was undone."""
    newest = case.events.filter(kind=CaseEventKind.ASSIGNED).order_by("-id").first()
    if newest is None or newest.actor_id != actor.id or newest.data.get("undo"):
        return None
    back = {"from": "to", "to": "from", "from_team": "to_team", "to_team": "from_team"}
    exactly = all(newest.data.get(theirs) == change.data[ours] for ours, theirs in back.items())
    return newest if exactly else None


def _take_back(case: Case, actor: User, given: CaseEvent) -> None:
    former, person = given.data["from"], given.data["to"]
    CaseHandover.objects.filter(
        case=case, made_by=actor, former_id=former, person_id=person, note=None, done_at=None
    ).delete()
    if given.data.get("begins"):
        end_following([(case.id, person)], since=given.recorded_at)


def assignment(case: Case, *, assignee_id: int | None, team_id: int | None) -> Change | None:
    """The change that gives the case to them, as :func:`assign_case` says; None where they have it."""
    team = team_id if team_id is not None or assignee_id is None else case.team_id
    if (case.assignee_id, case.team_id) == (assignee_id, team):
        return None
    if not (assignee_id is None or assignee_id == case.assignee_id or _can_be_given(case, assignee_id)):
        raise Invalid(_("That person cannot answer for this brand. Choose somebody who can."))
    if not (team is None or team == case.team_id or _is_of_brand(case, team)):
        raise Invalid(_("That team does not belong to this brand."))
    return Change(
        kind=CaseEventKind.ASSIGNED,
        fields={"assignee_id": assignee_id, "team_id": team},
        data={"from": case.assignee_id, "to": assignee_id, "from_team": case.team_id, "to_team": team},
    )


def _can_be_given(case: Case, user_id: int) -> bool:
    return assignable_users(brand_id=case.brand_id).filter(id=user_id).exists()


def _is_of_brand(case: Case, team_id: int) -> bool:
    return Team.objects.filter(id=team_id, brand_id=case.brand_id).exists()


def set_priority(
    *, actor: User, case_id: int, priority: Priority | int, expected_version: int | None = None
) -> Case:
    """Say how urgent the case is; ``priority`` is one of :class:`~rapport.inbox.models.Priority`."""
    try:
        wanted = Priority(priority)
    except ValueError:
        raise Invalid(_("There is no such priority.")) from None

    def decide(case: Case) -> Change | None:
        if case.priority == wanted:
            return None
        return Change(
            kind=CaseEventKind.PRIORITISED,
            fields={"priority": wanted.value},
            data={"from": int(case.priority), "to": wanted.value},
        )

    return change_case(actor=actor, case_id=case_id, expected_version=expected_version, decide=decide)


def clean_tag_name(name: str) -> str:
    """A tag's name without needless spaces. Raises Invalid when it is empty or too long."""
    name = " ".join(storable(name).split())
    if not name:
        raise Invalid(_("A tag needs a name."))
    if len(name) > TAG_LENGTH:
        raise Invalid(_("A tag's name can have %(limit)s characters.") % {"limit": TAG_LENGTH})
    return name


def add_tag(*, actor: User, case_id: int, name: str, expected_version: int | None = None) -> Case:
    """Put a tag on the case. The brand's tag of that name, in whatever case, is made on first use."""
    name = clean_tag_name(name)

    def decide(case: Case) -> Change | None:
        tag = Tag.objects.filter(brand_id=case.brand_id, name__iexact=name).first()
        if tag is None:
            # Two people may name it first at the same time; the unique constraint keeps one.
            Tag.objects.bulk_create([Tag(brand_id=case.brand_id, name=name)], ignore_conflicts=True)
            tag = Tag.objects.get(brand_id=case.brand_id, name__iexact=name)
        if case.tags.filter(id=tag.id).exists():
            return None
        case.tags.add(tag)
        return Change(kind=CaseEventKind.TAGGED, data={"tag": tag.id, "name": tag.name})

    return change_case(actor=actor, case_id=case_id, expected_version=expected_version, decide=decide)


def remove_tag(*, actor: User, case_id: int, tag_id: int, expected_version: int | None = None) -> Case:
    """Take a tag off the case. The brand keeps the tag."""

    def decide(case: Case) -> Change | None:
        tag = Tag.objects.filter(id=tag_id, brand_id=case.brand_id).first()
        if tag is None:
            raise NotFound(_("There is no such tag."))
        if not case.tags.filter(id=tag.id).exists():
            return None
        case.tags.remove(tag)
        return Change(kind=CaseEventKind.UNTAGGED, data={"tag": tag.id, "name": tag.name})

    return change_case(actor=actor, case_id=case_id, expected_version=expected_version, decide=decide)
