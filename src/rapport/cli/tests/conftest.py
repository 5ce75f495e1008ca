"""Commands are tested as people run them: in a process of their own, on a database of their own."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql
from pytest_django import DjangoDbBlocker
from tests.database import template


@dataclass
class Instance:
    """One installation: a database and a data directory."""

    url: str
    data: Path
    environment: dict[str, str] = field(default_factory=dict)
    _shell: subprocess.Popen[str] | None = field(default=None, repr=False)
    _shell_env: dict[str, str] = field(default_factory=dict, repr=False)

    def env(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")}
        kept.pop("DJANGO_SETTINGS_MODULE", None)
        return {**kept, "DATABASE_URL": self.url, "RAPPORT_DATA": str(self.data), **self.environment}

    def run(self, *arguments: str, code: int = 0, stdin: str = "") -> str:
        """Run ``rapport ARGUMENTS``; returns its standard output, or its error when it was to fail."""
        answer = self._ask({"arguments": arguments, "stdin": stdin})
        if arguments[0] == "restore" and answer["code"] == 0:
            self.close()  # the secrets are others now, and a process reads them once
        said = f"{answer['code']}\n{answer['out']}\n{answer['err']}"
        assert answer["code"] == code, said
        assert "Traceback" not in answer["err"], said
        return str(answer["out"] if code == 0 or "--json" in arguments else answer["err"])

    def _shell_process(self) -> subprocess.Popen[str]:
        """The process that runs the commands; another one once the settings have changed."""
        wanted = self.env()
        if self._shell is not None and self._shell_env != wanted:
            self.close()
        if self._shell is None:
            self._shell_env = wanted
            self._shell = subprocess.Popen(
                [sys.executable, "-m", "rapport.cli.tests.shell"],
                env=wanted, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=self.data,
            )  # fmt: skip
        return self._shell

    def close(self) -> None:
        """End the process that runs the commands."""
        if self._shell is not None:
            with self._shell as shell:
                shell.kill()
            self._shell = None

    def json(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self.run(*arguments, "--json", code=code))

    def python(self, script: str) -> str:
        """Run Python in this installation, Django being ready; returns what it printed."""
        answer = self._ask({"script": script})
        assert answer["code"] == 0, answer["err"]
        return str(answer["out"])

    def _ask(self, what: dict[str, Any]) -> dict[str, Any]:
        shell = self._shell_process()
        assert shell.stdin is not None
        assert shell.stdout is not None
        shell.stdin.write(json.dumps(what) + "\n")
        shell.stdin.flush()
        answer: dict[str, Any] = json.loads(shell.stdout.readline())
        return answer

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(query).fetchall()


def _with_name(url: str, name: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{name}"))


@pytest.fixture(scope="session")
def migrated(
    tmp_path_factory: pytest.TempPathFactory, django_db_keepdb: bool, django_db_blocker: DjangoDbBlocker
) -> Iterator[str]:
    """Name of a database with empty tables, to be copied."""
    server = os.environ["DATABASE_URL"]
    name = f"rapport_cli_{os.getpid()}"
    source = "template1"
    if django_db_keepdb:
        with django_db_blocker.unblock():
            source = template(server, Path(os.environ["RAPPORT_TEST_DATA"], "template.lock"))
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(source))
        )
    empty = Instance(_with_name(server, name), tmp_path_factory.mktemp("data"))
    # Django's own, since "rapport migrate" leaves a database alone that has had all migrations, and the tests'
    # template has none of the rows that come after them.
    empty.python("from django.core.management import call_command\ncall_command('migrate', verbosity=0)")
    empty.close()
    yield name
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


# Their databases' numbers.
_NUMBERS = itertools.count()


@contextmanager
def _installations(migrated: str, folder: Path) -> Iterator[Callable[..., Instance]]:
    """Make installations, with their data under ``folder``, which are gone afterwards."""
    server = os.environ["DATABASE_URL"]
    names: list[str] = []
    made: list[Instance] = []

    def make(*, blank: bool = False) -> Instance:
        name = f"{migrated}_{next(_NUMBERS)}"
        names.append(name)
        data = folder / name
        data.mkdir()
        source = "template1" if blank else migrated
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(source))
            )
        made.append(Instance(_with_name(server, name), data))
        return made[-1]

    yield make
    for instance in made:
        instance.close()
    with psycopg.connect(server, autocommit=True) as connection:
        for name in names:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def new_instance(migrated: str, tmp_path: Path) -> Iterator[Callable[..., Instance]]:
    """Make an installation: with empty tables, or with ``blank`` without any."""
    with _installations(migrated, tmp_path) as make:
        yield make


@pytest.fixture
def instance(new_instance: Callable[..., Instance]) -> Instance:
    return new_instance()


@pytest.fixture(scope="module")
def shared_instance(migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """One that all tests of a file use, where making what is in it takes long."""
    with _installations(migrated, tmp_path_factory.mktemp("shared")) as make:
        yield make()
