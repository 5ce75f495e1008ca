import cProfile
import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.listening.matcher import Matcher
from rapport.listening.parse import parse
from rapport.listening.post import Post
from rapport.listening.query import Query
from rapport.listening.reference import Asked, evaluate
from rapport.listening.tests.trees import posts, queries
from rapport.listening.tree import And, Field, Near, Not, Or, Span, Term, pushed, without_fields


def found(query: str, text: str, **known: object) -> bool:
    return evaluate(parse(query), Post("1", text, **known)).matched  # type: ignore[arg-type]


class TestWords:
    @pytest.mark.parametrize(
        ("query", "text"),
        [
            ("luggage", "Where is my LUGGAGE?"),
            ("prtljaga", "Gdje je prtljaga?!"),
            ("covjece", "Čovječe"),
            ("Čovječe", "covjece"),
            ("Fußweg", "FUSSWEG"),
            ("багаж", "Где БАГАЖ?"),
            ("αποσκευες", "Οι ΑΠΟΣΚΕΥΈΣ μου"),
            ("أمتعة", "أَمْتِعة ضائعة"),
            ("מזוודה", "איפה מזוודה?"),
            ("सामान", "मेरा सामान"),
            ("กระเป๋า", "รอกระเป๋านาน"),
            ("行李", "我的行李丢了"),
            ("荷物", "荷物がない"),
            ("삼성", "삼성전자는"),
            ("iphone", "iPhone은"),
            ("delta", "ＤＥＬＴＡ dеltа"),
            ("don't", "I don’t know"),
            ('"lost bag"', "lost—bag"),
            ("at&t", "AT&T's"),
            ("$5", "only $5!"),
            ("fußg*", "ein Fußgänger"),
            ("гру*", "грузовик"),
            ("caf?s", "cafés"),
            ("🇭🇷", "go 🇭🇷!"),
            ("👍", "👍🏽"),
            ("lostbags", "#LostBags"),
            ("accents:exact café", "cafe\u0301"),
            ("accents:exact caf*", "Cafés"),
            ("accents:exact caf?s", "cafés"),
            ('raw:"It\'s AT&T"', "It's AT&T."),
            ("raw:US", "我US的"),
        ],
    )
    def test_it_finds(self, query: str, text: str) -> None:
        assert found(query, text)

    @pytest.mark.parametrize(
        ("query", "text"),
        [
            ("delta", "Deltaland deltas"),
            ("delta", "https://delta.com @delta x@delta.com"),
            ("багаж", "багажник"),
            ("جمل", "جملة"),
            ("שלום", "בשלום"),
            ("at&t", "at t, at & t"),
            ("c++", "c+++ c+ c"),
            ("caf?s", "cafs cafaas"),
            ("🇭🇷", "🇭🇺🇷🇸"),
            ("#lostbags", "lostbags #lostbagsnow"),
            ("@ana", "ana @anna"),
            ("@ana@example.social", "@ana"),
            ("$AAPL", "AAPL $AAPLE"),
            ("accents:exact café", "cafe"),
            ("accents:exact cafe", "café"),
            ("accents:exact où", "ou"),
            ("raw:US", "us USA BUS"),
            ('"lost bag"', "lost @aero bag"),
        ],
    )
    def test_it_does_not_find(self, query: str, text: str) -> None:
        assert not found(query, text)

    def test_title_and_text_are_two_texts(self) -> None:
        assert found("late bag", "bag", title="late")
        assert not found('"late bag"', "bag", title="late")
        assert not found("late NEAR/50 bag", "bag", title="late")

    def test_what_the_network_tells_counts(self) -> None:
        assert found("#lostbags @ana", "x", tags=("LostBags",), mentions=("@Ana@example.social",))


