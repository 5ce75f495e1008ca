"""What the pages point at exists: links, anchors, make targets, dependencies."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from markdown.extensions.toc import slugify

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
FENCE = re.compile(r"^(```|~~~).*?^\1", flags=re.M | re.S)


def relative(page: Path) -> str:
    return str(page.relative_to(ROOT))


def links(page: Path) -> Iterator[str]:
    """Targets of links and pictures that stay in the repository."""
    text = re.sub(r"`[^`\n]*`", "", FENCE.sub("", page.read_text(encoding="utf-8")))
    for target in re.findall(r"\]\(([^)\s]+)[^)]*\)", text):
        if not re.match(r"[a-z]+:", target):
            yield target


def anchors(page: Path) -> set[str]:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    return {slugify(head.replace("`", ""), "-") for head in re.findall(r"^#+ (.+)$", text, flags=re.M)}


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_its_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_every_page_is_in_the_navigation() -> None:
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))

    def leaves(entry: object) -> Iterator[str]:
        if isinstance(entry, str):
            yield entry
        elif isinstance(entry, list | dict):
            for part in entry.values() if isinstance(entry, dict) else entry:
                yield from leaves(part)

    listed = sorted(leaves(site["nav"]))
    assert listed == sorted(str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_its_make_commands_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.M))
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"^(?:\$ )?make ([a-z]+)", text, flags=re.M)) | set(
        re.findall(r"`make ([a-z]+)", text)
    )
    assert named - targets == set()


def test_the_readme_shows_the_two_commands() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.search(r"^make run$", readme, flags=re.M)
    assert re.search(r"^make test$", readme, flags=re.M)


def test_every_dependency_is_explained_and_every_explanation_is_of_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    optional = [one for group in project["project"]["optional-dependencies"].values() for one in group]
    developing = [one for one in project["dependency-groups"]["dev"] if one not in optional]
    wanted = [*project["project"]["dependencies"], *optional, *developing]
    page = (DOCS / "dependencies.md").read_text(encoding="utf-8")
    explained = re.findall(r"^\| `([A-Za-z0-9_.-]+)` \|", page, flags=re.M)
    assert sorted(explained) == sorted(re.findall(r"^[A-Za-z0-9_.-]+", one)[0] for one in wanted)


def test_the_lock_file_names_no_place_to_get_packages_from() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert (
        re.findall(r"^\s*(?:--(?:index|extra-index|find-links|trusted).*|.*://.*)$", lock, flags=re.M) == []
    )


def test_what_ci_runs_exists() -> None:
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    called = set(re.findall(r"^\s*(?:env .*? )?make ([a-z]+)", script, flags=re.M))
    assert {"install", "lint", "types", "test", "docs"} <= called
    assert [target for target in called if not re.search(rf"^{target}:", makefile, flags=re.M)] == []


def test_the_site_builds_without_a_warning_and_fetches_nothing_from_elsewhere(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-W", "error", "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)],
        cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    foreign = {
        address
        for page in tmp_path.rglob("*.html")
        for tag in re.findall(r"<(?:script|img|link|iframe)\b[^>]*>", page.read_text(encoding="utf-8"))
        for address in re.findall(r'(?:src|href)="((?:https?:)?//[^"]+)"', tag)
    }
    assert foreign == set()
