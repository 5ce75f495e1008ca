"""Accounts, tokens and subscriptions of the practice network."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Case, F, Value, When
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from rapport.networks.practice.errors import NotThere, Problem, TooFast
from rapport.networks.practice.models import Account, Chaos, Subscription, Token
from rapport.networks.practice.stream import Happened, append

_HANDLE = re.compile(r"[a-z0-9_](?:[a-z0-9_.]{0,38}[a-z0-9_])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What an account says of itself."""

    handle: str
    name: str
    bio: str = ""
    lang: str = ""
    voice: str = ""
    followers: int = 0
    is_company: bool = False
    is_bot: bool = False


def ensure_account(
    *, handle: str, name: str, lang: str = "", followers: int = 0, is_company: bool = False
) -> Account:
    """The account of that handle, made if it does not exist. Raises :class:`Problem` for a bad handle."""
    profile = Profile(handle=handle, name=name, lang=lang, followers=followers, is_company=is_company)
    return ensure_accounts([profile])[handle.lower()]


def ensure_accounts(profiles: Sequence[Profile]) -> dict[str, Account]:
    """Accounts by handle; those that do not exist are made. Raises :class:`Problem` for a bad handle."""
    wanted = {profile.handle.lower(): profile for profile in profiles}
    if not all(_HANDLE.fullmatch(handle) for handle in wanted):
        raise Problem("bad_handle", _("A handle has letters, digits, dots and underscores."))
    Account.objects.bulk_create(
        (Account(**{**asdict(profile), "handle": handle}) for handle, profile in wanted.items()),
        ignore_conflicts=True,
    )
    return {account.handle: account for account in Account.objects.filter(handle__in=wanted)}


def _hash(token: str) -> str:
    # The token has 256 random bits, so a plain hash is enough: there is nothing to guess.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def issue_token(*, account: Account, label: str = "", scope: str = Token.Scope.ACCOUNT) -> str:
    """A new bearer token, shown this once."""
    token = f"practice_{secrets.token_urlsafe(32)}"
    Token.objects.create(account=account, token_hash=_hash(token), label=label, scope=scope)
    return token


def revoke_tokens(*, account: Account) -> int:
    """End every token of an account; how many there were."""
    return Token.objects.filter(account=account, revoked_at=None).update(revoked_at=timezone.now())


def token_holder(token: str) -> Token | None:
    """The live token a request brought, its account loaded."""
    return Token.objects.select_related("account").filter(token_hash=_hash(token), revoked_at=None).first()


def spend(*, token: Token, limit: int) -> None:
    """Count one call of this minute. Raises :class:`TooFast` above ``limit`` calls (0: no limit).

    One UPDATE, so that calls side by side are all counted.
    """
    if limit == 0:
        return
    fresh = When(window_start__gt=Now() - timedelta(minutes=1), then=F("window_count") + 1)
    kept = When(window_start__gt=Now() - timedelta(minutes=1), then=F("window_start"))
    Token.objects.filter(pk=token.pk).update(
        window_count=Case(fresh, default=Value(1)), window_start=Case(kept, default=Now())
    )
    token.refresh_from_db(fields=["window_count", "window_start"])
    if token.window_count > limit and token.window_start is not None:
        left = token.window_start + timedelta(minutes=1) - timezone.now()
        raise TooFast(
            "rate_limited",
            _("Too many calls. Try again in a moment."),
            retry_after_s=max(1, int(left.total_seconds()) + 1),
        )


def subscribe(*, account: Account, url: str, secret: str) -> Subscription:
    """Deliver an account's events to ``url`` from now on, signed with ``secret``; a ping goes first.

    Asked again for the same address it takes the new secret.
    """
    if not url.startswith(("http://", "https://")) or len(url) > 500:
        raise Problem("bad_url", _("A subscription needs an http or https address."))
    if len(secret) < 16:
        raise Problem("weak_secret", _("A subscription's secret needs at least 16 characters."))
    with transaction.atomic():
        subscription, new = Subscription.objects.update_or_create(
            account=account, url=url, defaults={"secret": secret, "active": True}
        )
        if new:
            append([Happened(account.pk, "ping", timezone.now(), {})])
    return subscription


def unsubscribe(*, account: Account, subscription_id: int) -> None:
    """Stop deliveries; what waits is dropped. Raises :class:`NotThere`."""
    gone, _rows = Subscription.objects.filter(account=account, pk=subscription_id).delete()
    if not gone:
        raise NotThere("no_such_subscription", _("That subscription does not exist."))


def chaos_now() -> Chaos:
    """The network's weather; calm when nobody set any."""
    return Chaos.objects.filter(pk=1).first() or Chaos(pk=1)


def weather_of(chaos: Chaos | None) -> dict[str, Any]:
    """The weather's settings by name; with None those of calm weather."""
    chaos = chaos or Chaos(pk=1)
    return {field.name: getattr(chaos, field.name) for field in Chaos._meta.fields if field.name != "id"}


def set_chaos(**changes: Any) -> Chaos:
    """Change the weather. Raises :class:`django.core.exceptions.ValidationError` for a value out of range."""
    unknown = set(changes) - set(weather_of(None))
    if unknown:
        raise Problem("unknown_setting", _("There is no such setting: %(name)s.") % {"name": min(unknown)})
    with transaction.atomic():
        Chaos.objects.get_or_create(pk=1)
        chaos = Chaos.objects.select_for_update().get(pk=1)
        for name, value in changes.items():
            setattr(chaos, name, value)
        chaos.full_clean()
        chaos.save()
    return chaos