class TestFields:
    @pytest.mark.parametrize(
        ("query", "known"),
        [
            ("lang:pt", {"lang": "pt-BR"}),
            ("lang:pt-br", {"lang": "pt_BR"}),
            ("from:@Ana", {"author": "ana@example.social"}),
            ('author:"Ana Marić"', {"author_name": "ana maric-horvat"}),
            ("author:ana.b", {"author": "Ana.B"}),
            ("author:@_", {"author": "_"}),
            ("to:aero", {"to": "Aero"}),
            ("network:Mastodon", {"network": "mastodon"}),
            ("channel:aero", {"channel": "Aero"}),
            ("country:hr", {"country": "HR"}),
            ("is:verified", {"is_verified": True}),
            ("is:quote,reply", {"is_quote": False, "is_reply": True}),
            ("has:image", {"media": ("image",)}),
            ("site:example.com", {"url": "https://News.Example.com:80/x"}),
            ("site:example.com", {"links": ("http://example.com",)}),
            ('url:"x/Y"', {"links": ("http://example.com/X/y",)}),
            ("followers:>=10", {"followers": 10}),
            ("likes:10..20", {"likes": 20}),
            ("reposts:5", {"reposts": 5}),
            ("replies:<5", {"replies": 4}),
            ('title:"lost bag"', {"title": "My lost bags? Lost BAG"}),
            ("after:2026-01-31", {"created_at": datetime(2026, 1, 31, tzinfo=UTC)}),
            ("before:2026-01-31T12:00+01:00", {"created_at": datetime(2026, 1, 31, 10, 59, tzinfo=UTC)}),
        ],
    )
    def test_it_fits_and_is_undecided_when_not_known(self, query: str, known: dict[str, object]) -> None:
        assert found(f"x1 {query}", "x1", **known)
        assert not found(f"x1 -({query})", "x1", **known)
        neither = [evaluate(parse(one), Post("1", "x1")) for one in (f"x1 {query}", f"x1 -({query})")]
        addresses = query.startswith(("site:", "url:"))  # of these every post says all there is
        assert [one.matched for one in neither] == [False, addresses]
        assert bool(neither[0].unknown) != addresses

    @pytest.mark.parametrize(
        ("query", "known"),
        [
            ("lang:pt-br", {"lang": "pt"}),
            ("site:example.com", {"url": "https://badexample.com/example.com"}),
            ("site:example.com", {"url": "http://[bad"}),
            ("to:aero", {"is_reply": False}),
            ("likes:>10", {"likes": 10}),
            ("before:2026-01-31", {"created_at": datetime(2026, 1, 31, tzinfo=UTC)}),
            ("has:media", {"media": ()}),
            ("author:ana", {"author": "anab"}),
            ("author:@_", {"author": "ana", "author_name": "_ Ana"}),
        ],
    )
    def test_it_does_not_fit(self, query: str, known: dict[str, object]) -> None:
        assert not found(f"x1 {query}", "x1", **known)
        assert found(f"x1 -{query}", "x1", **known)

    @pytest.mark.parametrize("text", ["why?", "why？", "لماذا؟"])
    def test_questions_of_every_script(self, text: str) -> None:
        assert found("has:question", text)
        assert not found("has:question", "see https://example.com/?a=b")

    def test_what_decides_otherwise_decides(self) -> None:
        assert found("late OR lang:en", "late")
        result = evaluate(
            parse("late (lang:en OR likes:>5) is:reply"), Post("1", "late", is_reply=True, likes=1)
        )
        assert (result.matched, result.unknown) == (False, ("lang",))
        assert evaluate(parse("late lang:en"), Post("1", "bag")).unknown == ()


class TestNear:
    words = st.lists(st.sampled_from(["aa", "bb", "cc", "xx"]), max_size=9)

    @given(words, st.integers(0, 4), st.booleans())
    @settings(max_examples=300, deadline=None)
    def test_it_is_what_every_choice_of_places_says(self, text: list[str], n: int, ordered: bool) -> None:
        for wanted in (["aa", "bb"], ["aa", "bb", "cc"], ["aa", "aa"]):
            choices = itertools.product(
                *([at for at, word in enumerate(text) if word == one] for one in wanted)
            )
            expected = any(
                len(set(places)) == len(wanted)
                and (not ordered or list(places) == sorted(places))
                and max(places) - min(places) + 1 - len(wanted) <= n
                for places in choices
            )
            near = Near(n, ordered, tuple(map(Term, wanted)))
            assert evaluate(Query(near), Post("1", " ".join(text))).matched == expected

    @given(words, st.tuples(st.integers(0, 3), st.integers(0, 3)), st.tuples(st.booleans(), st.booleans()))
    @settings(max_examples=300, deadline=None)
    def test_one_inside_another_is_what_every_choice_of_places_says(
        self, text: list[str], n: tuple[int, int], ordered: tuple[bool, bool]
    ) -> None:
        def near(one: set[Span], other: set[Span], most: int, in_order: bool) -> set[Span]:
            pairs = [*itertools.product(one, other), *([] if in_order else itertools.product(other, one))]
            return {(a, d) for (a, b), (c, d) in pairs if 0 <= c - b <= most}

        at = {word: {(n, n + 1) for n, one in enumerate(text) if one == word} for word in ("aa", "bb", "cc")}
        inner = near(at["aa"], at["bb"], n[0], ordered[0])
        query = Near(n[0], ordered[0], (Term("aa"), Term("bb")))
        for parts, expected in (
            ((query, Term("cc")), near(inner, at["cc"], n[1], ordered[1])),
            ((Term("aa"), query), near(at["aa"], inner, n[1], ordered[1])),
            ((query, Or((Term("cc"), query))), near(inner, at["cc"] | inner, n[1], ordered[1])),
        ):
            asked = Query(Near(n[1], ordered[1], parts))
            post = Post("1", " ".join(text))
            assert evaluate(asked, post).matched == bool(Matcher({1: asked}).match(post)) == bool(expected)

    @pytest.mark.parametrize(
        ("query", "text", "expected"),
        [
            ("삼성 NEAR/0 전자", "삼성" + "이" * 70 + "전자", False),
            ("航空 NEAR/2 行李", "航空公司行李", True),
            ("航空 NEAR/1 行李", "航空公司行李", False),
            ("삼성 ONEAR/0 전자", "삼성전자", True),
            ("lost NEAR/0 lost", "lost", False),
            ('(lost OR "my bag") NEAR/1 late', "my bag is late", True),
            ("(aa NEAR/1 bb) NEAR/1 cc", "aa x bb x cc", True),
            ("(aa NEAR/1 bb) ONEAR/1 cc", "cc x aa x bb", False),
            ("aa NEAR/1 bb", "aa @x bb", True),
            ("aa NEAR/1 bb", "aa @x https://y.z bb", False),
        ],
    )
    def test_words_between(self, query: str, text: str, expected: bool) -> None:
        assert found(query, text) == expected

    @pytest.mark.parametrize(
        "query",
        [
            "aa NEAR/9 bb",
            "aa NEAR/100 bb",
            '"aa bb aa"~5',
            '"aa bb cc"~20 OR aa',
            "(aa NEAR/3 bb) NEAR/3 aa",
            "aa NEAR/33 bb NEAR/33 aa NEAR/33 bb",
        ],
    )
    def test_a_text_of_nothing_else_takes_no_quadratic_time(self, query: str) -> None:
        """Counted in calls, of which there are some for each word."""
        assert _calls(query, "aa bb " * 200) < 1_000 * 200
        few, many = (_calls(query, "aa bb " * times) for times in (100, 200))
        assert many < 2.5 * few


