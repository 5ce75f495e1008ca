"""The brands and channels an import needs."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from rapport.brands.models import Brand, Channel, ChannelRole, ChannelState, SignatureStyle
from rapport.imports.source import Target
from rapport.networks.files.connector import CONNECTOR

NETWORK = CONNECTOR.network


def ensure_channels(targets: Iterable[Target]) -> dict[Target, int]:
    """Channel id of every target; brands and channels that do not exist are made, in one transaction.

    New channels are paused and not polled: nothing is ever sent to them or fetched from them.
    """
    # Of several names for one brand or account the last is taken, which is never a guest's.
    wanted = sorted(
        targets, key=lambda one: (not one.guest, one.brand, one.account, one.handle, one.brand_name)
    )
    with transaction.atomic():
        missing = _missing(wanted)
        Brand.objects.bulk_create(
            {one.brand: Brand(slug=one.brand, name=one.brand_name) for one in missing}.values(),
            ignore_conflicts=True,
        )
        brand_ids = dict(
            Brand.objects.filter(slug__in=[one.brand for one in missing]).values_list("slug", "id")
        )
        Channel.objects.bulk_create(
            {
                (one.brand, one.account): Channel(
                    brand_id=brand_ids[one.brand],
                    network=NETWORK,
                    external_id=one.account,
                    handle=one.handle,
                    name=one.handle,
                    role=ChannelRole.SUPPORT,
                    state=ChannelState.PAUSED,
                    signature=SignatureStyle.NONE,
                    polled=False,
                )
                for one in missing
            }.values(),
            ignore_conflicts=True,
        )
    by_place, by_account = _channels(wanted)
    return {one: _found(one, by_place, by_account) or by_place[one.brand, one.account] for one in wanted}


def _missing(wanted: list[Target]) -> list[Target]:
    by_place, by_account = _channels(wanted)
    return [one for one in wanted if _found(one, by_place, by_account) is None]


def _channels(wanted: list[Target]) -> tuple[dict[tuple[str, str], int], dict[str, int]]:
    """Channel ids by brand and account, and by account alone (the oldest)."""
    rows = (
        Channel.objects.filter(network=NETWORK, external_id__in=[one.account for one in wanted])
        .order_by("-id")
        .values_list("brand__slug", "external_id", "id")
    )
    by_place: dict[tuple[str, str], int] = {}
    by_account: dict[str, int] = {}
    for slug, account, channel_id in rows:
        by_place[slug, account] = channel_id
        by_account[account] = channel_id
    return by_place, by_account


def _found(one: Target, by_place: dict[tuple[str, str], int], by_account: dict[str, int]) -> int | None:
    exact = by_place.get((one.brand, one.account))
    return exact if exact is not None or not one.any_brand else by_account.get(one.account)


def known_handles(*, brand_id: int | None = None, prefix: str = "twcs:") -> frozenset[str]:
    """Handles of companies that were imported before; of one brand, or of all."""
    channels = Channel.objects.filter(network=NETWORK, external_id__startswith=prefix)
    if brand_id is not None:
        channels = channels.filter(brand_id=brand_id)
    return frozenset(
        account.removeprefix(prefix) for account in channels.values_list("external_id", flat=True)
    )


def live_accounts() -> frozenset[str]:
    """Accounts this instance is connected to, in the form an export writes them: ``network:id``."""
    rows = Channel.objects.exclude(network=NETWORK).values_list("network", "external_id")
    return frozenset(f"{network}:{account}" for network, account in rows)
