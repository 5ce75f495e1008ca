"""Commands are tested as people run them: in a process of their own, on a database of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql


@dataclass
class Instance:
    """One installation: a database and a data directory."""

    url: str
    data: Path
    environment: dict[str, str] = field(default_factory=dict)

    def env(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")}
        kept.pop("DJANGO_SETTINGS_MODULE", None)
        return {**kept, "DATABASE_URL": self.url, "RAPPORT_DATA": str(self.data), **self.environment}

    def run(self, *arguments: str, code: int = 0, stdin: str | None = None) -> str:
        """Run ``rapport ARGUMENTS``; returns its standard output, or its error when it was to fail."""
        result = subprocess.run(
            [sys.executable, "-m", "rapport.cli", *arguments],
            env=self.env(), input=stdin if stdin is not None else "", capture_output=True, text=True,
            timeout=120, check=False, cwd=self.data,
        )  # fmt: skip
        assert result.returncode == code, f"{result.returncode}\n{result.stdout}\n{result.stderr}"
        assert "Traceback" not in result.stderr, result.stderr
        return result.stdout if code == 0 or "--json" in arguments else result.stderr

    def json(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self.run(*arguments, "--json", code=code))

    def python(self, script: str) -> str:
        """Run Python in this installation, Django being ready."""
        lines = "\n".join("    " + line for line in script.strip().splitlines())
        program = f"from rapport.cli.runtime import django_ready\nwith django_ready(check_migrations=False):\n{lines}\n"
        result = subprocess.run(
            [sys.executable, "-c", program], env=self.env(), capture_output=True, text=True, timeout=120,
            check=False, cwd=self.data,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        return result.stdout

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(query).fetchall()


def _with_name(url: str, name: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{name}"))


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Name of a database with empty tables, to be copied."""
    server = os.environ["DATABASE_URL"]
    name = f"rapport_cli_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    Instance(_with_name(server, name), tmp_path_factory.mktemp("data")).run("migrate")
    yield name
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def new_instance(migrated: str, tmp_path: Path) -> Iterator[Callable[..., Instance]]:
    """Make an installation: with empty tables, or with ``blank`` without any."""
    server = os.environ["DATABASE_URL"]
    names: list[str] = []

    def make(*, blank: bool = False) -> Instance:
        name = f"{migrated}_{len(names)}"
        names.append(name)
        data = tmp_path / name
        data.mkdir()
        template = "template1" if blank else migrated
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                    sql.Identifier(name), sql.Identifier(template)
                )
            )
        return Instance(_with_name(server, name), data)

    yield make
    with psycopg.connect(server, autocommit=True) as connection:
        for name in names:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def instance(new_instance: Callable[..., Instance]) -> Instance:
    return new_instance()
