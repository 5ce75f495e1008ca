"""Where recorded payloads and real data are, which tests may read but the repository must not hold."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_REPOSITORY = Path(__file__).resolve().parents[4]


def shared_data(name: str) -> Path:
    """The file or folder of that name, such as ``payloads/granary``, under ``RAPPORT_SHARED_DATA`` or, when
    that is not set, under ``shared/data`` beside the repository. Skips the test when it is not there."""
    folder = Path(os.environ.get("RAPPORT_SHARED_DATA") or _REPOSITORY.parent / "shared" / "data")
    path = folder / name
    if not path.exists():
        pytest.skip(f"{name} is not in {folder}; set RAPPORT_SHARED_DATA to the folder that has it")
    return path
