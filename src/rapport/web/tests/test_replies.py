import uuid

import pytest

from rapport.inbox.actions import set_priority
from rapport.inbox.models import Note
from rapport.outbox.models import Outgoing, OutgoingState
from rapport.web.tests.conftest import Desk

PART = {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "case"}


def _form(desk: Desk, **fields: object) -> dict[str, object]:
    return {
        "text": "Sorry, we look for it.",
        "visibility": "public",
        "in_reply_to": desk.message.id,
        "form_key": uuid.uuid4(),
        **fields,
    }


def test_a_reply_is_queued_and_the_field_is_empty_again(desk: Desk) -> None:
    answer = desk.client().post(desk.url("reply"), _form(desk), **PART)
    assert answer.status_code == 200
    outgoing = Outgoing.objects.get()
    assert outgoing.text == "Sorry, we look for it. ^AP"
    page = answer.content.decode()
    assert "Leaves in a moment" in page
    assert page.count("Sorry, we look for it.") == 1
    assert "rapport:sent" in answer["HX-Trigger"]


def test_a_form_that_is_sent_twice_is_one_reply(desk: Desk) -> None:
    client, form = desk.client(), _form(desk)
    client.post(desk.url("reply"), form, **PART)
    assert client.post(desk.url("reply"), form, **PART).status_code == 200
    assert Outgoing.objects.count() == 1


@pytest.mark.parametrize("part", [PART, {}])
def test_what_was_typed_is_kept_when_a_reply_is_refused(desk: Desk, part: dict[str, str]) -> None:
    version = desk.case.version
    set_priority(actor=desk.people["lead"], case_id=desk.case.id, priority=3)
    form = _form(desk, version=version, text="My careful <words>", visibility="private")
    answer = desk.client().post(desk.url("reply"), form, **part)
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "My careful &lt;words&gt;</textarea>" in page
    assert 'value="private" checked' in page
    assert str(form["form_key"]) in page
    assert "Show what changed" in page
    assert not Outgoing.objects.exists()
    assert "HX-Trigger" not in answer  # the draft on the device stays


def test_a_reply_that_is_taken_back_returns_its_words(desk: Desk) -> None:
    client = desk.client()
    client.post(desk.url("reply"), _form(desk), **PART)
    outgoing = Outgoing.objects.get()
    answer = client.post(desk.url("undo"), {"outgoing": outgoing.id}, **PART)
    assert "Sorry, we look for it.</textarea>" in answer.content.decode()
    assert Outgoing.objects.get().state == OutgoingState.CANCELLED
    assert client.post(desk.url("undo"), {"outgoing": outgoing.id}).status_code == 200


def test_a_reply_that_left_cannot_be_taken_back(desk: Desk) -> None:
    client = desk.client()
    client.post(desk.url("reply"), _form(desk), **PART)
    Outgoing.objects.update(state=OutgoingState.SENT)
    answer = client.post(desk.url("undo"), {"outgoing": Outgoing.objects.get().id}, **PART)
    assert answer.status_code == 409
    assert b"Too late to undo" in answer.content


def test_a_failed_reply_says_why_and_can_be_tried_again(desk: Desk) -> None:
    client = desk.client()
    client.post(desk.url("reply"), _form(desk), **PART)
    Outgoing.objects.update(state=OutgoingState.FAILED, error="The network said <no>.")
    page = client.get(desk.url()).content.decode()
    assert "The network said &lt;no&gt;." in page
    assert "Try again" in page
    assert "Not sent" in client.get("/desk/").content.decode()
    answer = client.post(desk.url("retry"), {"outgoing": Outgoing.objects.get().id}, **PART)
    assert answer.status_code == 200
    assert Outgoing.objects.get().state == OutgoingState.QUEUED


def test_a_reply_of_another_case_cannot_be_reached_through_this_one(desk: Desk) -> None:
    desk.client().post(desk.url("reply"), _form(desk), **PART)
    outgoing = Outgoing.objects.get()
    other = desk.client("lead")
    Outgoing.objects.update(case=desk.other_case)
    for action in ("undo", "retry"):
        assert other.post(desk.url(action), {"outgoing": outgoing.id}, **PART).status_code == 404
    assert Outgoing.objects.get().state == OutgoingState.QUEUED


def test_the_length_counts_the_signature_as_the_network_does(desk: Desk) -> None:
    client = desk.client()
    assert client.post(desk.url("length"), {"text": " Hello "}).json() == {"length": 9, "limit": 500}
    assert client.post(desk.url("length"), {"text": ""}).json()["length"] == 0
    assert desk.client("viewer").post(desk.url("length"), {"text": "x"}).status_code == 403


def test_a_note_stays_between_colleagues(desk: Desk) -> None:
    answer = desk.client().post(desk.url("note"), {"note": "He is a regular.", "version": 1}, **PART)
    assert answer.status_code == 200
    assert Note.objects.get().text == "He is a regular."
    assert b"Note: only colleagues see this" in answer.content
    assert not Outgoing.objects.exists()


def test_a_channel_that_cannot_send_says_so_and_notes_still_work(desk: Desk) -> None:
    desk.channel.network = "file"
    desk.channel.save()
    page = desk.client().get(desk.url()).content.decode()
    assert "Nothing can be sent through this channel" in page
    assert "note-form" in page
    assert "Send publicly" not in page


def test_a_network_that_is_gone_leaves_its_cases_readable(desk: Desk) -> None:
    desk.channel.network = "gone"
    desk.channel.save()
    page = desk.client().get(desk.url()).content.decode()
    assert "Where is my bag?" in page
    assert "is not installed here" in page
