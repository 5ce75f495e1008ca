"""Many people at one case, as their pages show it and their forms ask it."""

from __future__ import annotations

import html
import uuid
import zoneinfo
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from rapport.inbox.actions import add_note, add_tag, assign_case, close_case
from rapport.inbox.models import CaseFollow, CaseHandover, CaseLook
from rapport.inbox.tests.making import make_case, make_user, say
from rapport.inbox.together import look
from rapport.outbox.actions import reply
from rapport.outbox.drafts import save_draft
from rapport.outbox.models import Outgoing
from rapport.staff.models import Role, Team, User
from rapport.web.tests.conftest import Desk

PART = {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "case"}


def _looking(desk: Desk, role: str = Role.AGENT, **fields: object) -> dict[str, Any]:
    form = {"screen": f"screen{role}"[:16], **fields}
    answer = desk.client(role).post(desk.url("looking"), form, **PART)
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def _seen(desk: Desk, role: str = Role.AGENT) -> str:
    """What the page's form says its reader has seen."""
    page = desk.client(role).get(desk.url()).content.decode()
    return page.split('name="seen" form="reply-form"')[1].split('value="')[1].split('"')[0]


def _send(desk: Desk, role: str = Role.AGENT, text: str = "We look.", **fields: object) -> tuple[int, str]:
    form = {"text": text, "visibility": "public", "form_key": uuid.uuid4(), **fields}
    answer = desk.client(role).post(desk.url("reply"), form, **PART)
    return answer.status_code, answer.content.decode()


def _reply(desk: Desk, user: User, text: str = "We are on it.") -> Outgoing:
    return reply(
        actor=user, case_id=desk.case.id, text=text, visibility="public", in_reply_to_id=None,
        form_key=uuid.uuid4(),
    )  # fmt: skip


def test_following_is_a_list_and_a_button_with_a_way_back(desk: Desk) -> None:
    client = desk.client(Role.VIEWER)
    assert "Followed by" in client.get(desk.url()).content.decode()
    answer = client.post(desk.url("follow"), {"following": "1"}, **PART).content.decode()
    assert "You follow this case." in answer
    assert 'aria-pressed="true" aria-label="Follow this case"' in answer
    assert "Viewer Person" in answer
    listed = client.get("/desk/following/").content.decode()
    assert f'id="row-{desk.case.id}"' in listed
    client.post(desk.url("follow"), {"following": ""}, **PART)
    assert f'id="row-{desk.case.id}"' not in client.get("/desk/following/").content.decode()
    assert CaseFollow.objects.get().muted


def test_whoever_looks_is_named_to_the_others_and_gone_when_they_leave(desk: Desk) -> None:
    assert "Lead Person" not in _looking(desk)["company"]
    _looking(desk, Role.LEAD)
    assert "Lead Person" in _looking(desk)["company"]
    page = desk.client().get(desk.url()).content.decode()
    assert 'title="Lead Person"' in page
    assert "Open with Lead Person" in page  # in the list
    assert _looking(desk, rows=f"{desk.case.id},x,-1")["rows"] == {str(desk.case.id): "Open with Lead Person"}
    left = desk.client(Role.LEAD).post(desk.url("looking"), {"screen": "screenlead", "gone": 1})
    assert left.status_code == 204
    assert "Lead Person" not in _looking(desk)["company"]


def test_who_writes_is_said_and_never_what(desk: Desk) -> None:
    _looking(desk, Role.LEAD, writing="note", text="a secret")
    assert "Lead Person is writing a note" in _looking(desk)["company"]
    _looking(desk, Role.LEAD, writing="reply")
    found = _looking(desk)
    assert "Lead Person is writing a reply" in found["company"]
    assert "Lead Person is answering this since" in found["bars"]
    assert "secret" not in str(CaseLook.objects.values())
    viewer = _looking(desk, Role.VIEWER)
    assert "Lead Person is writing a reply" in viewer["company"]
    assert viewer["bars"].strip() == ""


def test_two_hundred_at_a_case_are_five_and_others(desk: Desk) -> None:
    people = [User(email=f"many{n}@example.com", name=f"Many {n:03}", initials="MM") for n in range(200)]
    User.objects.bulk_create(people)
    CaseLook.objects.bulk_create(
        CaseLook(case_id=desk.case.id, user_id=one.id, screen=f"many{one.id}") for one in people
    )
    found = _looking(desk)["company"]
    assert found.count("<li>") == 5
    assert "and 195 others" in found


