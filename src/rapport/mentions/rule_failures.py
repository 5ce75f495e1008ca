"""Cases that rules asked for and that could not be opened: kept with the reason until they are, or until somebody dealt
with the mention."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import connection
from django.db.models import Count, Max, Q, QuerySet
from django.utils import timezone

from rapport.lib.pg import array
from rapport.lib.text import storable
from rapport.mentions.models import MentionState, RuleFailure

# Whoever waited for so long is not helped by a case any more; the mention stays in the stream.
KEPT: Final = timedelta(days=30)
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Failed:
    """``why``: for people; empty when only the log says it."""

    rule_id: int
    mention_id: int
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Reason:
    """How many cases of a rule could not be opened for this reason; ``mention_id`` is of the newest."""

    why: str
    number: int
    mention_id: int


def keep(tried: Sequence[Sequence[int]], failed: Collection[Failed]) -> None:
    """Write down what failed of these [mention, rule]; what did not is forgotten. In two statements.

    What was taken away meanwhile, mention or rule, is left out.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM mentions_rulefailure f USING unnest(%s::bigint[], %s::bigint[]) AS g(mention, rule) "
            "WHERE f.rule_id = g.rule AND f.mention_id = g.mention",
            [array(one[0] for one in tried), array(one[1] for one in tried)],
        )
        if not failed:
            return
        cursor.execute(
            """
            INSERT INTO mentions_rulefailure (rule_id, mention_id, why)
            SELECT r.id, m.id, g.why FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS g(rule, mention, why)
            JOIN mentions_caserule r ON r.id = g.rule JOIN mentions_mention m ON m.id = g.mention
            ON CONFLICT (rule_id, mention_id) DO UPDATE SET why = excluded.why, at = now()
            """,
            [
                array(one.rule_id for one in failed),
                array(one.mention_id for one in failed),
                [storable(one.why, limit=_LONGEST) for one in failed],
            ],
        )


def standing() -> QuerySet[RuleFailure]:
    """Those whose mentions still wait for somebody."""
    return RuleFailure.objects.filter(
        mention__state=MentionState.NEW, mention__handled_at__isnull=True, at__gte=timezone.now() - KEPT
    )


def numbers_of(rule_ids: Collection[int]) -> dict[int, int]:
    """How many cases of each of these rules could not be opened; rules without any are left out."""
    rows = standing().filter(rule_id__in=rule_ids).order_by().values_list("rule_id")
    return dict(rows.annotate(number=Count("id")))


def reasons_of(rule_id: int) -> list[Reason]:
    """Why cases of a rule could not be opened, the most frequent reason first."""
    rows = standing().filter(rule_id=rule_id).order_by().values("why")
    counted = rows.annotate(number=Count("id"), newest=Max("mention_id")).order_by("-number", "why")
    return [Reason(why=one["why"], number=one["number"], mention_id=one["newest"]) for one in counted]


def forget_failures() -> int:
    """Forget what nobody can try again: old, or dealt with. Returns how many."""
    old = Q(at__lt=timezone.now() - KEPT)
    done = ~Q(mention__state=MentionState.NEW) | Q(mention__handled_at__isnull=False)
    return RuleFailure.objects.filter(old | done).delete()[0]
