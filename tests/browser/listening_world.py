"""A query, and a source that hears people who tag nobody: ``python -m tests.browser.listening_world``."""

from __future__ import annotations

import os


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rapport.config.settings")
    import django

    django.setup()

    from rapport.brands.models import Brand
    from rapport.mentions.models import Query, Source
    from rapport.mentions.saving import save_query
    from rapport.staff.models import User

    Source.objects.get_or_create(kind="practice", name="Practice network")
    brand = Brand.objects.get(slug="aero-test")
    if not Query.objects.filter(brand=brand, name="Umbrellas").exists():
        lead = User.objects.get(email="mara@example.com")
        save_query(user=lead, brand_id=brand.pk, name="Umbrellas", text="umbrella* lost", kind="brand")


if __name__ == "__main__":
    main()
