"""Calling a network for a channel: its connector, with credentials that are renewed before they end.

Everything that calls a network goes through :func:`with_renewal` (or, where a call lasts, as a stream does,
through :func:`opened` and :func:`renew`). No transaction and no lock is held across a call: whoever
renews has a lease on the channel's row, and its result is compared with what was there before.

A refresh token that rotates is used once and its successor is stored before anything else happens. What
remains is the moment between the network's answer and that one commit: a process that is killed in it (a
millisecond, or as long as the database is away) takes the new token with it. Whoever renews next then sends
the old one, and most networks answer that a person must connect the channel again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db import DatabaseError, InterfaceError, connection
from django.db.models import CharField, F, Func
from django.utils import timezone
from django.utils.translation import gettext as _

from rapport.brands import pacing
from rapport.brands.models import Channel, ChannelState
from rapport.lib.crypto import Undecryptable
from rapport.networks import ending
from rapport.networks.base import Account, Capabilities, Connector, Renewed
from rapport.networks.errors import CredentialsGone, NetworkError, Refused, TryAgain
from rapport.networks.registry import UnknownNetwork, connect

log = logging.getLogger(__name__)

T = TypeVar("T")

# Longer than any renewal takes; the result of one that took longer is stored all the same.
LEASE = timedelta(seconds=90)
# Credentials that end so soon are renewed before a call is made with them.
ENDING = timedelta(seconds=60)
# How long a caller waits for another process that is renewing.
PATIENCE_S = 10.0
# After a renewal that did not work out, how long nobody tries again.
PAUSE = timedelta(minutes=2)
# How long a renewed secret is held in memory while the database is away.
KEPT_S = 600.0


def connector_for(channel_id: int) -> tuple[Channel, Connector]:
    """The channel, with its brand, and its connector. One query, no call.

    Raises CredentialsGone for credentials that cannot be read, Refused for a network that is not installed.
    """
    channel, connector, _stamp = _open(channel_id)
    return channel, connector


def opened(channel_id: int) -> tuple[Channel, Connector, str]:
    """The same for a call that begins now: credentials about to end are renewed first. With what
    :func:`renew` must be told when the network refuses them all the same."""
    channel, connector, stamp = _open(channel_id)
    if _ends_soon(channel, connector):
        channel, connector, stamp = _renewed_in_time(channel, connector, stamp)
    return channel, connector, stamp


def rules_of(channel: Channel) -> Capabilities:
    """What the channel's network allows, without its credentials. Raises Refused where it is not installed."""
    return without_credentials(channel).rules


def without_credentials(channel: Channel) -> Connector:
    """The channel's connector for its rules and its way of counting, not for calls. Raises Refused as above."""
    account = Account(
        external_id=channel.external_id, handle=channel.handle, credentials={}, settings=channel.settings
    )
    try:
        return connect(channel.network, account)
    except UnknownNetwork as error:
        raise Refused(str(error)) from error


def with_renewal(channel_id: int, call: Callable[[Channel, Connector], T]) -> T:
    """``call`` with the channel's connector; once more with new credentials when these turn out to be gone.

    What the network's answers said of our budgets is kept. Raises what ``call`` raises; CredentialsGone means
    that a person must connect the channel again.
    """
    channel, connector, stamp = opened(channel_id)
    try:
        return _called(channel, connector, call)
    except CredentialsGone as error:
        if not renews(connector):
            raise
        channel, connector = renew(channel_id, stamp, error)
    return _called(channel, connector, call)


def _called(channel: Channel, connector: Connector, call: Callable[[Channel, Connector], T]) -> T:
    try:
        return call(channel, connector)
    finally:
        if connector.seen_limits:
            note_limits(channel, connector)


def note_limits(channel: Channel, connector: Connector) -> None:
    """Keep what the last answer said of our budgets."""
    seen, connector.seen_limits = connector.seen_limits, []
    pacing.observed(channel_id=channel.id, rules=connector.rules, seen=seen)


def renews(connector: Connector | type[Connector]) -> bool:
    """Whether the network's credentials can be renewed at all without a person."""
    cls = connector if isinstance(connector, type) else type(connector)
    return cls.renew is not Connector.renew


# Renewing -----------------------------------------------------------------------------------------
def stamp_of(channel_id: int) -> str:
    """What tells the credentials of now from any others, without being them."""
    return str(_with_stamp().values_list("stamp", flat=True).get(id=channel_id) or "")


def renew(
    channel_id: int, stamp: str, gone: CredentialsGone | None = None, *, patience_s: float | None = None
) -> tuple[Channel, Connector]:
    """The channel with credentials other than those of ``stamp``, renewed by us or by somebody else.

    By exactly one process at a time. ``gone``: the network refused the old ones. ``patience_s``: how long to
    wait for another process that is at it (else :data:`PATIENCE_S`); then TryAgain is raised. Raises CredentialsGone when a person must
    connect the channel again, and without ``gone`` :class:`NothingToRenew` when these go on.
    """
    until = time.monotonic() + (PATIENCE_S if patience_s is None else patience_s)
    while True:
        channel, connector, current = _open(channel_id)
        if current != stamp:
            return channel, connector
        lease = _claim(channel_id, stamp)
        if lease is not None:
            break
        if time.monotonic() >= until:
            raise TryAgain(_("The credentials are being renewed."), after=timedelta(seconds=5)) from gone
        time.sleep(0.25)
    # Read again: between the first look and the lease somebody may have stored others.
    channel, connector, current = _open(channel_id)
    if current != stamp:
        _release(channel_id, lease)
        return channel, connector
    try:
        # A refresh token is good once: its successor must not be lost because a listener ends just now.
        with ending.spared():
            renewed = connector.renew()
    except TryAgain:
        # Only the network's absence is waited out; any other end must be found again by the next call.
        _release(channel_id, lease, pause=True)
        raise
    except NetworkError as error:
        _release(channel_id, lease)
        if gone is not None:
            raise CredentialsGone(str(error)) from error
        raise
    except Exception as error:
        log.exception("connector %s failed to renew in an unexpected way", connector.network)
        _release(channel_id, lease, pause=True)
        reason = _("Unexpected error in the connector (%(name)s).") % {"name": type(error).__name__}
        raise TryAgain(reason) from error
    if renewed is None:
        _release(channel_id, lease)
        raise gone or NothingToRenew(channel_id)
    _store(channel_id, stamp, lease, renewed)
    channel, connector, _current = _open(channel_id)
    return channel, connector


