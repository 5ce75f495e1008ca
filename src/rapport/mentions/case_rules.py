"""Rules that open cases for mentions by themselves: writing them down. ``rules.py`` asks them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from rapport.audit.actions import record
from rapport.inbox.models import Priority
from rapport.lib.errors import Conflict, Invalid, NotFound
from rapport.lib.text import storable
from rapport.mentions import rule_failures
from rapport.mentions.models import CaseRule, Query, QueryKind
from rapport.mentions.rules import ask_for
from rapport.staff.access import brands_for, require
from rapport.staff.models import Team, User
from rapport.staff.permissions import Permission

NAME_LENGTH = 80
MOST_CODES = 50
# Each takes some hundredths of a second of the worker.
MOST_AGAIN = 500


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a rule asks and does; empty asks nothing. ``relevance_from``: 0 to 100."""

    name: str
    kinds: Sequence[str] = ()
    queries: Sequence[int] = ()
    langs: Sequence[str] = ()
    networks: Sequence[str] = ()
    reach_from: int | None = None
    relevance_from: int | None = None
    team_id: int | None = None
    priority: int | None = None


def rules_for(*, user: User) -> QuerySet[CaseRule]:
    """The rules of this person's brands."""
    return (
        CaseRule.objects.select_related("brand", "team", "created_by")
        .filter(brand__in=brands_for(user, Permission.VIEW_CASES))
        .order_by("brand__name", "name", "id")
    )


def access_rule(
    *, user: User, rule_id: int, permission: Permission = Permission.MANAGE_LISTENING
) -> CaseRule:
    """The rule with its brand and team. Raises NotFound or NotAllowed."""
    rule = CaseRule.objects.select_related("brand", "team").filter(id=rule_id).first()
    if rule is None:
        raise NotFound(_("There is no such rule, or you may not see it."))
    require(user, rule.brand_id, permission)
    return rule


def save_rule(*, user: User, brand_id: int, asked: Asked, rule_id: int | None = None) -> CaseRule:
    """Add a rule to a brand, or change one. It is asked of mentions that come from now on."""
    require(user, brand_id, Permission.MANAGE_LISTENING)
    name = storable(asked.name.strip(), limit=NAME_LENGTH)
    if not name:
        raise Invalid(_("Give the rule a name."))
    asks = _asks(brand_id, asked)
    if not asks:
        raise Invalid(
            _("A rule that asks nothing would make a case of every mention. Choose at least one thing.")
        )
    if asked.team_id is not None and not Team.objects.filter(id=asked.team_id, brand_id=brand_id).exists():
        raise Invalid(_("That team does not belong to this brand."))
    if asked.priority is not None and asked.priority not in Priority.values:
        raise Invalid(_("There is no such priority."))
    with transaction.atomic():
        if rule_id is None:
            rule = CaseRule(brand_id=brand_id, created_by=user)
        else:
            rule = access_rule(user=user, rule_id=rule_id)
            if rule.brand_id != brand_id:
                raise Invalid(_("A rule stays with its brand."))
        rule.name, rule.asks, rule.team_id, rule.priority = name, asks, asked.team_id, asked.priority
        rule.save()
        _record("rule.saved", user, rule, {"asks": asks})
    return rule


def _asks(brand_id: int, asked: Asked) -> dict[str, Any]:
    for number, most in ((asked.reach_from, 1 << 62), (asked.relevance_from, 100)):
        if number is not None and not 0 <= number <= most:
            raise Invalid(_("Reach is a number from 0 on, relevance one from 0 to 100."))
    if set(asked.kinds) - set(QueryKind.values):
        raise Invalid(_("There is no such kind of query."))
    queries = sorted(set(asked.queries))
    known = Query.objects.filter(id__in=queries, brand_id=brand_id, deleted_at__isnull=True).count()
    if known != len(queries):
        raise Invalid(_("One of the queries is not this brand's, or was deleted."))
    asks: Mapping[str, Any] = {
        "kinds": sorted(set(asked.kinds)),
        "queries": queries,
        "langs": _codes(asked.langs),
        "networks": _codes(asked.networks),
        "reach_from": asked.reach_from or None,
        "relevance_from": asked.relevance_from or None,
    }
    return {name: value for name, value in asks.items() if value not in ([], None)}


def _codes(codes: Sequence[str]) -> list[str]:
    if len(codes) > MOST_CODES:
        raise Invalid(_("Choose at most %(most)s of them.") % {"most": MOST_CODES})
    return sorted({storable(one.strip(), limit=40) for one in codes} - {""})


def set_active(*, user: User, rule_id: int, active: bool) -> CaseRule:
    """Let the rule work, or pause it."""
    with transaction.atomic():
        rule = access_rule(user=user, rule_id=rule_id)
        if rule.active != active:
            CaseRule.objects.filter(id=rule.pk).update(active=active)
            rule.active = active
            _record("rule.resumed" if active else "rule.paused", user, rule, {})
    return rule


def try_again(*, user: User, rule_id: int) -> int:
    """Ask anew for the cases that the rule could not open; returns how many, at most :data:`MOST_AGAIN` at a time.

    What cannot be opened this time either is kept again. Raises Conflict for a rule that is paused.
    """
    with transaction.atomic():
        rule = access_rule(user=user, rule_id=rule_id)
        if not rule.active:
            raise Conflict(_("This rule is paused. Let it work first, then try again."))
        failed = rule_failures.standing().filter(rule_id=rule.pk).order_by("-mention_id")
        wanted = [
            [mention_id, rule.pk] for mention_id in failed.values_list("mention_id", flat=True)[:MOST_AGAIN]
        ]
        if wanted:
            ask_for(wanted)
            _record("rule.tried_again", user, rule, {"mentions": len(wanted)})
    return len(wanted)


def delete_rule(*, user: User, rule_id: int) -> CaseRule:
    """Take the rule away for good; the cases that it opened stay."""
    with transaction.atomic():
        rule = access_rule(user=user, rule_id=rule_id)
        _record("rule.deleted", user, rule, {"asks": rule.asks})
        CaseRule.objects.filter(id=rule.pk).delete()
    return rule


def _record(action: str, user: User, rule: CaseRule, data: dict[str, Any]) -> None:
    record(
        action=action,
        actor_id=user.id,
        brand_id=rule.brand_id,
        object_type="rule",
        object_id=rule.pk,
        data=data,
    )
