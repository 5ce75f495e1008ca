"""A small world for the browser tests, made inside the instance under test: ``python -m tests.browser.world``.

A company on the practice network, its channel in Rapport, three colleagues, and customers whose tokens are
printed so that the tests can speak for them over the network's own API.
"""

from __future__ import annotations

import json
import os

PASSWORD = "a long enough password"
COMPANY = "aero"
CUSTOMERS = ("ana.w", "joe_k", "somchai")


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rapport.config.settings")
    import django

    django.setup()
    from django.conf import settings

    from rapport.brands.models import Brand, Channel
    from rapport.networks.practice.accounts import ensure_account, issue_token
    from rapport.staff.models import Membership, Role, User

    brand = Brand.objects.create(slug="aero-test", name="Aero Adria")
    for email, name, initials, role in (
        ("mara@example.com", "Mara Kovač", "MK", Role.LEAD),
        ("ivo@example.com", "Ivo Perić", "IP", Role.AGENT),
        ("ada@example.com", "Ada Babić", "AB", Role.ADMIN),
    ):
        user = User.objects.create_user(email, PASSWORD, name=name, initials=initials)
        Membership.objects.create(user=user, brand=brand, role=role)
    company = ensure_account(handle=COMPANY, name="Aero Adria", is_company=True)
    Channel.objects.create(
        brand=brand,
        network="practice",
        external_id=str(company.pk),
        handle=f"@{company.handle}",
        polled=True,
        credentials={
            "base_url": f"http://127.0.0.1:{os.environ['RAPPORT_PORT']}/practice",
            "token": issue_token(account=company),
        },
    )
    names = {"ana.w": "Ana Weber", "joe_k": "Joe King", "somchai": "สมชาย ใจดี"}
    tokens = {
        handle: issue_token(account=ensure_account(handle=handle, name=names[handle])) for handle in CUSTOMERS
    }
    print(json.dumps({"url": settings.RAPPORT_BASE_URL, "brand": brand.pk, "tokens": tokens}))


if __name__ == "__main__":
    main()
