"""``rapport migrate``: bring the database to this version."""

from __future__ import annotations

import click

from rapport.cli.runtime import django_ready


@click.command("migrate")
def command() -> None:
    """Create or update the database's tables. Safe to run at any time; does nothing when up to date."""
    with django_ready(check_migrations=False):
        from django.core.management import call_command
        from django.db import connection
        from django.db.migrations.executor import MigrationExecutor

        from rapport.cli.replaced import refuse_halfway

        refuse_halfway()
        executor = MigrationExecutor(connection)
        # Django's own command looks at every model even when there is nothing to do; each start waits for it.
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            call_command("migrate", interactive=False, verbosity=0)
        else:
            executor.check_replacements()
        click.echo("The database is up to date.")
