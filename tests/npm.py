"""What tests and measurements need from npm, installed by a lock file; never shipped."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

_INSTALL_S = 900


def npm_or_skip(why: str) -> str:
    """Where npm is. Skips the test where there is none, saying ``why`` it is needed, but not in CI."""
    npm = shutil.which("npm")
    if npm is None:
        words = f"{why}; npm is not here"
        if os.environ.get("CI"):
            pytest.fail(words)
        pytest.skip(words)
    return npm


def node_modules(
    folder: Path, name: str, *, scripts: bool = False, environment: Mapping[str, str] | None = None
) -> Path:
    """The ``node_modules`` for the lock file in ``folder``, installed once for it and kept under ``name``.

    ``scripts``: packages may run theirs, as what is compiled must. Raises ``RuntimeError`` with npm's last words.
    """
    cache = Path(os.environ.get("RAPPORT_TEST_CACHE") or Path.home() / ".cache" / "rapport-tests")
    cache.mkdir(parents=True, exist_ok=True)
    lock = (folder / "package-lock.json").read_bytes()
    home = cache / f"{name}-{hashlib.sha256(lock).hexdigest()[:12]}"
    with (cache / f".{name}.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not home.exists():
            _install(folder, home, scripts, environment)
    return home / "node_modules"


def _install(folder: Path, home: Path, scripts: bool, environment: Mapping[str, str] | None) -> None:
    """Aside first: an interrupted installation leaves nothing half made."""
    aside = home.with_name(f"{home.name}.new")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(folder / name, aside / name)
    done = subprocess.run(
        [
            "npm", "ci", "--omit=dev", "--no-audit", "--no-fund", "--loglevel=error",
            *([] if scripts else ["--ignore-scripts"]),
        ],
        cwd=aside,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=_INSTALL_S,
        check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"npm ci failed: {done.stdout.decode(errors='replace')[-2000:]}")
    aside.rename(home)
