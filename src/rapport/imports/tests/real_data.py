"""Where the real data is that tests may read but the repository must not hold."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_REPOSITORY = Path(__file__).resolve().parents[4]


def twcs_sample() -> Path:
    """The first 5,000 rows of "Customer Support on Twitter"; skips the test when they are not here."""
    folder = Path(os.environ.get("RAPPORT_SHARED_DATA") or _REPOSITORY.parent / "shared" / "data")
    path = folder / "support" / "twcs_5000.csv"
    if not path.exists():
        pytest.skip(f"the real data is not here ({path}); set RAPPORT_SHARED_DATA to its directory")
    return path
