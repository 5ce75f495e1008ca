"""What is wrong with a channel before customers notice: opened once, closed when it is over.

The rules read the channels' rows alone, so looking costs one query, however many channels there are.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from rapport.brands.models import Alert, AlertKind, Brand

_LOCK = 0x616C_7274  # "alrt": two looks at once become one after the other
# Calls that fail for so long, with the circuit breaker open, are more than a hiccup.
FAILING = timedelta(minutes=10)
# A poll that is so late is made by nobody.
LATE = timedelta(minutes=5)
# Credentials: told in the last eighth of their life, a week before the end at most, and again a day before.
EXPIRING = timedelta(days=7)
LAST_DAY = timedelta(days=1)
# What comes back so soon never was over.
SAME = timedelta(hours=1)

_FOUND = """
SELECT id, 'disconnected', jsonb_build_object('error', last_error) FROM brands_channel
WHERE state = 'disconnected' AND credentials IS NOT NULL  -- without them a person let it go
UNION ALL
SELECT id, 'failing', jsonb_build_object('error', last_error, 'since', coalesce(last_ok_at, created_at))
FROM brands_channel
WHERE state = 'active' AND failures >= %(threshold)s AND coalesce(last_ok_at, created_at) < now() - %(failing)s
UNION ALL
SELECT id, 'late', jsonb_build_object('since', coalesce(next_poll_at, stream_lease_until, created_at))
FROM brands_channel
WHERE state = 'active' AND CASE
    WHEN polled THEN coalesce(poll_lease_until < now(), true)
         AND greatest(coalesce(next_poll_at, created_at), open_until) < now() - %(late)s
    WHEN streamed THEN
         greatest(coalesce(stream_lease_until, created_at), stream_retry_at, open_until) < now() - %(late)s
    ELSE false END
UNION ALL
SELECT id, 'expiring', jsonb_build_object('ends', credentials_expire_at, 'last_day',
       credentials_expire_at <= now() + %(day)s)
FROM brands_channel
WHERE state = 'active' AND credentials_expire_at - least(
    %(expiring)s, (credentials_expire_at - coalesce(credentials_given_at, created_at)) / 8) <= now()
UNION ALL
SELECT id, 'silent', jsonb_build_object('since', last_event_at)
FROM brands_channel
WHERE state = 'active' AND failures < %(threshold)s AND last_event_at + silent_after < now()
"""


def update_alerts(*, threshold: int = 5) -> int:
    """Open what began, close what ended; returns how many are open. Repeating it changes nothing.

    ``threshold``: failed calls in a row that open the circuit breaker. What is over for less than an hour and
    comes back is the same alert; one whose last day begins is told again.
    """
    rules: dict[str, Any] = {
        "threshold": threshold,
        "failing": FAILING,
        "late": LATE,
        "expiring": EXPIRING,
        "day": LAST_DAY,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        cursor.execute(_FOUND, rules)
        found = cursor.fetchall()
        given: dict[str, Any] = {
            "ids": [row[0] for row in found],
            "kinds": [row[1] for row in found],
            "details": [row[2] if isinstance(row[2], str) else json.dumps(row[2]) for row in found],
            "same": SAME,
        }
        cursor.execute(
            """
            UPDATE brands_alert a SET ended_at = now() WHERE ended_at IS NULL AND NOT EXISTS (
                SELECT FROM unnest(%(ids)s::bigint[], %(kinds)s::text[]) AS f(channel_id, kind)
                WHERE f.channel_id = a.channel_id AND f.kind = a.kind)
            """,
            given,
        )
        cursor.execute(
            """
            UPDATE brands_alert a SET ended_at = NULL
            FROM unnest(%(ids)s::bigint[], %(kinds)s::text[]) AS f(channel_id, kind)
            WHERE a.id = (SELECT l.id FROM brands_alert l WHERE l.channel_id = f.channel_id AND l.kind = f.kind
                          ORDER BY l.id DESC LIMIT 1)
              AND a.ended_at > now() - %(same)s
            """,
            given,
        )
        cursor.execute(
            """
            INSERT INTO brands_alert AS a (channel_id, kind, detail, began_at)
            SELECT f.channel_id, f.kind, f.detail, now()
            FROM unnest(%(ids)s::bigint[], %(kinds)s::text[], %(details)s::jsonb[]) AS f(channel_id, kind, detail)
            ON CONFLICT (channel_id, kind) WHERE ended_at IS NULL DO UPDATE
            SET detail = excluded.detail,
                told_at = CASE WHEN excluded.detail ->> 'last_day' = 'true' AND a.detail ->> 'last_day' = 'false'
                               THEN NULL ELSE a.told_at END
            WHERE a.detail IS DISTINCT FROM excluded.detail
            """,
            given,
        )
    return len(found)


def open_alerts(*, brands: QuerySet[Brand]) -> list[Alert]:
    """What is wrong now with the channels of these brands, the worst first, with channel and brand. One query."""
    worst = [AlertKind.DISCONNECTED, AlertKind.FAILING, AlertKind.LATE, AlertKind.SILENT, AlertKind.EXPIRING]
    found = (
        Alert.objects.filter(ended_at=None, channel__brand__in=brands)
        .select_related("channel__brand")
        .defer("channel__credentials", "channel__cursor", "channel__stream_cursor", "channel__backfill")
        .order_by("began_at")
    )
    return sorted(found, key=lambda one: worst.index(AlertKind(one.kind)))


@dataclass(frozen=True, slots=True)
class Words:
    """An alert for people: what is the matter, and what to do."""

    sentence: str
    advice: str


def words(alert: Alert) -> Words:
    """The alert in the reader's language and time zone."""
    match alert.kind:
        case AlertKind.DISCONNECTED:
            return Words(
                _("The network no longer accepts our credentials: nothing is heard or sent."),
                _("An admin must connect the channel again. What customers wrote meanwhile is fetched then."),
            )
        case AlertKind.FAILING:
            return Words(
                _("Calls to the network fail since %(time)s.") % {"time": _time(alert, "since")},
                _("They are tried again by themselves, and nothing is lost. If it lasts, ask the network."),
            )
        case AlertKind.LATE:
            return Words(
                _("Nobody asks the network for news since %(time)s.") % {"time": _time(alert, "since")},
                _("Ask whoever runs Rapport to see whether the listener runs."),
            )
        case AlertKind.SILENT:
            return Words(
                _("Nothing was heard since %(time)s, which is longer than usual here.")
                % {"time": _time(alert, "since")},
                _(
                    "Look on the network itself whether customers write there; if so, connect the channel again."
                ),
            )
        case _:
            return Words(
                _("Its credentials end on %(time)s.") % {"time": _time(alert, "ends")},
                _("An admin must connect the channel again before that."),
            )


def _time(alert: Alert, name: str) -> str:
    value: Any = alert.detail.get(name)
    moment = (parse_datetime(value) if isinstance(value, str) else None) or alert.began_at
    local = timezone.localtime(moment)
    return f"{date_format(local, 'DATE_FORMAT')}, {date_format(local, 'H:i')} {local.tzname()}"
