"""Letters and calls: entered by an agent, once, and answered like everything else."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from rapport.audit.models import AuditEntry
from rapport.brands.models import Channel
from rapport.inbox.models import Case, Message
from rapport.ingest.models import RawEvent
from rapport.outbox.actions import reply
from rapport.outbox.delivery import deliver
from rapport.web.tests.conftest import Desk
from rapport.web.tests.test_form import PNG


def filled(**more: Any) -> dict[str, Any]:
    return {
        "key": str(uuid4()),
        "brand": "aero",
        "way": "letter",
        "name": "Josip Horvat",
        "address": "Ilica 1\n10000 Zagreb",
        "date": (timezone.localdate() - timedelta(days=2)).isoformat(),
        "text": "Dear all,\nthe kettle leaks.",
        **more,
    }


def entered(client: Client, query: str = "", **more: Any) -> Case:
    answer = client.post(f"/desk/new/{query}", filled(**more))
    assert answer.status_code == 302, answer.content.decode()
    return Case.objects.get(id=int(answer.url.split("/case/")[1].strip("/")))


def test_a_letter_opens_a_case_that_waits_since_it_was_written(desk: Desk) -> None:
    case = entered(desk.client(), files=SimpleUploadedFile("letter.png", PNG))
    message = Message.objects.get(thread__case_threads__case=case)
    written = timezone.make_aware(
        datetime.combine(timezone.localdate() - timedelta(days=2), datetime.min.time())
    )
    assert message.sent_at == written.replace(hour=12)
    assert case.waiting_since == message.sent_at
    assert (message.text, message.visibility) == ("Dear all,\nthe kettle leaks.", "private")
    assert (message.identity.name, case.contact.name) == ("Josip Horvat", "Josip Horvat")
    assert (message.facts["kind"], message.facts["recorded_by"]) == ("letter", "Agent Person")
    assert message.media[0]["name"] == "letter.png"
    page = desk.client().get(f"/desk/all/case/{case.id}/")
    assert b"the kettle leaks." in page.content
    assert f"/media/{message.media[0]['file']}/".encode() in page.content


def test_the_channel_makes_itself_once(desk: Desk) -> None:
    one, other = entered(desk.client()), entered(desk.client(), name="Ana", address="Vukovarska 2")
    assert one.channel_id == other.channel_id
    channel = Channel.objects.get(brand=desk.brand, network="letters")
    assert (channel.external_id, channel.polled) == ("letters", False)
    assert AuditEntry.objects.filter(action="channel.connected", object_id=str(channel.id)).count() == 1


def test_sent_twice_it_is_one_letter(desk: Desk) -> None:
    key = str(uuid4())
    assert entered(desk.client(), key=key) == entered(desk.client(), key=key)
    assert RawEvent.objects.count() == 1


def test_who_calls_again_is_known_again(desk: Desk) -> None:
    one = entered(desk.client(), way="call", phone="+385 91 123 4567", name="Ana", time="09:15")
    other = entered(desk.client(), way="call", phone="0038591/1234567", name="")
    assert one.contact_id == other.contact_id
    assert one != other


def test_what_comes_next_joins_the_case(desk: Desk) -> None:
    case = entered(desk.client())
    again = entered(desk.client(), f"?case={case.id}", way="call", text="He called: still nothing.")
    assert again == case
    assert Message.objects.filter(thread__case_threads__case=case).count() == 2
    # A case of another kind has no letter to go on from.
    assert desk.client().get(f"/desk/new/?case={desk.case.id}").status_code == 404
    assert desk.client().get(f"/desk/new/?case={desk.other_case.id}").status_code == 404
    assert f"/desk/new/?case={case.id}" in desk.client().get(f"/desk/all/case/{case.id}/").content.decode()


@pytest.mark.django_db(transaction=True)
def test_the_answer_is_kept_and_stops_the_clock(desk: Desk) -> None:
    case = entered(desk.client())
    outgoing = reply(
        actor=desk.people["agent"], case_id=case.id, text="A new one is on its way.", visibility="private",
        in_reply_to_id=None, form_key=uuid4(),
    )  # fmt: skip
    deliver(outgoing_id=outgoing.id)
    case.refresh_from_db()
    assert case.waiting_since is None
    assert Message.objects.get(thread__case_threads__case=case, own=True).user == desk.people["agent"]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"text": " "}, "Write what it says, or sum it up."),
        ({"date": ""}, "Say when it was written or said."),
        ({"date": "yesterday"}, "Write a date such as"),
        ({"date": "2199-01-01"}, "This day is still to come."),
        ({"date": "1026-11-21"}, "very long ago"),
        ({"time": "later"}, "Write a time such as"),
        ({"way": "telepathy"}, "Select a valid choice"),
        ({"files": SimpleUploadedFile("a.txt", b"words", "text/plain")}, "not a picture or a PDF"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(desk: Desk, typed: Any, words: str) -> None:
    answer = desk.client().post("/desk/new/", filled(**typed))
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert "Ilica 1" in answer.content.decode()
    assert not RawEvent.objects.exists()


def test_a_time_that_is_still_to_come_today_is_refused(desk: Desk) -> None:
    now = timezone.localtime()
    if now.hour == 23 and now.minute > 55:
        pytest.skip("a minute before midnight nothing is still to come today")
    later = (now + timedelta(minutes=4)).strftime("%H:%M")
    answer = desk.client().post("/desk/new/", filled(date=now.date().isoformat(), time=later))
    assert (answer.status_code, "still to come" in answer.content.decode()) == (422, True)


def test_only_who_may_answer_enters_letters(desk: Desk) -> None:
    assert desk.client("viewer").get("/desk/new/").status_code == 403
    assert desk.client("viewer").post("/desk/new/", filled()).status_code == 403
    assert b"/desk/new/" not in desk.client("viewer").get("/desk/").content
    assert b"/desk/new/" in desk.client().get("/desk/").content
    # Another brand is none of this agent's choices.
    assert desk.client().post("/desk/new/", filled(brand="bistro")).status_code == 422
    assert Client().get("/desk/new/").status_code == 302
    assert not RawEvent.objects.exists()


def test_the_page_says_what_it_wants(desk: Desk) -> None:
    page = desk.client().get("/desk/new/").content.decode()
    assert page.count("<label") >= 8
    assert f'max="{timezone.localdate().isoformat()}"' in page
    assert 'name="csrfmiddlewaretoken"' in page
