"""``--since`` and ``--until`` of commands."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import click

from rapport.cli.runtime import CommandError, read_options


class Moment(click.ParamType):  # type: ignore[type-arg]  # not generic in older releases of click
    """A date (its beginning) or a time, in RAPPORT_TIME_ZONE unless it names a zone."""

    name = "DATE_OR_TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(value.strip())
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=ZoneInfo(read_options().time_zone))
            moment.timestamp()
        except (ValueError, OverflowError):
            self.fail(
                f"{value!r} is not a date like 2026-11-21 or a time like 2026-11-21T09:30Z.", param, ctx
            )
        return moment


def refuse_backwards(since: datetime | None, until: datetime | None) -> None:
    """A period must begin before it ends."""
    if since is not None and until is not None and until <= since:
        raise CommandError(
            "--until must be later than --since; it is the first moment that no longer counts."
        )
