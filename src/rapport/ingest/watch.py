"""Leads are told of a channel's trouble before customers notice: on their screen, and by e-mail."""

from __future__ import annotations

import logging
import smtplib
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rapport.brands import alerts, health
from rapport.brands.models import Alert, Brand, Channel
from rapport.networks.registry import UnknownNetwork, connector_class
from rapport.staff.models import User
from rapport.staff.permissions import Permission, roles_with

log = logging.getLogger(__name__)


def watch_channels() -> int:
    """Look at every channel, and write to the leads of those that are new in trouble. Returns how many are."""
    found = alerts.update_alerts(threshold=health.THRESHOLD)
    if settings.RAPPORT_SMTP:
        tell_leads()
    return found


@dataclass
class _Letter:
    """What one person is told, in one e-mail."""

    user: User
    alerts: list[Alert] = field(default_factory=list)


def tell_leads() -> int:
    """Write about alerts nobody was written to about; returns how many e-mails left.

    Each is marked before the letters leave, so that none is told twice. When the mail server cannot even
    be reached they are unmarked, for the next time; a single letter that fails is only logged.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE brands_alert SET told_at = now() WHERE ended_at IS NULL AND told_at IS NULL RETURNING id"
        )
        ours = [row[0] for row in cursor.fetchall()]
    if not ours:
        return 0
    try:
        return _send(_letters(ours))
    except (OSError, smtplib.SMTPException) as error:
        log.warning("the mail server cannot be used, alerts are told later: %s", error)
        Alert.objects.filter(id__in=ours).update(told_at=None)
        return 0


def _letters(alert_ids: Iterable[int]) -> list[_Letter]:
    """One for each person who may be told of any of these."""
    chosen = set(alert_ids)
    by_brand: dict[int, list[Alert]] = {}
    for alert in alerts.open_alerts(brands=Brand.objects.filter(channels__alerts__id__in=chosen).distinct()):
        if alert.id in chosen:
            by_brand.setdefault(alert.channel.brand_id, []).append(alert)
    people = (
        User.objects.filter(is_active=True, is_bot=False)
        .filter(
            Q(is_superuser=True)
            | Q(
                memberships__brand_id__in=by_brand,
                memberships__role__in=roles_with(Permission.WATCH_CHANNELS),
            )
        )
        .distinct()
        .prefetch_related("memberships")
    )
    letters = []
    for user in people:
        brands = {
            one.brand_id
            for one in user.memberships.all()
            if one.role in roles_with(Permission.WATCH_CHANNELS)
        }
        told = [
            alert
            for brand_id, found in by_brand.items()
            if user.is_superuser or brand_id in brands
            for alert in found
        ]
        if told:
            letters.append(_Letter(user, told))
    return letters


def _send(letters: Iterable[_Letter]) -> int:
    sent = 0
    with get_connection() as server:
        for letter in letters:
            try:
                sent += _message(letter, server).send()
            except (OSError, smtplib.SMTPException) as error:
                log.warning("user %s cannot be written to: %s", letter.user.id, error)
    return sent


def _message(letter: _Letter, server: BaseEmailBackend) -> EmailMessage:
    with translation.override(letter.user.language or settings.LANGUAGE_CODE):
        count = len(letter.alerts)
        only = letter.alerts[0]
        subject = (
            _("%(brand)s: trouble with %(channel)s")
            % {"brand": only.channel.brand.name, "channel": _named(only.channel)}
            if count == 1
            else ngettext("Trouble with %(count)d channel", "Trouble with %(count)d channels", count)
            % {"count": count}
        )
        lines = []
        channels = f"{settings.RAPPORT_BASE_URL}/channels/"
        for alert in letter.alerts:
            words = alerts.words(alert)
            lines += [
                f"{alert.channel.brand.name} · {_named(alert.channel)}",
                words.sentence,
                words.advice,
                f"{channels}{alert.channel_id}/\n",
            ]
        lines.append(_("All channels: %(url)s") % {"url": channels})
        # A subject is one line, whatever a channel is called.
        return EmailMessage(
            " ".join(subject.split()), "\n".join(lines) + "\n", to=[letter.user.email], connection=server
        )


def _named(channel: Channel) -> str:
    """The channel with its network as people call it."""
    try:
        network = str(connector_class(channel.network).label)
    except UnknownNetwork:
        network = channel.network
    return f"{channel.handle} ({network})"
