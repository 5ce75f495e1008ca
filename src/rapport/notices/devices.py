"""Browsers that take pushes: taken up, let go, tried."""

from __future__ import annotations

import base64
import binascii
import hashlib
import ipaddress
from datetime import timedelta
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from rapport.lib.errors import Conflict, Invalid, NotFound
from rapport.lib.text import storable
from rapport.networks.http import may_call
from rapport.notices.defer import defer_trial
from rapport.notices.models import Device
from rapport.staff.models import User

MOST_DEVICES = 20
_LONGEST_ENDPOINT = 2000
_TRIAL_EVERY = timedelta(seconds=5)


def add_device(*, user: User, session_key: str, endpoint: str, p256dh: str, auth: str, agent: str) -> Device:
    """A browser subscribed (RFC 8030); it is told things as long as its login lives. A browser that somebody
    else used before is theirs no more. Raises Invalid."""
    check_endpoint(endpoint)
    _check_keys(p256dh, auth)
    sha256 = hashlib.sha256(endpoint.encode()).hexdigest()
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        known = Device.objects.filter(user=user).exclude(endpoint_sha256=sha256).count()
        if known >= MOST_DEVICES:
            raise Invalid(_("You have %(n)d devices already. Remove one first.") % {"n": known})
        device, _new = Device.objects.update_or_create(
            endpoint_sha256=sha256,
            defaults={
                "user": user,
                "session_id": session_key,
                "endpoint": endpoint,
                "p256dh": p256dh,
                "auth": auth,
                "agent": storable(agent, limit=300),
                "error": "",
            },
        )
    return device


def check_endpoint(endpoint: str) -> None:
    """A push service is reached by https, at a public address. Where its name leads is looked at again with
    every call. Raises Invalid."""
    refused = Invalid(_("This browser's push service cannot be used."))
    if len(endpoint) > _LONGEST_ENDPOINT or not endpoint.isascii() or not endpoint.isprintable():
        raise refused
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise refused from None
    if parts.scheme != "https" or not host or parts.username or port == 0:
        raise refused
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return
    if not may_call(host):
        raise refused


def _check_keys(p256dh: str, auth: str) -> None:
    try:
        if len(decoded(auth)) != 16:
            raise ValueError
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decoded(p256dh))
    except (ValueError, binascii.Error):
        raise Invalid(_("This browser's keys cannot be used.")) from None


def decoded(text: str) -> bytes:
    """Base64 for addresses, without its padding. Raises ValueError."""
    if len(text) > 100 or not text.isascii():
        raise ValueError("not a key")
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def remove_device(*, user: User, device_id: int) -> None:
    """Tell this device nothing more. Raises NotFound."""
    deleted, _by_model = Device.objects.filter(user=user, id=device_id).delete()
    if not deleted:
        raise NotFound(_("That device is removed already."))


def forget_endpoint(*, user: User, endpoint: str) -> None:
    """A browser says itself that it takes no more."""
    Device.objects.filter(
        user=user, endpoint_sha256=hashlib.sha256(endpoint.encode("utf-8", "replace")).hexdigest()
    ).delete()


def try_device(*, user: User, device_id: int) -> None:
    """Send it something to see. Raises NotFound, and Conflict for the second try at once."""
    now = timezone.now()
    with transaction.atomic():
        device = Device.objects.select_for_update().filter(user=user, id=device_id).first()
        if device is None:
            raise NotFound(_("That device is removed already."))
        if device.told_at is not None and device.told_at > now - _TRIAL_EVERY:
            raise Conflict(_("It was told something a moment ago. Wait a little."))
        device.told_at = now
        device.save(update_fields=["told_at"])
        defer_trial(device_id=device.pk)
