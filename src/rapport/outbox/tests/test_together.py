"""Two answers to one case at the same moment: one goes through unasked, the other is asked about."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from rapport.inbox.tests.making import make_brand, make_case, make_channel, make_user, say
from rapport.inbox.together import look
from rapport.outbox.actions import reply
from rapport.outbox.models import Outgoing
from rapport.outbox.together import Asked, Seen, ask, company, news_since, seen_now
from rapport.staff.models import User


@pytest.mark.django_db(transaction=True)
def test_of_two_who_answer_at_the_same_moment_one_is_asked() -> None:
    channel = make_channel(make_brand(), "practice")
    case = make_case(channel)
    people = [
        make_user(name, brand=channel.brand) for name in ("Mara Kovač", "Ivo Perić", "Ada Babić", "Joe Kim")
    ]
    seen = seen_now(case=case)
    together = Barrier(len(people))

    def answer(user: User) -> Asked | Outgoing:
        try:
            together.wait(30)
            return reply(
                actor=user,
                case_id=case.id,
                text=f"Words of {user.name}",
                visibility="public",
                in_reply_to_id=None,
                form_key=uuid.uuid4(),
                ask_first=lambda locked: ask(user=user, case=locked, seen=seen, anyway=()),
            )
        except Asked as asked:
            return asked
        finally:
            connection.close()

    with ThreadPoolExecutor(len(people)) as threads:
        found = list(threads.map(answer, people))
    sent = [one for one in found if isinstance(one, Outgoing)]
    assert len(sent) == Outgoing.objects.count() == 1
    for one in found:
        if isinstance(one, Asked):
            # Each is told whose words went out, and which.
            (words,) = one.news.words
            assert words.who == sent[0].author.name
            assert words.text.startswith(f"Words of {sent[0].author.name}")


@pytest.mark.django_db
def test_whoever_began_first_is_not_asked_and_the_order_is_the_same_for_everybody() -> None:
    channel = make_channel(make_brand(), "practice")
    case = make_case(channel)
    mara, ivo = (make_user(name, brand=channel.brand) for name in ("Mara Kovač", "Ivo Perić"))
    # In one transaction both began at the same moment: then whoever was here first goes first.
    for one in (ivo, mara):
        look(user=one, case_id=case.id, screen=f"screen{one.id:04}", writing="reply")
    assert [one.id for one in company(user=ivo, case_id=case.id).before] == [mara.id]
    assert [one.id for one in company(user=mara, case_id=case.id).after] == [ivo.id]
    check = partial(ask, case=case, seen=None, anyway=())
    check(user=mara)
    with pytest.raises(Asked):
        check(user=ivo)
    ask(user=ivo, case=case, seen=None, anyway=(mara.id,))


@pytest.mark.django_db
def test_news_is_what_came_after_and_nothing_before() -> None:
    channel = make_channel(make_brand(), "practice")
    mara = make_user("Mara Kovač", brand=channel.brand)
    case = make_case(channel)
    asked = case.case_threads.get().thread.messages.get()
    seen = seen_now(case=case)
    assert not news_since(user=mara, case=case, seen=seen)
    for number in range(5):
        say(channel, asked.identity, f"More {number}", number + 1, to=asked)
    say(channel, None, "Said on the network", 9, to=asked)
    case.refresh_from_db()
    words = news_since(user=mara, case=case, seen=seen).words
    assert [(one.kind, one.text) for one in words] == [
        ("customer", "More 3"), ("customer", "More 4"), ("brand", "Said on the network"),
    ]  # fmt: skip
    assert not news_since(user=mara, case=case, seen=seen_now(case=case))


@given(st.text(max_size=90))
def test_nothing_that_a_form_says_is_an_error(value: str) -> None:
    seen = Seen.read(value)
    assert seen is None or Seen.read(str(seen)) == seen
