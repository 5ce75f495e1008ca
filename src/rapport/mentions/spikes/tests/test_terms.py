"""What is new in some texts against others."""

from __future__ import annotations

from rapport.mentions.spikes.terms import new_terms

_BEFORE = ["aero flight was fine today", "aero seat is small", "aero and my bag"] * 40


def test_what_is_said_all_the_time_is_not_new() -> None:
    told = new_terms(["aero flight cancelled #storm"] * 30, _BEFORE)
    assert [term for term, _now, _then in told][:2] == ["cancelled", "#storm"]
    assert "aero" not in [term for term, *_ in told]


def test_how_many_posts_have_it_then_and_now() -> None:
    [found] = [one for one in new_terms(["aero flight"] * 30, _BEFORE) if one[0] == "flight"]
    assert found == ("flight", 30, 40)


def test_a_hashtag_is_told_once_and_links_and_numbers_not() -> None:
    told = [term for term, *_ in new_terms(["#lostbags 4711 https://news.example/lost"] * 9, _BEFORE)]
    assert told == ["#lostbags"]


def test_pieces_of_scripts_without_spaces_do_not_crowd() -> None:
    told = [term for term, *_ in new_terms(["ยกเลิกเที่ยวบินแล้ว"] * 20, ["สวัสดีครับ"] * 40)]
    assert told
    assert all(3 <= len(term) <= 6 for term in told)
    assert len(told) <= 6


def test_a_term_of_two_posts_is_no_news() -> None:
    assert new_terms(["aero volcano"] * 2 + ["aero seat"] * 30, _BEFORE) == [] or "volcano" not in [
        term for term, *_ in new_terms(["aero volcano"] * 2 + ["aero seat"] * 30, _BEFORE)
    ]


def test_without_a_past_everything_that_is_common_is_told() -> None:
    assert [term for term, *_ in new_terms(["rain again"] * 5, [])] == ["again", "rain"]
