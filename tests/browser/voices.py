"""A second account of the company on the practice network, for support: ``python -m tests.browser.voices``."""

from __future__ import annotations

import os


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rapport.config.settings")
    import django

    django.setup()
    from rapport.brands.models import Brand, Channel, ChannelRole
    from rapport.networks.practice.accounts import ensure_account, issue_token

    company = ensure_account(handle="aero_support", name="Aero Adria Support", is_company=True)
    Channel.objects.get_or_create(
        brand=Brand.objects.get(slug="aero-test"),
        network="practice",
        external_id=str(company.pk),
        defaults={
            "handle": f"@{company.handle}",
            "role": ChannelRole.SUPPORT,
            "polled": True,
            "credentials": {
                "base_url": f"http://127.0.0.1:{os.environ['RAPPORT_PORT']}/practice",
                "token": issue_token(account=company),
            },
        },
    )


if __name__ == "__main__":
    main()
