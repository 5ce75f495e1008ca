"""Deleting a network's folder removes the network, and nothing else: Rapport starts, with all other pages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

import rapport
from rapport.networks.registry import connectors

SOURCE = Path(rapport.__file__).parent
OURS = sorted(one for one in connectors() if (SOURCE / "networks" / one).is_dir())
pytestmark = pytest.mark.slow

# Who goes with whom, and why.
WITH: Mapping[str, tuple[str, ...]] = {
    "email": ("webform",),  # which sends its mails through it
}
# Prints the network of each page that belongs to one, after everything that is checked at a start.
SCRIPT = """
import sys
import django
django.setup()
import rapport
from django.core.management import call_command
from django.urls import NoReverseMatch, reverse
from rapport.networks.registry import connectors
assert rapport.__file__.startswith(sys.argv[1]), rapport.__file__
call_command("check")
for network, page, given in (
    ("practice", "practice:timeline", []), ("webform", "form", [1]), ("letters", "letter-new", []), ("desk", "desk", []),
):
    try:
        reverse(page, args=given)
    except NoReverseMatch:
        continue
    print("page", network)
for network in connectors():
    print("network", network)
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our package, in a place where folders may be taken away."""
    path = tmp_path_factory.mktemp("removal") / "rapport"
    shutil.copytree(SOURCE, path, ignore=shutil.ignore_patterns("tests", "__pycache__", "static", "fixtures"))
    return path


@pytest.mark.parametrize("network", OURS)
def test_without_its_folder_everything_else_is_there(copy: Path, network: str, tmp_path: Path) -> None:
    gone = {network, *WITH.get(network, ())}
    for one in gone:
        (copy / "networks" / one).rename(tmp_path / one)
    try:
        found = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", SCRIPT, str(copy)],
            env={**os.environ, "PYTHONPATH": str(copy.parent)},
            cwd=copy.parent,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        for one in gone:
            (tmp_path / one).rename(copy / "networks" / one)
    assert found.returncode == 0, found.stderr
    told = {line for line in found.stdout.splitlines() if line.startswith(("page ", "network "))}
    pages = {f"page {one}" for one in ("desk", "letters", "practice", "webform") if one not in gone}
    assert told == pages | {f"network {one}" for one in connectors() if one not in gone}
