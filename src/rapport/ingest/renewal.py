"""Credentials that end before long are renewed while nobody waits for them."""

from __future__ import annotations

import logging

from rapport.brands import calls
from rapport.networks.errors import NetworkError
from rapport.networks.registry import connectors

log = logging.getLogger(__name__)


def renew_due() -> int:
    """Renew what is in the last quarter of its life, one channel after the other; returns how many were.

    What cannot be renewed goes on until it ends: leads are told in time (see ``watch.py``).
    """
    renewed = 0
    for one in calls.due():
        network = connectors().get(one.network)
        if network is None or not calls.renews(network):
            continue
        try:
            calls.renew(one.channel_id, one.stamp, patience_s=0)
            renewed += 1
        except (NetworkError, calls.NothingToRenew) as error:
            log.warning("the credentials of channel %s are not renewed: %s", one.channel_id, error)
    return renewed