def _calls(query: str, text: str) -> int:
    profile = cProfile.Profile()
    assert profile.runcall(evaluate, parse(query), Post("1", text)).matched
    return sum(entry.callcount for entry in profile.getstats())


class TestWhy:
    @pytest.mark.parametrize(
        ("query", "text", "pieces"),
        [
            ("late -bag", "Late and late", ["Late", "late"]),
            ("late OR bag", "my bag", ["bag"]),
            ("lugg*", "two luggages", ["luggages"]),
            ("c++", "C++", ["C++"]),
            ("#x1 @ana", "#X1 @Ana", ["#X1", "@Ana"]),
            ("aa NEAR/1 bb", "aa cc dd bb aa", ["bb", "aa"]),
            ("NOT (late OR NOT bag)", "bag", ["bag"]),
            ("(late bag) OR xx", "late xx", ["xx"]),
            ("行李", "行李行李", ["行李", "行李"]),
            ('raw:"É"', "É", ["É"]),
            ("stem:en bag", "bags", ["bags"]),
        ],
    )
    def test_it_names_what_was_found(self, query: str, text: str, pieces: list[str]) -> None:
        result = evaluate(parse(query), Post("1", text))
        assert result.matched
        assert sorted(text[hit.start : hit.end] for hit in result.why) == sorted(pieces)

    def test_fields_and_lists_have_no_place(self) -> None:
        result = evaluate(parse("lang:en #x1"), Post("1", "", lang="en", tags=("x1",)))
        assert [(hit.where, hit.start, hit.end) for hit in result.why] == [("lang", 0, 0), ("tags", 0, 0)]

    @given(queries, posts)
    @settings(max_examples=200, deadline=None)
    def test_places_are_in_the_original(self, query: Query, post: Post) -> None:
        result = evaluate(query, post)
        originals = {"text": post.text, "title": post.title or ""}
        for hit in result.why:
            assert 0 <= hit.start <= hit.end <= len(originals.get(hit.where, ""))
        assert not (result.matched and result.unknown)


class TestLogic:
    @given(queries, queries, posts)
    @settings(max_examples=150, deadline=None)
    def test_laws(self, one: Query, other: Query, post: Post) -> None:
        asked = Asked(post)
        first, second = one.root, other.root

        def same(left: object, right: object) -> bool:
            return asked.value(left) is asked.value(right)  # type: ignore[arg-type]

        assert same(Not(And((first, second))), Or((Not(first), Not(second))))
        assert same(Not(Or((first, second))), And((Not(first), Not(second))))
        assert same(Not(Not(first)), first)
        assert same(And((first, second)), And((second, first)))
        assert same(Or((first, And((first, second)))), first)
        assert same(And((first, Or((first, second)))), first)
        assert same(Not(first), pushed(Not(first)))
        assert same(first, pushed(first))

    @given(queries, posts)
    @settings(max_examples=100, deadline=None)
    def test_with_nots_at_the_leaves_two_values_are_enough(self, query: Query, post: Post) -> None:
        asked = Asked(post)

        def true(node: object) -> bool:
            match node:
                case And():
                    return all(map(true, node.parts))
                case Or():
                    return any(map(true, node.parts))
                case Not(part=Field() as field):
                    return asked.value(field) is False
                case Not():
                    return not asked.value(node.part)
                case _:
                    return asked.value(node) is True  # type: ignore[arg-type]

        assert true(pushed(query.root)) == evaluate(query, post).matched

    @given(queries, posts)
    @settings(max_examples=100, deadline=None)
    def test_without_its_fields_a_query_finds_no_less(self, query: Query, post: Post) -> None:
        words = without_fields(query.root)
        if words is not None and Asked(post).value(query.root) is not False:
            assert Asked(post).value(words)
