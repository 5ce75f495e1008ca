"""``rapport up``: everything, in one process tree."""

from __future__ import annotations

import contextlib
import http.client
import json
import logging
import os
import socket
import threading
import time

import click
import psycopg

from rapport.cli import schema_mark
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
    webs = options.web_processes or _web_processes()
    children = [
        *(Child(f"web {n}" if webs > 1 else "web", ("web",), serves=True) for n in range(1, webs + 1)),
        *(Child(name, (name,)) for name in ("worker", "listen")),
    ]
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
            if not schema_mark.is_noted(options, url):
                code, _output = supervisor.run_once("migrate")
                if supervisor.stopping:
                    return
                if code:
                    raise CommandError("The database could not be brought to this version; see above.")
                schema_mark.note(options, url)
            greeting = threading.Thread(
                target=_greet, args=(supervisor, options, url, demo), name="greeting", daemon=True
            )
            greeting.start()
            supervisor.supervise()
        finally:
            supervisor.stop_all()


def _web_processes() -> int:
    """PostgreSQL and the worker need processors too."""
    return min(max(len(os.sched_getaffinity(0)) // 2, 1), 4)


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


def _greet(supervisor: Supervisor, options: Options, url: str, demo: bool) -> None:
    """Say where Rapport is and how to get in, once its page answers."""
    host = "127.0.0.1" if options.host in {"0.0.0.0", "::", ""} else options.host  # noqa: S104 - compared, not bound
    while not _answers(host, options.port):
        if supervisor.stopping:
            return
        time.sleep(0.1)
    supervisor.page_answers.set()
    lines = _demo_login(supervisor) if demo else _first_login(url)
    if not supervisor.stopping:
        click.echo("\n".join(["", f"  Rapport is at {options.base_url}", *lines, "  Ctrl-C stops it.", ""]))


def _answers(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/login/", headers={"Host": f"localhost:{port}"})
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _demo_login(supervisor: Supervisor) -> list[str]:
    """The demo's first login; asking for it makes the demo when there is none yet."""
    code, output = supervisor.run_once("demo", "--json")
    try:
        login = json.loads(output)["logins"][0]
    except (ValueError, KeyError, IndexError):
        return [] if code == 0 else ["The demo could not be made; see above."]
    if login["password"] is None:
        return [f"  Log in as {login['email']} with the password you gave it."]
    return [f"  Log in as {login['email']} with the password {login['password']}"]


def _first_login(url: str) -> list[str]:
    with contextlib.suppress(psycopg.Error), psycopg.connect(url) as connection:
        row = connection.execute("SELECT EXISTS (SELECT FROM staff_user WHERE is_active)").fetchone()
        if row is not None and not row[0]:
            return ["  Create the first user: rapport users add you@example.com --owner"]
    return []
