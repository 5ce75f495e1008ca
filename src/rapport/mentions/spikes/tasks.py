"""Telling of alerts as jobs. They carry ids; the words are made when they leave, in their reader's language."""

from __future__ import annotations

import logging
import smtplib
from datetime import timedelta

import httpx
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.types import JSONDict

from rapport.lib.text import storable
from rapport.mentions.models import Alert, AlertSetting
from rapport.mentions.spikes import telling, watching
from rapport.networks.http import PrivateAddress, request
from rapport.notices import webpush
from rapport.notices.defer import QUEUE, defer_again
from rapport.notices.kinds import NoticeKind, Way
from rapport.notices.making import tell_of_brand
from rapport.notices.tasks import MOST_TRIES, as_reader, living_device, pause_after, send_to
from rapport.staff.models import User

log = logging.getLogger(__name__)

_DEADLINE_S = 15.0
_MAX_BYTES = 100_000


@app.task(name=telling.TELL, queue=QUEUE)
def tell(alert_id: int) -> None:
    """Ask for the pushes, e-mails and the webhook of a new alert, once."""
    now = timezone.now()
    with transaction.atomic():
        mine = Alert.objects.select_for_update(of=("self",)).select_related("query")
        alert = mine.filter(pk=alert_id, told={}).first()
        if alert is None:
            return
        setting = AlertSetting.objects.filter(brand_id=alert.brand_id).first() or AlertSetting()
        pushes: list[JSONDict] = [
            {"device_id": device_id, "alert_id": alert_id}
            for device_id in telling.devices_of(alert.brand_id, now=now)
        ]
        wanted = setting.emails and settings.RAPPORT_SMTP
        mails: list[JSONDict] = [
            {"user_id": user_id, "alert_id": alert_id}
            for user_id in (telling.readers_of(alert.brand_id) if wanted else ())
        ]
        hooks: list[JSONDict] = [{"alert_id": alert_id}] if setting.webhook_url else []
        for task, jobs in ((telling.PUSH, pushes), (telling.MAIL, mails), (telling.HOOK, hooks)):
            if jobs:
                app.configure_task(task, queue=QUEUE).batch_defer(*jobs)
        tell_of_brand(
            kind=NoticeKind.ALERT,
            key=telling.alert_key(alert_id),
            brand_id=alert.brand_id,
            user_ids=[user.pk for user in telling.people_of(alert.brand_id, Way.DESK)],
            data={"alert": alert_id, "name": alert.query.name if alert.query else ""},
        )
        alert.told = {"desk": now.isoformat()}
        alert.save(update_fields=["told"])


def _alert(alert_id: int) -> Alert | None:
    """The alert, while it is worth telling: nobody has taken it on, and it is not over."""
    return (
        Alert.objects.select_related("brand", "query")
        .filter(pk=alert_id, acknowledged_at=None, ended_at=None)
        .first()
    )


@app.task(name=telling.PUSH, queue=QUEUE)
def push(device_id: int, alert_id: int, tries: int = 0) -> None:
    """Push an alert to one device."""
    device, alert = living_device(device_id), _alert(alert_id)
    if device is None or alert is None:
        return
    with as_reader(device.user):
        outcome = send_to(device, telling.push_of(alert))
    if outcome.result == webpush.Result.TAKEN:
        telling.note_told(alert_id, "push")
    elif outcome.result == webpush.Result.LATER and tries + 1 < MOST_TRIES:
        pause = max(pause_after(tries), outcome.after or timedelta(0))
        again = timezone.now() + min(pause, timedelta(seconds=webpush.KEEP_S))
        defer_again(telling.PUSH, at=again, device_id=device_id, alert_id=alert_id, tries=tries + 1)


@app.task(name=telling.MAIL, queue=QUEUE)
def mail(user_id: int, alert_id: int, tries: int = 0) -> None:
    """Mail an alert to one person."""
    user = User.objects.filter(pk=user_id, is_active=True, is_bot=False).first()
    alert = _alert(alert_id)
    if user is None or alert is None or not settings.RAPPORT_SMTP:
        return
    try:
        with as_reader(user):
            telling.mail_of(user, alert).send()
    except (OSError, smtplib.SMTPException) as error:
        log.warning("user %s cannot be written to: %s", user_id, error)
        if tries + 1 < MOST_TRIES:
            at = timezone.now() + pause_after(tries)
            defer_again(telling.MAIL, at=at, user_id=user_id, alert_id=alert_id, tries=tries + 1)
    else:
        telling.note_told(alert_id, "mail")


@app.task(name=telling.HOOK, queue=QUEUE)
def hook(alert_id: int, tries: int = 0) -> None:
    """Post an alert, signed, to the address its brand gave."""
    alert = Alert.objects.select_related("brand", "query").filter(pk=alert_id).first()
    setting = AlertSetting.objects.filter(brand__alerts=alert_id).first()
    if alert is None or setting is None or not setting.webhook_url:
        return
    body = telling.hook_body(alert)
    at = str(int(timezone.now().timestamp()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Rapport",
        "X-Rapport-Time": at,
        # The same for each try, so that its receiver can tell.
        "X-Rapport-Delivery": f"alert-{alert_id}",
        "X-Rapport-Signature": telling.signature(alert.brand_id, at, body),
    }
    again, problem = False, ""
    try:
        answer = request(
            "POST", setting.webhook_url, headers=headers, content=body,
            deadline_s=_DEADLINE_S, max_bytes=_MAX_BYTES,
        )  # fmt: skip
    except PrivateAddress:
        problem = "its address is on a private network"
    except (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.InvalidURL, ValueError):
        problem = "its address cannot be used"
    except httpx.HTTPError as error:
        again, problem = True, type(error).__name__
    else:
        if not 200 <= answer.status_code < 300:
            problem = f"status {answer.status_code}"
            again = answer.status_code in {408, 425, 429} or answer.status_code >= 500
    if not problem:
        telling.note_told(alert_id, "hook")
        return
    log.warning("the webhook of alert %s failed: %s", alert_id, problem)
    telling.note_told(alert_id, "hook_failed", storable(problem, limit=200))
    if again and tries + 1 < MOST_TRIES:
        defer_again(telling.HOOK, at=timezone.now() + pause_after(tries), alert_id=alert_id, tries=tries + 1)


@app.task(name=telling.NOISE, queue=QUEUE)
def count_noise(brand_id: int) -> None:
    """Count how many alerts each setting would have made in the last eight weeks."""
    watching.count_noise(brand_id=brand_id)
