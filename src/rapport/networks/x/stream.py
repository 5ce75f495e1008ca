"""Mentions and searches of a channel as they happen: X's filtered stream (``filtered.py``), one connection an app on pay per use.

Rules belong to the app, so each carries the account's id in its tag, and of what comes only what a rule of ours asked for
is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from rapport.networks import lines
from rapport.networks.base import Account, Polled
from rapport.networks.errors import Refused
from rapport.networks.x import filtered, pages
from rapport.networks.x.api import base_url, setting
from rapport.networks.x.wider import LONGEST

BREATH_S = 1.0  # how often the caller is heard, at the latest


def stream(account: Account, cursor: Mapping[str, Any], stop: Callable[[], bool]) -> Iterator[Polled]:
    """Posts until ``stop()`` or the end of the connection. The cursor is the poll's, given back as it is."""
    token = setting(account, "bearer_token")
    if not token:
        raise Refused(_("The channel has no Bearer token, which X's stream needs."))
    tag = f"rapport:{account.external_id}"
    kept = filtered.keep(filtered.api_for(token, base_url(account)), wanted_rules(account), tag)
    for rule, reason in kept.refused.items():
        raise Refused(refusal(rule, reason))
    with lines.opened(
        f"{base_url(account)}/{filtered.STREAM}", headers=filtered.headers_for(token), params=pages.POST_FIELDS,
        silent_s=filtered.SILENT_S, longest=filtered.LONGEST_LINE, check=filtered.check,
    ) as opened:  # fmt: skip
        if not opened.wait(stop):
            return
        found = opened.next(within_s=0)
        yield Polled(items=[], cursor=dict(cursor))
        while found is not None and not stop():
            items, ended = filtered.read(found, ids=kept.ids, tag=tag)
            yield Polled(items=items, cursor=dict(cursor))
            if ended is not None:
                raise ended
            found = opened.next(within_s=BREATH_S)


def wanted_rules(account: Account) -> list[str]:
    """What to ask the stream for: who names us, and the channel's searches. Too long ones are only polled."""
    asked = account.settings.get("listen") or []
    searches = [f"({query}) -from:{account.handle}" for query in asked] if isinstance(asked, list) else []
    rules = [f"@{account.handle} -is:retweet -from:{account.handle}", *searches]
    return [rule for rule in rules if len(rule) <= LONGEST]


def refusal(rule: str, reason: str) -> str:
    """A sentence for people."""
    return _("X refuses the rule “%(rule)s”: %(reason)s") % {"rule": rule[:200], "reason": reason}
