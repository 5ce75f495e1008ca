"""``rapport events``: what networks sent and Rapport could not understand; fix, then replay."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from rapport.cli.runtime import CommandError, django_ready, print_json

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from rapport.ingest.models import RawEvent


@click.group("events")
def command() -> None:
    """Look at events that could not be understood (parked), and replay them."""


def _parked(brand: str | None, channel: int | None) -> QuerySet[RawEvent]:
    from rapport.brands.models import Brand, Channel
    from rapport.ingest.queries import parked_events

    brand_ids = None
    if brand is not None:
        brand_ids = list(Brand.objects.filter(slug=brand).values_list("id", flat=True))
        if not brand_ids:
            raise CommandError(f"There is no brand {brand}.")
    # Credentials are not needed here, and one that cannot be decrypted must not hide the rest.
    events = parked_events(brand_ids=brand_ids).defer("payload", "channel__credentials")
    if channel is not None:
        if not Channel.objects.filter(id=channel).exists():
            raise CommandError(f"There is no channel {channel}.")
        events = events.filter(channel_id=channel)
    return events


@command.command("list")
@click.option("--brand", metavar="SLUG", help="Only this brand's.")
@click.option("--channel", type=int, metavar="ID", help="Only this channel's.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_events(brand: str | None, channel: int | None, limit: int, as_json: bool) -> None:
    """Parked events, newest first."""
    with django_ready():
        events = [_facts(event) for event in _parked(brand, channel)[:limit]]
        total = _parked(brand, channel).count()
    if as_json:
        print_json(events)
        return
    for event in events:
        click.echo(
            f"{event['id']:>8}  {event['received_at']:%Y-%m-%d %H:%M:%S}  {event['brand']}  "
            f"{event['channel']}  {event['kind']}: {event['error']}"
        )
    if total > len(events):
        click.echo(f"... and {total - len(events)} more; see --limit.")
    if total:
        click.echo("After a fix: rapport events replay ID..., or rapport events replay --all")
    else:
        click.echo("Nothing is parked.")


@command.command("show")
@click.argument("event_id", type=int)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(event_id: int, as_json: bool) -> None:
    """One event as the network sent it, and what went wrong. It may hold personal data."""
    with django_ready():
        from rapport.ingest.models import RawEvent

        event = (
            RawEvent.objects.select_related("channel__brand")
            .defer("channel__credentials")
            .filter(id=event_id)
            .first()
        )
        if event is None:
            raise CommandError(f"There is no event {event_id}.")
        facts = {**_facts(event), "payload": event.payload}
    if as_json:
        print_json(facts)
        return
    for name, value in facts.items():
        if name != "payload":
            click.echo(f"{name + ':':<13}{value.isoformat() if isinstance(value, datetime) else value}")
    click.echo("payload:")
    print_json(facts["payload"])


@command.command("replay")
@click.argument("event_ids", type=int, nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every parked event (of --brand or --channel).")
@click.option("--brand", metavar="SLUG", help="With --all: only this brand's.")
@click.option("--channel", type=int, metavar="ID", help="With --all: only this channel's.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def replay(
    event_ids: tuple[int, ...], everything: bool, brand: str | None, channel: int | None, as_json: bool
) -> None:
    """Give parked events another chance: a worker processes them again."""
    if everything == bool(event_ids):
        raise click.UsageError("Name events by id, or use --all.")
    if event_ids and (brand or channel):
        raise click.UsageError("--brand and --channel go with --all.")
    with django_ready():
        from django.db import transaction

        from rapport.audit.actions import record
        from rapport.ingest import actions

        ids = list(_parked(brand, channel).values_list("id", flat=True)) if everything else list(event_ids)
        with transaction.atomic():
            replayed = actions.replay(event_ids=ids)
            record(action="events.replayed", actor_id=None, data={"count": replayed})
    if as_json:
        print_json({"replayed": replayed, "not_parked": len(ids) - replayed})
        return
    click.echo(f"{replayed} back in the queue.")
    if replayed < len(ids):
        click.echo(f"{len(ids) - replayed} of those named are not parked.")
    if ids and not replayed:
        raise CommandError("Nothing was replayed.")


def _facts(event: RawEvent) -> dict[str, Any]:
    return {
        "id": event.pk,
        "state": event.state,
        "kind": event.kind,
        "brand": event.channel.brand.slug,
        "channel": str(event.channel),
        "channel_id": event.channel_id,
        "received_at": event.received_at,
        "attempts": event.attempts,
        "error": event.error,
    }
