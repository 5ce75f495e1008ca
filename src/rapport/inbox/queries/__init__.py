"""Reading cases for the desk. Every function that is given a user shows only what they may see."""

from rapport.inbox.queries.counts import COUNT_LIMIT, Count, Counts, view_counts
from rapport.inbox.queries.detail import CaseDetail, MessageRow, OutgoingRow, case_detail
from rapport.inbox.queries.filters import CaseFilters
from rapport.inbox.queries.lists import CasePage, list_cases
from rapport.inbox.queries.people import assignable_users, brand_tags
from rapport.inbox.queries.rows import CaseRow
from rapport.inbox.queries.views import VIEWS, View

__all__ = [
    "COUNT_LIMIT",
    "VIEWS",
    "CaseDetail",
    "CaseFilters",
    "CasePage",
    "CaseRow",
    "Count",
    "Counts",
    "MessageRow",
    "OutgoingRow",
    "View",
    "assignable_users",
    "brand_tags",
    "case_detail",
    "list_cases",
    "view_counts",
]
