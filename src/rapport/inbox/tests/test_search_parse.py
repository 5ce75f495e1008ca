from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.inbox.queries.search_fields import FIELDS, NotUnderstood
from rapport.inbox.queries.search_parse import LONGEST_QUERY, Query, parse_query
from rapport.inbox.queries.search_snippets import marked
from rapport.lib.terms import vector


def told(query: Query) -> tuple[list[str], list[str], list[str], list[str]]:
    return (
        [one.normalised for one in query.words],
        [one.normalised for one in query.phrases],
        [one.normalised for one in query.excluded],
        [f"{'-' if one.excluded else ''}{one.name}={'|'.join(one.values)}" for one in query.fields],
    )


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("lost bag", (["lost", "bag"], [], [], [])),
        ('"lost bag" again', (["again"], ["lost bag"], [], [])),
        ("„lost bag“ “my seat”", ([], ["lost bag", "my seat"], [], [])),
        ('bag "unfinished phrase', (["bag"], ["unfinished phrase"], [], [])),
        ("bag -refund", (["bag"], [], ["refund"], [])),
        ('bag -"no refund"', (["bag"], [], ["no refund"], [])),
        ("well-known", (["well known"], [], [], [])),
        ("bag - and - seat", (["bag", "and", "seat"], [], [], [])),
        ("from:ana bag", (["bag"], [], [], ["from=ana"])),
        ('FROM:"Ana Marić" -is:closed', ([], [], [], ["from=Ana Marić", "-is=closed"])),
        ("tag:refund,voucher", ([], [], [], ["tag=refund|voucher"])),
        ('tag:"lost, found"', ([], [], [], ["tag=lost, found"])),
        ("is:Open", ([], [], [], ["is=open"])),
        ("see https://example.com/x:y", (["see", "https example com x y"], [], [], [])),
        ("at 12:30", (["at", "12 30"], [], [], [])),
        ("Re: your bag", (["re", "your", "bag"], [], [], [])),
        ("Achtung:weg", None),
        ("Größe:XL", (["große xl".replace("ß", "ss")], [], [], [])),
        ("hm:) c:\\temp std::vector", (["hm", "c temp", "std vector"], [], [], [])),
        ("…", ([], [], [], [])),
        ("", ([], [], [], [])),
    ],
)
def test_it_understands(text: str, meant: tuple[list[str], ...] | None) -> None:
    if meant is None:
        with pytest.raises(NotUnderstood, match="no field"):
            parse_query(text)
    else:
        assert told(parse_query(text)) == meant


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("form:ana", r"no field “form:”\. Did you mean from.*Fields are from:, is:"),
        ("from:", "Write after “from:”"),
        ("from: ana", "Write after “from:”"),
        ('tag:""', "Write after “tag:”"),
        ("is:broken", "does not know “broken”. It takes open, closed"),
        ("-refund", "Add a word"),
        ("is:open -refund", "Add a word"),
        ("before:2026,2027", "one day"),
        ("-on:today", "one day"),
        ("a " * 17, "fewer"),
        ("x" * (LONGEST_QUERY + 1), "fewer"),
    ],
)
def test_it_says_what_it_does_not_understand(text: str, says: str) -> None:
    with pytest.raises(NotUnderstood, match=says):
        parse_query(text)


_PIECES = st.sampled_from(
    ['"', "“", "-", ":", ",", " ", "#", "@", "'", "\\", "(", "|", "!", "*", "<->", "\0", "\ud800"]
)


@settings(max_examples=300)
@given(
    st.lists(_PIECES | st.sampled_from([f"{one.name}:" for one in FIELDS]) | st.text(max_size=5), max_size=12)
)
def test_whatever_is_typed_is_understood_or_refused_in_words(pieces: list[str]) -> None:
    with contextlib.suppress(NotUnderstood):
        query = parse_query("".join(pieces))
        assert all(one.terms and one.normalised for one in (*query.wanted, *query.excluded))
        assert all(one.values and all(one.values) for one in query.fields)


@settings(max_examples=200)
@given(
    st.lists(st.sampled_from(["lost", "čaj", "我的行李", "ล่าช้า", "th101", "#tag"]), min_size=1, max_size=4)
)
def test_a_text_is_marked_wherever_its_own_words_are_looked_for(words: list[str]) -> None:
    text = " ".join(words)
    for wanted in (parse_query(text), parse_query(f'"{text}"')):
        pieces = marked(text, wanted.wanted)
        assert "".join(piece for piece, _hit in pieces) == text
        left = "".join(piece for piece, hit in pieces if not hit)
        assert left.strip(" #") == ""
        assert vector([text])


@pytest.mark.parametrize(
    ("text", "asked", "shown"),
    [
        ("Where is my luggage?", "lugg", "Where is my [luggage]?"),
        ("Where is my luggage?", '"lugg"', "Where is my luggage?"),
        ("ČAJ i čajnik", "caj", "[ČAJ] i [čajnik]"),
        ("<b>bag</b> & bag", "bag", "<b>[bag]</b> & [bag]"),
        ("lost,  my\n bag", '"lost my bag"', "[lost, my bag]"),
        ("x " * 100 + "bag " + "y " * 100, "bag", "…" + "x " * 14 + "[bag]" + " y" * 54 + " …"),
        ("我的行李在哪里", "行李", "我的[行李]在哪里"),
        ("w" * 5000 + " bag", "nothing", "w" * 140 + "…"),
    ],
    ids=range(8),
)
def test_what_is_found_is_marked_in_a_line(text: str, asked: str, shown: str) -> None:
    pieces = marked(text, parse_query(asked).wanted)
    assert "".join(f"[{piece}]" if hit else piece for piece, hit in pieces) == shown
