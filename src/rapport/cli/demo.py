"""``rapport demo``: brands, people and conversations to try Rapport with; with ``--live``, customers too."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import click

from rapport.cli.processes import end_with_parent, stop_on_signals
from rapport.cli.runtime import CommandError, django_ready, print_json, read_options

if TYPE_CHECKING:
    from rapport.config.options import Options
    from rapport.demo.seed import Seeded


@click.command("demo")
@click.option("--live", "is_live", is_flag=True, help="Let customers write and react until it is stopped.")
@click.option(
    "--speed",
    type=click.FloatRange(0.1, 100),
    default=1.0,
    show_default=True,
    help="How fast customers are, with --live: 2 is twice as fast.",
)
@click.option(
    "--seed",
    "play",
    default="demo",
    show_default=True,
    help="With --live: the same seed, the same customers.",
)
@click.option("--renew-password", is_flag=True, help="Give the demo's owner the printed password again.")
@click.option(
    "--weather",
    multiple=True,
    metavar="NAME=VALUE",
    help="Change the practice network's weather, as outage=true or duplicate_rate=0.2; 'calm' ends all of it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print logins and brands as JSON.")
def command(
    is_live: bool, speed: float, play: str, renew_password: bool, weather: tuple[str, ...], as_json: bool
) -> None:
    """Make the demo: four brands on the practice network, a team, and a few days of conversations.

    Running it again changes nothing and prints the logins. The demo lives beside your own brands.
    """
    if is_live and (as_json or renew_password):
        raise click.UsageError("--live prints nothing; use --json and --renew-password without it.")
    options = read_options()
    if weather:
        if is_live or renew_password:
            raise click.UsageError("--weather changes the weather and nothing else.")
        with django_ready():
            _weather(weather, as_json=as_json)
        return
    if is_live:
        end_with_parent()
        _live(options, speed=speed, play=play)
        return
    with django_ready():
        seeded = _seed(options, renew=renew_password)
    if as_json:
        print_json(_as_json(seeded, options))
    else:
        _print(seeded, options)


def _seed(options: Options, *, renew: bool = False) -> Seeded:
    from rapport.demo.cast import OWNER
    from rapport.demo.logins import LoginsUnreadable
    from rapport.demo.seed import local_address, renew_password, seed
    from rapport.lib.crypto import Undecryptable

    address = local_address(host=options.host, port=options.port)
    try:
        if renew:
            seed(data=options.data, address=address)
            renew_password(data=options.data, email=OWNER.email)
        return seed(data=options.data, address=address)
    except LoginsUnreadable as error:
        raise CommandError(str(error)) from None
    except Undecryptable:
        raise CommandError(
            "The demo's channels were made with another encryption key. Restore RAPPORT_DATA/secrets.json, or "
            "put the old key behind the new one in RAPPORT_ENCRYPTION_KEYS."
        ) from None


def _live(options: Options, *, speed: float, play: str) -> None:
    stop = threading.Event()
    with stop_on_signals(stop.set), django_ready():
        from rapport.demo.live import live
        from rapport.networks.practice.simulator.plan import Pace

        _seed(options)
        live(stop=stop, seed=play, pace=Pace(speed=speed))


def _weather(wishes: tuple[str, ...], *, as_json: bool) -> None:
    from django.core.exceptions import ValidationError

    from rapport.networks.practice.accounts import set_chaos, weather_of
    from rapport.networks.practice.errors import Problem

    changes: dict[str, object] = {}
    for wish in wishes:
        if wish == "calm":
            changes |= weather_of(None)
            continue
        name, equals, value = wish.partition("=")
        try:
            changes[name] = json.loads(value.lower())
        except ValueError:
            raise click.UsageError(f"{wish!r} is not like outage=true or duplicate_rate=0.2.") from None
        if not equals or not isinstance(changes[name], bool | int | float):
            raise click.UsageError(f"{wish!r} is not like outage=true or duplicate_rate=0.2.")
    try:
        found = weather_of(set_chaos(**changes))
    except Problem as error:
        raise CommandError(error.message) from None
    except (ValidationError, ValueError, TypeError) as error:
        text = "; ".join(error.messages) if isinstance(error, ValidationError) else str(error)
        raise CommandError(f"The weather stays as it is: {text}") from None
    if as_json:
        print_json(found)
        return
    for name, value in found.items():
        click.echo(f"  {name:<20} {value}")


def _as_json(seeded: Seeded, options: Options) -> dict[str, object]:
    return {
        "address": options.base_url,
        "brands": list(seeded.brands),
        "channels": seeded.channels,
        "posts_written": seeded.posts,
        "logins": [
            {"email": one.email, "name": one.name, "role": one.role, "password": one.password}
            for one in seeded.logins
        ],
    }


def _print(seeded: Seeded, options: Options) -> None:
    if seeded.posts:
        click.echo(f"Made the demo: {', '.join(seeded.brands)}; {seeded.posts} posts.")
    click.echo(f"\nLog in at {options.base_url} as")
    for one in seeded.logins:
        shown = one.password or "(changed since; 'rapport demo --renew-password' resets it)"
        click.echo(f"  {one.email:<20} {shown:<20} {one.name}, {one.role}")
