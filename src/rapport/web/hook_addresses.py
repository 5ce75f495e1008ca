"""Where networks deliver: the addresses of webhooks, for pages on which somebody copies them."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse

from rapport.networks.base import Connector


def network_address(connector: type[Connector]) -> str:
    """The one address for all accounts of a network; "" for networks that are told one for each account or app."""
    own = connector.addressees.__func__  # type: ignore[attr-defined]
    if not connector.capabilities.webhook or own is Connector.addressees.__func__:  # type: ignore[attr-defined]
        return ""
    if connector.hook_per_app:
        return ""
    return f"{settings.RAPPORT_BASE_URL}{reverse('hook-network', args=[connector.network])}"


def channel_address(network: str, channel_id: int) -> str:
    """The address for one channel alone."""
    return f"{settings.RAPPORT_BASE_URL}{reverse('hook', args=[network, channel_id])}"
