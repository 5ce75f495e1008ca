"""What a browser seldom sends, and an attacker does; and forms that come late, twice or out of turn."""

import re
import uuid

import pytest
from axes.utils import reset
from django.conf import settings
from django.test import Client

from rapport.inbox.actions import assign_case, close_case
from rapport.inbox.models import Case, CaseStatus
from rapport.ingest.models import RawEvent
from rapport.outbox.models import Outgoing, OutgoingState
from rapport.staff.models import Role, Team
from rapport.web.tests.conftest import Desk
from rapport.web.tests.test_hooks import _post, hook  # noqa: F401 - a fixture

TOO_LONG = "9" * 5000  # more digits than Python turns into a number
PART = {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "case"}


@pytest.mark.parametrize("name", ["brand", "channel", "tag", "assignee", "limit", "answer", "after", "older"])
@pytest.mark.parametrize("value", [TOO_LONG, "9" * 30, "-1", "0", "\0", "²"])
def test_no_number_in_an_address_is_an_error_of_ours(desk: Desk, name: str, value: str) -> None:
    assert desk.client().get(desk.url(), {name: value}).status_code in {200, 404, 422}


@pytest.mark.parametrize("value", [TOO_LONG, "9" * 30, "-1", "0", "\0", "x"])
def test_nothing_in_a_form_is_an_error_of_ours(desk: Desk, value: str) -> None:
    client = desk.client(Role.LEAD)
    names = "assignee team was priority name tag until reason outgoing in_reply_to version text visibility message"
    ways = "send_at send_at_time snooze snooze_at split numbered channel what"
    form = dict.fromkeys([*names.split(), *ways.split(), "form_key", "kept", "kept_alt"], value)
    actions = "assign priority tag untag snooze close reply undo retry dismiss edit delete later length"
    for action in actions.split():
        assert client.post(desk.url(action), form, **PART).status_code in {200, 404, 409, 422}, action
    for until in ("0001-01-01T00:00+14:00", "9999-12-31T23:59-12:00", "0001-01-01T00:00", "9999-12-31T23:59"):
        assert client.post(desk.url("snooze"), {"until": until}, **PART).status_code in {409, 422}
        sent = {"text": "Soon.", "visibility": "public", "send_at": "at", "send_at_time": until}
        assert client.post(desk.url("reply"), sent, **PART).status_code == 422
    assert client.post("/parked/replay/", {"event": value}).status_code == 422
    assert client.get("/figures/", {"brand": value, "since": value}).status_code in {200, 422}
    assert client.get("/parked/", {"page": value}).status_code == 200


@pytest.mark.parametrize("depth", [600, 800, 50_000])
def test_a_delivery_that_is_nested_too_deep_is_kept_or_refused_and_never_an_error(
    hook: str,  # noqa: F811
    depth: int,
) -> None:
    body = b'{"events": [{"id": "deep", "type": "ping", "x": ' + b"[" * depth + b"]" * depth + b"}]}"
    status = _post(hook, body).status_code
    assert status in {200, 400, 401}
    assert RawEvent.objects.count() == (1 if status == 200 else 0)


def test_the_login_page_leads_nobody_in_a_circle(desk: Desk) -> None:
    for address in ("/login/?next=/login/", "/login/?next=/login/%3Fnext=/login/"):
        assert desk.client().get(address)["Location"] == "/desk/"


def test_an_address_that_guesses_at_everybody_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rapport.web.views.account._ACCOUNTS_PER_ADDRESS", 1)
    try:
        for number in range(settings.AXES_FAILURE_LIMIT):
            form = {"username": f"person{number}@example.com", "password": "Summer2026!"}
            assert Client().post("/login/", form).status_code == 200
        assert Client().post("/login/", {**form, "username": "next@example.com"}).status_code == 429
        assert Client().get("/login/").status_code == 200
        elsewhere = Client(REMOTE_ADDR="192.0.2.7")
        assert elsewhere.post("/login/", {**form, "username": "next@example.com"}).status_code == 200
    finally:
        reset()


