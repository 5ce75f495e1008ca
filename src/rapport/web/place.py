"""Where in the desk somebody is: which list, narrowed how, and which case. Each place has an address."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from rapport.inbox.queries.lists import VIEWS, CaseFilters, View
from rapport.lib.errors import NotFound
from rapport.web.numbers import whole_number

_LONGEST_SEARCH = 200

VIEW_LABELS: dict[View, str | Promise] = {
    "all": pgettext_lazy("list of cases", "Open"),
    "waiting": pgettext_lazy("list of cases", "Waiting"),
    "mine": pgettext_lazy("list of cases", "Mine"),
    "unassigned": pgettext_lazy("list of cases", "Unassigned"),
    "snoozed": pgettext_lazy("list of cases", "Snoozed"),
    "closed": pgettext_lazy("list of cases", "Closed"),
}
# What an empty list will hold, for the empty state.
VIEW_HINTS: dict[View, str | Promise] = {
    "all": _("Every open case appears here, newest words first."),
    "waiting": _("Nobody waits for an answer. Who does appears here, longest wait first."),
    "mine": _("Cases that are given to you appear here. Take one from the unassigned ones."),
    "unassigned": _("Everything has somebody. Cases that nobody has taken yet appear here."),
    "snoozed": _("Cases that were put away until later appear here."),
    "closed": _("Closed cases appear here, with the reason."),
}


@dataclass(frozen=True, kw_only=True)
class Place:
    """A list of the desk and what it is narrowed to. ``text`` is what is searched for."""

    view: View = "all"
    brand: int | None = None
    channel: int | None = None
    tag: int | None = None
    assignee: int | None = None
    text: str = ""

    @property
    def filters(self) -> CaseFilters:
        return CaseFilters(
            view=self.view,
            brand_id=self.brand,
            channel_id=self.channel,
            tag_id=self.tag,
            assignee_id=self.assignee,
            text=self.text,
        )

    @property
    def query(self) -> str:
        """The query string with its question mark, "" when nothing narrows the list."""
        pairs = {
            "brand": self.brand,
            "channel": self.channel,
            "tag": self.tag,
            "assignee": self.assignee,
            "q": self.text,
        }
        given = {name: value for name, value in pairs.items() if value}
        return f"?{urlencode(given)}" if given else ""

    @property
    def narrowed(self) -> bool:
        """Whether the list shows less than its whole view."""
        return bool(self.query)

    @property
    def url(self) -> str:
        """The list's address."""
        return reverse("desk-list", args=[self.view]) + self.query

    def of_view(self, view: View) -> Place:
        """Another view, narrowed alike but for the search, which looks in all open and closed cases."""
        return replace(self, view=view, text="")

    def case_url(self, case_id: int) -> str:
        """The address of a case beside this list."""
        return reverse("desk-case", args=[self.view, case_id]) + self.query

    def action_url(self, case_id: int, action: str) -> str:
        """Where a form about a case goes, so that its answer knows the list beside it."""
        return reverse(f"case-{action}", args=[self.view, case_id]) + self.query


def place_of(request: HttpRequest, view: str) -> Place:
    """The place a request's address names. Raises NotFound for a view that does not exist; a
    narrowing that is not a number is left out."""
    for known in VIEWS:
        if known == view:
            break
    else:
        raise NotFound(_("There is no such list."))
    return Place(
        view=known,
        brand=_number(request, "brand"),
        channel=_number(request, "channel"),
        tag=_number(request, "tag"),
        assignee=_number(request, "assignee"),
        text=request.GET.get("q", "").replace("\0", "").strip()[:_LONGEST_SEARCH],
    )


def _number(request: HttpRequest, name: str) -> int | None:
    return whole_number(request.GET.get(name, "")) or None
