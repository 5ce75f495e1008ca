import cProfile
import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.listening.explain import in_words
from rapport.listening.parse import DEEPEST, LONGEST, MOST_LEAVES, parse, read
from rapport.listening.problems import QueryError, Severity
from rapport.listening.query import Query
from rapport.listening.show import show
from rapport.listening.tests.trees import queries, sources
from rapport.listening.tree import (
    And,
    Emoji,
    Field,
    Mention,
    Near,
    Not,
    Or,
    Prefix,
    Raw,
    Tag,
    Term,
    Ticker,
)


class TestTrees:
    @pytest.mark.parametrize(
        ("source", "root"),
        [
            ("Delta", Term("delta")),
            ("a1 b1", And((Term("a1"), Term("b1")))),
            ("a1 AND b1 OR c1", Or((And((Term("a1"), Term("b1"))), Term("c1")))),
            ("a1 (b1 OR c1)", And((Term("a1"), Or((Term("b1"), Term("c1")))))),
            ("a1 -b1", And((Term("a1"), Not(Term("b1"))))),
            ("a1 NOT b1", And((Term("a1"), Not(Term("b1"))))),
            ("a1 −(b1 OR c1)", And((Term("a1"), Not(Or((Term("b1"), Term("c1"))))))),
            ("NOT a1 NEAR/2 b1 c1", And((Not(Near(2, False, (Term("a1"), Term("b1")))), Term("c1")))),
            ("a1 (b1 (c1 d1))", And(tuple(map(Term, ("a1", "b1", "c1", "d1"))))),
            ('"lost  Bag"', Term("lost bag")),
            ("“lost bag”", Term("lost bag")),
            ('"lost bag"~5', Near(5, False, (Term("lost"), Term("bag")))),
            ("a1 NEAR/3f b1", Near(3, True, (Term("a1"), Term("b1")))),
            ("a1 onear/3 b1", Near(3, True, (Term("a1"), Term("b1")))),
            ("lugg*", Prefix("lugg")),
            ('"lost lugg*"', Prefix("lost lugg")),
            ("行李*", Term("行李")),
            ("AT&T", Term("at t", symbols="at&t")),
            ("C++", Term("c", symbols="c++")),
            ("don't", Term("don t")),
            ("accents:exact Café", Term("cafe", accented="café")),
            ("site:(a.com) late", And((Field("site", ":", ("a.com",)), Term("late")))),
            ('"🎉 party time"~5', Near(5, False, (Emoji("🎉"), Term("party"), Term("time")))),
            ("stem:en bag", Term("bag", forms=("baged", "bages", "baging", "bage", "bags"))),
            ('stem:en "bag"', Term("bag")),
            ('raw:"AT&T \\"x\\""', Raw('AT&T "x"')),
            ("#LostBags", Tag("lostbags")),
            ("hashtag:LostBags", Tag("lostbags")),
            ("#lost*", Tag("lost", beginning=True)),
            ("@Aero_help", Mention("aero_help")),
            ("mentions:@aero", Mention("aero")),
            ("$aapl", Ticker("AAPL")),
            ("$5", Term("5", symbols="$5")),
            ("x1 lang:EN,pt_BR", And((Term("x1"), Field("lang", ":", ("en", "pt-br"))))),
            ("likes:>=1.5k x1", And((Field("likes", ">=", (1500,)), Term("x1")))),
            (
                "x1 likes:10..20",
                And((Term("x1"), Field("likes", ">=", (10,)), Field("likes", "<=", (20,)))),
            ),
            (
                "site:(a.com OR www.b.com)",
                Or((Field("site", ":", ("a.com",)), Field("site", ":", ("b.com",)))),
            ),
            ('author:"Ana Marić","x"', Field("author", ":", ("ana marić", "x"))),
            ("Delta: late", And((Term("delta"), Term("late")))),
        ],
    )
    def test_it_understands(self, source: str, root: object) -> None:
        found = parse(source).root
        if isinstance(root, Term) and root.forms:
            root = Term(root.text, tuple(sorted(root.forms)))
        assert found == root

    def test_each_node_knows_its_place(self) -> None:
        source = 'late ("lost bag" OR #x1) -lang:en'
        root = parse(source).root
        assert isinstance(root, And)
        assert [source[slice(*part.span)] for part in root.parts] == [
            "late", '"lost bag" OR #x1', "-lang:en",
        ]  # fmt: skip

    @given(sources)
    @settings(max_examples=200, deadline=None)
    def test_what_is_shown_is_the_same_query(self, source: str) -> None:
        query = parse(source)
        shown = show(query)
        assert parse(shown) == query
        assert show(parse(shown)) == shown

    @given(queries)
    @settings(max_examples=50, deadline=None)
    def test_every_query_can_be_said_in_words(self, query: Query) -> None:
        assert all(line.strip() for line in in_words(query).lines())

    def test_words_of_a_query(self) -> None:
        assert in_words(parse('late NEAR/3 "lost bag" -#ad lang:en')).lines() == [
            "Posts with:",
            "  all of these:",
            "    these in any order, with at most 3 other words between:",
            "      the word “late”",
            "      the words “lost bag”, side by side",
            "    not this:",
            "      the hashtag #ad",
            "    Its language; a language includes its regions: en",
        ]


