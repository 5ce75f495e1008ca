"""axe-core for the browser tests: installed from npm by its lock file, never shipped."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

_FOLDER = Path(__file__).parent
_INSTALL_S = 300


def axe_script() -> Path:
    """Where the script is, installed once for this lock file. Skips the test where npm is absent, but not in CI."""
    npm = shutil.which("npm")
    if npm is None:
        words = "Pages are searched for barriers with axe-core, which npm installs; npm is not here"
        if os.environ.get("CI"):
            pytest.fail(words)
        pytest.skip(words)
    cache = Path(os.environ.get("RAPPORT_TEST_CACHE") or Path.home() / ".cache" / "rapport-tests")
    cache.mkdir(parents=True, exist_ok=True)
    lock = (_FOLDER / "package-lock.json").read_bytes()
    home = cache / f"axe-{hashlib.sha256(lock).hexdigest()[:12]}"
    with (cache / ".axe.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not home.exists():
            _install(npm, home)
    return home / "node_modules" / "axe-core" / "axe.min.js"


def _install(npm: str, home: Path) -> None:
    """Aside first: an interrupted installation leaves nothing half made."""
    aside = home.with_name(f"{home.name}.new")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(_FOLDER / name, aside / name)
    done = subprocess.run(
        [npm, "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=aside,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=_INSTALL_S,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"npm ci failed: {done.stdout.decode(errors='replace')[-2000:]}")
    aside.rename(home)
