"""``rapport web``: pages, webhooks and live updates."""

from __future__ import annotations

import click

from rapport.cli.processes import (
    PortBusy,
    bind,
    end_with_parent,
    inherited_socket,
    raise_stopped,
    stop_on_signals,
)
from rapport.cli.runtime import CommandError, django_ready, read_options
from rapport.config.options import Options

# Open event streams never end by themselves.
GRACEFUL_S = 3
# Where a reverse proxy may stand. X-Forwarded-For is read from its end up to the first address that is
# not one of these, because its beginning is whatever the client wrote.
PROXIES = "127.0.0.0/8, ::1, 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, fc00::/7"
# One connection per request that is being answered right now; live streams hold none.
POOL = {"min_size": 1, "max_size": 20, "timeout": 10, "max_idle": 300}


@click.command("web")
def command() -> None:
    """Serve pages, webhooks and live updates on RAPPORT_HOST and RAPPORT_PORT."""
    options = read_options()
    end_with_parent()
    with stop_on_signals(raise_stopped):
        try:
            sock = inherited_socket() or bind(options.host, options.port)
        except (PortBusy, OSError) as error:
            raise CommandError(port_sentence(options, error)) from None
        with sock, django_ready():
            _pool_connections()
            import uvicorn

            config = uvicorn.Config(
                "rapport.config.asgi:application",
                log_config=None,
                log_level="warning",
                access_log=False,
                lifespan="off",
                server_header=False,
                proxy_headers=options.behind_proxy,
                forwarded_allow_ips=PROXIES,
                timeout_graceful_shutdown=GRACEFUL_S,
            )
            uvicorn.Server(config).run(sockets=[sock])


def port_sentence(options: Options, error: Exception) -> str:
    """Why the address cannot be served, and what to do."""
    if isinstance(error, PortBusy):
        return (
            f"Port {options.port} on {options.host} is in use by another program ({error}). "
            "Stop it, or set RAPPORT_PORT to another port."
        )
    return f"RAPPORT_HOST={options.host} is not an address of this machine ({error})."


def _pool_connections() -> None:
    """Share database connections between requests: under ASGI each request has its own thread, so
    without a pool each would open a connection of its own."""
    from django.db import connections

    connections.close_all()
    connections.settings["default"]["OPTIONS"]["pool"] = POOL
