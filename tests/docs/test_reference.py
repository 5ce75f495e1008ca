"""The reference is what the code says: nothing that exists is undocumented, nothing documented is gone."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from docs import generate
from rapport.cli.jobs import JOBS
from rapport.cli.main import COMMANDS, run
from rapport.config.options import Options
from rapport.insights.metrics import METRICS
from rapport.networks.registry import connectors
from rapport.staff.permissions import Permission

DOCS = Path(generate.__file__).parent
OUT_OF_DATE = "docs/{} is not what the code says now; run 'make docs' and commit the difference"


@pytest.fixture(scope="module")
def generated() -> dict[str, str]:
    return generate.pages()


def test_it_matches_what_the_code_says_now(generated: dict[str, str]) -> None:
    stale = [
        path
        for path, text in generated.items()
        if not (DOCS / path).exists() or (DOCS / path).read_text(encoding="utf-8") != text
    ]
    assert stale == [], OUT_OF_DATE.format(", ".join(stale))


def test_it_has_no_page_that_nothing_writes(generated: dict[str, str]) -> None:
    written = {path for path in generated if path.startswith("reference/")}
    assert {f"reference/{page.name}" for page in (DOCS / "reference").glob("*.md")} == written


def test_it_documents_every_setting() -> None:
    assert _first_column("reference/settings.md") == [str(f.alias) for f in Options.model_fields.values()]


def test_it_documents_every_command_and_option() -> None:
    page = (DOCS / "reference/commands.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^#+ (rapport[^\n]*)\n\n```text\n(.*?)\n```", page, flags=re.M | re.S))
    assert {f"rapport {name}" for name in COMMANDS} <= sections.keys()
    options = {
        (context.command_path, option)
        for _, context in generate.walk(click.Context(run, info_name="rapport"))
        for parameter in context.command.params
        if isinstance(parameter, click.Option) and not parameter.hidden
        for option in parameter.opts
    }
    assert [(path, option) for path, option in sorted(options) if option not in sections[path]] == []


def test_it_documents_every_network() -> None:
    named = [re.findall(r"\(`(\w+)`\)", row[0]) for row in _rows("reference/networks.md")]
    assert sorted(name for names in named for name in names) == sorted(connectors())


def test_it_documents_every_permission() -> None:
    assert _first_column("reference/permissions.md") == [one.value for one in Permission]


def test_it_documents_every_figure() -> None:
    page = (DOCS / "metrics.md").read_text(encoding="utf-8")
    assert [one.key for one in METRICS if f"| `{one.key}` |" not in page] == []


def test_it_documents_every_job() -> None:
    names = _first_column("reference/jobs.md")
    assert names[: len(JOBS)] == [job.name for job in JOBS]
    assert "rapport.outbox.deliver_outgoing" in names


def test_a_table_cell_cannot_break_its_row() -> None:
    assert generate.table(("A",), [("one | two\nthree",)]) == "| A |\n| --- |\n| one \\| two three |\n"


def _rows(path: str) -> list[list[str]]:
    lines = (DOCS / path).read_text(encoding="utf-8").splitlines()
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line.startswith("|")]


def _first_column(path: str) -> list[str]:
    return [name for row in _rows(path) for name in re.findall(r"^`(.+)`$", row[0])]