def test_what_is_looked_at_and_written_must_be_something(desk: Desk) -> None:
    client = desk.client()
    for fields in (
        {"screen": ""},
        {"screen": "<b>"},
        {"screen": "x" * 17},
        {"screen": "abcdefgh", "writing": "x"},
    ):
        assert client.post(desk.url("looking"), fields, **PART).status_code == 422
    fine = {"screen": "abcdefgh", "seen": "9" * 100, "rows": "9" * 500 + ",\0"}
    assert client.post(desk.url("looking"), fine, **PART).status_code == 200
    viewer = desk.client(Role.VIEWER).post(
        desk.url("looking"), {"screen": "abcdefgh", "writing": "reply"}, **PART
    )
    assert viewer.status_code == 403
    assert (
        client.post(desk.url("looking", desk.other_case), {"screen": "abcdefgh"}, **PART).status_code == 404
    )


def test_a_second_answer_is_asked_about_once_and_the_first_is_told(desk: Desk) -> None:
    _looking(desk, Role.LEAD, writing="reply")
    status, asked = _send(desk, seen=_seen(desk))
    assert status == 409
    assert "Somebody else is answering this" in asked
    assert "Lead Person is answering this since" in asked
    assert "We look.</textarea>" in asked
    assert "Send anyway" in asked
    assert not Outgoing.objects.exists()
    lead = desk.people["lead"]
    assert f'name="answer_anyway" form="reply-form" value="{lead.id}"' in asked
    # The first one may send without being asked, and is told of the second.
    _looking(desk, writing="reply")
    assert "Agent Person is answering this too" in _looking(desk, Role.LEAD)["bars"]
    assert _send(desk, seen=_seen(desk), answer_anyway=lead.id)[0] == 200
    assert Outgoing.objects.count() == 1
    status, told = _send(desk, Role.LEAD, "Me first.", seen="1.0.0.0")
    assert status == 409
    assert "Agent Person answered: “We look." in told


def test_without_script_the_first_form_asks_too_and_keeps_the_words(desk: Desk) -> None:
    lead = desk.people["lead"]
    save_draft(user=lead, case_id=desk.case.id, field="reply", text="Dear Ana", base=0, age_s=0)
    seen = _seen(desk)
    assert "Lead Person is answering this since" in desk.client().get(desk.url()).content.decode()
    form = {"text": "We look.", "visibility": "public", "form_key": uuid.uuid4(), "seen": seen}
    answer = desk.client().post(desk.url("reply"), form)
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "We look.</textarea>" in page
    assert "Send anyway" in page
    assert desk.client().post(desk.url("reply"), {**form, "answer_anyway": lead.id}).status_code == 302


def test_words_that_lie_unsent_for_long_hold_nobody_up(desk: Desk) -> None:
    save_draft(
        user=desk.people["lead"], case_id=desk.case.id, field="reply", text="Dear", base=0, age_s=16 * 60
    )
    assert _send(desk, seen=_seen(desk))[0] == 200


def test_who_stopped_typing_two_minutes_ago_without_words_holds_nobody_up(desk: Desk) -> None:
    _looking(desk, Role.LEAD, writing="reply")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE inbox_caselook SET reply_typed_at = reply_typed_at - %s, typed_at = typed_at - %s",
            [timedelta(seconds=121)] * 2,
        )
    assert _send(desk, seen=_seen(desk))[0] == 200


def test_what_is_new_since_one_began_is_named_once(desk: Desk) -> None:
    lead = desk.people["lead"]
    seen = _seen(desk)
    say(desk.channel, desk.message.identity, "And my coat?", 1, to=desk.message)
    assign_case(actor=lead, case_id=desk.case.id, assignee_id=lead.id)
    add_note(actor=lead, case_id=desk.case.id, text="She is a regular")
    bars = _looking(desk, seen=seen)["bars"]
    for words in (
        "Ana wrote “And my coat?”",
        "Lead Person: took the case",
        "Lead Person left a note: “She is a regular”",
    ):
        assert words in bars
    status, asked = _send(desk, seen=seen)
    assert status == 409
    assert "Something is new since you began." in asked
    assert "Ana wrote “And my coat?”" in asked
    assert "We look.</textarea>" in asked
    again = asked.split('name="seen" form="reply-form"')[1].split('value="')[1].split('"')[0]
    assert _send(desk, seen=again)[0] == 200


