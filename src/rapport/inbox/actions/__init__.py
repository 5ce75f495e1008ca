"""Everything a person can do to a case. Each call is one transaction: the change, the event that
tells it, the audit entry and the hint to open desks.

All of them raise :class:`~rapport.lib.errors.NotFound` or :class:`~rapport.lib.errors.NotAllowed` by
who asks, :class:`~rapport.lib.errors.Conflict` when ``expected_version`` is behind or the case's state
does not allow it, and :class:`~rapport.lib.errors.Invalid` when what was given cannot be used. What
already is as wanted is left alone and returned.
"""

from rapport.inbox.actions.joining import (
    link_cases,
    merge_cases,
    part_cases,
    split_case,
    unlink_cases,
    unsplit_case,
)
from rapport.inbox.actions.life import close_case, reopen_case, snooze_case, wake_due_cases
from rapport.inbox.actions.notes import add_note
from rapport.inbox.actions.work import add_tag, assign_case, remove_tag, set_priority

__all__ = [
    "add_note",
    "add_tag",
    "assign_case",
    "close_case",
    "link_cases",
    "merge_cases",
    "part_cases",
    "remove_tag",
    "reopen_case",
    "set_priority",
    "snooze_case",
    "split_case",
    "unlink_cases",
    "unsplit_case",
    "wake_due_cases",
]
