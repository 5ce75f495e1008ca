"""Every example of the query language, run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs import generate
from rapport.listening.parse import parse, read
from rapport.listening.post import Post
from rapport.listening.reference import evaluate

PAGE = (Path(generate.__file__).parent / "how-to/listen.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \|$", PAGE, flags=re.M)


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) > 25


@pytest.mark.parametrize(("query", "finds", "finds_not"), EXAMPLES)
def test_each_does_what_the_page_says(query: str, finds: str, finds_not: str) -> None:
    assert evaluate(parse(query), Post("1", finds)).matched
    assert not evaluate(parse(query), Post("2", finds_not)).matched


def test_the_error_that_is_shown_is_the_one_given() -> None:
    shown = re.search(r"```text\nerror: (.*?)\n```", PAGE, flags=re.S)
    assert shown is not None
    assert read("late autor:ana").problems[0].told("late autor:ana") == shown[1]


def test_queries_of_the_commands_can_be_read() -> None:
    for query in re.findall(r"^rapport query (?:check|match posts.jsonl) '([^']+)'$", PAGE, flags=re.M):
        assert read(query).query is not None
