"""The desk's pages on a filled database: lists, counts, an open case; and the same list as Django's manual writes it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from bench import tables
from bench.place import timed
from bench.plans import plan

Works = dict[str, Callable[[], Any]]
PLAIN = "plain Django: ORDER BY, OFFSET, count"
# Whose plan is printed: by which words its statement is known.
PLANS = {
    "list, open": "LATERAL",
    "list, waiting longest": "LATERAL",
    "list, closed, page 21": "LATERAL",
    "counts of all lists": "AS held",
    "an open case": "inbox_message",
    PLAIN: "OFFSET",
}
_CASES = 40


def works() -> Works:
    """What is timed, each a whole request through the views and the middleware, or a whole query."""
    from django.contrib.auth import get_user_model
    from django.core.paginator import Paginator
    from django.test import Client

    from rapport.inbox.models import Case
    from rapport.inbox.queries import CaseFilters, list_cases
    from rapport.inbox.queries.counts import view_counts

    people = get_user_model().objects
    owner = people.get(id=tables.OWNER)
    agent = people.filter(is_superuser=False, memberships__brand_id=1).order_by("id")[0]

    def page(*urls: str, by: Any = owner, part: str = "") -> Callable[[], Any]:
        client = Client(SERVER_NAME="localhost")
        client.force_login(by, backend="django.contrib.auth.backends.ModelBackend")
        asked = itertools.cycle(urls)
        headers = {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": part} if part else {}

        def fetch() -> None:
            url = next(asked)
            response = client.get(url, **headers)  # type: ignore[arg-type]
            assert response.status_code == 200, (url, response.status_code)

        return fetch

    deep: str | None = None
    for _ in range(4):
        deep = list_cases(user=owner, filters=CaseFilters(view="closed"), after=deep, limit=200).next_cursor

    def plain() -> None:
        """Every open case that one may see, newest first, numbered pages with a count."""
        paginator = Paginator(
            Case.objects.filter(status="open").select_related("contact", "channel", "brand", "assignee", "team")
            .prefetch_related("tags").order_by("-last_message_at"),
            40,
        )  # fmt: skip
        found = paginator.page(min(10, paginator.num_pages))
        assert found.object_list[0].contact.name is not None

    opened = Case.objects.filter(status="open").order_by("id").values_list("id", flat=True)
    every = max(opened.count() // _CASES, 1)
    cases = [f"/desk/all/case/{case_id}/" for case_id in opened[::every][:_CASES]]
    long = f"/desk/all/case/{Case.objects.count() - 37}/"
    return {
        "list, open": page("/desk/all/", part="list"),
        "list, waiting longest": page("/desk/waiting/", part="list"),
        "list, mine": page("/desk/mine/", by=agent, part="list"),
        "list, my teams": page("/desk/teams/", by=agent, part="list"),
        "list, closed": page("/desk/closed/", part="list"),
        "list, a tag and a language": page("/desk/all/?tag=3&lang=de", part="list"),
        "list, open, the whole page": page("/desk/all/"),
        "an open case": page(*cases, part="case"),
        "an open case, the whole page": page(*cases),
        "a thread of a thousand messages": page(long, part="case"),
        "counts of all lists": lambda: view_counts(user=owner),
        "list, closed, page 21": lambda: list_cases(
            user=owner, filters=CaseFilters(view="closed"), after=deep, limit=40
        ),
        PLAIN: plain,
    }


def measure(*, rounds: int) -> dict[str, Any]:
    """Seconds of each, and the plans."""
    found = works()
    times = {name: timed(work, rounds=rounds, warmup=5) for name, work in found.items()}
    return {"times": times, "plans": {name: plan(found[name], having) for name, having in PLANS.items()}}
