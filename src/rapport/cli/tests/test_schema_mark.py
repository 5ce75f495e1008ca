from pathlib import Path

import pytest

from rapport.cli import schema_mark
from rapport.config.options import Options


def _options(data: Path) -> Options:
    return Options(RAPPORT_DATA=data)  # type: ignore[call-arg]


def test_it_knows_only_the_code_and_the_database_it_was_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options, applied = _options(tmp_path), {"here": 40}
    monkeypatch.setattr(schema_mark, "_applied", applied.get)
    assert not schema_mark.is_noted(options, "here")
    schema_mark.note(options, "here")
    assert schema_mark.is_noted(options, "here")
    assert not schema_mark.is_noted(options, "elsewhere")  # empty or gone
    applied["here"] = 39
    assert not schema_mark.is_noted(options, "here")


def test_a_database_that_does_not_answer_has_had_no_migrations() -> None:
    assert schema_mark._applied("postgresql://nobody@/nothing?host=/nonexistent") is None
