"""Which feeds are due, what is new in them, and what is remembered until next time.

The cursor: ``{"feeds": {address: {"url", "etag", "modified", "since", "next", "known", "error"}}}``. ``url``
is where permanent redirects led. ``known`` has an entry's digest with what it was like (six bytes of its
``updated``, six of its text), the last seen last, so that an edit is told from a new entry and an old entry
that shows up again from a new one. "" marks the past: entries that were there before we came.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from rapport.networks.base import Polled, RawItem
from rapport.networks.errors import NetworkError, Refused, TryAgain
from rapport.networks.feeds.entries import View, digest, moment, view
from rapport.networks.feeds.fetch import Fetched, Gone, Login, fetch, words_for
from rapport.networks.feeds.read import Feed, NotAFeed

# What is heard soon is answered soon; a feed that says nothing of its pace is asked this often.
USUAL = timedelta(minutes=15)
SOONEST = timedelta(minutes=5)
LATEST = timedelta(hours=6)
# At the first reading, what is no older than this is taken as new.
BEFORE = timedelta(hours=24)
_SPACE = timedelta(seconds=30)  # feeds that are due a moment later are asked along with the others
_BUDGET_S = 15.0  # of one page; then comes the next, with a new lease
_KNOWN = 2000


def poll(
    addresses: Sequence[str], cursor: Mapping[str, Any], *, login: Login | None, words: Sequence[str] = ()
) -> Polled:
    """Ask the feeds that are due; all of them when none is, since then somebody wants to know now.

    A feed that fails waits and hinders no other; its error is raised only when none of those asked
    worked. ``words``: only entries with one of them are taken; empty for all.
    """
    now = datetime.now(UTC)
    states = _states(addresses, cursor)
    due = _due(states, now)
    if not due:
        due = [one for one in states if not states[one].get("gone") and not _told_to_wait(states[one], now)]
        for address in due:
            states[address]["next"] = now.isoformat()
    items: list[RawItem] = []
    errors: list[NetworkError] = []
    worked = False
    begun = time.monotonic()
    for done, address in enumerate(due, start=1):
        try:
            items += _ask(address, states[address], login=login, words=words, now=now)
            worked = True
        except NetworkError as error:
            errors.append(error)
            _failed(states[address], error, now)
        if time.monotonic() - begun > _BUDGET_S and done < len(due):
            return Polled(items=items, cursor={"feeds": states}, more=True)
    if errors and not worked:
        raise _together(errors, asked=len(due))
    if not any(not state.get("gone") for state in states.values()):
        raise Gone(_("The feed is gone for good, says its site (410)."))
    return Polled(items=items, cursor={"feeds": states}, next_after=_pause(states, now))


def _states(addresses: Sequence[str], cursor: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What is remembered of each feed; of feeds that are no longer listed nothing is."""
    known = cursor.get("feeds")
    known = known if isinstance(known, Mapping) else {}
    return {
        one: dict(known[one]) if isinstance(known.get(one), Mapping) else {}
        for one in dict.fromkeys(addresses)
    }


def _due(states: Mapping[str, Mapping[str, Any]], now: datetime) -> list[str]:
    waiting = {one: moment(state.get("next")) for one, state in states.items() if not state.get("gone")}
    soon = now + _SPACE
    # The longest overdue first, those never asked before all others.
    return sorted(
        (one for one, at in waiting.items() if at is None or at <= soon),
        key=lambda one: waiting[one] or datetime.min.replace(tzinfo=UTC),
    )


def _told_to_wait(state: Mapping[str, Any], now: datetime) -> bool:
    until = moment(state.get("not_before"))
    return until is not None and until > now


def _ask(
    address: str, state: dict[str, Any], *, login: Login | None, words: Sequence[str], now: datetime
) -> list[RawItem]:
    got = _fetch(address, state, login)
    state |= {"etag": got.etag, "modified": got.modified, "url": got.address}
    for name in ("error", "not_before", "failures"):
        state.pop(name, None)
    if got.address == address:
        state.pop("url")
    if got.feed is not None:
        state["pace"] = round(got.feed.pace.total_seconds()) if got.feed.pace else 0
    pace = max(timedelta(seconds=float(state.get("pace") or 0)), got.fresh_for or timedelta(0)) or USUAL
    state["next"] = (now + min(max(pace, SOONEST), LATEST)).isoformat()
    return _news(address, got.feed, state, words=words, now=now) if got.feed is not None else []


