"""The demo's brands, people and channels, and a past for them. Repeating it changes nothing."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.db import connection, transaction

from rapport.brands.models import Brand, Channel
from rapport.demo.cast import BRANDS, OWNER, PEOPLE, TEAMS
from rapport.demo.logins import demo_logins
from rapport.demo.overheard import listen, people_talk
from rapport.demo.past import make_past
from rapport.inbox.models import Tag
from rapport.networks.practice.accounts import issue_token, subscribe
from rapport.networks.practice.models import Account, Post, Subscription
from rapport.networks.practice.simulator.live import open_accounts
from rapport.networks.practice.simulator.script import Company, load_script
from rapport.staff.actions import add_user, set_password
from rapport.staff.models import Membership, Team, User

_LOCK = 0x6465_6D6F  # "demo": two seedings at once become one after the other
SITUATIONS = 110  # in the past: every situation once, and some again


@dataclass(frozen=True, slots=True)
class Login:
    """``password`` is None when the person has changed it since."""

    email: str
    name: str
    role: str
    password: str | None


@dataclass(frozen=True, slots=True)
class Seeded:
    """What the demo consists of. ``posts``: how many this run wrote; 0 when they were there."""

    logins: tuple[Login, ...]
    brands: tuple[str, ...]
    channels: int
    posts: int


def seed(*, data: Path, address: str, situations: int = SITUATIONS) -> Seeded:
    """Make what is missing of the demo. ``address``: where this Rapport's web server is reached from
    this machine, as ``http://127.0.0.1:8000``; channels and webhooks follow it when it changed.
    ``situations``: how much happened in the past.

    Everything is one transaction: a demo is there whole, or not at all.
    """
    script = load_script()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        # Behind the lock too: of two that each made passwords, one would write its own over those that people got.
        logins = demo_logins(data=data, emails=[person.email for person in PEOPLE])
        brands = _brands()
        users = _people(brands, logins)
        accounts = open_accounts(script)
        new = not Post.objects.exists()
        channels = [_channel(company, brands, accounts, address) for company in script.companies]
        posts = make_past(script, accounts, channels, users, situations=situations) if new else 0
        if new:
            posts += people_talk()
        listen(brands, owner=users[OWNER.email])
        for channel in channels:
            _deliver_to(channel, accounts[channel.handle], address)
    return Seeded(
        logins=tuple(
            Login(
                person.email,
                person.name,
                "owner" if person.is_owner else str(person.role),
                logins[person.email] if _still_valid(users[person.email], logins, person.email) else None,
            )
            for person in PEOPLE
        ),
        brands=tuple(brand.name for brand in BRANDS),
        channels=len(channels),
        posts=posts,
    )


def _still_valid(user: User, logins: Mapping[str, str], email: str) -> bool:
    # One check costs a tenth of a second by design; it is done for the login that is advertised.
    return email != OWNER.email or check_password(logins[email], user.password)


def _brands() -> dict[str, Brand]:
    made = {}
    for one in BRANDS:
        made[one.key], new = Brand.objects.get_or_create(
            slug=one.slug, defaults={"name": one.name, "colour": one.colour, "time_zone": one.time_zone}
        )
        if new:
            Tag.objects.bulk_create(Tag(brand=made[one.key], name=tag) for tag in one.tags)
            Team.objects.bulk_create(Team(brand=made[one.key], name=team) for team in TEAMS)
    return made


def _people(brands: Mapping[str, Brand], logins: Mapping[str, str]) -> dict[str, User]:
    users = {user.email: user for user in User.objects.filter(email__in=[one.email for one in PEOPLE])}
    for person in PEOPLE:
        if person.email in users:
            continue
        user = add_user(
            actor_id=None,
            email=person.email,
            name=person.name,
            initials=person.initials,
            password=logins[person.email],
            owner=person.is_owner,
        )
        users[person.email] = user
        if person.role is None:
            continue
        mine = [brand for key, brand in brands.items() if not person.brands or key in person.brands]
        Membership.objects.bulk_create(Membership(user=user, brand=brand, role=person.role) for brand in mine)
        user.teams.add(*Team.objects.filter(brand__in=mine, name=TEAMS[0 if person.brands else 1]))
    return users


def renew_password(*, data: Path, email: str) -> None:
    """Give a demo person the password of the file again: for somebody who changed and forgot it."""
    user = User.objects.get(email=email)
    set_password(actor_id=None, user_id=user.pk, password=demo_logins(data=data, emails=[email])[email])


def _channel(
    company: Company, brands: Mapping[str, Brand], accounts: Mapping[str, Account], address: str
) -> Channel:
    account = accounts[company.handle]
    style = next(one.signature for one in BRANDS if one.key == company.brand)
    channel, _new = Channel.objects.get_or_create(
        brand=brands[company.brand],
        network="practice",
        external_id=str(account.pk),
        defaults={
            "handle": company.handle,
            "name": company.name,
            "role": company.role,
            "signature": style,
            "polled": True,
        },
    )
    before = channel.credentials or {}
    wanted = {
        "base_url": f"{address}/practice",
        "token": before.get("token") or issue_token(account=account, label="demo"),
        "webhook_secret": before.get("webhook_secret") or secrets.token_urlsafe(32),
    }
    if wanted != before:
        channel.credentials = wanted
        channel.save(update_fields=["credentials"])
    return channel


def _deliver_to(channel: Channel, account: Account, address: str) -> None:
    """Deliver the account's events to the channel's webhook, and to no address it had before."""
    url = f"{address}/hooks/practice/{channel.pk}"
    secret = (channel.credentials or {})["webhook_secret"]
    own = Subscription.objects.filter(account=account, url__endswith=f"/hooks/practice/{channel.pk}")
    own.exclude(url=url).delete()
    if not own.filter(active=True).exists():
        subscribe(account=account, url=url, secret=str(secret))


def local_address(*, host: str, port: int) -> str:
    """Where this machine reaches the web server: by loopback unless it listens elsewhere only."""
    name = f"[{host}]" if ":" in host else host
    # Bound to every address, or to one this Rapport would not answer to by name.
    if name in {"", "0.0.0.0", "[::]"} or name not in settings.ALLOWED_HOSTS:  # noqa: S104 - compared, not bound
        name = "127.0.0.1"
    return f"http://{name}:{port}"
