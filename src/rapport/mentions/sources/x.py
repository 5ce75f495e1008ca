"""X's filtered stream: posts that rules of ours ask for, those of the form and those made of the saved queries."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from django.db import DatabaseError, InterfaceError, connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rapport.mentions.matching import known_trees
from rapport.mentions.models import Query
from rapport.mentions.sources.base import Chunk, Given, Hint, SourceKind, Stop, idle
from rapport.mentions.sources.events import heard_in
from rapport.networks import lines
from rapport.networks.base import Field
from rapport.networks.client import Api
from rapport.networks.errors import Refused, TryAgain
from rapport.networks.x import filtered, pages
from rapport.networks.x.api import base_url
from rapport.networks.x.parse import parse_event
from rapport.networks.x.stream import refusal
from rapport.networks.x.wider import rules_of

log = logging.getLogger(__name__)

# Whose rules these are: channels have the account's number here, others' tags are not touched.
TAG = "rapport:listening"
LONGEST_RULE = 2048  # with a contract; X itself says so where it is 1024
BREATH_S = 1.0
# How often it is looked whether queries changed, and whether the rules are still there.
QUERIES_S = 60.0
RULES_S = 600.0
# The cursor moves by so much: each move is stored.
STEP_S = 10
MOST_BACKFILL = 5  # minutes


_Asked: TypeAlias = tuple[str, list[str] | None]


class FilteredStream(SourceKind):
    """Options: ``rules``, ``queries`` (whether rules follow the saved queries), ``backfill``, ``api_url``. Secret:
    ``bearer_token``. Cursor: ``at``, when something was last received (seconds since 1970)."""

    key = "x"
    label = gettext_lazy("X: filtered stream")
    about = gettext_lazy("Posts on X as they are written, by rules. X charges for each post it sends.")
    network = "x"
    fields = (
        Field(
            name="queries",
            label=gettext_lazy("Follow the saved queries"),
            help=gettext_lazy(
                "Makes a rule of each query that listens, and keeps it up to date. X finds more by it than the query "
                "does, which then decides here; a query without a word of its own gets no rule."
            ),
            kind="switch",
            required=False,
            default=False,
        ),
        Field(
            name="rules",
            label=gettext_lazy("Rules"),
            help=gettext_lazy(
                "One a line, in X's own words: a space is AND, then OR, -word, quotes and brackets, "
                "from:name, lang:en."
            ),
            kind="lines",
            required=False,
            placeholder='("alvara air" OR @alvara_air) lang:en',
        ),
        Field(
            name="bearer_token",
            label=gettext_lazy("Bearer token"),
            help=gettext_lazy(
                "The app's own, from the developer console. X allows an app one connection, so take another app "
                "than a channel that listens live."
            ),
            kind="secret",
        ),
        Field(
            name="backfill",
            label=gettext_lazy("Fetch what was missed in a break"),
            help=gettext_lazy("Up to five minutes, and only with an Enterprise contract."),
            kind="switch",
            required=False,
            default=False,
        ),
        Field(
            name="api_url",
            label=gettext_lazy("Address of the API"),
            kind="url",
            required=False,
            placeholder="https://api.x.com",
            help=gettext_lazy("Leave it empty."),
        ),
    )

    def hint(self) -> Hint | None:
        found = _of_queries()
        if not found:
            return None
        none = _("No rule: %(why)s") % {"why": _wide()}
        elsewhere = _("No rule: it finds nothing on X.")
        return Hint(
            title=_("Rules of your saved queries"),
            about=_("What would be asked of X now, when the queries are followed."),
            rows=[
                (name, rules or [none if rules is None else elsewhere])
                for name, rules in sorted(found, key=lambda one: one[0])
            ],
        )

    def checked(self, given: Given) -> Given:
        rules = list(dict.fromkeys(" ".join(one.split()) for one in given.lines("rules")))
        follows = bool(given.options.get("queries"))
        if not rules and not follows:
            raise Refused(_("Give a rule, or follow the saved queries."))
        for one in rules:
            if len(one) > LONGEST_RULE:
                raise Refused(_("A rule on X is at most %(n)d characters long.") % {"n": LONGEST_RULE})
        api = _api(given)
        there = {one.value for one in filtered.rules_there(api)}
        _ids, refused = filtered.add(api, [one for one in rules if one not in there], TAG, dry_run=True)
        for rule, reason in refused.items():
            raise Refused(refusal(rule, reason))
        return Given({**given.options, "rules": rules, "queries": follows}, given.secrets)

    def named(self, given: Given) -> str:
        rules = given.lines("rules")
        return f"X: {rules[0]}" if rules else _("X: saved queries")

    def place(self, given: Given) -> str:
        return given.text("api_url")

    def apart(self, one: Given, other: Given) -> str:
        # Each would take the other's rules for old ones of its own and delete them.
        if (one.text("bearer_token"), self.place(one)) != (other.text("bearer_token"), self.place(other)):
            return ""
        return filtered.taken()

    def run(self, given: Given, cursor: Mapping[str, Any], stop: Stop) -> Iterator[Chunk]:
        api = _api(given)
        rules = _Rules(api, given)
        at: dict[str, Any] = dict(cursor)
        while not stop() and not rules.keep():
            yield Chunk([], at, rules.left_out)
            yield from idle(QUERIES_S, at, stop)  # no query asks for anything there yet
        if stop():
            return
        yield Chunk([], at, rules.left_out)
        params = {**pages.POST_FIELDS, **_backfill(given, at)}
        with lines.opened(
            f"{api.base_url}/{filtered.STREAM}", headers=filtered.headers_for(given.text("bearer_token")),
            params=params, silent_s=filtered.SILENT_S, longest=filtered.LONGEST_LINE, check=filtered.check,
        ) as opened:  # fmt: skip
            if not opened.wait(stop):
                return
            found = opened.next(within_s=0)
            while found is not None and not stop():
                if found:
                    at = {"at": int(time.time()) // STEP_S * STEP_S}
                items, ended = filtered.read(found, ids=rules.ids, tag=TAG)
                # What a post answers came for its sake: its own words are not asked for.
                asked = [item for item in items if item.kind != "context"]
                yield Chunk(heard_in(asked, network=self.network, parse=parse_event), at)
                if ended is not None:
                    raise ended
                before = rules.left_out
                if not rules.still():
                    return
                if rules.left_out != before:
                    yield Chunk([], at, rules.left_out)
                found = opened.next(within_s=BREATH_S)


class _Rules:
    """The rules that are wanted now, and theirs at X."""

    def __init__(self, api: Api, given: Given) -> None:
        self._api, self._typed = api, given.lines("rules")
        self._follows = bool(given.options.get("queries"))
        self._wanted: list[str] = []
        self._looked = self._kept = -math.inf
        self._silent: list[str] = []  # names of queries without a rule
        self.ids: frozenset[str] = frozenset()
        self.left_out: list[str] = []

    def keep(self) -> bool:
        """Bring the rules at X up to date; whether there are any. Raises Refused for a rule of the form: those of
        queries may be others within a minute."""
        before, self._wanted = self._wanted, self._now()
        kept = filtered.keep(self._api, self._wanted, TAG, leaving={*before} - {*self._wanted})
        for rule, reason in kept.refused.items():
            if rule in self._typed:
                raise Refused(refusal(rule, reason))
        # Of queries: the others are listened to all the same.
        refused = [refusal(rule, reason) for rule, reason in kept.refused.items()]
        self.left_out = [
            *(_("“%(name)s” gets no rule: %(why)s") % {"name": one, "why": _wide()} for one in self._silent),
            *refused,
        ]
        self.ids = kept.ids
        self._looked = self._kept = time.monotonic()
        if kept.leaving:
            self._kept += QUERIES_S - RULES_S  # soon again: by then the new ones work
        return bool(self.ids)

    def still(self) -> bool:
        """Every so often, as :meth:`keep`; False when there are no rules any more."""
        now = time.monotonic()
        try:
            if self._follows and now - self._looked >= QUERIES_S:
                self._looked = now
                silent = self._silent
                if self._now() != self._wanted or self._silent != silent:
                    self._kept = -math.inf
            if now - self._kept < RULES_S:
                return True
            self._kept = now
            return self.keep()
        except (TryAgain, DatabaseError, InterfaceError) as error:
            # Soon again: some may be gone already, others not there yet.
            self._kept = now - RULES_S + QUERIES_S
            log.info("the rules on X are looked at again later: %s", error)
            return True

    def _now(self) -> list[str]:
        of_queries: list[_Asked] = []
        try:
            of_queries = _of_queries() if self._follows else []
        finally:
            if not connection.in_atomic_block:
                connection.close()  # the stream is read for days, and asks the database for a moment
        self._silent = sorted(name for name, rules in of_queries if rules is None)
        return list(
            dict.fromkeys([*self._typed, *(one for _name, rules in of_queries for one in rules or ())])
        )


def _of_queries() -> list[_Asked]:
    """Name and rules of each saved query that listens; None: see :func:`rules_of`."""
    trees = known_trees()
    names = dict(Query.objects.filter(id__in=trees).order_by().values_list("id", "name"))
    return [(names.get(query_id, ""), rules_of(tree)) for query_id, tree in sorted(trees.items())]


def _wide() -> str:
    return _("some of what it finds has no whole word that X could look for.")


def _backfill(given: Given, at: Mapping[str, Any]) -> dict[str, str]:
    """How many minutes to send again. https://docs.x.com/x-api/fundamentals/recovery-and-redundancy"""
    last = at.get("at")
    if not given.options.get("backfill") or type(last) is not int:
        return {}
    return {"backfill_minutes": str(min(MOST_BACKFILL, max(1, math.ceil((time.time() - last) / 60))))}


def _api(given: Given) -> Api:
    return filtered.api_for(given.text("bearer_token"), base_url({"api_url": given.text("api_url")}))


KINDS: tuple[SourceKind, ...] = (FilteredStream(),)
