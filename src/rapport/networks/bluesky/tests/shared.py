"""Where recorded payloads are that tests may read but the repository must not hold."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_REPOSITORY = Path(__file__).resolve().parents[5]


def payload_folder() -> Path:
    """Recorded payloads of networks; skips the test when they are not here."""
    data = Path(os.environ.get("RAPPORT_SHARED_DATA") or _REPOSITORY.parent / "shared" / "data")
    folder = data / "payloads"
    if not folder.exists():
        pytest.skip(
            f"the recorded payloads are not here ({folder}); set RAPPORT_SHARED_DATA to their directory"
        )
    return folder
