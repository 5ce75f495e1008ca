"""The desk's pages at ten thousand and at a million messages, beside a plain Django page."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

from bench.generate import generate
from bench.place import milliseconds, quantile, table, timed

EVERYTHING = "brands_brand, contacts_contact, inbox_thread, inbox_case, inbox_message, inbox_turn, staff_user"


def _works(size: str) -> dict[str, Callable[[], Any]]:
    """What is timed, each a whole request or a whole query."""
    from django.core.paginator import Paginator
    from django.test import Client

    from rapport.inbox.models import Case
    from rapport.inbox.queries import CaseFilters, list_cases
    from rapport.staff.models import User

    user = User.objects.create_superuser(
        f"owner-{size}@example.com", "a long password", name="Owner", initials="O"
    )
    Case.objects.filter(id__in=Case.objects.filter(status="open").values("id")[:50]).update(assignee=user)
    client = Client(SERVER_NAME="localhost")
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")

    def page(url: str) -> Callable[[], Any]:
        def fetch() -> None:
            response = client.get(url)
            assert response.status_code == 200, (url, response.status_code)

        return fetch

    cursor: str | None = None
    for _ in range(5):
        cursor = list_cases(
            user=user, filters=CaseFilters(view="closed"), after=cursor, limit=200
        ).next_cursor
    deep = cursor

    def plain() -> None:
        """What a Django project would write first: every brand, newest first, numbered pages with a count."""
        paginator = Paginator(
            Case.objects.filter(status="open").select_related("contact", "channel", "brand", "assignee")
            .prefetch_related("tags").order_by("-last_message_at"),
            50,
        )  # fmt: skip
        found = paginator.page(min(10, paginator.num_pages))
        assert found.object_list[0].contact.name is not None

    case_id = Case.objects.filter(status="open").order_by("-id").values_list("id", flat=True)[0]
    return {
        "list page, all open (HTTP)": page("/desk/all/"),
        "list page, waiting longest (HTTP)": page("/desk/waiting/"),
        "list page, closed (HTTP)": page("/desk/closed/"),
        "an open case (HTTP)": page(f"/desk/all/case/{case_id}/"),
        "page 21 of closed, 50 rows": lambda: list_cases(
            user=user, filters=CaseFilters(view="closed"), after=deep
        ),
        "plain Django page 10 with count": plain,
    }


def run(*, large: int = 1_000_000, small: int = 10_000, rounds: int = 40) -> str:
    """Measure at both sizes, and return a section of Markdown."""
    from django.db import connection

    found: dict[str, dict[int, list[float]]] = {}
    for size in (small, large):
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {EVERYTHING} CASCADE")
        generate(messages=size)
        gc.collect()
        for name, work in _works(str(size)).items():
            found.setdefault(name, {})[size] = timed(work, rounds=rounds, warmup=5)
    rows = []
    for name, sizes in found.items():
        ratio = quantile(sizes[large], 0.5) / quantile(sizes[small], 0.5)
        rows.append([name, milliseconds(sizes[small]), milliseconds(sizes[large]), f"**{ratio:.2f}×**"])
        print(f"{name}: {rows[-1][1]} ms at {small:,}, {rows[-1][2]} ms at {large:,}, {ratio:.2f}x")
    return (
        "## Pages\n\n"
        f"Server time in milliseconds, median / p95 of {rounds} calls, one after the other, with {small:,} and with "
        f"{large:,} messages (a fifth as many cases, one in twenty open).\n\n"
        + table(["", f"{small:,}", f"{large:,}", "ratio of medians"], rows)
        + "\n\nLimit: rendering the template in Python; the queries walk partial indexes and cost the same at both sizes. "
        "The plain page sorts and counts every open case.\n"
    )
