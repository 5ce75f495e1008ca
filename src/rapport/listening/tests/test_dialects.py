import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.listening.dialects import Dialect, convert

BRANDWATCH, MELTWATER, SPRINKLR, X = (
    Dialect.BRANDWATCH, Dialect.MELTWATER, Dialect.SPRINKLR, Dialect.X,
)  # fmt: skip


@pytest.mark.parametrize(
    ("dialect", "source", "query"),
    [
        (BRANDWATCH, '(apple OR "apple inc"~3) NEAR/5f iphone', '(apple OR "apple inc"~3) NEAR/5f iphone'),
        (BRANDWATCH, "{Apple} AND <<<the firm>>> NOT pie", 'raw:"Apple" AND NOT pie'),
        (BRANDWATCH, "raw:AT&T AND at_mentions:aero", "raw:AT&T AND mentions:aero"),
        (
            BRANDWATCH,
            "delta AND authorFollowers:[1000 TO 5000]",
            "delta AND followers:1000..5000",
        ),
        (BRANDWATCH, "delta AND authorFollowers:[1000 TO *]", "delta AND followers:>=1000"),
        (BRANDWATCH, "delta AND country:gbr AND language:en", "delta AND country:GB AND lang:en"),
        (BRANDWATCH, "delta NOT engagementType:RETWEET", "delta NOT is:repost"),
        (BRANDWATCH, "hashtags:(late OR lost) AND delta", "hashtags:(late OR lost) AND delta"),
        (BRANDWATCH, "{Delta ( Air} AND ( late )", 'raw:"Delta ( Air" AND (late)'),
        (BRANDWATCH, "delta <<<the airline>>>NOT {Mouth )}", 'delta NOT raw:"Mouth )"'),
        (BRANDWATCH, "delta <<<late", "delta <<<late"),
        (MELTWATER, "delta and (late or lost) not river", "delta AND (late OR lost) NOT river"),
        (MELTWATER, 'headline:"lost bag" near', 'title:"lost bag" near'),
        (SPRINKLR, "(delta ONEAR/3 late) AND isRetweet:false", "(delta ONEAR/3 late) AND NOT is:repost"),
        (X, "delta -is:retweet has:images lang:en", "delta NOT is:retweet has:images lang:en"),
        (
            X,
            "delta min_faves:10 filter:links -filter:replies",
            "delta likes:>=10 has:link NOT is:reply",
        ),
        (X, "from:aero OR to:aero OR @aero OR #aero since:2026-01-01", "from:aero OR to:aero OR @aero OR #aero since:2026-01-01"),
    ],
)  # fmt: skip
def test_it_says_the_same_in_our_words(dialect: Dialect, source: str, query: str) -> None:
    found = convert(source, dialect)
    assert found.query == query
    assert found.lost == ()
    assert found.parsed.query is not None


@pytest.mark.parametrize(
    ("dialect", "source", "query", "lost"),
    [
        (BRANDWATCH, "delta AND sentiment:negative", "delta", ["sentiment:negative"]),
        (BRANDWATCH, "sentiment:negative AND delta", "delta", ["sentiment:negative"]),
        (
            BRANDWATCH,
            "delta AND NOT authorGender:(f OR m) AND late",
            "delta AND late",
            ["authorGender:(…)"],
        ),
        (BRANDWATCH, "(delta OR (impact:5 OR reach:7)) late", "(delta) late", ["impact:5", "reach:7"]),
        (MELTWATER, "delta and atleast3 late", "delta late", ["atleast3"]),
        (X, "delta -sample:10 point_radius:[2 3 4km]", "delta", ["sample:10", "point_radius:[2 3 4km]"]),
        (X, "delta -(place:paris)", "delta", ["place:paris"]),
        (X, "delta lang:klingon", "delta", ["lang:klingon"]),
    ],
)
def test_it_names_what_it_left_out(dialect: Dialect, source: str, query: str, lost: list[str]) -> None:
    found = convert(source, dialect)
    assert found.query == query
    assert [one.text for one in found.lost] == lost
    assert [source[one.start :].split(":")[0] for one in found.lost] == [
        one.split(":")[0] for one in lost
    ] or (dialect is MELTWATER)
    assert found.parsed.query is not None
    assert all(str(one.reason) for one in found.lost)


@given(
    st.sampled_from(Dialect),
    st.one_of(
        st.text(max_size=40),
        st.lists(
            st.sampled_from(["(", ")", '"', "[", "]", "{", "}", " AND ", " or ", "-", "late", "x:", "lang:", "filter:", "<<<", ">>>", "[1 TO *]", " NEAR/2 "]),
            max_size=10,
        ).map("".join),
    ),
)  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_no_text_is_an_exception(dialect: Dialect, source: str) -> None:
    found = convert(source, dialect)
    assert found.parsed.source == found.query


@pytest.mark.parametrize("piece", ["<<< ", "<<<", '"', '\\"', "{ ", "[", "x: ", "-", "( ", "<<<a>>>", ") "])
def test_repeating_a_piece_takes_no_quadratic_time(piece: str) -> None:
    """In seconds of the processor; sixteen times the length."""
    few, many = (_seconds(piece * (size // len(piece))) for size in (3_000, 48_000))
    assert many < 80 * few + 0.1


def _seconds(source: str) -> float:
    began = time.process_time()
    convert(source, Dialect.BRANDWATCH)
    return time.process_time() - began
