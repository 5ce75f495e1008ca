"""What every command shares: settings, a database, Django, and errors as sentences."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from typing import Any

import click

from rapport.config.options import Options, OptionsError, options
from rapport.config.postgres import DatabaseUnavailable, database


class CommandError(click.ClickException):
    """A command could not do its work. Exit code 1; the text says what to do."""


@contextlib.contextmanager
def errors_as_sentences() -> Iterator[None]:
    """Turn the errors a person can act on into one sentence and exit code 1."""
    try:
        yield
    except (OptionsError, DatabaseUnavailable) as error:
        raise CommandError(str(error)) from None


def read_options() -> Options:
    """The settings, or a sentence for each wrong one."""
    with errors_as_sentences():
        return options()


@contextlib.contextmanager
def django_ready(*, check_migrations: bool = True) -> Iterator[None]:
    """Set Django up on a running database for as long as the block runs.

    Starts the embedded PostgreSQL if nothing else did, and then stops it again. With
    ``check_migrations`` it refuses to work on a schema that is behind the code.
    """
    settings = read_options()
    with errors_as_sentences(), database(settings.data, settings.database_url):
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rapport.config.settings")
        import django
        from django.db import connections
        from django.db.utils import OperationalError

        django.setup()
        try:
            if check_migrations:
                _refuse_old_schema()
            yield
        except OperationalError as error:
            raise CommandError(
                f"The database cannot be used: {str(error).strip()}. Run 'rapport doctor' for a diagnosis."
            ) from error
        finally:
            connections.close_all()


def _refuse_old_schema() -> None:
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    from rapport.cli.replaced import refuse_halfway

    refuse_halfway()
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise CommandError("The database is behind this version of Rapport. Run 'rapport migrate' first.")


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))
