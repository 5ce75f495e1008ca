"""What a list shows of each case, fetched for a whole page at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from rapport.contacts.models import Identity
from rapport.inbox.models import Case, Mention
from rapport.staff.models import User


@dataclass(frozen=True, kw_only=True)
class CaseRow:
    """One line of a list. ``handle`` and ``avatar_url`` are the contact's on the case's network.

    ``waiting_since`` doubles as unread: the contact's newest words have no answer. ``failed``: a reply
    could not be delivered and somebody must look at it. ``names_you``: a note names the reader, who has
    not seen it yet.
    """

    id: int
    version: int
    status: str
    priority: int
    brand_id: int
    brand_name: str
    brand_colour: str
    channel_id: int
    channel_handle: str
    network: str
    contact_id: int
    contact_name: str
    handle: str
    avatar_url: str
    visibility: str
    preview: str
    lang: str
    opened_at: datetime
    last_message_at: datetime
    waiting_since: datetime | None
    snoozed_until: datetime | None
    closed_at: datetime | None
    close_reason: str
    assignee_id: int | None
    assignee_name: str
    assignee_initials: str
    team_name: str
    tags: tuple[str, ...]
    failed: bool
    names_you: bool


def case_rows(case_ids: Sequence[int], *, reader: User) -> tuple[CaseRow, ...]:
    """The rows of these cases in the order given; five queries for any number of them."""
    if not case_ids:
        return ()
    cases = (
        Case.objects.filter(id__in=case_ids)
        .select_related("brand", "channel", "contact", "assignee", "team")
        .defer("channel__credentials", "channel__cursor", "channel__settings", "assignee__password")
        .prefetch_related("tags")
        .in_bulk()
    )
    # Outgoing belongs to a room above this one: it is reached through the case's own relation.
    failed = set(Case.objects.filter(id__in=case_ids, outgoing__state="failed").values_list("id", flat=True))
    named = set(
        Mention.objects.filter(user=reader, case_id__in=case_ids, seen_at=None).values_list(
            "case_id", flat=True
        )
    )
    known_as = identities_of(cases.values())
    # A case may vanish between the two statements only through a restore; then it is left out.
    return tuple(
        _row(
            cases[case_id],
            known_as.get((cases[case_id].contact_id, cases[case_id].channel.network)),
            case_id in failed,
            case_id in named,
        )
        for case_id in case_ids
        if case_id in cases
    )


def identities_of(cases: Iterable[Case]) -> dict[tuple[int, str], Identity]:
    """The newest identity by (contact, network) of the cases' contacts."""
    found = Identity.objects.filter(contact_id__in={case.contact_id for case in cases}).order_by(
        "seen_at", "id"
    )
    return {(identity.contact_id, identity.network): identity for identity in found}


def _row(case: Case, identity: Identity | None, failed: bool, names_you: bool) -> CaseRow:
    handle = identity.handle if identity else ""
    name = case.contact.name or (identity.name if identity else "") or handle
    return CaseRow(
        id=case.id,
        version=case.version,
        status=case.status,
        priority=case.priority,
        brand_id=case.brand_id,
        brand_name=case.brand.name,
        brand_colour=case.brand.colour,
        channel_id=case.channel_id,
        channel_handle=case.channel.handle,
        network=case.channel.network,
        contact_id=case.contact_id,
        contact_name=name or (identity.external_id if identity else ""),
        handle=handle,
        avatar_url=identity.avatar_url if identity else "",
        visibility=case.visibility,
        preview=case.preview,
        lang=case.lang,
        opened_at=case.opened_at,
        last_message_at=case.last_message_at,
        waiting_since=case.waiting_since,
        snoozed_until=case.snoozed_until,
        closed_at=case.closed_at,
        close_reason=case.close_reason,
        assignee_id=case.assignee_id,
        assignee_name=case.assignee.name if case.assignee else "",
        assignee_initials=case.assignee.initials if case.assignee else "",
        team_name=case.team.name if case.team else "",
        tags=tuple(tag.name for tag in case.tags.all()),
        failed=failed,
        names_you=names_you,
    )
