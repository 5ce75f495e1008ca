"""Reading cases for the desk. Every function that is given a user shows only what they may see."""

from rapport.inbox.queries.detail import CaseDetail, MessageRow, OutgoingRow, case_detail
from rapport.inbox.queries.lists import (
    COUNT_LIMIT,
    VIEWS,
    CaseFilters,
    CasePage,
    View,
    list_cases,
    view_counts,
)
from rapport.inbox.queries.people import assignable_users, brand_tags
from rapport.inbox.queries.rows import CaseRow

__all__ = [
    "COUNT_LIMIT",
    "VIEWS",
    "CaseDetail",
    "CaseFilters",
    "CasePage",
    "CaseRow",
    "MessageRow",
    "OutgoingRow",
    "View",
    "assignable_users",
    "brand_tags",
    "case_detail",
    "list_cases",
    "view_counts",
]
