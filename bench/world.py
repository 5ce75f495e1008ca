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
    from tests.crash.prepare import connect_company

    from rapport.networks.practice.accounts import ensure_account, issue_token, set_chaos
    from rapport.staff.models import User

    connect_company(f"http://127.0.0.1:{os.environ['RAPPORT_PORT']}", handle="benchbrand", name="Bench")
    set_chaos(rate_limit=0)
    User.objects.create_superuser("bench@example.com", PASSWORD, name="Bench Owner", initials="BO")
    tokens = [
        issue_token(account=ensure_account(handle=f"bench{n}", name=f"Customer {n}")) for n in range(20)
    ]
    print(json.dumps({"password": PASSWORD, "tokens": tokens}))


if __name__ == "__main__":
    main()
