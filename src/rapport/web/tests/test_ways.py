"""More ways to send, from the form to the row: snooze, later, several posts, another channel."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from rapport.inbox.tests.making import make_channel, say
from rapport.lib.errors import Invalid
from rapport.outbox.models import Draft, Outgoing
from rapport.staff.models import User
from rapport.web.moments import moment_of
from rapport.web.snooze import snooze_choices
from rapport.web.tests.conftest import Desk

PART = {"HX-Request": "true", "HX-Target": "case"}
LONG = "Your bag is in Split and comes to you tomorrow. " * 25


def _form(desk: Desk, **fields: object) -> dict[str, object]:
    given = {"text": "Sorry, we look for it.", "visibility": "public", "in_reply_to": desk.message.id}
    return {**given, "form_key": uuid.uuid4(), **fields}


@pytest.fixture
def zone() -> object:
    with timezone.override(ZoneInfo("Europe/Zagreb")):
        yield


@pytest.mark.usefixtures("zone")
@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2027-01-15T09:00", datetime(2027, 1, 15, 8, tzinfo=UTC)),
        ("2027-07-15T09:00", datetime(2027, 7, 15, 7, tzinfo=UTC)),
        # 2:30 comes twice when the clocks go back; the first is in summer time.
        ("2027-10-31T02:30", datetime(2027, 10, 31, 0, 30, tzinfo=UTC)),
        ("2027-03-28T03:00", datetime(2027, 3, 28, 1, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_where_the_person_is(typed: str, meant: datetime) -> None:
    assert moment_of(typed).astimezone(UTC) == meant


@pytest.mark.usefixtures("zone")
@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("2027-03-28T02:30", "clocks go forward"),
        ("", "Choose a day"),
        ("tomorrow", "Choose a day"),
        ("2027-99-99T10:00", "Choose a day"),
        ("0001-01-01T00:00", "Choose a day"),
        ("9999-12-31T23:59", None),
    ],
)
def test_a_time_that_does_not_exist_is_refused(typed: str, words: str | None) -> None:
    if words is None:
        assert moment_of(typed).year == 9999
        return
    with pytest.raises(Invalid, match=words):
        moment_of(typed)


@pytest.mark.usefixtures("zone")
def test_choices_keep_the_hour_when_the_clocks_change() -> None:
    night = datetime(2027, 3, 28, 0, 30, tzinfo=UTC)  # half an hour before the clocks go forward
    by_name = {one.value: one.until for one in snooze_choices(night)}
    assert by_name["hour"] - night == timedelta(hours=1)
    assert [by_name[name].astimezone(UTC) for name in ("tomorrow", "monday")] == [
        datetime(2027, 3, 29, 7, tzinfo=UTC)
    ] * 2


def test_send_and_snooze(desk: Desk) -> None:
    answer = desk.client().post(desk.url("reply"), _form(desk, snooze="tomorrow"), headers=PART)
    assert answer.status_code == 200
    outgoing = Outgoing.objects.get()
    assert outgoing.snooze_until is not None
    assert outgoing.scheduled_for is None
    assert "Then the case is snoozed until" in answer.content.decode()


def test_a_scheduled_reply_is_shown_with_its_time_and_can_be_changed_sent_and_taken_back(desk: Desk) -> None:
    client = desk.client()
    page = client.post(desk.url("reply"), _form(desk, send_at="tomorrow"), headers=PART).content.decode()
    outgoing = Outgoing.objects.get()
    assert outgoing.scheduled_for is not None
    for words in ("Scheduled for", "Leaves on", "Send now", "Take back", "Change time or words"):
        assert words in page
    at = timezone.localtime() + timedelta(days=4)
    change = {
        "outgoing": outgoing.id,
        "what": "change",
        "send_at": f"{at:%Y-%m-%dT%H:%M}",
        "text": "We have it.",
    }
    assert client.post(desk.url("later"), change, headers=PART).status_code == 200
    outgoing.refresh_from_db()
    assert (outgoing.text, outgoing.scheduled_for) == ("We have it. ^AP", at.replace(second=0, microsecond=0))
    assert (
        client.post(desk.url("later"), {**change, "send_at": "2001-01-01T09:00"}, headers=PART).status_code
        == 422
    )
    # A colleague may move it, and sees no field for its words.
    page = desk.client("lead").get(desk.url()).content.decode()
    assert "Change the time" in page
    answer = client.post(desk.url("undo"), {"outgoing": outgoing.id}, headers=PART)
    assert "We have it.</textarea>" in answer.content.decode()
    assert client.post(desk.url("later"), change, headers=PART).status_code == 409


def test_words_taken_back_by_a_colleague_go_to_their_author(desk: Desk) -> None:
    desk.client().post(desk.url("reply"), _form(desk, send_at="tomorrow"), headers=PART)
    answer = desk.client("lead").post(desk.url("undo"), {"outgoing": Outgoing.objects.get().id}, headers=PART)
    assert answer.status_code == 200
    assert "Sorry, we look for it.</textarea>" not in answer.content.decode()
    assert Draft.objects.get(user=desk.people["agent"]).text == "Sorry, we look for it."


def test_everybody_is_told_why_a_reply_is_held_back(desk: Desk) -> None:
    desk.client().post(desk.url("reply"), _form(desk, send_at="tomorrow"), headers=PART)
    outgoing = Outgoing.objects.get()
    say(desk.channel, desk.message.identity, "I have it, thanks!", minutes=9, to=desk.message)
    for role in ("agent", "lead", "viewer"):
        page = desk.client(role).get(desk.url()).content.decode()
        assert "The customer wrote after this was scheduled" in page
        assert ("Send anyway" in page) == (role != "viewer")
    what = {"outgoing": outgoing.id, "what": "anyway"}
    answer = desk.client("lead").post(desk.url("later"), what, headers=PART)
    assert "It leaves on" in answer.content.decode()
    assert "The customer wrote after" not in answer.content.decode()
    for wrong in ({}, {"what": "anyway"}, {"outgoing": outgoing.id, "what": "burn"}, {"outgoing": "x"}):
        assert desk.client().post(desk.url("later"), wrong, headers=PART).status_code in (404, 422)


def test_a_time_that_was_typed_but_not_used_does_not_send_now(desk: Desk) -> None:
    answer = desk.client().post(desk.url("reply"), _form(desk, send_at_time="2030-01-01T09:00"), headers=PART)
    assert answer.status_code == 422
    assert "nothing was sent" in answer.content.decode()
    assert "Sorry, we look for it.</textarea>" in answer.content.decode()
    assert not Outgoing.objects.exists()


@pytest.mark.parametrize(
    "fields", [{"send_at": "at"}, {"snooze": "whenever"}, {"send_at": "2001-01-01T10:00"}]
)
def test_times_that_are_none_are_refused_and_words_stay(desk: Desk, fields: dict[str, str]) -> None:
    answer = desk.client().post(desk.url("reply"), _form(desk, **fields), headers=PART)
    assert answer.status_code == 422
    assert "Sorry, we look for it.</textarea>" in answer.content.decode()


def test_where_it_is_cut_and_which_posts_it_would_be(desk: Desk) -> None:
    client = desk.client()
    text = "🧳" + LONG
    found = client.post(desk.url("length"), {"text": text}).json()
    units = text.encode("utf-16-le")[: found["fits"] * 2].decode("utf-16-le")
    assert text.startswith(units)
    assert 498 <= len(f"{units.strip()} ^AP") <= 500
    assert len(found["posts"]) == 3
    assert found["send_as"] == "Send publicly as 3 posts"
    assert all(one["length"] == len(one["text"]) <= 500 for one in found["posts"])
    assert found["posts"][-1]["text"].endswith(" ^AP")
    numbered = client.post(desk.url("length"), {"text": text, "numbered": "1"}).json()["posts"]
    assert numbered[0]["text"].endswith(" 1/3")
    private = client.post(desk.url("length"), {"text": text, "visibility": "private"}).json()
    assert "fits" in private
    assert "posts" not in private
    whole = client.post(desk.url("length"), {"text": "https://example.com/" + "a" * 600}).json()
    assert (whole["fits"], "must not be cut" in whole["unsplit"]) == (0, True)


def test_a_long_text_goes_out_in_several_posts_and_comes_back_whole(desk: Desk) -> None:
    client = desk.client()
    form = _form(desk, text=LONG, split="1", numbered="1")
    page = client.post(desk.url("reply"), form, headers=PART).content.decode()
    assert client.post(desk.url("reply"), form, headers=PART).status_code == 200
    assert Outgoing.objects.count() == 3
    assert "Post 1 of 3" in page
    assert page.count("Goes after the post before it") == 2
    answer = client.post(desk.url("undo"), {"outgoing": Outgoing.objects.earliest("id").id}, headers=PART)
    assert f"{LONG.strip()}</textarea>" in answer.content.decode()
    assert not Outgoing.objects.exclude(state="cancelled").exists()


def test_another_channel_of_the_brand_can_answer(desk: Desk) -> None:
    support = make_channel(desk.brand, "practice")
    support.handle = "@aero_support"
    support.save(update_fields=["handle"])
    client = desk.client()
    page = client.get(desk.url()).content.decode()
    assert "Send publicly as @aero_support" in page
    page = client.post(desk.url("reply"), _form(desk, channel=support.id), headers=PART).content.decode()
    assert Outgoing.objects.get().channel == support
    assert "as @aero_support" in page
    foreign = make_channel(desk.other_brand, "practice")
    assert client.post(desk.url("reply"), _form(desk, channel=foreign.id), headers=PART).status_code == 422
    # Chosen for public answers, it means nothing for a private one.
    client.post(desk.url("reply"), _form(desk, channel=support.id, visibility="private"), headers=PART)
    assert Outgoing.objects.latest("id").channel == desk.channel


def test_times_are_of_the_persons_zone(desk: Desk) -> None:
    User.objects.filter(id=desk.people["agent"].id).update(time_zone="Asia/Bangkok")
    desk.client().post(desk.url("reply"), _form(desk, send_at="tomorrow"), headers=PART)
    at = Outgoing.objects.get().scheduled_for
    assert at is not None
    assert at.astimezone(ZoneInfo("Asia/Bangkok")).hour == 9
