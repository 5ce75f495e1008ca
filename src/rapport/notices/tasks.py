"""Pushes and e-mails as jobs. Their words are made when they leave, in their reader's language, of what is
still unread then; so a job that runs twice says the same, and a browser or a mailbox can tell."""

from __future__ import annotations

import contextlib
import logging
import smtplib
from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.utils import timezone, translation
from procrastinate.contrib.django import app

from rapport.lib.text import storable
from rapport.notices import webpush, wording
from rapport.notices.defer import MAIL, PUSH, QUEUE, TRIAL, defer_again
from rapport.notices.models import Device
from rapport.notices.queries import news_of, preferences_of, unread_count
from rapport.notices.quiet import zone_of
from rapport.staff.models import User

log = logging.getLogger(__name__)

MOST_TRIES = 8
_FIRST_PAUSE = timedelta(seconds=30)
_LONGEST_PAUSE = timedelta(hours=3)


@app.task(name=PUSH, queue=QUEUE)
def push(device_id: int, notice_ids: list[int], tries: int = 0) -> None:
    """Push to one device what its owner has not seen. A device that takes no more is forgotten."""
    device = living_device(device_id)
    if device is None:
        return
    user = device.user
    with as_reader(user):
        news = news_of(user=user, notice_ids=notice_ids)
        if not news:
            return
        words = preferences_of(user).words
        outcome = send_to(device, wording.push(news, count=unread_count(user), words=words))
    if outcome.result == webpush.Result.LATER and tries + 1 < MOST_TRIES:
        pause = max(pause_after(tries), outcome.after or timedelta(0))
        again = timezone.now() + min(pause, timedelta(seconds=webpush.KEEP_S))
        defer_again(PUSH, at=again, device_id=device_id, notice_ids=notice_ids, tries=tries + 1)


@app.task(name=TRIAL, queue=QUEUE)
def try_device(device_id: int) -> None:
    """Push something to see to a device that its owner tries."""
    device = living_device(device_id)
    if device is not None:
        with as_reader(device.user):
            send_to(device, wording.trial())


@app.task(name=MAIL, queue=QUEUE)
def mail(user_id: int, notice_ids: list[int], tries: int = 0) -> None:
    """Mail somebody in one e-mail what they have not seen in the desk meanwhile."""
    user = User.objects.filter(pk=user_id, is_active=True, is_bot=False).first()
    if user is None or not settings.RAPPORT_SMTP:
        return
    with as_reader(user):
        own = preferences_of(user)
        news = [] if own.mail_stopped else news_of(user=user, notice_ids=notice_ids)
        if not news:
            return
        try:
            wording.mail(user, news, newest_id=max(notice_ids), words=own.words).send()
        except (OSError, smtplib.SMTPException) as error:
            log.warning("user %s cannot be written to: %s", user_id, error)
            if tries + 1 < MOST_TRIES:
                at = timezone.now() + pause_after(tries)
                defer_again(MAIL, at=at, user_id=user_id, notice_ids=notice_ids, tries=tries + 1)


def living_device(device_id: int) -> Device | None:
    """The device, if its login lives."""
    return (
        Device.objects.select_related("user")
        .filter(id=device_id, session__expire_date__gt=timezone.now(), user__is_active=True)
        .first()
    )


def send_to(device: Device, what: wording.Push) -> webpush.Outcome:
    """Push it, and keep what became of the device."""
    outcome = webpush.send(device=device, payload=what.payload, topic=what.topic, urgent=what.urgent)
    own = Device.objects.filter(id=device.pk, endpoint=device.endpoint)
    match outcome.result:
        case webpush.Result.TAKEN:
            own.update(told_at=timezone.now(), error="")
        case webpush.Result.GONE:
            own.delete()
        case webpush.Result.REFUSED:
            log.warning("device %s takes no push: %s", device.pk, outcome.reason)
            own.update(error=storable(outcome.reason, limit=300))
        case webpush.Result.LATER:
            log.info("device %s: %s", device.pk, outcome.reason)
    return outcome


def pause_after(tries: int) -> timedelta:
    """How long to wait after so many tries that failed."""
    return min(_FIRST_PAUSE * int(4**tries), _LONGEST_PAUSE)


@contextlib.contextmanager
def as_reader(user: User) -> Iterator[None]:
    """In the language and time zone of whoever reads it."""
    with translation.override(user.language or settings.LANGUAGE_CODE), timezone.override(zone_of(user)):
        yield
