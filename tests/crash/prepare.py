"""The little world of a crash run: a brand, its account on the practice network, customers, an agent."""

from __future__ import annotations

import secrets
import sys
from typing import TYPE_CHECKING

import django

if TYPE_CHECKING:
    from rapport.brands.models import Brand


def connect_company(base_url: str, *, handle: str, name: str) -> Brand:
    """A new brand whose channel hears of its practice account by webhook and by polling."""
    from rapport.brands.models import Brand, Channel
    from rapport.networks.practice.accounts import ensure_account, issue_token, subscribe

    company = ensure_account(handle=handle, name=name, is_company=True)
    brand = Brand.objects.create(slug=handle, name=name)
    secret = secrets.token_urlsafe(24)
    channel = Channel.objects.create(
        brand=brand,
        network="practice",
        external_id=str(company.pk),
        handle=f"@{handle}",
        polled=True,
        credentials={
            "base_url": f"{base_url}/practice",
            "token": issue_token(account=company),
            "webhook_secret": secret,
        },
    )
    subscribe(account=company, url=f"{base_url}/hooks/practice/{channel.pk}", secret=secret)
    return brand


def main(base_url: str) -> None:
    django.setup()
    from rapport.networks.practice.accounts import ensure_account, set_chaos
    from rapport.staff.models import Membership, User

    brand = connect_company(base_url, handle="aero", name="Aero")
    for number in range(40):
        ensure_account(handle=f"customer{number}", name=f"Customer {number}")
    agent = User.objects.create_user("agent@example.com", None, name="Mara Kovac", initials="MK")
    Membership.objects.create(user=agent, brand=brand, role="agent")
    set_chaos(duplicate_rate=0.2, reorder_rate=0.2, lost_response_rate=0.15, rate_limit=0)


if __name__ == "__main__":
    main(sys.argv[1])
