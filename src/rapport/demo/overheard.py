"""What people say about the demo's brands without tagging them, and the queries that hear it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from django.utils import timezone

from rapport.brands.models import Brand
from rapport.mentions.models import Query, Source
from rapport.mentions.saving import save_query
from rapport.networks.practice.accounts import Profile, ensure_accounts
from rapport.networks.practice.actions import Draft, publish_many
from rapport.staff.models import User

QUERIES = {
    "alvara": '"alvara air" OR alvaraair OR (alvara AND (flight OR flug OR vuelo OR let))',
    "mokka": '"mokka & moon" OR mokkamoon OR (mokka AND (café OR coffee OR kava))',
    "telqo": "telqo -job",
    "velorine": "velorine OR (velorin AND bike)",
}

_PEOPLE = (
    Profile(handle="marta.lines", name="Marta Lines", lang="en", followers=2140),
    Profile(handle="jonas_w", name="Jonas W", lang="de", followers=310),
    Profile(handle="pilar.on.tour", name="Pilar", lang="es", followers=15800),
    Profile(handle="dora_z", name="Dora Z", lang="hr", followers=96),
)

# Who, how many hours ago, in which language, what.
SAID = (
    ("marta.lines", 2, "en", "Third hour at the gate. If Alvara Air had told us at six I would have taken the train."),
    ("pilar.on.tour", 5, "es", "¿Alguien ha volado con Alvara Air con una tabla de surf? ¿Cuánto cobran?"),
    ("jonas_w", 20, "de", "Mein Flug mit Alvara Air war pünktlich und die Crew richtig nett."),
    ("dora_z", 3, "hr", "U Mokka & Moon opet nema zobenog mlijeka. Drugi put ovaj tjedan."),
    ("marta.lines", 26, "en", "Is the coffee at Mokka better since they changed the beans, or is it just me?"),
    ("pilar.on.tour", 1, "es", "Telqo sin cobertura en todo el barrio desde las ocho. ¿A alguien más le pasa?"),
    ("jonas_w", 4, "de", "Seit dem Wechsel zu Telqo ruckelt jeder Videoanruf. Liegt das an mir?"),
    ("marta.lines", 30, "en", "Telqo charged me twice this month, and nobody seems to notice but my bank."),
    ("dora_z", 8, "hr", "Velorine mi je nakon tri godine još uvijek najdraži bicikl."),
    ("jonas_w", 12, "de", "Hat jemand die Bremsen am Velorine City selbst nachgestellt?"),
)  # fmt: skip


def people_talk() -> int:
    """Publish what was said, with nobody named; returns how many posts it is."""
    accounts = ensure_accounts(_PEOPLE)
    now = timezone.now()
    drafts = [
        Draft(author=accounts[handle], text=text, lang=lang, at=now - timedelta(hours=hours))
        for handle, hours, lang, text in sorted(SAID, key=lambda one: -one[1])
    ]
    return len(publish_many(drafts))


def listen(brands: Mapping[str, Brand], *, owner: User) -> None:
    """The practice network as a source, and a query for each brand; what is there already stays as it is."""
    if not Source.objects.filter(kind="practice").exists():
        Source.objects.create(kind="practice", name="Practice network")
    known = set(Query.objects.filter(brand__in=brands.values()).values_list("brand_id", flat=True))
    for key, brand in brands.items():
        if brand.pk not in known:
            save_query(user=owner, brand_id=brand.pk, name=brand.name, text=QUERIES[key], kind="brand")
