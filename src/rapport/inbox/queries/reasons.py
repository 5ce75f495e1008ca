"""Why a case can be closed: what everybody has, and what a brand has besides."""

from __future__ import annotations

from collections.abc import Iterable

from rapport.inbox.models import BrandReason, CloseReason

_OWN = "brand-"


def close_reasons(*, brand_id: int | None) -> list[tuple[str, str]]:
    """(code, label) of every reason that can be chosen now; the brand's own come last, by name. None: for any
    brand, so those that everybody has."""
    built_in = [(value, str(label)) for value, label in CloseReason.choices if value != CloseReason.IMPORTED]
    if brand_id is None:
        return built_in
    own = BrandReason.objects.filter(brand_id=brand_id, retired_at=None).order_by("label", "id")
    return built_in + [(one.code, one.label) for one in own]


def reason_labels(codes: Iterable[str]) -> dict[str, str]:
    """The label of each of these reasons, retired ones too; what nobody knows any more keeps its code."""
    wanted = set(codes)
    labels = {value: str(label) for value, label in CloseReason.choices}
    ids = [int(code.removeprefix(_OWN)) for code in wanted if _is_own(code)]
    if ids:
        labels |= {one.code: one.label for one in BrandReason.objects.filter(id__in=ids)}
    return {code: labels.get(code, code) for code in wanted}


def reason_label(code: str) -> str:
    """One of them."""
    return reason_labels([code])[code]


def is_reason(code: str, *, brand_id: int) -> bool:
    """Whether a case of the brand can be closed with it now."""
    if _is_own(code):
        own = BrandReason.objects.filter(id=int(code.removeprefix(_OWN)), brand_id=brand_id, retired_at=None)
        return own.exists()
    return code in CloseReason.values and code != CloseReason.IMPORTED


def _is_own(code: str) -> bool:
    number = code.removeprefix(_OWN)
    return code.startswith(_OWN) and number.isascii() and number.isdecimal() and len(number) < 15
