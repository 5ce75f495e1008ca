"""The ``rapport`` command. Each subcommand is imported only when it is called."""

from __future__ import annotations

import importlib

import click

# name → module under rapport.cli that defines `command`
COMMANDS: dict[str, str] = {
    "backup": "backup",
    "demo": "demo",
    "doctor": "doctor",
    "events": "events",
    "export": "exporting",
    "import": "importing",
    "listen": "listen",
    "migrate": "migrate",
    "networks": "networks",
    "query": "query",
    "report": "report",
    "restore": "restore",
    "up": "up",
    "users": "users",
    "web": "web",
    "worker": "worker",
}


class LazyGroup(click.Group):
    """A group that imports a subcommand when it is needed, so ``--help`` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"rapport.cli.{COMMANDS[cmd_name]}")
        command: click.Command = module.command
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rapport")
def run() -> None:
    """Rapport: social customer care that hears everyone and answers like a person."""