@pytest.mark.parametrize("action", ["reply", "note", "close", "assign", "undo"])
def test_the_address_of_a_form_leads_a_reader_to_the_case(desk: Desk, action: str) -> None:
    answer = desk.client().get(desk.url(action) + "?q=bag")
    assert (answer.status_code, answer["Location"]) == (302, desk.url() + "?q=bag")
    assert desk.client().put(desk.url(action)).status_code == 405
    assert Client().get(desk.url(action))["Location"].startswith("/login/")


def _form(desk: Desk, text: str) -> dict[str, object]:
    return {"text": text, "visibility": "public", "in_reply_to": desk.message.id, "form_key": uuid.uuid4()}


def test_words_written_after_a_lost_answer_are_not_taken_for_sent(desk: Desk) -> None:
    client, form = desk.client(), _form(desk, "First words")
    client.post(desk.url("reply"), form, **PART)  # and the answer never arrived
    answer = client.post(desk.url("reply"), {**form, "text": "Second, better words"}, **PART)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "HX-Trigger" not in answer  # the draft on the device stays
    assert "Second, better words</textarea>" in page
    key = re.search(r'name="form_key" id="[^"]+" value="([^"]+)"', page)
    assert key is not None
    assert key[1] != str(form["form_key"])
    again = {**form, "text": "Second, better words", "form_key": key[1]}
    assert client.post(desk.url("reply"), again, **PART).status_code == 200
    assert [one.text for one in Outgoing.objects.order_by("id")] == [
        "First words ^AP",
        "Second, better words ^AP",
    ]


def test_a_form_whose_reply_was_taken_back_does_not_say_that_it_sent(desk: Desk) -> None:
    client, form = desk.client(), _form(desk, "Rash words")
    client.post(desk.url("reply"), form, **PART)
    client.post(desk.url("undo"), {"outgoing": Outgoing.objects.get().id}, **PART)
    answer = client.post(desk.url("reply"), form, **PART)
    assert answer.status_code == 409
    assert "Rash words</textarea>" in answer.content.decode()
    assert Outgoing.objects.get().state == OutgoingState.CANCELLED


def _undo(page: str) -> dict[str, str]:
    toast = page.split('id="toasts"')[1]
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', toast))


def test_undoing_an_assignment_gives_the_case_back_to_its_team(desk: Desk) -> None:
    team = Team.objects.create(brand=desk.brand, name="Bags")
    assign_case(actor=desk.people["lead"], case_id=desk.case.id, assignee_id=None, team_id=team.id)
    client = desk.client()
    answer = client.post(desk.url("assign"), {"assignee": desk.people["agent"].id}, **PART)
    assert client.post(desk.url("assign"), _undo(answer.content.decode()), **PART).status_code == 200
    case = Case.objects.get(id=desk.case.id)
    assert (case.assignee_id, case.team_id) == (None, team.id)


def test_undoing_takes_back_nothing_that_a_colleague_did_since(desk: Desk) -> None:
    client, lead = desk.client(), desk.people["lead"]
    taken = client.post(desk.url("assign"), {"assignee": desk.people["agent"].id}, **PART)
    assign_case(actor=lead, case_id=desk.case.id, assignee_id=lead.id)
    assert client.post(desk.url("assign"), _undo(taken.content.decode()), **PART).status_code == 409
    assert Case.objects.get(id=desk.case.id).assignee_id == lead.id
    put_away = client.post(desk.url("snooze"), {"until": "hour"}, **PART)
    close_case(actor=lead, case_id=desk.case.id, reason="spam")
    assert client.post(desk.url("reopen"), _undo(put_away.content.decode()), **PART).status_code == 409
    assert Case.objects.get(id=desk.case.id).status == CaseStatus.CLOSED


def test_undoing_is_not_stopped_by_what_a_customer_did_since(desk: Desk) -> None:
    client = desk.client()
    taken = client.post(desk.url("priority"), {"priority": 4}, **PART)
    case = Case.objects.get(id=desk.case.id)
    Case.objects.filter(id=case.id).update(version=case.version + 1)
    assert client.post(desk.url("priority"), _undo(taken.content.decode()), **PART).status_code == 200
    assert Case.objects.get(id=case.id).priority == desk.case.priority
