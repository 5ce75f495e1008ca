"""Who works in the demo: brands, people, teams and tags. All invented."""

from __future__ import annotations

from dataclasses import dataclass

from rapport.brands.models import SignatureStyle
from rapport.staff.models import Role


@dataclass(frozen=True, slots=True)
class DemoBrand:
    """``key`` is the brand's name in the simulator's script."""

    key: str
    slug: str
    name: str
    colour: str
    time_zone: str
    signature: SignatureStyle
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """``brands`` are keys; empty means every brand. Owners need no role."""

    email: str
    name: str
    initials: str
    role: Role | None
    brands: tuple[str, ...] = ()

    @property
    def is_owner(self) -> bool:
        return self.role is None


TEAMS = ("First line", "Escalations")

BRANDS = (
    DemoBrand(
        "alvara",
        "alvara-air",
        "Alvara Air",
        "#1f5fa8",
        "Europe/Vienna",
        SignatureStyle.INITIALS,
        ("delay", "baggage", "refund", "praise", "spam"),
    ),
    DemoBrand(
        "mokka",
        "mokka-moon",
        "Mokka & Moon",
        "#7a4a24",
        "Europe/Zagreb",
        SignatureStyle.NAME,
        ("app", "menu", "café", "praise", "spam"),
    ),
    DemoBrand(
        "telqo",
        "telqo",
        "Telqo",
        "#6b2fa0",
        "Europe/Madrid",
        SignatureStyle.INITIALS,
        ("outage", "billing", "contract", "praise", "spam"),
    ),
    DemoBrand(
        "velorine",
        "velorine",
        "Velorine",
        "#23724b",
        "Asia/Bangkok",
        SignatureStyle.INITIALS,
        ("delivery", "sizing", "safety", "praise", "spam"),
    ),
)

OWNER = DemoPerson("owner@demo.local", "Robin Adler", "RA", None)
PEOPLE = (
    OWNER,
    DemoPerson("nora@demo.local", "Nora Lindgren", "NL", Role.LEAD),
    DemoPerson("mirela@demo.local", "Mirela Kos", "MK", Role.AGENT, ("alvara", "telqo")),
    DemoPerson("diego@demo.local", "Diego Castaño", "DC", Role.AGENT, ("alvara", "mokka")),
    DemoPerson("tawan@demo.local", "Tawan Suriya", "TS", Role.AGENT, ("mokka", "velorine")),
    DemoPerson("hannah@demo.local", "Hannah Vogt", "HV", Role.AGENT, ("telqo", "velorine")),
    DemoPerson("vic@demo.local", "Vic Reyes", "VR", Role.VIEWER),
)
