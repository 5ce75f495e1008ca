"""One of each thing that has a page, beside what other tests made: ``python -m tests.browser.axe_world``.

Prints the addresses of the pages, by the name of their route.
"""

from __future__ import annotations

import json
import os
import time

PATIENCE_S = 90


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rapport.config.settings")
    import django

    django.setup()
    from django.urls import reverse

    from rapport.brands.models import Brand, Channel
    from rapport.ingest.models import RawEvent, RawState
    from rapport.staff.actions.invitations import invite
    from rapport.staff.models import Team, User
    from tests.browser.heard_world import make_heard
    from tests.browser.world import PASSWORD

    brand = Brand.objects.get(slug="aero-test")
    owner = User.objects.create_superuser("olga@example.com", PASSWORD, name="Olga Owner", initials="OO")
    mara = User.objects.get(email="mara@example.com")
    form, _new = Channel.objects.get_or_create(
        brand=brand,
        network="webform",
        external_id="form:axe",
        defaults={
            "handle": "Aero care",
            "name": "Aero care",
            "settings": {"email": "required", "attachments": True, "sites": []},
        },
    )
    RawEvent.objects.create(
        channel=form,
        kind="strange",
        dedupe_key="axe",
        payload={"a": 1},
        state=RawState.PARKED,
        error="KeyError",
    )
    channel = Channel.objects.filter(brand=brand, network="practice").earliest("id")
    team = Team.objects.create(brand=brand, name="Evenings")
    team.members.add(mara)
    invited = invite(actor=owner, email="new@example.com", brand_id=brand.pk, role="agent")
    case_id = _case_of("No page may break")
    addresses = {
        "desk-case": reverse("desk-case", args=["all", case_id]),
        "connect-network": f"{reverse('connect-network', args=['mastodon'])}?brand={brand.slug}",
        "channel": reverse("channel", args=[channel.pk]),
        "reasons": reverse("reasons", args=[brand.slug]),
        "profiles": reverse("profiles", args=[brand.slug]),
        "team": reverse("team", args=[team.pk]),
        "person": reverse("person", args=[mara.pk]),
        "person-leave": reverse("person-leave", args=[mara.pk]),
        "invitation": reverse("invitation", args=[invited.token]),
        "form": reverse("form", args=[form.pk]),
    }
    addresses |= make_heard(
        brand=brand, lead=mara, word="parasol", long=lambda length: ("parasol " * length)[:length].strip()
    )
    print(json.dumps(addresses))


def _case_of(words: str) -> int:
    """The id of the case that a customer's words opened, as soon as they came over the network."""
    from rapport.inbox.models import Case

    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        found = Case.objects.filter(preview__contains=words).order_by("-id").first()
        if found is not None:
            return found.pk
        time.sleep(0.2)
    raise SystemExit(f"No case began with: {words}")


if __name__ == "__main__":
    main()
