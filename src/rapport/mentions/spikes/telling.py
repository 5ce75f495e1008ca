"""Who is told of an alert, and in which words: leads, as each of them chose, and the brand's webhook."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connection
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.timezone import localtime
from django.utils.translation import get_language, get_language_bidi, ngettext
from django.utils.translation import gettext as _
from procrastinate.contrib.django import app

from rapport.lib.text import preview
from rapport.mentions.models import Alert
from rapport.notices.choosing import stop_token
from rapport.notices.defer import QUEUE
from rapport.notices.kinds import KINDS, NoticeKind, Way
from rapport.notices.models import Choice, Device, Preferences
from rapport.notices.quiet import is_quiet, zone_of
from rapport.notices.wording import Push
from rapport.staff.models import User
from rapport.staff.permissions import Permission, roles_with

TELL = "rapport.alerts.tell"
PUSH = "rapport.alerts.push"
MAIL = "rapport.alerts.mail"
HOOK = "rapport.alerts.hook"
NOISE = "rapport.alerts.count_noise"


def defer_tell(alert_id: int) -> None:
    """Tell of it once the caller's transaction commits."""
    app.configure_task(TELL, queue=QUEUE).defer(alert_id=alert_id)


def alert_key(alert_id: int) -> str:
    """What notices of the alert are called, so that nobody gets two."""
    return f"alert:{alert_id}"


def people_of(brand_id: int, way: Way) -> list[User]:
    """Who may see the brand's alerts and is told that way: whoever chose it, and of those who chose nothing whoever
    may change them, as the table of kinds says."""
    living = User.objects.filter(is_active=True, is_bot=False)
    seeing = living.filter(_with(brand_id, Permission.VIEW_CASES)).distinct()
    leads = set(living.filter(_with(brand_id, Permission.MANAGE_LISTENING)).values_list("id", flat=True))
    chosen = dict(
        Choice.objects.filter(kind=NoticeKind.ALERT, user__in=seeing).values_list("user_id", way.value)
    )
    usual = way in KINDS[NoticeKind.ALERT].ways
    return [user for user in seeing if chosen.get(user.pk, usual and user.pk in leads)]


def _with(brand_id: int, permission: Permission) -> Q:
    roles = roles_with(permission)
    return Q(is_superuser=True) | Q(memberships__brand_id=brand_id, memberships__role__in=roles)


def devices_of(brand_id: int, *, now: datetime) -> list[int]:
    """Devices of those of them who are not away and not in quiet hours that nothing urgent comes through."""
    people = [user for user in people_of(brand_id, Way.PUSH) if not user.is_away]
    silent = {
        own.user_id
        for own in Preferences.objects.filter(user__in=people, urgent_through=False).select_related("user")
        if is_quiet(own.quiet, now.astimezone(zone_of(own.user)))
    }
    return list(
        Device.objects.filter(user__in=people, session__expire_date__gt=now, error="")
        .exclude(user__in=silent)
        .values_list("id", flat=True)
    )


def readers_of(brand_id: int) -> list[int]:
    """Whose mailboxes are written to."""
    stopped = set(Preferences.objects.filter(mail_stopped=True).values_list("user_id", flat=True))
    return [user.pk for user in people_of(brand_id, Way.MAIL) if user.pk not in stopped]


def title_of(alert: Alert) -> str:
    """In one line: of what, and of which brand."""
    name = alert.query.name if alert.query else ""
    return _("Much more than usual: %(query)s, %(brand)s") % {"query": name, "brand": alert.brand.name}


def sentence_of(alert: Alert) -> str:
    """How many, since when, against how many."""
    return ngettext(
        "%(seen)s mention since %(since)s; about %(expected)s is normal for that time.",
        "%(seen)s mentions since %(since)s; about %(expected)s are normal for that time.",
        alert.seen,
    ) % {
        "seen": number_format(alert.seen, force_grouping=True),
        "since": date_format(localtime(alert.began_at), "SHORT_DATETIME_FORMAT"),
        "expected": number_format(
            round(alert.expected, 0 if alert.expected >= 10 else 1), force_grouping=True
        ),
    }


