"""axe-core for the browser tests: installed from npm by its lock file, never shipped."""

from __future__ import annotations

from pathlib import Path

from tests.npm import node_modules, npm_or_skip


def axe_script() -> Path:
    """Where the script is."""
    npm_or_skip("Pages are searched for barriers with axe-core, which npm installs")
    return node_modules(Path(__file__).parent, "axe") / "axe-core" / "axe.min.js"
