"""The fields a search knows, in one table: the parser, the completions, the help page and the docs read it."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from rapport.lib.errors import Invalid

IS = {
    "open": _("being worked on"),
    "closed": _("closed"),
    "snoozed": _("put away until later"),
    "waiting": _("the customer waits for an answer"),
    "unassigned": _("given to nobody"),
    "mine": _("given to you"),
    "private": _("in private messages"),
    "public": _("in public"),
    "spam": _("closed as spam"),
}
HAS = {
    "image": _("a picture came with a message"),
    "file": _("a file, film or sound came with a message"),
    "note": _("colleagues wrote a note"),
}


class NotUnderstood(Invalid):
    """What was typed into the search box cannot be searched for; the text says what to write instead."""


@dataclass(frozen=True, kw_only=True)
class SearchField:
    """One field. ``values``: the only ones it takes, with what they mean; empty when it takes any.
    ``by_message``: it is about the message that has the words, not about the case. ``once``: it can be neither
    excluded nor given several values."""

    name: str
    example: str
    does: str | Promise
    values: dict[str, Promise] | None = None
    by_message: bool = False
    once: bool = False


FIELDS: tuple[SearchField, ...] = (
    SearchField(
        name="from", example='from:"ana marić"', by_message=True,
        does=_("who wrote it: words of a name or handle"),
    ),
    SearchField(name="is", example="is:open", does=_("how the case stands"), values=dict(IS)),
    SearchField(name="has", example="has:image", does=_("what the case has besides words"), values=dict(HAS)),
    SearchField(name="assignee", example="assignee:me", does=_("who has the case: me, none, or a name")),
    SearchField(name="team", example="team:baggage", does=_("which team has it: a name, or none")),
    SearchField(name="tag", example="tag:refund", does=_("a tag of the case")),
    SearchField(name="brand", example="brand:aero", does=_("one of your brands")),
    SearchField(name="channel", example="channel:@aero_help", does=_("the account it came to")),
    SearchField(name="network", example="network:mastodon", does=_("the network it came from")),
    SearchField(name="lang", example="lang:de", does=_("the language, as a short code")),
    SearchField(
        name="after", example="after:2026-03-01", by_message=True, once=True,
        does=_("said on this day or later: 2026-03-01, 2026-03, 2026, today, yesterday, or 7d for the last 7 days"),
    ),
    SearchField(name="before", example="before:2026-04", by_message=True, once=True, does=_("said before this day")),
    SearchField(
        name="on", example="on:yesterday", by_message=True, once=True, does=_("said on this day, or in this month or year")
    ),
    SearchField(name="case", example="case:1234", does=_("the case with this number")),
)  # fmt: skip
BY_NAME = {field.name: field for field in FIELDS}