class TestErrors:
    @pytest.mark.parametrize(
        ("source", "place", "says"),
        [
            ("", 0, "Write a word"),
            ("(late", 0, "never closed"),
            ("late (", 5, "never closed"),
            ("late)", 4, "closes none"),
            ("late ()", 5, "nothing in these brackets"),
            ("late AND", 5, "Nothing follows this AND"),
            ("OR late", 0, "Nothing stands before this OR"),
            ("late AND OR bag", 9, "AND and OR stand side by side"),
            ('late "bag', 5, "never closed"),
            ("-late", 1, "only says what to leave out"),
            ("late OR -bag", 9, "only says what to leave out"),
            ("late autor:ana", 5, "Did you mean “author:”"),
            ("late colour:red", 5, "There is no field “colour:”"),
            ("late lang:english", 5, "takes the code of a language"),
            ("late has:vidio", 5, "It takes media, image, video"),
            ("late from:>5", 5, "takes no “>”"),
            ("late likes:<5..20", 5, "not “5..20”"),
            ("late likes:many", 5, "takes a number"),
            ("late after:2026-02-30", 5, "takes a day"),
            ("late lang: en", 5, "right behind “lang:”"),
            ("lu*", 0, "at least 3 letters"),
            ("lugg*age", 0, "only be at its end"),
            ("late *", 5, "no letter, digit or emoji"),
            ("a?b", 0, "two others must be side by side"),
            ("行?李", 0, "any piece"),
            ("late & bag", 5, "no letter, digit or emoji in “&”"),
            ("late NEAR bag", 5, "how many other words"),
            ("late NEAR/500 bag", 5, "At most 100"),
            ("late NEAR/5 (bag lost)", 13, "stands between words and phrases"),
            ("late NEAR/5 lang:en", 12, "stands between words and phrases"),
            ("late NEAR/5 -bag", 12, "side by side"),
            ('"lost bag"~', 10, "how many other words"),
            ('"a1 b1 c1 d1 e1 f1"~3', 0, "At most 4 words"),
            ('"a1 b1 c1"~30', 0, "at most 20 others"),
            ("late || bag", 5, "in capitals"),
            ("https://example.com late", 0, "url:"),
            ("#lost-bags", 0, "hashtag has letters"),
            ("late accents:exact", 5, "Write it first"),
            ("accents:some late", 0, "exact"),
            ("stem:xx late", 0, "codes of languages"),
            ("site:(a.com lang:en)", 12, "values only"),
        ],
    )
    def test_it_points_at_the_place_and_says_what_to_do(self, source: str, place: int, says: str) -> None:
        with pytest.raises(QueryError) as raised:
            parse(source)
        problem = raised.value.problems[0]
        assert problem.span[0] == place
        assert says in problem.message
        line, carets = problem.pointed(source).split("\n")
        assert line == source
        assert carets.index("^") == place

    def test_carets_stand_under_wide_characters_and_in_their_line(self) -> None:
        source = "late OR\n行李 lang:x1"
        problem = read(source).problems[0]
        assert problem.where(source) == (2, 4)
        assert problem.pointed(source) == "行李 lang:x1\n     ^^^^^^^"

    def test_nothing_in_it_steers_a_terminal(self) -> None:
        source = "late\t\x1b[31m ("
        told = read(source).problems[0].told(source)
        assert told.split("\n\n")[1] == "late  [31m (\n           ^"

    @pytest.mark.parametrize(
        ("source", "says"),
        [
            ("late and bag", "in capitals: AND"),
            ("late OR bag lost", "Put brackets around"),
            ("late late", "twice"),
            ("NOT NOT late", "NOT twice"),
            ("lang:en", "only fields"),
            ("a late", "single letter"),
            ("late - bag", "dash alone"),
            ("“late”", "straight ones"),
            ("yahoo!", "is not looked at"),
            ("wi-fi", "“wi fi”, side by side"),
            ("行李*", "No star is needed"),
            ("late?", "one more letter"),
            ('"late?"', "has:question"),
        ],
    )
    def test_it_says_how_it_read_what_may_be_meant_otherwise(self, source: str, says: str) -> None:
        parsed = read(source)
        assert parsed.query is not None
        assert [says in one.message for one in parsed.problems] == [True]
        assert parsed.problems[0].severity is not Severity.ERROR

    @pytest.mark.parametrize(
        "source",
        ["late OR (bag lost)", "(late bag) OR lost", "late NEAR/3 bag", 'raw:"wi-fi!"', "stem:en bags", "AT&T", "don't"],
    )  # fmt: skip
    def test_it_says_nothing_of_what_is_plain(self, source: str) -> None:
        assert read(source).problems == ()

    @given(st.text(max_size=60))
    @settings(max_examples=300, deadline=None)
    def test_no_text_is_an_exception(self, source: str) -> None:
        self._holds(source)

    @given(
        st.lists(
            st.sampled_from(
                [*"()\"“”-*?~#@$:,\\ \n", "AND ", " OR ", "NOT ", " NEAR/3 ", "ONEAR/", "lang:", "likes:>", "raw:", "late",
                 "行李", "삼성", "é", "😡", "site:(", "accents:exact ", "stem:en ", "https://", "꟰", "ꟺ", "ꟻ", "\u0301", "ß", "İ"]
            ),
            max_size=14,
        ).map("".join)
    )  # fmt: skip
    @settings(max_examples=500, deadline=None)
    def test_no_mixture_of_signs_is_an_exception(self, source: str) -> None:
        self._holds(source)

    def _holds(self, source: str) -> None:
        parsed = read(source)
        assert (parsed.query is None) == any(one.severity is Severity.ERROR for one in parsed.problems)
        for problem in parsed.problems:
            start, end = problem.span
            assert 0 <= start <= end <= len(source)
            assert problem.told(source)
        if parsed.query is not None:
            assert parse(show(parsed.query)) == parsed.query
            json.dumps(in_words(parsed.query).lines())


