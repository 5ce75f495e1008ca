"""``rapport up``: everything, in one process tree."""

from __future__ import annotations

import http.client
import logging
import socket
import threading
import time

import click
import psycopg

from rapport.cli.processes import PortBusy, bind, stop_on_signals
from rapport.cli.runtime import CommandError, errors_as_sentences, read_options
from rapport.cli.supervisor import Child, Supervisor
from rapport.cli.web import port_sentence
from rapport.config.locks import Held, file_lock
from rapport.config.options import Options
from rapport.config.postgres import EmbeddedPostgres

LOCK = "up.lock"
# After a kill the processes of the last run hold the port for a moment.
PORT_S = 3.0


@click.command("up")
@click.option("--demo", is_flag=True, help="With a demo brand, and customers who write by themselves.")
def command(demo: bool) -> None:
    """Run Rapport: database, web, worker and listener in one process tree. Ctrl-C stops it."""
    options = read_options()
    logging.basicConfig(level=options.log_level, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    options.data.mkdir(parents=True, exist_ok=True)
    try:
        with file_lock(options.data / LOCK, wait=False):
            _up(options, demo=demo)
    except Held:
        raise CommandError(
            f"Rapport already runs on {options.data.resolve()}. Stop it first, or set RAPPORT_DATA to another "
            "directory."
        ) from None


def _up(options: Options, *, demo: bool) -> None:
    children = [Child(name, (name,)) for name in ("web", "worker", "listen")]
    if demo:
        children.append(Child("demo", ("demo", "--live")))
    sock = _socket(options)
    supervisor = Supervisor(
        children=children,
        postgres=EmbeddedPostgres(options.data) if options.database_url is None else None,
        sock=sock,
    )
    with stop_on_signals(supervisor.ask_to_stop), errors_as_sentences():
        try:
            url = supervisor.start_database(options.database_url)
            steps = [("migrate",), ("demo",)] if demo else [("migrate",)]
            for step in steps:
                code = supervisor.run_once(*step)
                if supervisor.stopping:
                    return
                if code:
                    raise CommandError(f"'rapport {step[0]}' failed; see the message above.")
            threading.Thread(
                target=_greet, args=(supervisor, options, url), name="greeting", daemon=True
            ).start()
            supervisor.supervise()
        finally:
            supervisor.stop_all()


def _socket(options: Options) -> socket.socket:
    deadline = time.monotonic() + PORT_S
    while True:
        try:
            return bind(options.host, options.port)
        except PortBusy as error:
            if time.monotonic() > deadline:
                raise CommandError(port_sentence(options, error)) from None
            time.sleep(0.1)
        except OSError as error:
            raise CommandError(port_sentence(options, error)) from None


def _greet(supervisor: Supervisor, options: Options, url: str) -> None:
    """Say where Rapport is once its page answers."""
    host = "127.0.0.1" if options.host in {"0.0.0.0", "::", ""} else options.host  # noqa: S104
    while not supervisor.stopping:
        connection = http.client.HTTPConnection(host, options.port, timeout=2)
        try:
            connection.request("GET", "/", headers={"Host": f"localhost:{options.port}"})
            if connection.getresponse().status < 500:
                break
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(0.1)
    else:
        return
    click.echo(f"\n  Rapport is at {options.base_url}")
    click.echo(f"  {_first_login(url)}")
    click.echo("  Ctrl-C stops it.\n")


def _first_login(url: str) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT EXISTS (SELECT FROM staff_user WHERE is_active)").fetchone()
    if row is not None and row[0]:
        return "Log in with your e-mail address and password."
    return "Create the first user: rapport users add you@example.com --owner"
