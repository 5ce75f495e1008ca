"""A brand without channels, its admin and its lead: ``python -m tests.crash.people ADMIN LEAD``."""

from __future__ import annotations

import sys

import django

PASSWORD = "a long enough password"


def main(admin: str, lead: str) -> None:
    django.setup()
    from rapport.brands.models import Brand
    from rapport.staff.models import Membership, User

    brand = Brand.objects.create(slug="alvara", name="Alvara Air")
    for email, name, role in ((admin, "Ada Babić", "admin"), (lead, "Mara Kovač", "lead")):
        user = User.objects.create_user(email, PASSWORD, name=name)
        Membership.objects.create(user=user, brand=brand, role=role)


if __name__ == "__main__":
    main(*sys.argv[1:])
