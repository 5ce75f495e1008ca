"""Real conversations: the report equals a computation written from the definitions alone."""

from __future__ import annotations

import csv
import random
import statistics
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from rapport.brands.models import Channel
from rapport.contacts.models import Identity
from rapport.imports.actions import import_file
from rapport.inbox.models import Case, Message, Thread
from rapport.ingest.models import RawEvent
from rapport.insights.queries import response_rows, waiting_now
from rapport.lib.tests.shared_data import shared_data

pytestmark = pytest.mark.django_db

# The first 5,000 rows of "Customer Support on Twitter".
SAMPLE = "support/twcs_5000.csv"
CHECKED = (
    "brands_brand", "brands_channel", "contacts_contact", "contacts_identity", "ingest_rawevent", "inbox_thread",
    "inbox_message", "inbox_messagechange", "inbox_case", "inbox_casethread", "inbox_caseevent", "inbox_turn",
)  # fmt: skip


# The independent computation: plain Python, from the definitions in the issue, sharing no code ------
def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def conversations_of(rows: list[dict[str, str]]) -> list[list[dict[str, str]]]:
    """Rows joined by reply links whose parent is in the file, by flooding the graph."""
    by_id = {row["tweet_id"]: row for row in rows}
    linked: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        parent = row["in_response_to_tweet_id"]
        if parent in by_id:
            linked[row["tweet_id"]].add(parent)
            linked[parent].add(row["tweet_id"])
    conversations, seen = [], set()
    for start in by_id:
        if start in seen:
            continue
        seen.add(start)
        queue, members = [start], []
        while queue:
            one = queue.pop()
            members.append(by_id[one])
            fresh = linked[one] - seen
            seen |= fresh
            queue.extend(fresh)
        conversations.append(members)
    return conversations


def time_of(row: dict[str, str]) -> datetime:
    return datetime.strptime(row["created_at"], "%a %b %d %H:%M:%S %z %Y")


def p90(values: list[float]) -> float:
    """By straight line between the two neighbours, as in Hyndman and Fan's type 7."""
    ordered = sorted(values)
    place = 0.9 * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def expected_figures(rows: list[dict[str, str]]) -> dict[str, dict[str, Any]]:
    first_responses: dict[str, list[float | None]] = defaultdict(list)
    waits: dict[str, list[float | None]] = defaultdict(list)
    written: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for conversation in conversations_of(rows):
        companies = {row["author_id"] for row in conversation if not row["author_id"].isdigit()}
        asked = sorted(time_of(row) for row in conversation if row["author_id"].isdigit())
        for company in companies:
            answers = sorted(time_of(row) for row in conversation if row["author_id"] == company)
            written[company][0] += len(asked)
            written[company][1] += len(answers)
            if not asked:
                continue
            after = [moment for moment in answers if moment >= asked[0]]
            first_responses[company].append((after[0] - asked[0]).total_seconds() if after else None)
            # Every wait: from the first message that is not answered yet to the next answer.
            since: datetime | None = asked[0]
            while since is not None:
                end = next((moment for moment in answers if moment >= since), None)
                waits[company].append((end - since).total_seconds() if end else None)
                since = next((moment for moment in asked if end and moment > end), None)
    return {
        company: {
            "messages_in": written[company][0],
            "messages_out": written[company][1],
            **summary(first_responses[company], "conversations", "answered", "first_response", ""),
            **summary(waits[company], "turns", "turns_answered", "every_response", "every_"),
            "response_rate": share(
                sum(one is not None for one in first_responses[company]), len(first_responses[company])
            ),
            "unanswered": sum(one is None for one in first_responses[company]),
        }
        for company in written
    }


def summary(
    all_s: list[float | None], count: str, answered: str, response: str, within: str
) -> dict[str, Any]:
    given = [one for one in all_s if one is not None]
    return {
        count: len(all_s),
        answered: len(given),
        f"{response}_median_s": statistics.median(given) if given else None,
        f"{response}_p90_s": p90(given) if given else None,
        f"{within}within_30m": share(sum(one <= 1800 for one in given), len(given)),
        f"{within}within_60m": share(sum(one <= 3600 for one in given), len(given)),
    }


def share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


# ----------------------------------------------------------------------------------------------------
FIGURES = (
    "conversations", "messages_in", "messages_out", "answered", "response_rate", "first_response_median_s",
    "first_response_p90_s", "within_30m", "within_60m", "unanswered", "turns", "turns_answered",
    "every_response_median_s", "every_response_p90_s", "every_within_30m", "every_within_60m",
)  # fmt: skip


def reported_figures() -> dict[str, dict[str, Any]]:
    rows = response_rows(brand_ids=None, since=None, until=None, by="brand")
    return {row.brand: {key: getattr(row, key) for key in FIGURES} for row in rows}


def nearly(figures: dict[str, Any]) -> dict[str, Any]:
    """Equal but for the last bits of an interpolated quantile."""
    return {key: None if one is None else pytest.approx(one, rel=1e-12) for key, one in figures.items()}