def test_what_makes_no_difference_to_an_answer_is_not_asked_about(desk: Desk) -> None:
    seen = _seen(desk)
    add_tag(actor=desk.people["lead"], case_id=desk.case.id, name="bags")
    add_tag(actor=desk.people["agent"], case_id=desk.case.id, name="mine")
    close_case(actor=desk.people["agent"], case_id=desk.case.id, reason="spam")
    assert "New since you began" not in _looking(desk, seen=seen)["bars"]
    assert _send(desk, seen=seen)[0] == 200


def test_a_colleagues_reply_is_shown_while_it_is_on_its_way_and_asked_about_when_it_came_later(
    desk: Desk,
) -> None:
    lead = desk.people["lead"]
    assign_case(
        actor=lead, case_id=desk.case.id, assignee_id=lead.id
    )  # so that the reply changes nothing else
    seen = _seen(desk)
    made = _reply(desk, lead)
    status, asked = _send(desk, seen=seen)
    assert status == 409
    assert "Lead Person answered: “We are on it." in asked
    page = desk.client().get(desk.url()).content.decode()
    assert "Lead Person&#x27;s reply is on its way: “We are on it." in page
    assert "is on its way" not in desk.client(Role.LEAD).get(desk.url()).content.decode()
    Outgoing.objects.filter(id=made.id).update(state="cancelled")
    assert _send(desk, seen=seen)[0] == 200  # taken back: nothing that matters is new


@pytest.mark.parametrize(
    ("days", "hour", "said"),
    [(0, 18, "today at 18:00"), (1, 9, "tomorrow at 09:00"), (2, 12, "on {day}, 12:00")],
)
def test_a_colleagues_scheduled_reply_says_when_it_goes_out(
    desk: Desk, days: int, hour: int, said: str
) -> None:
    # Where the reader is, it is noon now: so it is today in six hours, whenever this runs.
    agent, now = desk.people["agent"], timezone.now()
    agent.time_zone = f"Etc/GMT{now.hour - 12:+d}"
    agent.save()
    seen = _seen(desk)
    local = now.astimezone(zoneinfo.ZoneInfo(agent.time_zone)).replace(hour=hour, minute=0, second=0)
    at = local + timedelta(days=days)
    said = said.format(day=f"{at:%a %B} {at.day}")
    made = _reply(desk, desk.people["lead"])
    Outgoing.objects.filter(id=made.id).update(scheduled_for=at, not_before=at, known_message=desk.message.id)
    page = html.unescape(desk.client().get(desk.url()).content.decode())
    assert f"Lead Person's reply goes out {said}: “We are on it." in page
    assert "is on its way" not in page
    assert f"goes out {said}" in html.unescape(_looking(desk, seen=_seen(desk))["bars"])
    # Whoever began before it was scheduled is not told that it was sent.
    news = html.unescape(_looking(desk, seen=seen)["bars"])
    assert "New since you began" in news
    assert f"goes out {said}" in news
    assert "Lead Person answered" not in news


def test_a_colleagues_scheduled_reply_that_the_customer_overtook_does_not_promise_a_time(desk: Desk) -> None:
    before = _seen(desk)
    made = _reply(desk, desk.people["lead"])
    later = timezone.now() + timedelta(days=1)
    Outgoing.objects.filter(id=made.id).update(
        scheduled_for=later, not_before=later, known_message=desk.message.id
    )
    say(desk.channel, desk.message.identity, "Never mind", 5, to=desk.message)
    for state in ("queued", "held"):
        Outgoing.objects.filter(id=made.id).update(state=state)
        page = html.unescape(desk.client().get(desk.url()).content.decode())
        assert "Lead Person's reply is held back, because the customer wrote since: “We are on it." in page
        assert "goes out" not in page
        # For whoever saw all of it, and as news for whoever began before.
        for seen in (before, _seen(desk)):
            bars = html.unescape(_looking(desk, seen=seen)["bars"])
            assert "is held back" in bars
            assert "goes out" not in bars


