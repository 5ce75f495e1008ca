"""How often a form may be sent: by one address, and altogether."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection
from django.utils.crypto import salted_hmac


@dataclass(frozen=True)
class Limit:
    """So many submissions in so much time."""

    count: int
    per: timedelta


# A family or an office shares an address; a program sends hundreds.
PER_SENDER = Limit(10, timedelta(minutes=10))
PER_CHANNEL = Limit(500, timedelta(hours=1))

# One statement, so that submissions side by side are all counted.
_COUNT = """
WITH wanted AS (SELECT make_interval(secs => %(seconds)s) AS per)
INSERT INTO webform_tries AS t (channel_id, sender, began_at, used) SELECT %(channel)s, %(sender)s, now(), 1
ON CONFLICT (channel_id, sender) DO UPDATE
SET used = CASE WHEN t.began_at <= now() - (SELECT per FROM wanted) THEN 1 ELSE t.used + 1 END,
    began_at = CASE WHEN t.began_at <= now() - (SELECT per FROM wanted) THEN now() ELSE t.began_at END
RETURNING used, extract(epoch FROM began_at + (SELECT per FROM wanted) - now())::float
"""


def count(*, channel_id: int, address: str) -> timedelta | None:
    """Count one submission; how long to wait when there were too many, None when it may be sent."""
    for sender, limit in ((sender_of(address), PER_SENDER), ("", PER_CHANNEL)):
        with connection.cursor() as cursor:
            cursor.execute(
                _COUNT, {"channel": channel_id, "sender": sender, "seconds": limit.per.total_seconds()}
            )
            used, wait_s = cursor.fetchone()
        if used == 1 and not sender:
            forget()  # once in an hour is often enough
        if used > limit.count:
            return timedelta(seconds=max(float(wait_s), 1.0))
    return None


def forget() -> int:
    """Delete what is older than a day; returns how many rows."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM webform_tries WHERE began_at < now() - interval '1 day'")
        return int(cursor.rowcount)


def sender_of(address: str) -> str:
    """Who sent it, as a keyed hash. Of IPv6 the network counts: one subscriber has a whole one."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        named = address[:100]
    else:
        if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        whole = ipaddress.ip_network(f"{found}/{64 if found.version == 6 else 32}", strict=False)
        named = str(whole)
    return salted_hmac("webform.sender", named, algorithm="sha256").hexdigest()