def push_of(alert: Alert) -> Push:
    """What a device shows. A later push of the same alert takes its place."""
    tag = f"alert-{alert.pk}"
    payload = {
        "title": preview(title_of(alert), limit=120),
        "body": "\n".join([sentence_of(alert), *_terms(alert)]),
        "url": reverse("alert", args=[alert.pk]),
        "tag": tag,
        "lang": get_language() or settings.LANGUAGE_CODE,
        "dir": "rtl" if get_language_bidi() else "ltr",
        "at": int(alert.found_at.timestamp() * 1000),
    }
    topic = hashlib.sha256(f"{settings.SECRET_KEY}:{tag}".encode()).hexdigest()[:32]
    return Push(payload, topic, urgent=True)


def mail_of(user: User, alert: Alert) -> EmailMessage:
    """One plain e-mail to ``user``."""
    base = str(settings.RAPPORT_BASE_URL)
    stop = f"{base}{reverse('notices-stop', args=[stop_token(user)])}"
    lines = [
        sentence_of(alert),
        *_terms(alert),
        f"{base}{reverse('alert', args=[alert.pk])}",
        "",
        "-- ",
        _("Choose what you are told of: %(url)s") % {"url": f"{base}{reverse('account-notices')}"},
        _("No more e-mails like this: %(url)s") % {"url": stop},
    ]
    host = urlsplit(base).hostname or "localhost"
    return EmailMessage(
        preview(title_of(alert), limit=200),
        "\n".join(lines) + "\n",
        to=[user.email],
        headers={
            "List-Unsubscribe": f"<{stop}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "Auto-Submitted": "auto-generated",
            "Message-ID": f"<alerts.{user.pk}.{alert.pk}@{host}>",
        },
    )


def _terms(alert: Alert) -> list[str]:
    terms: Sequence[Sequence[Any]] = alert.about.get("terms", [])
    if not terms:
        return []
    return [_("New in what is said: %(terms)s") % {"terms": ", ".join(str(one[0]) for one in terms[:6])}]


def hook_secret(brand_id: int) -> str:
    """What signs a brand's webhook; made from the instance's secret, so that it is written down nowhere."""
    return hmac.new(
        settings.SECRET_KEY.encode(), f"rapport alert webhook {brand_id}".encode(), hashlib.sha256
    ).hexdigest()


def hook_body(alert: Alert) -> bytes:
    """The alert as JSON; ids and figures, and of people nothing but how many there are."""
    about = alert.about
    return json.dumps(
        {
            "event": "alert",
            "id": alert.pk,
            "brand": alert.brand.slug,
            "query": {"id": alert.query_id, "name": alert.query.name if alert.query else ""},
            "began_at": alert.began_at.isoformat(),
            "found_at": alert.found_at.isoformat(),
            "seen": alert.seen,
            "expected": round(alert.expected, 2),
            "languages": about.get("languages", []),
            "terms": about.get("terms", []),
            "links": about.get("links", []),
            "contacts": len(about.get("contacts", [])),
            "url": f"{settings.RAPPORT_BASE_URL}{reverse('alert', args=[alert.pk])}",
        },
        ensure_ascii=False,
    ).encode()


def signature(brand_id: int, at: str, body: bytes) -> str:
    """Of ``at`` (seconds since 1970, so that an old one is not taken again), a full stop and the body."""
    key = hook_secret(brand_id).encode()
    return "sha256=" + hmac.new(key, at.encode() + b"." + body, hashlib.sha256).hexdigest()


def note_told(alert_id: int, way: str, said: str = "") -> None:
    """Keep that it was told that way, and when; or what ``said`` went wrong."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE mentions_alert SET told = told || jsonb_build_object(%s::text, %s::text) WHERE id = %s",
            [way, said or timezone.now().isoformat(), alert_id],
        )
