"""Cases that open by themselves: which rule asks for a new mention, and the job that opens its case.

A rule's ``asks``; what is left out or empty asks nothing, all that is asked must be so, and what is not known of a
mention (its mood, whether it needs a reply) fulfils nothing:

- ``kinds``, ``queries`` (ids): one of those that found it; ``langs`` (``pt`` is ``pt-BR`` too); ``networks``
- ``reach_from``, ``relevance_from``: so much or more
- ``mood_to``: so bad or worse; ``needs_reply``: true or false
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import InterfaceError, OperationalError, connection
from procrastinate.contrib.django import app

from rapport.lib.errors import ActionError, Conflict, NotFound
from rapport.lib.pg import array
from rapport.mentions import rule_failures
from rapport.mentions.handling import make_case
from rapport.mentions.models import CaseRule, Mention, MentionState
from rapport.mentions.rule_failures import Failed

log = logging.getLogger(__name__)

QUEUE = "mentions"
TASK = "rapport.mentions.open_cases"


def evaluate(mention_ids: Sequence[int]) -> int:
    """Ask the rules of the brands of these new mentions, and ask for the cases; in the caller's transaction.

    Of several rules the first to have been made counts. Returns how many cases were asked for.
    """
    if not mention_ids:
        return 0
    rules: dict[int, list[CaseRule]] = defaultdict(list)
    for rule in CaseRule.objects.filter(active=True).order_by("id"):
        rules[rule.brand_id].append(rule)
    if not rules:
        return 0
    wanted: list[Any] = []
    for facts in _facts(mention_ids):
        rule_id = next((rule.id for rule in rules.get(facts["brand"], ()) if fits(rule.asks, facts)), None)
        if rule_id is not None:
            wanted.append([facts["id"], rule_id])
    if wanted:
        ask_for(wanted)
    return len(wanted)


def ask_for(wanted: Sequence[Sequence[int]]) -> None:
    """Ask for cases in the caller's transaction: [mention, rule] each."""
    pairs: list[Any] = [list(one) for one in wanted]
    app.configure_task(TASK, queue=QUEUE).defer(wanted=pairs)


def fits(asks: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    """Whether a mention has all that a rule asks. ``facts``: kinds, queries, lang, network, reach, relevance, mood,
    needs_reply."""
    if (kinds := asks.get("kinds")) and not set(kinds) & set(facts["kinds"]):
        return False
    if (queries := asks.get("queries")) and not set(queries) & set(facts["queries"]):
        return False
    if (langs := asks.get("langs")) and not _speaks(facts["lang"], langs):
        return False
    if (networks := asks.get("networks")) and facts["network"] not in networks:
        return False
    if (least := asks.get("reach_from")) is not None and facts["reach"] < least:
        return False
    if (least := asks.get("relevance_from")) is not None and facts["relevance"] < least:
        return False
    if (worst := asks.get("mood_to")) is not None and (facts["mood"] is None or facts["mood"] > worst):
        return False
    wants = asks.get("needs_reply")
    return wants is None or facts["needs_reply"] is wants


def _speaks(lang: str, langs: Collection[str]) -> bool:
    code = lang.casefold().replace("_", "-")
    return any(code == one or code.startswith(f"{one}-") for one in (name.casefold() for name in langs))


def _facts(mention_ids: Sequence[int]) -> list[dict[str, Any]]:
    names = (
        "id",
        "brand",
        "kinds",
        "reach",
        "relevance",
        "mood",
        "needs_reply",
        "lang",
        "network",
        "queries",
    )
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT m.id, m.brand_id, m.kinds::text[], m.reach, m.relevance, m.mood, m.needs_reply, p.lang, p.network,
                   found.queries
            FROM unnest(%s::bigint[]) AS g(id)
            CROSS JOIN LATERAL (SELECT * FROM mentions_mention WHERE id = g.id OFFSET 0) m
            CROSS JOIN LATERAL (
                SELECT lang, network FROM mentions_post WHERE id = m.post_id AND original_external_id = '' OFFSET 0
            ) p
            CROSS JOIN LATERAL (
                SELECT array_agg(query_id) AS queries FROM mentions_match WHERE mention_id = m.id OFFSET 0
            ) found
            ORDER BY m.id
            """,
            [array(mention_ids)],
        )
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def open_cases(wanted: Sequence[tuple[int, int]]) -> int:
    """Open the cases of mentions that rules asked for, each in its own transaction; returns how many.

    What was handled, muted or taken away meanwhile is left alone; one that cannot be opened does not stop the others, and
    is kept with the reason (``rule_failures.py``). Raises what the database raises when it was too busy for some, once
    the others are done: run it again.
    """
    rules = CaseRule.objects.in_bulk([rule_id for _, rule_id in wanted])
    waiting = set(
        Mention.objects.filter(
            id__in=[mention_id for mention_id, _ in wanted], state=MentionState.NEW, handled_at__isnull=True
        ).values_list("id", flat=True)
    )
    opened = 0
    busy: OperationalError | None = None
    failed: list[Failed] = []
    for mention_id, rule_id in wanted:
        rule = rules.get(rule_id)
        if rule is None or not rule.active or mention_id not in waiting:
            continue
        try:
            make_case(user=None, mention_id=mention_id, rule=rule)
        except (Conflict, NotFound) as error:
            log.info("rule %s opened no case for mention %s: %s", rule_id, mention_id, error)
        except ActionError as error:
            log.warning("rule %s opened no case for mention %s: %s", rule_id, mention_id, error)
            failed.append(Failed(rule_id, mention_id, str(error)))
        except InterfaceError:
            raise
        except OperationalError as error:
            busy = error
            failed.append(Failed(rule_id, mention_id))
        except Exception:
            log.exception("rule %s opened no case for mention %s", rule_id, mention_id)
            failed.append(Failed(rule_id, mention_id))
        else:
            opened += 1
    rule_failures.keep(wanted, failed)
    if busy is not None:
        raise busy
    return opened
