from __future__ import annotations

from collections import Counter

import pytest

from rapport.networks.practice.limits import MAX_LENGTH
from rapport.networks.practice.simulator import plan
from rapport.networks.practice.simulator.script import KINDS, LANGUAGES, gaps_in, load_script, say

SCRIPT = load_script()


def test_it_has_what_was_asked_for() -> None:
    assert len(SCRIPT.situations) >= 80
    assert {one.brand for one in SCRIPT.situations} == {"alvara", "mokka", "telqo", "velorine"}
    assert {one.kind for one in SCRIPT.situations} == KINDS
    per_language = Counter(one.lang for one in SCRIPT.situations)
    assert set(per_language) == set(LANGUAGES)
    assert min(per_language.values()) >= 12
    assert any(one.reposts for one in SCRIPT.situations)
    assert any(one.private for one in SCRIPT.situations)
    assert any(one.edit for one in SCRIPT.situations)
    assert any(one.delete for one in SCRIPT.situations)
    assert any(one.announcement for one in SCRIPT.situations)


@pytest.mark.parametrize("situation", SCRIPT.situations, ids=lambda one: one.id)
def test_every_line_can_be_said_by_everybody_who_may_and_fits(situation: plan.Situation) -> None:
    fill = {gap: max(words, key=len) for gap, words in situation.gaps.items()}
    for customer in SCRIPT.who_may(situation):
        words = {**fill, "name": customer.first_name}
        for text in [
            *situation.text,
            situation.edit,
            situation.follow_up,
            situation.dm,
            situation.answer,
            *situation.joins,
        ]:
            said = say(text, to=situation.to, voice=customer.voice, fill=words)
            assert len(said) <= MAX_LENGTH - 40  # room for an address and a signature
            assert not gaps_in(said)
    if not situation.private and not situation.announcement:
        assert all("{to}" in text for text in situation.text)
    assert situation.kind == "spam" or situation.answer


def test_reactions_exist_in_every_language_and_fill_their_gaps() -> None:
    for lang in LANGUAGES:
        pool = SCRIPT.reactions[lang]
        for texts in (pool.thanks, pool.glad, pool.short, pool.unhappy, pool.nudge, pool.escalate):
            for text in texts:
                assert say(text, to="telqo", voice="f", fill={})
        assert pool.private_words


def test_the_same_seed_gives_the_same_play_and_another_seed_another() -> None:
    def play(seed: str) -> list[tuple[str, str, str]]:
        plays = [plan.opening(script=SCRIPT, seed=seed, number=number) for number in range(150)]
        return [(one.situation.id, one.customer.handle, one.text) for one in plays]

    assert play("a") == play("a")
    assert play("a") != play("b")


def test_every_situation_comes_once_before_any_comes_again() -> None:
    total = len(SCRIPT.situations)
    ids = [plan.opening(script=SCRIPT, seed="x", number=n).situation.id for n in range(2 * total)]
    assert Counter(ids[:total]) == Counter(ids[total:]) == Counter(one.id for one in SCRIPT.situations)


def test_somebody_in_conversation_does_not_start_another() -> None:
    first = plan.opening(script=SCRIPT, seed="x", number=3)
    busy = {(first.customer.handle, first.situation.to)}
    again = plan.opening(script=SCRIPT, seed="x", number=3, busy=busy)
    assert again.situation == first.situation
    if len(SCRIPT.who_may(first.situation)) > 1:
        assert again.customer != first.customer


@pytest.mark.parametrize(
    ("lang", "answer", "expected"),
    [
        ("en", "Please send us a DM with your code.", True),
        ("en", "The admin office is open.", False),
        ("es", "Escríbenos por mensaje privado.", True),
        ("hr", "Pošaljite nam privatnu poruku.", True),
        ("th", "รบกวนส่งเบอร์มาทางข้อความส่วนตัวค่ะ", True),
        ("de", "Schick uns bitte eine PN.", True),
        ("de", "Der Termin ist um 12 Uhr.", False),
    ],
)
def test_it_understands_an_invitation_to_private_messages(lang: str, answer: str, expected: bool) -> None:
    assert plan.invites_to_private(SCRIPT, lang, answer) is expected


def react(situation_id: str, answer: str, said: list[str], throw: int = 0) -> plan.Reaction | None:
    situation = SCRIPT.situation(situation_id)
    assert situation is not None
    customer = SCRIPT.who_may(situation)[0]
    fill = {gap: words[0] for gap, words in situation.gaps.items()}
    return plan.reaction(
        script=SCRIPT,
        situation=situation,
        customer=customer,
        answer=answer,
        private=False,
        said=said,
        fill=fill,
        rng=plan.dice(throw),
    )


def test_a_curt_answer_annoys_and_a_signature_does_not_lengthen_it() -> None:
    short = react("alvara-seat-en", "@maya_oc No. ^MK", [])
    assert short is not None
    assert (short.line, short.done) == ("short", False)


def test_an_invitation_is_followed_once_with_the_details() -> None:
    there = react("alvara-bag-en", "So sorry. Please send us a private message with the tag number.", [])
    assert there is not None
    assert (there.line, there.private) == ("dm", True)
    assert "AV 0447 812" in there.text
    after = react("alvara-bag-en", "Please send us a private message with the tag number.", ["dm"])
    assert after is not None
    assert after.line != "dm"


def test_good_answers_end_in_thanks_or_a_question() -> None:
    lines = Counter(
        said.line
        for throw in range(200)
        if (said := react("alvara-delay-en", "We are sorry, the new departure is 18:40.", [], throw))
    )
    assert set(lines) == {"thanks", "follow_up", "unhappy"}
    assert lines["thanks"] > 50


def test_spam_never_reacts_and_nobody_talks_for_ever() -> None:
    assert react("alvara-spam-en", "Please stop posting this under our tweets.", []) is None
    assert react("alvara-delay-en", "We are sorry for all this.", ["a", "b", "c", "d"]) is None
