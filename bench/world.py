"""What the latency bench needs inside a running instance; prints it as JSON. ``python -m bench.world``."""

from __future__ import annotations

import json
import os
import secrets

PASSWORD = secrets.token_urlsafe(16)


def main() -> None:
    """A brand whose channel is told of posts by webhook, twenty customers, and an owner who watches."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rapport.config.settings")
    import django

    django.setup()
    from rapport.brands.models import Brand, Channel
    from rapport.networks.practice.accounts import ensure_account, issue_token, set_chaos, subscribe
    from rapport.staff.models import User

    base = f"http://127.0.0.1:{os.environ['RAPPORT_PORT']}"
    brand = Brand.objects.create(slug="bench-latency", name="Bench")
    company = ensure_account(handle="benchbrand", name="Bench", is_company=True)
    secret = secrets.token_urlsafe(24)
    channel = Channel.objects.create(
        brand=brand,
        network="practice",
        external_id=str(company.pk),
        handle="@benchbrand",
        polled=True,
        credentials={
            "base_url": f"{base}/practice",
            "token": issue_token(account=company),
            "webhook_secret": secret,
        },
    )
    subscribe(account=company, url=f"{base}/hooks/practice/{channel.pk}", secret=secret)
    set_chaos(rate_limit=0)
    User.objects.create_superuser("bench@example.com", PASSWORD, name="Bench Owner", initials="BO")
    tokens = [
        issue_token(account=ensure_account(handle=f"bench{n}", name=f"Customer {n}")) for n in range(20)
    ]
    print(json.dumps({"password": PASSWORD, "tokens": tokens}))


if __name__ == "__main__":
    main()
