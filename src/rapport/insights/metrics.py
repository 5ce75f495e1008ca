"""Every figure Rapport shows, defined once. The docs, the pages and the report read this table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Unit(StrEnum):
    """``share`` is a number from 0 to 1; it and seconds are absent when there is nothing to measure."""

    COUNT = "count"
    SECONDS = "seconds"
    SHARE = "share"


@dataclass(frozen=True)
class Metric:
    """``definition`` is exact enough to compute the figure by hand; ``source`` says whose idea it is."""

    key: str
    title: str | Promise
    unit: Unit
    definition: str | Promise
    source: str


THIRTY_MINUTES_S = 30 * 60
SIXTY_MINUTES_S = 60 * 60

_OURS = "Rapport"
_FIRST_RESPONSE = (
    "Industry practice for first response time (FRT); median and p90 because response times are skewed"
)
_EXPECTED = "Convince & Convert / Edison Research 2012: 32% expect an answer within 30 minutes, 42% within 60"
_SOCIALBAKERS = "Socialbakers' Socially Devoted response rate, over conversations instead of single questions"

METRICS: tuple[Metric, ...] = (
    Metric(
        "conversations",
        _("Conversations"),
        Unit.COUNT,
        _(
            "Sets of messages joined by reply links (or one private conversation) with one brand, in which a "
            "contact wrote. A conversation belongs to the period in which its first contact message was sent. "
            "Messages that were deleted later still count: they were said."
        ),
        _OURS,
    ),
    Metric(
        "messages_in",
        _("Messages in"),
        Unit.COUNT,
        _("Messages that contacts sent in the period. Automatic messages and other brands' are left out."),
        _OURS,
    ),
    Metric(
        "messages_out",
        _("Messages out"),
        Unit.COUNT,
        _("Messages that the brand's accounts sent in the period, without automatic ones."),
        _OURS,
    ),
    Metric(
        "answered",
        _("Answered"),
        Unit.COUNT,
        _("Conversations that have a first response, whenever it came."),
        _SOCIALBAKERS,
    ),
    Metric(
        "response_rate",
        _("Response rate"),
        Unit.SHARE,
        _("Answered conversations divided by conversations."),
        _SOCIALBAKERS,
    ),
    Metric(
        "unanswered",
        _("Unanswered"),
        Unit.COUNT,
        _("Conversations without any response so far: conversations minus answered ones."),
        _OURS,
    ),
    Metric(
        "first_response_median_s",
        _("First response, median"),
        Unit.SECONDS,
        _(
            "Half of the first responses came at least this fast. A first response is the brand's first message "
            "after the contact's first one; its time runs from that message, by the network's clock, day and "
            "night. Unanswered conversations have no time and are counted beside it."
        ),
        _FIRST_RESPONSE,
    ),
    Metric(
        "first_response_p90_s",
        _("First response, p90"),
        Unit.SECONDS,
        _("Nine of ten first responses came at least this fast (interpolated between neighbours)."),
        _FIRST_RESPONSE,
    ),
    Metric(
        "within_30m",
        _("Within 30 minutes"),
        Unit.SHARE,
        _("First responses that came within 30 minutes, divided by all first responses."),
        _EXPECTED,
    ),
    Metric(
        "within_60m",
        _("Within 60 minutes"),
        Unit.SHARE,
        _("First responses that came within 60 minutes, divided by all first responses."),
        _EXPECTED,
    ),
    Metric(
        "turns",
        _("Questions"),
        Unit.COUNT,
        _(
            "Times somebody began to wait in the period: a contact's message that follows an answer, or is the "
            "first. Further messages before the answer belong to the same wait."
        ),
        _OURS,
    ),
    Metric(
        "turns_answered",
        _("Questions answered"),
        Unit.COUNT,
        _("Those waits that the brand's next message has ended."),
        _OURS,
    ),
    Metric(
        "every_response_median_s",
        _("Every response, median"),
        Unit.SECONDS,
        _("Half of all waits that ended were at most this long, from the first message of the wait."),
        _OURS,
    ),
    Metric(
        "every_response_p90_s",
        _("Every response, p90"),
        Unit.SECONDS,
        _("Nine of ten waits that ended were at most this long."),
        _OURS,
    ),
    Metric(
        "every_within_30m",
        _("Every response within 30 minutes"),
        Unit.SHARE,
        _("Waits that ended within 30 minutes, divided by all that ended."),
        _EXPECTED,
    ),
    Metric(
        "every_within_60m",
        _("Every response within 60 minutes"),
        Unit.SHARE,
        _("Waits that ended within 60 minutes, divided by all that ended."),
        _EXPECTED,
    ),
    Metric(
        "waiting",
        _("Waiting now"),
        Unit.COUNT,
        _("Open or snoozed cases whose contact has written something that is not answered yet."),
        _OURS,
    ),
    Metric(
        "waiting_longest_s",
        _("Longest wait now"),
        Unit.SECONDS,
        _("How long the one who has waited longest has been waiting, since the oldest unanswered message."),
        _OURS,
    ),
    Metric(
        "waiting_median_s",
        _("Median wait now"),
        Unit.SECONDS,
        _("Half of those who wait now have been waiting at least this long."),
        _OURS,
    ),
)

BY_KEY: dict[str, Metric] = {metric.key: metric for metric in METRICS}


def markdown_table(metrics: Iterable[Metric] = METRICS) -> str:
    """The table as Markdown, for ``docs/metrics.md``."""
    lines = ["| Figure | Key | Unit | Definition | Source |", "|---|---|---|---|---|"]
    lines += [f"| {m.title} | `{m.key}` | {m.unit} | {m.definition} | {m.source} |" for m in metrics]
    return "\n".join(lines) + "\n"
