"""Many cases change hands at once: whoever is told of it is told once, of all of them, and told at each case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from django.db import connection

from rapport.inbox.actions.bulk import Step
from rapport.inbox.actions.follow import end_following
from rapport.inbox.models import BulkAct, Case, CaseEvent, CaseEventKind, CaseHandover
from rapport.lib.pg import array
from rapport.staff.models import User


def name_deed(deed: str, steps: Sequence[tuple[Case, Step]]) -> list[tuple[Case, Step]]:
    """The steps, each with the deed it is part of in its event, and of how many cases of its brand the same people
    hear: ``taken`` from the same person, ``given`` to the same, given to the ``team``. Notices are made of these
    (``notices/making.py``), so that one event is enough to know how many there are."""
    taken: Counter[tuple[int, int | None]] = Counter()
    given: Counter[tuple[int, int | None]] = Counter()
    team: Counter[tuple[int, int | None]] = Counter()
    for case, step in steps:
        changed = step.data["from"] != step.data["to"]
        taken[case.brand_id, step.data["from"]] += changed and step.data["from"] is not None
        given[case.brand_id, step.data["to"]] += changed and step.data["to"] is not None
        to_all = step.data["to"] is None and step.data["from_team"] != step.data["to_team"]
        team[case.brand_id, step.data["to_team"]] += to_all
    return [
        (
            case,
            replace(
                step,
                data={
                    **step.data,
                    "deed": deed,
                    "taken": taken[case.brand_id, step.data["from"]],
                    "given": given[case.brand_id, step.data["to"]],
                    "team": team[case.brand_id, step.data["to_team"]],
                },
            ),
        )
        for case, step in steps
    ]


def tell_former(*, actor: User, steps: Sequence[tuple[Case, Step]]) -> None:
    """Whoever had one of the cases sees at it that it was taken, as when one is taken alone."""
    CaseHandover.objects.bulk_create(
        CaseHandover(
            case=case,
            made_by=actor,
            former_id=step.data["from"],
            person_id=step.data["to"],
            team_id=step.data["to_team"],
        )
        for case, step in steps
        if step.data["from"] not in (None, actor.id)
    )


def take_back(*, actor: User, act: BulkAct, steps: Sequence[tuple[Case, Step]]) -> None:
    """What came of giving these cases goes with it: what their former assignees were told there, and that whoever
    got them follows them. ``steps`` are those that give them back."""
    moves = [(case.id, step.data["to"], step.data["from"]) for case, step in steps]
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM inbox_casehandover h "
            "USING unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS g(case_id, former_id, person_id) "
            "WHERE h.case_id = g.case_id AND h.former_id = g.former_id "
            "AND h.person_id IS NOT DISTINCT FROM g.person_id "
            "AND h.made_by_id = %s AND h.note_id IS NULL AND h.done_at IS NULL",
            [*(array(move[place] for move in moves) for place in range(3)), actor.id],
        )
    begun = set(act.data.get("begins", ()))
    ended = [(case_id, person) for case_id, _former, person in moves if person and case_id in begun]
    if ended:
        # One statement told all of them, so they have one time.
        told = CaseEvent.objects.filter(
            case_id=ended[0][0], kind=CaseEventKind.ASSIGNED, data__deed=str(act.id)
        )
        end_following(ended, since=told.values_list("recorded_at", flat=True)[0])
