"""One real PostgreSQL for the whole test run: DATABASE_URL if it is set, else an embedded one in a
temporary directory. This must happen before Django's settings are read, hence at import."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import django
import pytest
from django.db import connection
from django.utils import timezone, translation
from pytest_django import DjangoDbBlocker
from tests.database import copy_from_template, empty_quickly, make_careless

if "PYTEST_XDIST_WORKER" not in os.environ and "RAPPORT_TEST_DATA" not in os.environ:
    _data = Path(tempfile.mkdtemp(prefix="rapport-tests-"))
    os.environ["RAPPORT_TEST_DATA"] = os.environ["RAPPORT_DATA"] = str(_data)
    atexit.register(shutil.rmtree, _data, ignore_errors=True)
    if not os.environ.get("DATABASE_URL"):
        from rapport.config.postgres import EmbeddedPostgres

        _server = EmbeddedPostgres(_data)
        os.environ["DATABASE_URL"] = _server.start()
        os.environ["RAPPORT_TEST_EMBEDDED"] = "1"
        make_careless(os.environ["DATABASE_URL"])
        atexit.register(_server.stop)

os.environ["DJANGO_SETTINGS_MODULE"] = "rapport.config.settings"
# A developer's own .env must not leak into tests.
os.environ.setdefault("RAPPORT_UNDO_SECONDS", "0")
# The servers that tests talk to are on this machine.
os.environ.setdefault("RAPPORT_PRIVATE_ADDRESSES", "true")

# Folders' own conftest files import models, and are read next.
django.setup()
empty_quickly()


_NETWORKS = Path(__file__).parent / "src" / "rapport" / "networks"
_OURS = {"practice", "files", "tests"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what talks to other people's servers or doubles of them, the same whatever our database is; how often
    what is tried; and the order."""
    for item in items:
        if item.path.is_relative_to(_NETWORKS) and item.path.relative_to(_NETWORKS).parts[0] not in _OURS:
            item.add_marker("network")
        # A mail server on a busy machine may be late once, a browser twice, and on CI's, where all run at once,
        # anything. What is wrong is wrong each time; what was tried again is listed at the end.
        tries = 2 if item.get_closest_marker("browser") else 1
        if tries > 1 or item.get_closest_marker("network") or "CI" in os.environ:
            item.add_marker(pytest.mark.flaky(reruns=tries, reruns_delay=2))
    # What one process must do alone, one after the other, begins first; the others share the rest meanwhile.
    items.sort(key=lambda item: not item.get_closest_marker("browser"))


@pytest.fixture(autouse=True)
def own_language_and_time_zone() -> Iterator[None]:
    """A page activates its reader's language and time zone for the thread, which in production the next
    request replaces. Here the next test would start with them, in an order that nobody chose."""
    yield
    translation.deactivate()
    timezone.deactivate()


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """The embedded server and CI's are thrown away whole, so their test databases need no dropping (which
    fails when autovacuum happens to look at one)."""
    return "RAPPORT_TEST_EMBEDDED" in os.environ or "CI" in os.environ


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings: None, django_db_keepdb: bool, django_db_blocker: DjangoDbBlocker
) -> None:
    """On a server that is thrown away the database is migrated once for all processes."""
    if django_db_keepdb:
        with django_db_blocker.unblock():
            copy_from_template(
                os.environ["DATABASE_URL"], Path(os.environ["RAPPORT_TEST_DATA"], "template.lock")
            )


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """On a server that outlives the run the test databases are dropped, which a single connection that
    some thread of a test left open would prevent."""
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid() AND usename = current_user"
        )
