"""``rapport query``, as it is used in a shell. None of it touches a database."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.cli.main import run
from rapport.lib.tests.shared_data import shared_data

POSTS = [
    {"id": 1, "text": "DELTA lost my bag"},
    {"id": "2", "text": "delta is great", "lang": "en", "followers": 2000, "is_reply": True},
    {"id": "3", "text": "กระเป๋าหาย", "title": "Delta", "media": [{"kind": "image"}]},
    {"id": "4", "text": "C++ & delta", "lang": "hr", "created_at": "2026-01-31T10:00:00+01:00", "tags": ["bags"]},
]  # fmt: skip


def query(*arguments: str, stdin: str | bytes = "") -> Result:
    return CliRunner().invoke(run, ["query", *arguments], input=stdin, prog_name="rapport")


def ids(wanted: str, stdin: str | bytes = "") -> list[str]:
    lines = stdin or "\n".join(json.dumps(one) for one in POSTS)
    found = query("match", "--json", "-", wanted, stdin=lines)
    assert found.exit_code in (0, 1), found.output
    assert found.exit_code == (0 if found.stdout else 1)
    return [json.loads(line)["id"] for line in found.stdout.splitlines()]


class TestMatch:
    @pytest.mark.parametrize(
        ("wanted", "found"),
        [
            ("delta", ["1", "2", "3", "4"]),
            ("กระเป๋า", ["3"]),
            ("delta lang:en", ["2"]),
            ("delta -lang:en", ["4"]),
            ("delta followers:>1k is:reply", ["2"]),
            ("delta has:image", ["3"]),
            ("delta before:2026-01-31", []),
            ("#bags after:2026-01-31", ["4"]),
            ("c++", ["4"]),
        ],
    )
    def test_it_finds(self, wanted: str, found: list[str]) -> None:
        assert ids(wanted) == found

    def test_it_says_why(self) -> None:
        found = query("match", "--json", "-", 'late OR "my bag" OR title:delta', stdin=json.dumps(POSTS[0]))
        assert json.loads(found.stdout) == {
            "id": "1",
            "why": [{"term": '"my bag"', "in": "text", "start": 11, "end": 17, "found": "my bag"}],
        }

    def test_it_prints_a_line_for_each(self, tmp_path: Path) -> None:
        file = tmp_path / "posts.jsonl"
        file.write_text('{"id": "7", "text": "late\\nagain \\u001b[31m"}\n', encoding="utf-8")
        found = query("match", str(file), "late")
        assert (found.exit_code, found.stdout, found.stderr) == (0, "7\tlate again  [31m\n", "")

    def test_it_says_what_is_not_known(self) -> None:
        found = query("match", "-", "delta -lang:en", stdin="\n".join(json.dumps(one) for one in POSTS))
        assert found.stderr == "2 posts may match or not: what “lang:” asks for is not known of them.\n"

    def test_bad_lines_are_named_and_cost_only_themselves(self) -> None:
        lines = b'{"id": 1, "text": "late"}\nnope\n{"id": 2}\n\xff\n[]\n{"id": 3, "text": "late", "likes": "x"}\n{"id": 4, "text": "late"}\n'
        found = query("match", "--json", "-", "late", stdin=lines)
        assert found.exit_code == 0
        assert [json.loads(line)["id"] for line in found.stdout.splitlines()] == ["1", "4"]
        assert [line.split(":")[0] for line in found.stderr.splitlines()[:-1]] == [
            "Line 2", "Line 3", "Line 4", "Line 5", "Line 6",
        ]  # fmt: skip
        assert found.stderr.splitlines()[-1] == "5 of 7 lines are no posts."

    def test_many_bad_lines_are_counted(self) -> None:
        found = query("match", "-", "late", stdin="nope\n" * 50)
        assert found.exit_code == 2
        assert "… and 40 more lines." in found.stderr
        assert "- has no post" in found.stderr

    def test_it_reads_csv(self) -> None:
        table = 'id,text,lang,mentions\n1,"late, again",en,\n2,delta,,"aero,ana"\n3,x\n'
        assert ids("late lang:en", table) == ["1"]
        assert ids("@ana", table) == ["2"]

    def test_it_reads_twcs(self) -> None:
        table = (
            "tweet_id,author_id,inbound,created_at,text,response_tweet_id,in_response_to_tweet_id\n"
            "1,115712,True,Tue Oct 31 22:11:45 +0000 2017,@aero AT&amp;T is late,2,\n"
            "2,aero,False,Tue Oct 31 22:12:45 +0000 2017,@115712 Sorry it is late,,1\n"
        )
        assert ids("at&t", table) == ["1"]
        assert ids("late is:reply from:aero after:2017-10-31", table) == ["2"]
        assert ids("late -is:reply", table) == ["1"]

    def test_json_is_json_whatever_is_said_in_its_first_line(self) -> None:
        assert ids("late", '{"id": 1, "text": "late, \\"text\\", again"}\n{"id": 2, "text": "late"}\n') == [
            "1",
            "2",
        ]
        assert ids("late", '{"id": 1, "tags": ["a", "text", "b"], "text": "late"}\n') == ["1"]

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (("nowhere.jsonl", "late"), "nowhere.jsonl cannot be read"),
            (("/", "late"), "cannot be read"),
            (("-", "(late"), "never closed"),
            (("-", ""), "Write a word"),
        ],
    )
    def test_what_cannot_be_used_is_two(self, arguments: tuple[str, ...], says: str) -> None:
        found = query("match", *arguments)
        assert found.exit_code == 2
        assert says in found.stderr
        assert found.stdout == ""

    def test_nothing_found_is_one(self) -> None:
        assert query("match", "-", "late", stdin="").exit_code == 1

    @given(st.binary(max_size=200), st.sampled_from(["late", "#x1", "lang:en late", "@a1 OR late"]))
    @settings(max_examples=100, deadline=None)
    def test_no_file_is_an_exception(self, file: bytes, wanted: str) -> None:
        self._holds(file, wanted)

    @given(
        st.dictionaries(
            st.sampled_from(
                ["id", "text", "author", "created_at", "lang", "likes", "media", "tags", "is_reply", "title", "parent_id"]
            ),
            st.recursive(
                st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
                lambda inner: st.lists(inner, max_size=2),
            ),
        )
    )  # fmt: skip
    @settings(max_examples=200, deadline=None)
    def test_no_line_is_an_exception(self, fields: dict[str, object]) -> None:
        self._holds(json.dumps(fields).encode(), "late OR likes:>1 OR has:media OR #x1 OR lang:en")

    def _holds(self, file: bytes, wanted: str) -> None:
        found = query("match", "--json", "-", wanted, stdin=file)
        assert isinstance(found.exception, SystemExit | None), found.exception
        assert found.exit_code in (0, 1, 2)

    def test_it_finds_what_grep_finds_in_real_posts(self) -> None:
        file = shared_data("support/twcs_5000.csv")
        found = query("match", str(file), "refund")
        assert found.exit_code == 0
        assert all("refund" in line.lower() for line in found.stdout.splitlines())
        assert len(found.stdout.splitlines()) > 20


class TestCheck:
    def test_it_says_the_query_in_words(self) -> None:
        found = query("check", "late -#ad")
        assert found.exit_code == 0
        assert found.stdout.splitlines()[0] == "late AND NOT #ad"
        assert "the hashtag #ad" in found.stdout

    def test_it_points_at_an_error(self) -> None:
        found = query("check", "-", stdin="late (\n")
        assert found.exit_code == 1
        assert found.stderr.splitlines()[-2:] == ["     ^", ""]

    def test_it_prints_json(self) -> None:
        wrong = json.loads(query("check", "--json", "late autor:x").stdout)
        assert wrong["query"] is None
        assert (wrong["problems"][0]["column"], wrong["problems"][0]["severity"]) == (6, "error")
        right = json.loads(query("check", "--json", "late").stdout)
        assert right["query"] == "late"
        assert right["words"]["parts"] == [{"words": "the word “late”", "parts": []}]


class TestConvert:
    def test_it_prints_the_query_and_names_what_is_left_out(self) -> None:
        found = query("convert", "--from", "x", "delta -is:retweet point_radius:[1 2 3km] min_faves:10")
        assert found.exit_code == 0
        assert found.stdout == "delta NOT is:retweet likes:>=10\n"
        assert found.stderr.startswith("Left out: point_radius:[1 2 3km] (column 19).")

    def test_it_prints_json(self) -> None:
        found = query("convert", "--json", "--from", "brandwatch", "delta AND sentiment:negative")
        shown = json.loads(found.stdout)
        assert (shown["converted"], shown["query"]) == ("delta", "delta")
        assert shown["left_out"][0]["text"] == "sentiment:negative"

    def test_a_result_that_cannot_be_used_is_one(self) -> None:
        assert query("convert", "--from", "x", "-is:retweet").exit_code == 1


def test_it_needs_nothing_set_up(tmp_path: Path) -> None:
    """In a process of its own: no settings, no data directory, no database."""
    done = subprocess.run(
        [sys.executable, "-m", "rapport.cli", "query", "match", "-", "late"],
        input='{"id": "1", "text": "late"}', capture_output=True, text=True, cwd=tmp_path, check=False,
        env={"PATH": "/usr/bin:/bin", "RAPPORT_DATA": str(tmp_path / "data")},
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\tlate\n", "")
    assert list(tmp_path.iterdir()) == []
