"""Mentions and searches as they happen: X's filtered stream, one connection an app on pay per use.

https://docs.x.com/x-api/posts/filtered-stream/introduction, and for keeping it open
https://docs.x.com/x-api/fundamentals/consuming-streaming-data. Rules belong to the app, so each carries the
account's id in its tag, and of what comes only what a rule of ours asked for is taken.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from django.utils.translation import gettext as _

from rapport.networks import lines
from rapport.networks.base import Account, Polled, RawItem
from rapport.networks.client import Api
from rapport.networks.errors import CredentialsGone, NetworkError, Refused, TryAgain
from rapport.networks.x import pages
from rapport.networks.x.api import base_url, explain, setting

BREATH_S = 1.0  # how often the caller is heard, at the latest
SILENT_S = 30.0  # X sends a blank line at least every 20 seconds
LONGEST_LINE = 1_000_000
LONGEST_RULE = 1024
_TAKEN_WAIT = timedelta(minutes=5)
_RULES = "2/tweets/search/stream/rules"


def stream(account: Account, cursor: Mapping[str, Any], stop: Callable[[], bool]) -> Iterator[Polled]:
    """Posts until ``stop()`` or the end of the connection. The cursor is the poll's, given back as it is."""
    token = setting(account, "bearer_token")
    if not token:
        raise Refused(_("The channel has no Bearer token, which X's stream needs."))
    headers = {"Authorization": f"Bearer {token}", "User-Agent": "Rapport"}
    tag = f"rapport:{account.external_id}"
    _set_rules(Api(base_url(account), headers=headers, explain=_explain), account, tag)
    address = f"{base_url(account)}/2/tweets/search/stream"
    with lines.opened(
        address, headers=headers, params=pages.POST_FIELDS, silent_s=SILENT_S, longest=LONGEST_LINE, check=_check
    ) as opened:  # fmt: skip
        if not opened.wait(stop):
            return
        found = opened.next(within_s=0)
        yield Polled(items=[], cursor=dict(cursor))
        while found is not None and not stop():
            yield Polled(items=[one for line in found for one in _items(line, tag)], cursor=dict(cursor))
            found = opened.next(within_s=BREATH_S)


def _items(line: str, tag: str) -> list[RawItem]:
    """The post in a line, with the one it answers; nothing for a heartbeat or another channel's rule."""
    if not line.strip():
        return []
    try:
        found = json.loads(line)
        if "data" not in found:
            raise TryAgain(_("X closed the stream."))  # such as an operational disconnect
        if tag not in {str(rule.get("tag")) for rule in found.get("matching_rules") or []}:
            return []
        page = {"data": [found["data"]], "includes": found.get("includes") or {}}
        return pages.posts_of(page, now=datetime.now(UTC))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise TryAgain(_("The network's answer could not be read.")) from error


def wanted_rules(account: Account) -> list[str]:
    """What to ask the stream for: who names us, and the channel's searches. Too long ones are only polled."""
    asked = account.settings.get("listen") or []
    searches = [f"({query}) -from:{account.handle}" for query in asked] if isinstance(asked, list) else []
    rules = [f"@{account.handle} -is:retweet -from:{account.handle}", *searches]
    return [rule for rule in rules if len(rule) <= LONGEST_RULE]


def _set_rules(api: Api, account: Account, tag: str) -> None:
    """Add what is missing among our rules and take away what is no longer wanted; others' stay."""
    found = api.json("GET", _RULES)
    try:
        ours = {
            str(rule["value"]): str(rule["id"])
            for rule in (found or {}).get("data") or []
            if rule.get("tag") == tag
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise TryAgain(_("The network's answer could not be read.")) from error
    wanted = wanted_rules(account)
    missing = [{"value": rule, "tag": tag} for rule in wanted if rule not in ours]
    old = [rule_id for value, rule_id in ours.items() if value not in wanted]
    if missing:
        api.json("POST", _RULES, json_body={"add": missing})
    if old:
        api.json("POST", _RULES, json_body={"delete": {"ids": old}})


def _explain(response: httpx.Response, *, writes: bool) -> NetworkError:
    """What a refusal of the app's own token means: the account's login is another one, and still good."""
    error = explain(response, writes=writes)
    if isinstance(error, CredentialsGone):
        return Refused(_("X does not accept the Bearer token. Copy it again from the developer console."))
    return error or TryAgain(_("The stream ended."))


def _check(response: httpx.Response) -> None:
    if response.status_code == 429:
        raise TryAgain(_("X allows no further stream to this app now."), after=_TAKEN_WAIT)
    if response.status_code != 200:
        response.read()
        raise _explain(response, writes=False)
