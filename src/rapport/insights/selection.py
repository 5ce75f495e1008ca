"""Brands by the names people type."""

from __future__ import annotations

from collections.abc import Sequence

from rapport.brands.models import Brand
from rapport.lib.errors import Invalid
from rapport.lib.near import near_matches


def brands_named(*, names: Sequence[str]) -> list[Brand]:
    """The brands with these names or slugs, without regard to case or a leading ``@``.

    Raises :class:`Invalid` with near matches for the first that is not known.
    """
    brands = list(Brand.objects.all())
    found: dict[int, Brand] = {}
    for name in names:
        folded = name.strip().removeprefix("@").casefold()
        matching = [one for one in brands if folded in {one.slug.casefold(), one.name.casefold()}]
        if not matching:
            known = [one.name for one in brands]
            raise Invalid(
                f"There is no brand called {name!r}{near_matches(name, known)}"
                if known
                else "There are no brands yet. Import a file with 'rapport import', or start 'rapport demo'."
            )
        found.update((one.id, one) for one in matching)
    return list(found.values())