class NothingToRenew(Exception):
    """The network's credentials last, or a person must give new ones; these still work."""


@dataclass(frozen=True, slots=True)
class Due:
    """A channel whose credentials end before long."""

    channel_id: int
    network: str
    stamp: str


def due() -> list[Due]:
    """Channels whose credentials are in the last quarter of their life (at most the last ten days), the most
    urgent first. How long they live is known from when they were stored."""
    channels = (
        _with_stamp()
        .filter(state=ChannelState.ACTIVE, credentials_expire_at__isnull=False)
        .extra(
            where=[
                "credentials_expire_at - least(interval '10 days', (credentials_expire_at"
                " - coalesce(credentials_given_at, created_at)) / 4) <= now()",
                "(renew_lease_until IS NULL OR renew_lease_until <= now())",
            ]
        )
        .order_by("credentials_expire_at")
        .values_list("id", "network", "stamp")
    )
    return [Due(pk, network, stamp or "") for pk, network, stamp in channels]


def _with_stamp() -> Any:
    stamp = Func(F("credentials"), function="md5", output_field=CharField())
    return Channel.objects.annotate(stamp=stamp)


def _open(channel_id: int) -> tuple[Channel, Connector, str]:
    try:
        channel: Any = _with_stamp().select_related("brand").get(id=channel_id)
        return channel, connect(channel.network, channel.account()), channel.stamp or ""
    except Undecryptable as error:
        raise CredentialsGone(str(error)) from error
    except UnknownNetwork as error:
        raise Refused(str(error)) from error


def _ends_soon(channel: Channel, connector: Connector) -> bool:
    end = channel.credentials_expire_at
    return end is not None and end - timezone.now() <= ENDING and renews(connector)


def _renewed_in_time(channel: Channel, connector: Connector, stamp: str) -> tuple[Channel, Connector, str]:
    """Before a call that would meet ended credentials. What cannot be renewed now may still do."""
    try:
        # Without waiting: the old ones may do, and if not, the call will say so.
        channel, connector = renew(channel.id, stamp, patience_s=0)
    except (TryAgain, Refused, NothingToRenew) as error:
        log.info("channel %s: the credentials end soon and are not renewed yet: %s", channel.id, error)
        return channel, connector, stamp
    return channel, connector, stamp_of(channel.id)


def _claim(channel_id: int, stamp: str) -> datetime | None:
    """A lease on the renewal, if nobody has one and the credentials are still these."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE brands_channel SET renew_lease_until = clock_timestamp() + make_interval(secs => %s)
            WHERE id = %s AND coalesce(md5(credentials), '') = %s
              AND (renew_lease_until IS NULL OR renew_lease_until <= clock_timestamp())
            RETURNING renew_lease_until
            """,
            [LEASE.total_seconds(), channel_id, stamp],
        )
        row = cursor.fetchone()
    return row[0] if row else None


def _release(channel_id: int, lease: datetime, *, pause: bool = False) -> None:
    """End our lease; with ``pause`` nobody renews for a while."""
    until = timezone.now() + PAUSE if pause else None
    Channel.objects.filter(id=channel_id, renew_lease_until=lease).update(renew_lease_until=until)


def _store(channel_id: int, stamp: str, lease: datetime, renewed: Renewed) -> None:
    """Keep the new credentials, however long the database is away: the old ones may be dead by now.

    Over others than the ones we renewed (a person connected the channel meanwhile) nothing is stored.
    """
    secret = Channel._meta.get_field("credentials").get_db_prep_value(dict(renewed.credentials), connection)
    give_up = time.monotonic() + KEPT_S
    while True:
        try:
            with connection.cursor() as cursor:
                cursor.execute(
                    """
                    UPDATE brands_channel
                    SET credentials = %(secret)s, credentials_expire_at = %(ends)s,
                        credentials_given_at = clock_timestamp(),
                        renew_lease_until = CASE WHEN renew_lease_until = %(lease)s THEN NULL
                                                 ELSE renew_lease_until END
                    WHERE id = %(id)s AND coalesce(md5(credentials), '') = %(stamp)s
                    """,
                    {
                        "secret": secret, "ends": renewed.expires_at, "lease": lease, "id": channel_id,
                        "stamp": stamp,
                    },
                )  # fmt: skip
                if not cursor.rowcount:
                    log.warning(
                        "channel %s has other credentials meanwhile; the renewed ones are dropped", channel_id
                    )
            return
        except (DatabaseError, InterfaceError) as error:
            if connection.in_atomic_block or time.monotonic() >= give_up:
                raise
            log.warning("renewed credentials wait for the database (%s)", str(error).split("\n")[0])
            connection.close()
            time.sleep(1)
