"""What people do with alerts, and how a brand wants to be alerted."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from rapport.audit.actions import record
from rapport.lib.errors import Invalid, NotFound
from rapport.mentions.models import Alert, AlertSetting
from rapport.mentions.spike_models import AlertVerdict
from rapport.mentions.spikes.counting import countries
from rapport.mentions.spikes.telling import NOISE
from rapport.mentions.spikes.watching import CHOICES
from rapport.notices.defer import QUEUE
from rapport.staff.access import require
from rapport.staff.models import User
from rapport.staff.permissions import Permission

MUTE_HOURS = (1, 4, 24, 72)
MOST_LEAST = 10_000
_LONGEST_ADDRESS = 1000


def access_alert(*, user: User, alert_id: int, permission: Permission = Permission.VIEW_CASES) -> Alert:
    """The alert with its brand, its query and who acknowledged it. Raises NotFound or NotAllowed."""
    alert = (
        Alert.objects.select_related("brand", "query", "acknowledged_by", "verdict_by")
        .filter(id=alert_id)
        .first()
    )
    if alert is None:
        raise NotFound(_("There is no such alert, or you may not see it."))
    require(user, alert.brand_id, permission)
    return alert


def acknowledge(*, user: User, alert_id: int) -> None:
    """``user`` takes it on: pages tell it no more. The first one stays."""
    with transaction.atomic():
        alert = _to_change(user, alert_id)
        if alert.acknowledged_at is None:
            alert.acknowledged_by, alert.acknowledged_at = user, timezone.now()
            alert.save(update_fields=["acknowledged_by", "acknowledged_at"])
            _record("acknowledged", user, alert)


def mute_alert(*, user: User, alert_id: int, hours: int) -> None:
    """Nobody is told of this query's alerts for so many hours; they are recorded all the same. 0 takes it back.
    Raises Invalid."""
    if hours not in (0, *MUTE_HOURS):
        raise Invalid(_("Choose for how many hours."))
    with transaction.atomic():
        alert = _to_change(user, alert_id)
        alert.muted_until = timezone.now() + timedelta(hours=hours) if hours else None
        alert.save(update_fields=["muted_until"])
        _record("muted", user, alert, hours=hours)


def link_incident(*, user: User, alert_id: int, address: str) -> None:
    """Where the event is dealt with: an address, or "" for none. Raises Invalid."""
    address = address.strip()
    if address:
        _check_address(address, schemes=("http", "https"))
    with transaction.atomic():
        alert = _to_change(user, alert_id)
        alert.incident = address
        alert.save(update_fields=["incident"])
        _record("linked", user, alert)


def judge_alert(*, user: User, alert_id: int, verdict: str) -> None:
    """Whether it was right; "" takes it back. Raises Invalid."""
    if verdict and verdict not in AlertVerdict.values:
        raise Invalid(_("Say whether the alert was right, or noise."))
    with transaction.atomic():
        alert = _to_change(user, alert_id)
        alert.verdict, alert.verdict_by = verdict, user if verdict else None
        alert.save(update_fields=["verdict", "verdict_by"])
        _record("judged", user, alert, verdict=verdict)


@dataclass(frozen=True)
class Wanted:
    """How a brand wants to be alerted, as it was typed."""

    on: bool
    false_per_week: str
    least: str
    emails: bool
    webhook_url: str
    country: str


def save_setting(*, user: User, brand_id: int, wanted: Wanted) -> AlertSetting:
    """Keep it, and count anew how many alerts it would have made. Raises Invalid, NotFound, NotAllowed."""
    require(user, brand_id, Permission.MANAGE_LISTENING)
    rate = next((choice for choice in CHOICES if str(choice) == wanted.false_per_week), None)
    if rate is None:
        raise Invalid(_("Choose how many false alarms you put up with."))
    if not (wanted.least.isascii() and wanted.least.isdigit() and len(wanted.least) <= 6):
        raise Invalid(_("At least how many mentions: give a whole number."))
    least = int(wanted.least)
    if not 2 <= least <= MOST_LEAST:
        raise Invalid(
            _("At least how many mentions: from %(from)d to %(to)d.") % {"from": 2, "to": MOST_LEAST}
        )
    country = wanted.country.strip().upper()
    if country and country not in countries():
        raise Invalid(_("There are no holidays known for “%(country)s”. Give two letters, such as DE, or nothing.") % {"country": country[:10]})  # fmt: skip
    address = wanted.webhook_url.strip()
    if address:
        _check_address(address, schemes=("https",))
    with transaction.atomic():
        setting, _new = AlertSetting.objects.update_or_create(
            brand_id=brand_id,
            defaults={
                "on": wanted.on,
                "false_per_week": rate,
                "least": least,
                "emails": wanted.emails,
                "webhook_url": address,
                "country": country,
            },
        )
        record(
            action="alerts.set",
            actor_id=user.pk,
            brand_id=brand_id,
            object_type="alert_setting",
            object_id=setting.pk,
            data={"on": wanted.on, "false_per_week": rate, "least": least, "webhook": bool(address)},
        )
        ask_for_noise(brand_id)
    return setting


def mute_brand(*, user: User, brand_id: int, hours: int) -> None:
    """Nobody is told of any alert of the brand for so many hours. 0 takes it back. Raises Invalid."""
    require(user, brand_id, Permission.MANAGE_LISTENING)
    if hours not in (0, *MUTE_HOURS):
        raise Invalid(_("Choose for how many hours."))
    with transaction.atomic():
        until = timezone.now() + timedelta(hours=hours) if hours else None
        AlertSetting.objects.update_or_create(brand_id=brand_id, defaults={"muted_until": until})
        record(
            action="alerts.muted",
            actor_id=user.pk,
            brand_id=brand_id,
            object_type="brand",
            object_id=brand_id,
            data={"hours": hours},
        )


def ask_for_noise(brand_id: int) -> None:
    """Have it counted soon; many wishes at once are one."""
    task = app.configure_task(NOISE, queue=QUEUE, queueing_lock=f"count-noise-{brand_id}")
    with suppress(AlreadyEnqueued), transaction.atomic():
        task.defer(brand_id=brand_id)


def _to_change(user: User, alert_id: int) -> Alert:
    access_alert(user=user, alert_id=alert_id, permission=Permission.MANAGE_LISTENING)
    return Alert.objects.select_for_update().get(id=alert_id)


def _record(what: str, user: User, alert: Alert, **data: object) -> None:
    record(
        action=f"alert.{what}",
        actor_id=user.pk,
        brand_id=alert.brand_id,
        object_type="alert",
        object_id=alert.pk,
        data=data,
    )


def _check_address(address: str, *, schemes: tuple[str, ...]) -> None:
    """Something that leads somewhere. Where it really leads is looked at with each call."""
    problem = Invalid(_("This is no address. It begins with %(scheme)s.") % {"scheme": f"{schemes[-1]}://"})
    if len(address) > _LONGEST_ADDRESS or not address.isprintable() or any(map(str.isspace, address)):
        raise problem
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise problem from None
    if parts.scheme not in schemes or not host or parts.username or port == 0:
        raise problem