def _fetch(address: str, state: dict[str, Any], login: Login | None) -> Fetched:
    """Fetch from where the feed moved to; if that fails for good, from where it was."""
    url = str(state.get("url") or address)
    given = {name: str(state.get(name) or "") for name in ("etag", "modified")}
    try:
        return fetch(url, **given, login=login, home=address)
    except NotAFeed as error:
        if url == address:
            raise Refused(words_for(error)) from error
    except (Gone, Refused):
        if url == address:
            raise
    # A permanent redirect that was none, as hotel networks and mistakes make them.
    state.pop("url")
    try:
        return fetch(address, login=login)
    except NotAFeed as error:
        raise Refused(words_for(error)) from error


def _news(
    address: str, feed: Feed, state: dict[str, Any], *, words: Sequence[str], now: datetime
) -> list[RawItem]:
    first = moment(state.get("since"))
    since = first or now - BEFORE
    state["since"] = since.isoformat()
    known: dict[str, str] = dict(state.get("known") or {})
    items = []
    for kind, entry in feed.entries:
        payload = stored(address, feed, entry, now)
        try:
            seen = view(kind, payload)
        except (ValueError, KeyError, TypeError):
            # Kept as it is: it will be parked, with its error, where an operator sees it.
            items.append(RawItem(kind, payload, _key_of_unread(kind, entry)))
            continue
        name, like = digest(seen.id, 6), _like(seen)
        before = known.pop(name, None)
        if before is None:
            past = _is_past(seen, since=since, first=first is None)
            known[name] = "" if past else like
            if past or not _wanted(seen, words):
                continue
        elif not before or before[:12] == like[:12] or before[12:] == like[12:]:
            known[name] = before  # as it was, or changed without saying so, or said so without a change
            continue
        else:
            known[name] = like
            if not _wanted(seen, words):
                continue
            payload["changed"] = True
        items.append(RawItem(kind, payload, key(seen)))
    state["known"] = dict(list(known.items())[-_KNOWN:])
    return items


def stored(address: str, feed: Feed, entry: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The payload of a raw event: the entry, and what of its feed is needed to understand it."""
    return {"feed": {"address": address, **feed.about}, "entry": dict(entry), "read_at": now.isoformat()}


def key(seen: View) -> str:
    """An entry's wording, once, whichever poll or page brought it."""
    return f"entry:{digest(seen.id, 12)}:{seen.fingerprint()}"


def _key_of_unread(kind: str, entry: Mapping[str, Any]) -> str:
    return f"unread:{kind}:{digest(repr(sorted(entry.items(), key=repr)), 16)}"


def _like(seen: View) -> str:
    """Twelve digits for when it was updated, twelve for what it says."""
    return digest(seen.stamp, 6) + seen.fingerprint()


def _is_past(seen: View, *, since: datetime, first: bool) -> bool:
    """Whether an entry was there before we came: by its date, else by having been there at first."""
    at = seen.published or seen.updated
    return first if at is None else at < since


def _wanted(seen: View, words: Sequence[str]) -> bool:
    if not words:
        return True
    said = f"{seen.title}\n{seen.text}".casefold()
    return any(word.casefold() in said for word in words)


def _failed(state: dict[str, Any], error: NetworkError, now: datetime) -> None:
    """Among other feeds that work, a failing one is asked again after 5 minutes, then 10, 20 … 6 hours."""
    failures = min(int(state.get("failures") or 0) + 1, 20)
    pause = min(SOONEST * 2 ** (failures - 1), LATEST)
    if isinstance(error, TryAgain) and error.after is not None:
        pause = max(pause, error.after)
        state["not_before"] = (now + error.after).isoformat()
    state |= {"failures": failures, "error": str(error)[:300], "next": (now + pause).isoformat()}
    if isinstance(error, Gone):
        state["gone"] = True


def _together(errors: Sequence[NetworkError], *, asked: int) -> NetworkError:
    """One error for all feeds that were asked: the one that leaves most hope, and the shortest wait."""
    later = [error for error in errors if isinstance(error, TryAgain)]
    if not later:
        return errors[0]
    waits = [error.after for error in later if error.after is not None]
    if asked == 1 or len(waits) < len(later):
        return later[0]
    return TryAgain(str(later[0]), after=min(waits))


def _pause(states: Mapping[str, Mapping[str, Any]], now: datetime) -> timedelta:
    times = [moment(state.get("next")) or now for state in states.values() if not state.get("gone")]
    return max(min(times) - now, timedelta(seconds=1))
