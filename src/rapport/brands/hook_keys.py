"""Which channels are verified with the same secrets: one check then answers for all of them.

A network signs what it delivers with the secret of an app, and one app often serves all accounts of all brands.
The key is a keyed digest of the secrets, so it tells that they are equal and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.utils.crypto import salted_hmac

from rapport.networks.registry import UnknownNetwork, connector_class


def hook_key(network: str, credentials: Mapping[str, Any] | None) -> str:
    """64 characters; "" where the network does not say which of its credentials verify deliveries."""
    try:
        names = connector_class(network).webhook_secrets
    except UnknownNetwork:
        return ""
    if not names:
        return ""
    kept = [(credentials or {}).get(one) or "" for name in names for one in (name, f"{name}_previous")]
    return salted_hmac("rapport.brands.hook_key", json.dumps([network, kept]), algorithm="sha256").hexdigest()