def checksums() -> dict[str, str]:
    sums = {}
    with connection.cursor() as cursor:
        for table in CHECKED:
            cursor.execute(f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t")
            sums[table] = cursor.fetchone()[0]
    return sums


def test_it_reports_every_brand_s_true_figures_and_importing_again_changes_nothing() -> None:
    path = shared_data(SAMPLE)
    rows = read(path)
    summary = import_file(path=path, file_format="twcs")
    assert (summary.rows, summary.new, summary.duplicates, summary.rejected) == (5000, 5000, 0, 0)
    assert (summary.conversations, summary.links, summary.brands, summary.channels) == (1312, 3688, 76, 76)
    assert (summary.parked, summary.copies) == (0, Message.objects.count() - 5000)
    expected = expected_figures(rows)
    assert len(expected) == 76
    assert reported_figures() == {brand: nearly(figures) for brand, figures in expected.items()}

    assert not RawEvent.objects.exclude(state="done").exists()
    waiting = Case.objects.filter(status__in=["open", "snoozed"], waiting_since__isnull=False).count()
    assert sum(row.waiting for row in waiting_now(brand_ids=None)) == waiting

    before = checksums()
    again = import_file(path=path, file_format="twcs")
    assert (again.new, again.duplicates, again.copies, again.resumed_at) == (0, 5000, 0, 0)
    assert checksums() == before


def test_it_keeps_times_threads_links_and_who_is_who() -> None:
    path = shared_data(SAMPLE)
    rows = read(path)
    import_file(path=path, file_format="twcs")
    by_id = {row["tweet_id"]: row for row in rows}
    links = 0
    thread_of: dict[tuple[int, str], int] = {}
    messages = list(Message.objects.select_related("identity", "channel"))
    for message in messages:
        row = by_id[message.external_id]
        assert message.sent_at == time_of(row)
        assert (message.parent_external_id or "") == row["in_response_to_tweet_id"]
        assert message.identity.external_id == f"twcs:{row['author_id']}"
        assert message.from_brand == message.identity.is_brand == (not row["author_id"].isdigit())
        assert message.own == (row["author_id"] == message.channel.handle)
        thread_of[message.channel_id, message.external_id] = message.thread_id
    for (channel_id, external_id), thread_id in thread_of.items():
        parent = by_id[external_id]["in_response_to_tweet_id"]
        if parent in by_id:
            links += 1
            assert thread_of[channel_id, parent] == thread_id
    companies_in = [
        {row["author_id"] for row in one if not row["author_id"].isdigit()} for one in conversations_of(rows)
    ]
    copies = {
        len(companies): len(one) for companies, one in zip(companies_in, conversations_of(rows), strict=True)
    }
    (shared,) = (size for companies, size in copies.items() if companies > 1)
    assert len(messages) == 5000 + 3 * shared
    assert links == 3688 + 3 * (shared - 1)
    used = Thread.objects.filter(messages__isnull=False).distinct().count()
    assert used == sum(len(companies) for companies in companies_in)
    contacts = {row["author_id"] for row in rows if row["author_id"].isdigit()}
    assert Identity.objects.filter(is_brand=False).count() == len(contacts)
    assert not Channel.objects.exclude(state="paused", polled=False, role="support").exists()


@pytest.mark.parametrize("seed", [None, 7])
def test_it_gives_the_same_figures_for_the_same_rows_in_another_order(
    seed: int | None, tmp_path: Path
) -> None:
    rows = read(shared_data(SAMPLE))
    order = rows[::-1] if seed is None else random.Random(seed).sample(rows, len(rows))
    path = tmp_path / "shuffled.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(order)
    # Several batches: many replies are then processed before their parents.
    summary = import_file(path=path, file_format="twcs", batch_rows=2000, process_events=20)
    assert (summary.new, summary.conversations, summary.links) == (5000, 1312, 3688)
    expected = expected_figures(rows)
    assert reported_figures() == {brand: nearly(figures) for brand, figures in expected.items()}


def test_it_imports_one_company_and_still_knows_the_others_as_brands() -> None:
    path = shared_data(SAMPLE)
    rows = read(path)
    (shared,) = (
        one
        for one in conversations_of(rows)
        if len({row["author_id"] for row in one if not row["author_id"].isdigit()}) > 1
    )
    company = next(row["author_id"] for row in shared if not row["author_id"].isdigit())
    summary = import_file(path=path, file_format="twcs", brand=f"@{company.lower()}")
    assert summary.rejected == 0
    assert summary.new + summary.skipped == 5000
    expected = expected_figures(rows)[company]
    assert reported_figures()[company] == nearly(expected)
    assert set(Message.objects.values_list("channel__handle", flat=True)) == {company}
    assert not Identity.objects.filter(is_brand=False, external_id__regex="twcs:.*[^0-9]").exists()