class TestLimits:
    @pytest.mark.parametrize(
        ("source", "says"),
        [
            ("x" * (LONGEST + 1), "at most 50000 characters"),
            ("(" * (DEEPEST + 1) + "late" + ")" * (DEEPEST + 1), "at most 30 deep"),
            (" ".join(f"w{n}" for n in range(MOST_LEAVES + 1)), "at most 2000 words"),
            (" NEAR/1 ".join(f"w{n}" for n in range(200)), "nested too deeply"),
            ("a1 NEAR/60 b1 NEAR/41 c1", "At most 100 words can be between"),
            ('("a1 b1"~60 OR c1) NEAR/41 d1', "At most 100 words can be between"),
        ],
    )
    def test_each_is_said(self, source: str, says: str) -> None:
        assert says in read(source).problems[0].message

    def test_what_is_as_large_as_allowed_is_read(self) -> None:
        assert parse("(" * DEEPEST + "late" + ")" * DEEPEST).root == Term("late")
        assert parse("(a1 NEAR/60 b1 OR c1 NEAR/60 d1) NEAR/40 e1")
        root = parse(" OR ".join(f"w{n}" for n in range(MOST_LEAVES))).root
        assert isinstance(root, Or)
        assert len(root.parts) == MOST_LEAVES

    @pytest.mark.parametrize(
        "piece",
        ["(", "a ", "NOT ", "a NEAR/1 ", '"a', "(a OR b) ", "-", "a:b", "~", '"a"~', "lang:", "#", "a.", "?", "www.", "@a.", "\\", "a,"],
    )  # fmt: skip
    def test_repeating_a_piece_takes_no_quadratic_time(self, piece: str) -> None:
        """Counted in calls, not seconds: twice the length is at most some three times the work."""
        few, many = (_work(piece * (size // len(piece))) for size in (5_000, 10_000))
        assert many < 3 * few + 2_000

    @pytest.mark.parametrize("begins", ['"', ""])
    @pytest.mark.parametrize("piece", ["?", "? ", '\\"', "😡?", "!?", "a?", "가1", "яa"])
    def test_nor_is_there_more_in_one_call(self, begins: str, piece: str) -> None:
        """In seconds of the processor: what a pattern does by itself is not seen as calls."""
        few, many = (_seconds(begins + piece * (size // len(piece)) + 'a"') for size in (3_000, 48_000))
        assert many < 80 * few + 0.1


def _seconds(source: str) -> float:
    began = time.process_time()
    read(source)
    return time.process_time() - began


def _work(source: str) -> int:
    profile = cProfile.Profile()
    profile.runcall(read, source)
    return sum(entry.callcount for entry in profile.getstats())
