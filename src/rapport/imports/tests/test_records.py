"""Damaged files: one bad line costs one row, and the line numbers are right."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapport.imports.lines import MAX_LINE, Lines
from rapport.imports.records import Record, WrongHeader, csv_records, json_records

NEEDED = ("id", "text")


def rows_of(data: bytes) -> list[Record]:
    return list(csv_records(Lines(io.BytesIO(data)), needed=NEEDED))


def good(records: list[Record]) -> list[tuple[int, str, str]]:
    return [(one.line, one.fields["id"], one.fields["text"]) for one in records if one.fields is not None]


def bad(records: list[Record]) -> list[int]:
    return [one.line for one in records if one.fields is None]


def test_it_counts_lines_through_quoted_line_breaks_a_bom_and_empty_lines() -> None:
    records = rows_of(b'\xef\xbb\xbfid,text\r\n1,"a\r\nb, ""c"""\r\n\r\n2,d\r\n')
    assert good(records) == [(2, "1", 'a\r\nb, "c"'), (5, "2", "d")]


@pytest.mark.parametrize(
    "line",
    [
        b'x,"never closed',
        b'x,"closed" and more',
        b"x",
        b"x,y,z",
        b'x,"a,b',
        b'"x,y',
    ],
)
def test_it_gives_up_one_line_only(line: bytes) -> None:
    records = rows_of(b"id,text\n1,a\n" + line + b'\n2,"b\nb"\n3,"c, ""d"""\n')
    assert good(records) == [(2, "1", "a"), (4, "2", "b\nb"), (6, "3", 'c, "d"')]
    assert bad(records) == [3]


def test_it_finds_its_way_back_from_a_quote_that_would_swallow_the_file() -> None:
    many = b"".join(b"%d,%s\n" % (number, b"x" * 500) for number in range(2, 1000))
    records = rows_of(b'id,text\n1,"open\n' + many)
    assert bad(records) == [2]
    assert [row[1] for row in good(records)] == [str(number) for number in range(2, 1000)]


def test_it_passes_over_a_line_that_is_too_long_in_bounded_memory() -> None:
    records = rows_of(b"id,text\n1," + b"x" * (3 * MAX_LINE) + b"\n2,b\n")
    assert bad(records) == [2]
    assert good(records) == [(3, "2", "b")]


def test_it_reads_a_last_line_without_an_end() -> None:
    assert good(rows_of(b"id,text\n1,a")) == [(2, "1", "a")]
    assert bad(rows_of(b'id,text\n1,"a')) == [2]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"number,words\n", "lacks id, text"),
        (b"id;text\n", "lacks id, text"),
        (b'"id,text\n', "lacks|not a CSV header"),
        ("id,text\n".encode("utf-16"), "lacks|not a CSV header"),
        (b"id,text,id\n", "twice"),
        (b"\x00\xff\xfe", "lacks|not a CSV header"),
    ],
)
def test_it_says_what_header_was_expected(data: bytes, words: str) -> None:
    with pytest.raises(WrongHeader, match=words):
        rows_of(data)


texts = st.text(st.characters(codec="utf-8"), max_size=20)


@given(st.lists(st.tuples(texts.filter(bool), texts), max_size=8), st.sampled_from(["\n", "\r\n"]))
def test_it_reads_whatever_the_csv_module_writes(rows: list[tuple[str, str]], end: str) -> None:
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerow(NEEDED)
    writer.writerows(rows)
    records = rows_of(file.getvalue().encode())
    assert [(one.fields["id"], one.fields["text"]) for one in records if one.fields] == rows
    assert not bad(records)


@given(st.binary(max_size=200))
def test_it_never_fails_on_any_bytes(data: bytes) -> None:
    records = rows_of(b"id,text\n" + data)
    assert all((one.fields is None) == bool(one.problem) for one in records)
    assert [one.line for one in records] == sorted(one.line for one in records)
    list(json_records(Lines(io.BytesIO(data))))


def test_it_reads_json_lines_and_names_the_bad_ones() -> None:
    data = b'{"id": 1}\n\nnonsense\n[1]\n{"id": "2"}\n' + b"[" * 100_000 + b"\n"
    records = list(json_records(Lines(io.BytesIO(data))))
    assert [(one.line, one.fields) for one in records if one.fields] == [(1, {"id": 1}), (5, {"id": "2"})]
    assert bad(records) == [3, 4, 6]
