import uuid

import pytest

from rapport.outbox.drafts import drafts_of
from rapport.outbox.models import DraftAside, Outgoing
from rapport.web.tests.conftest import Desk

PART = {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "case"}


def _save(desk: Desk, text: str, base: int = 0, age: object = 0, field: str = "reply") -> dict[str, object]:
    form = {"field": field, "text": text, "base": base, "age": age}
    answer = desk.client().post(desk.url("draft"), form, **PART)
    assert answer.status_code == 200, answer.content
    found: dict[str, object] = answer.json()
    return found


def _kept(desk: Desk, field: str = "reply") -> str:
    return drafts_of(user=desk.people["agent"], case_id=desk.case.id)[field].text


def test_what_one_device_wrote_stands_in_the_field_of_another_and_in_the_list(desk: Desk) -> None:
    _save(desk, "Half an <answer>")
    _save(desk, "A note", field="note")
    page = desk.client().get(desk.url()).content.decode()
    assert "Half an &lt;answer&gt;</textarea>" in page
    assert "A note</textarea>" in page
    assert "Draft saved" in page
    assert "20 / 500" in page  # counted with its signature
    row = desk.client().get("/desk/all/", HTTP_HX_REQUEST="true", HTTP_HX_TARGET="list").content.decode()
    assert "Draft</span>" in row
    for role in ("lead", "viewer"):
        other = desk.client(role).get(desk.url()).content.decode()
        assert "Half an" not in other
        assert "Draft</span>" not in other


def test_what_is_sent_leaves_the_draft_and_undoing_brings_it_back(desk: Desk) -> None:
    revision = _save(desk, "We look")["revision"]
    client = desk.client()
    form = {"text": "We look", "visibility": "public", "form_key": uuid.uuid4(), "draft": revision}
    client.post(desk.url("reply"), form, **PART)
    assert _kept(desk) == ""
    page = client.get(desk.url()).content.decode()
    assert "We look</textarea>" not in page
    _save(
        desk, "Begun since", base=drafts_of(user=desk.people["agent"], case_id=desk.case.id)["reply"].revision
    )
    undo = {"outgoing": Outgoing.objects.get().id}
    answer = client.post(desk.url("undo"), undo, **PART).content.decode()
    assert "We look</textarea>" in answer  # the screen puts what it holds behind it
    assert _kept(desk) == "We look\n\nBegun since"
    assert "We look\n\nBegun since</textarea>" in client.post(desk.url("undo"), undo).content.decode()


def test_a_note_that_is_added_leaves_its_draft_and_not_the_replys(desk: Desk) -> None:
    _save(desk, "A reply")
    revision = _save(desk, "Half a note", field="note")["revision"]
    answer = desk.client().post(desk.url("note"), {"note": "A whole note", "draft": revision}, **PART)
    assert (_kept(desk, "note"), _kept(desk)) == ("", "A reply")
    page = answer.content.decode()
    assert "A reply</textarea>" in page
    assert "You also wrote" not in page


def test_what_another_device_wrote_is_offered_and_can_be_used_or_discarded(desk: Desk) -> None:
    _save(desk, "At the desk")
    answer = _save(desk, "On the <train>", base=1, age=600)
    assert answer["text"] == "At the desk"
    assert "On the &lt;train&gt;</blockquote>" in str(answer["asides"])
    client = desk.client()
    form = {"aside": DraftAside.objects.get().id}
    dropped = client.post(desk.url("draft/drop"), form, **PART).content.decode()
    assert "Discarded." in dropped
    assert "</blockquote>" not in dropped
    assert (
        "</blockquote>" in client.post(desk.url("draft/drop"), {**form, "back": 1}, **PART).content.decode()
    )
    used = client.post(desk.url("draft/use"), form, **PART).content.decode()
    assert 'data-reset="append"' in used
    assert _kept(desk) == "On the <train>\n\nAt the desk"


@pytest.mark.parametrize("value", ["9" * 5000, "9" * 30, "-1", "\0", "x", ""], ids=range(6))
def test_nothing_in_the_forms_is_an_error_of_ours(desk: Desk, value: str) -> None:
    client = desk.client()
    _save(desk, "Kept")
    for fields in ({"base": value}, {"age": value}, {"field": value}, {"text": value, "base": value}):
        form = {"field": "reply", "text": "Words", **fields}
        assert client.post(desk.url("draft"), form, **PART).status_code in {200, 422}
    for action in ("draft/use", "draft/drop"):
        assert client.post(desk.url(action), {"aside": value}, **PART).status_code in {404, 422}
    everything = drafts_of(user=desk.people["agent"], case_id=desk.case.id)["reply"]
    assert "Kept" in [everything.text, *(text for _id, text in everything.asides)] or value == "\0"
    assert client.post(desk.url("draft"), {"field": "reply", "text": "x" * 100_001}).status_code == 422