def test_a_case_is_handed_over_with_a_note_that_stands_at_the_top_until_it_is_acted_on(desk: Desk) -> None:
    lead, agent = desk.people["lead"], desk.people["agent"]
    form = {"to": f"person-{agent.id}", "hand_note": "Please call <her>", "was_with": ""}
    answer = desk.client(Role.LEAD).post(desk.url("hand"), form, **PART)
    assert answer.status_code == 200
    assert "Handed over to Agent Person." in answer.content.decode()
    desk.case.refresh_from_db()
    assert desk.case.assignee == agent
    page = desk.client().get(desk.url()).content.decode()
    assert "Lead Person handed this case over to Agent Person" in page
    assert page.count("Please call &lt;her&gt;") == 2  # at the top, and as a note in its place
    assert "Hand-over note: only colleagues see this" in page
    add_tag(actor=lead, case_id=desk.case.id, name="bags")
    assert "handed this case over" in desk.client().get(desk.url()).content.decode()
    add_tag(actor=agent, case_id=desk.case.id, name="call")
    assert "handed this case over" not in desk.client().get(desk.url()).content.decode()


def test_a_handover_that_cannot_be_done_keeps_its_words(desk: Desk) -> None:
    agent, lead = desk.people["agent"], desk.people["lead"]
    stranger = make_user("Sam", brand=desk.other_brand)
    viewer = desk.people["viewer"]
    client = desk.client()
    for to in (
        "",
        "person-",
        f"person-{stranger.id}",
        f"person-{viewer.id}",
        "team-999999",
        "x-1",
        "person-" + "9" * 40,
    ):
        answer = client.post(desk.url("hand"), {"to": to, "hand_note": "Keep these words", "was_with": ""})
        assert answer.status_code == 422, to
        assert "Keep these words</textarea>" in answer.content.decode()
    assert (
        client.post(desk.url("hand"), {"to": f"person-{lead.id}", "hand_note": " "}, **PART).status_code
        == 422
    )
    assign_case(actor=lead, case_id=desk.case.id, assignee_id=lead.id)
    form = {"to": f"person-{agent.id}", "hand_note": "Keep these words", "was_with": ""}
    assert client.post(desk.url("hand"), form, **PART).status_code == 409
    assert not CaseHandover.objects.exclude(note=None).exists()


def test_a_team_is_handed_a_case_and_one_of_them_reads_it(desk: Desk) -> None:
    team = Team.objects.create(brand=desk.brand, name="Bags")
    team.members.add(desk.people["agent"])
    form = {"to": f"team-{team.id}", "hand_note": "Yours", "was_with": ""}
    desk.client(Role.LEAD).post(desk.url("hand"), form, **PART)
    client = desk.client()
    page = client.get(desk.url()).content.decode()
    assert "Lead Person handed this case over to team Bags" in page
    handover = CaseHandover.objects.get()
    assert (
        desk.client(Role.VIEWER).post(desk.url("handed"), {"handover": handover.id}, **PART).status_code
        == 404
    )
    read = client.post(desk.url("handed"), {"handover": handover.id}, **PART).content.decode()
    assert "handed this case over" not in read


def test_whoever_loses_a_case_is_told_until_they_have_read_it(desk: Desk) -> None:
    agent, lead = desk.people["agent"], desk.people["lead"]
    assign_case(actor=agent, case_id=desk.case.id, assignee_id=agent.id)
    assign_case(actor=lead, case_id=desk.case.id, assignee_id=lead.id)
    client = desk.client()
    assert "Lead Person took this case over from you" in client.get(desk.url()).content.decode()
    assert "took this case over from you" not in desk.client(Role.LEAD).get(desk.url()).content.decode()
    handover = CaseHandover.objects.get()
    client.post(desk.url("handed"), {"handover": handover.id}, **PART)
    assert "took this case over" not in client.get(desk.url()).content.decode()


def test_the_others_cost_a_page_the_same_however_many_there_are(
    desk: Desk, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(12):
        other = make_user(f"Colleague {number}", brand=desk.brand)
        look(user=other, case_id=desk.case.id, screen=f"screen{number:04}", writing="reply")
        look(user=other, case_id=make_case(desk.channel, f"Customer {number}").id, screen=f"other{number:05}")
    client = desk.client()
    form = {"screen": "abcdefgh", "seen": "1.0.0.0", "rows": desk.case.id}
    client.post(desk.url("looking"), form, **PART)
    with django_assert_max_num_queries(18):
        client.post(desk.url("looking"), form, **PART)
