"""Write the reference pages from the tables the code itself reads: ``python -m docs.generate``.

A setting, command, network, permission, figure or job is declared once, in code. These pages are
committed, so they can be read without building anything; a test fails when one is out of date.
"""

from __future__ import annotations

import inspect
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

import click

DOCS = Path(__file__).resolve().parent
_NOTICE = "<!-- Written by `make docs` from the code. Change the code, not this page. -->\n"
_HELP_WIDTH = 100


def pages() -> dict[str, str]:
    """Every generated page: its path under ``docs/`` and its Markdown. Django must be set up."""
    from django.utils import translation

    written: dict[str, Callable[[], str]] = {
        "metrics.md": _metrics,
        "reference/cases.md": _cases,
        "reference/commands.md": _commands,
        "reference/jobs.md": _jobs,
        "reference/keys.md": _keys,
        "reference/networks.md": _networks,
        "reference/permissions.md": _permissions,
        "reference/query-fields.md": _query_fields,
        "reference/search.md": _search,
        "reference/settings.md": _settings,
    }
    with translation.override("en"):
        return {path: f"{_NOTICE}\n{write().strip()}\n" for path, write in written.items()}


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; a bar inside a cell is escaped."""
    lines = [heads, ["---"] * len(heads), *rows]
    cells = [[" ".join(str(cell).replace("|", "\\|").split()) for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells) + "\n"


# Settings ---------------------------------------------------------------------------------------
def _settings() -> str:
    from rapport.config.options import Options

    rows = [
        (f"`{field.alias}`", _kind(field), _default(field.default), field.description)
        for field in Options.model_fields.values()
    ]
    return (
        "# Settings\n\nEvery setting comes from the environment, else from a file `.env` in the working "
        "directory, else from its default. A wrong one stops the start with a sentence that names it.\n\n"
        + table(("Variable", "Value", "Default", "What it does"), rows)
        + "\nSecrets that are not set are made on the first start and kept in `RAPPORT_DATA/secrets.json`, "
        "which only the owner can read. `rapport backup` carries them along.\n"
    )


_KINDS = {str: "text", int: "whole number", bool: "`true` or `false`", Path: "directory"}


def _kind(field: Any) -> str:
    annotation = field.annotation
    options = [one for one in get_args(annotation) if one is not NoneType]
    if get_origin(annotation) is Literal:
        return "one of " + ", ".join(f"`{one}`" for one in options)
    if get_origin(annotation) is tuple:
        return "list, separated by commas"
    words = _KINDS[options[0] if options else annotation]
    bounds = {
        name: getattr(rule, name)
        for rule in field.metadata
        for name in ("ge", "le", "min_length")
        if hasattr(rule, name)
    }
    if "min_length" in bounds:
        return f"{words}, at least {bounds['min_length']} characters"
    if "ge" in bounds:
        return (
            f"{words}, {bounds['ge']} to {bounds['le']}"
            if "le" in bounds
            else f"{words}, {bounds['ge']} or more"
        )
    return words


def _default(value: object) -> str:
    if value is None or value == ():
        return "not set"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


# Commands ---------------------------------------------------------------------------------------
def _commands() -> str:
    from rapport.cli.main import run

    parts = [
        "# Commands\n\nWhat `--help` prints. A command that fails says why in a sentence and exits with 1; "
        "one that was called wrongly exits with 2. Commands that read or write data start the embedded "
        "PostgreSQL when it does not run yet, and stop it again.\n"
    ]
    parts += [
        f"{'#' * min(level + 1, 4)} {context.command_path}\n\n```text\n{_help(context)}\n```\n"
        for level, context in walk(click.Context(run, info_name="rapport", **run.context_settings))
    ]
    return "\n".join(parts)


def walk(context: click.Context, level: int = 1) -> Iterator[tuple[int, click.Context]]:
    """A command and all that hangs on it, depth first, with how deep each is."""
    yield level, context
    if isinstance(context.command, click.Group):
        for name in context.command.list_commands(context):
            command = context.command.get_command(context, name)
            if command is not None and not command.hidden:
                yield from walk(click.Context(command, info_name=name, parent=context), level + 1)


def _help(context: click.Context) -> str:
    context.terminal_width = _HELP_WIDTH
    return inspect.cleandoc(context.get_help())


# Networks ---------------------------------------------------------------------------------------
def _networks() -> str:
    from rapport.networks.registry import connector_class
    from rapport.networks.table import COLUMNS, limits, rows

    found = rows()
    abilities = table(
        ("Network", *(name.replace("_", " ").capitalize() for name in COLUMNS), "Tested against"),
        [
            (
                f"{row['label']} (`{row['network']}`)",
                *("yes" if row[name] else "–" for name in COLUMNS),
                row["tested"],
            )
            for row in found
        ],
    )
    allowed = table(
        ("Network", "Limit", "What the network allows"),
        [
            (row["label"], what.capitalize(), words)
            for row in found
            for what, words in limits(connector_class(row["network"])).items()
        ],
    )
    kinds = table(
        ("Network", "Raw event", "What it is"),
        [
            (row["label"], f"`{kind}`", says)
            for row in found
            for kind, says in connector_class(row["network"]).kinds.items()
        ],
    )
    return (
        "# Networks\n\nWhat each installed connector can do, as the composer, the checks and `rapport networks` "
        "read it. *Private* is direct messages, *listen* hearing people who do not address us, *history* messages "
        f"from before the channel was connected.\n\n{abilities}\n"
        "*Real server*: the tests talk to the network's own software. *Double*: to a server that we wrote by the "
        "network's published rules, because the network's own cannot be run by others.\n\n"
        "## Limits\n\nA reply beyond one is refused before the network is called; calls beyond a budget wait, "
        f"replies of urgent cases the shortest.\n\n{allowed}\n"
        "## Raw events\n\nWhat is stored before anything else looks at it. Kinds that are not in this table are "
        f"stored too, and parked.\n\n{kinds}\n"
        "How another network is added: [add a network](../how-to/add-a-network.md).\n"
    )


# Permissions ------------------------------------------------------------------------------------
def _permissions() -> str:
    from rapport.staff.permissions import GRANTS, ROLES_BY_POWER, Permission, roles_with

    rows = [
        (
            f"`{permission.value}`",
            GRANTS[permission].allows,
            *("yes" if role in roles_with(permission) else "–" for role in ROLES_BY_POWER),
        )
        for permission in Permission
    ]
    return (
        "# Roles and permissions\n\nEverybody has one role for each brand they work for, and none for the "
        "others; each role includes the ones to its right. The owner of the instance is admin of every brand. "
        "Somebody without `view_cases` for a brand cannot tell whether a case of it exists.\n\n"
        + table(("Permission", "Allows", *(str(role.label) for role in ROLES_BY_POWER)), rows)
    )


# Jobs -------------------------------------------------------------------------------------------
def _jobs() -> str:
    from procrastinate.contrib.django import app

    from rapport.cli.jobs import JOBS

    periodic = table(
        ("Job", "When", "What it does"), [(f"`{job.name}`", f"`{job.cron}`", job.does) for job in JOBS]
    )
    asked = table(
        ("Job", "Queue", "What it does"),
        [
            (f"`{name}`", f"`{task.queue}`", (inspect.getdoc(task.func) or "").split("\n\n")[0])
            for name, task in sorted(app.tasks.items())
            if name.startswith("rapport.") and not name.startswith("rapport.jobs.")
        ],
    )
    return (
        "# Jobs\n\nThe worker runs them; any number of workers may run, on any number of machines.\n\n"
        "## By the clock\n\n*When* has the five fields of cron (UTC), and for some a sixth for seconds. Each "
        f"job may run twice, or late, without harm.\n\n{periodic}\n"
        "## When something asks for it\n\nThe request commits with the change that makes it, so neither is "
        f"there without the other.\n\n{asked}\n"
        "Raw events need no job: each is its own place in the queue (see "
        "[why raw events](../explanation/raw-events.md)).\n"
    )


# Keys -------------------------------------------------------------------------------------------
def _keys() -> str:
    from rapport.web.keymap import label
    from rapport.web.shortcuts import COMMANDS, Group

    parts = []
    for group in Group:
        commands = [one for one in COMMANDS if one.group == group]
        rows = [
            (
                f"`{label(one.key)}`" if one.key else "none",
                one.does,
                one.where.label,
                "no" if one.fixed else "yes",
            )
            for one in commands
        ]
        parts.append(
            f"## {group.label}\n\n" + table(("Key", "What it does", "Works on", "Can be changed"), rows)
        )
    return (
        "# Keys and commands\n\nNone of the keys is needed: everything can also be reached with Tab and Enter, and "
        "with the list of commands. Each person can change them, or switch those of one character off: "
        "[keys and commands](../how-to/keyboard.md).\n\n" + "\n".join(parts)
    )


# Search -----------------------------------------------------------------------------------------
def _search() -> str:
    from rapport.inbox.queries.search_fields import FIELDS

    fields = table(
        ("Field", "What it asks for", "Example"),
        [(f"`{one.name}:`", str(one.does), f"`{one.example}`") for one in FIELDS],
    )
    values = "\n".join(
        f"## Values of `{one.name}:`\n\n"
        + table(("Value", "Meaning"), [(f"`{value}`", str(does)) for value, does in one.values.items()])
        for one in FIELDS
        if one.values
    )
    return (
        f"# Fields of a search\n\nHow they are combined: [search](../how-to/search.md).\n\n{fields}\n{values}"
    )


# Queries ----------------------------------------------------------------------------------------
def _query_fields() -> str:
    from rapport.listening.fields import FIELDS

    fields = table(
        ("Field", "What it asks for", "Takes", "Example", "Also written"),
        [
            (
                f"`{one.name}:`",
                str(one.does),
                str(one.takes),
                f"`{one.example}`",
                ", ".join(f"`{alias}:`" for alias in one.aliases) or "–",
            )
            for one in FIELDS
        ],
    )
    values = "\n".join(
        f"## Values of `{one.name}:`\n\n"
        + table(("Value", "Meaning"), [(f"`{value}`", str(does)) for value, does in one.values.items()])
        for one in FIELDS
        if one.values
    )
    return (
        "# Fields of a query\n\nHow a listening query is written: [listen](../how-to/listen.md). A field whose fact is "
        f"not known of a post decides nothing, with or without a minus.\n\n{fields}\n{values}"
    )


# Figures ----------------------------------------------------------------------------------------
def _metrics() -> str:
    from rapport.insights.metrics import markdown_table

    return (
        "# Figures\n\nEvery figure Rapport shows and prints, exact enough to be computed by hand. Times are the "
        "network's own. Medians and p90 leave out what has no answer yet, so the unanswered are always shown "
        "beside them. A share or a time is absent, not zero, when there is nothing to measure.\n\n"
        + markdown_table()
        + "\nHow they are derived, and why from turns: [turns and honest figures]"
        "(explanation/turns-and-figures.md). On the command line: "
        "[`rapport report`](reference/commands.md#rapport-report).\n"
    )


# Cases, and the other words with a fixed set of values ------------------------------------------
def _cases() -> str:
    from rapport.brands.models import ChannelRole, ChannelState, SignatureStyle
    from rapport.inbox.models import CaseEventKind, CaseStatus, CloseReason, MessageChange, Priority
    from rapport.ingest.models import RawState
    from rapport.outbox.models import OutgoingState

    sections = (
        ("Status of a case", "", CaseStatus),
        ("Priority", "", Priority),
        ("Reasons to close", "A case is closed for one of these, never for none.", CloseReason),
        (
            "Events of a case",
            "Each change of a case is kept with its time; nothing changes or removes one.",
            CaseEventKind,
        ),
        ("Changes of a message", "Kept as the events they were.", MessageChange.Kind),
        (
            "State of a reply",
            "How it goes from one to the next: [how a reply leaves](../explanation/outbox.md).",
            OutgoingState,
        ),
        (
            "State of a raw event",
            "What *parked* means: [replay parked events](../how-to/replay.md).",
            RawState,
        ),
        ("Role of a channel", "", ChannelRole),
        ("State of a channel", _first_line(ChannelState), ChannelState),
        ("Signature", "How replies are signed, set for each channel.", SignatureStyle),
    )
    body = "\n".join(
        f"## {title}\n\n{words + chr(10) * 2 if words else ''}"
        + table(("Value", "Shown as"), [(f"`{value}`", label) for value, label in choices.choices])
        for title, words, choices in sections
    )
    return f"# Cases, replies, events: the fixed words\n\n{body}"


def _first_line(thing: object) -> str:
    return (inspect.getdoc(thing) or "").split("\n\n")[0].replace("``", "`")


def main() -> None:
    """Write the pages, in a data directory of our own so that nothing of the user's is touched."""
    with tempfile.TemporaryDirectory(prefix="rapport-docs-") as data:
        os.environ.update(RAPPORT_DATA=data, DJANGO_SETTINGS_MODULE="rapport.config.settings")
        import django

        django.setup()
        for path, text in pages().items():
            (DOCS / path).parent.mkdir(parents=True, exist_ok=True)
            (DOCS / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
