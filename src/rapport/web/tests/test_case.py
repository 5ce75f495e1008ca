import pytest
from django.utils import timezone

from rapport.brands.models import Channel
from rapport.inbox.actions import set_priority
from rapport.inbox.models import Case, CaseStatus, Message
from rapport.web.tests.conftest import Desk

PART = {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "case"}


def _case(desk: Desk) -> Case:
    return Case.objects.get(id=desk.case.id)


def _undo(page: str) -> tuple[str, dict[str, str]]:
    """The address and the fields of the form that undoes what was just done."""
    import re

    form = page.split("data-undo>", 1)
    action = re.findall(r'<form method="post" action="([^"]+)"', form[0])[-1]
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form[1].split("</form>")[0]))
    fields.pop("csrfmiddlewaretoken", None)
    return action.replace("&amp;", "&"), fields


@pytest.mark.parametrize(
    ("action", "data", "field", "after"),
    [
        ("assign", {"assignee": "me"}, "assignee_id", "me"),
        ("priority", {"priority": "4"}, "priority", 4),
        ("snooze", {"until": "hour"}, "status", CaseStatus.SNOOZED),
        ("close", {"reason": "spam"}, "status", CaseStatus.CLOSED),
    ],
)
def test_what_is_done_can_be_undone_from_the_answer(
    desk: Desk, action: str, data: dict[str, str], field: str, after: object
) -> None:
    client, me = desk.client(), desk.people["agent"].id
    before = getattr(_case(desk), field)
    answer = client.post(desk.url(action), {k: me if v == "me" else v for k, v in data.items()}, **PART)
    assert answer.status_code == 200
    assert getattr(_case(desk), field) == (me if after == "me" else after)
    assert "rapport:changed" in answer["HX-Trigger"]
    address, fields = _undo(answer.content.decode())
    assert client.post(address, fields, **PART).status_code == 200
    assert getattr(_case(desk), field) == before


def test_a_tag_comes_and_goes_and_comes_back(desk: Desk) -> None:
    client = desk.client()
    assert client.post(desk.url("tag"), {"name": " lost  luggage "}, **PART).status_code == 200
    tag = _case(desk).tags.get()
    assert tag.name == "lost luggage"
    answer = client.post(desk.url("untag"), {"tag": tag.id}, **PART)
    assert not _case(desk).tags.exists()
    address, fields = _undo(answer.content.decode())
    client.post(address, fields, **PART)
    assert _case(desk).tags.get() == tag


def test_without_script_it_comes_back_to_the_page(desk: Desk) -> None:
    answer = desk.client().post(desk.url("close") + "?q=bag", {"reason": "spam"})
    assert (answer.status_code, answer["Location"]) == (302, desk.url() + "?q=bag")


@pytest.mark.parametrize("part", [PART, {}])
def test_somebody_who_saw_an_older_case_is_told_so(desk: Desk, part: dict[str, str]) -> None:
    seen = _case(desk).version
    set_priority(actor=desk.people["lead"], case_id=desk.case.id, priority=3)
    answer = desk.client().post(desk.url("close"), {"reason": "spam", "version": seen}, **part)
    assert answer.status_code == 409
    assert b"Somebody changed this case in the meantime" in answer.content
    assert _case(desk).status == CaseStatus.OPEN


@pytest.mark.parametrize(
    ("action", "data"),
    [
        ("snooze", {"until": "2001-01-01T10:00"}),
        ("snooze", {"until": "whenever"}),
        ("snooze", {"until": "2026-99-99T10:00"}),
        ("close", {"reason": "imported"}),
        ("close", {}),
        ("priority", {"priority": "9"}),
        ("priority", {"priority": "-1"}),
        ("assign", {"assignee": "999999"}),
        ("tag", {"name": " "}),
        ("tag", {"name": "x" * 61}),
        ("note", {"note": "\n"}),
        ("reply", {"text": "", "visibility": "public"}),
        ("reply", {"text": "x" * 501, "visibility": "public"}),
        ("reply", {"text": "hello", "visibility": "sideways"}),
        ("reply", {"text": "hello", "visibility": "public", "in_reply_to": "0x1"}),
    ],
)
@pytest.mark.parametrize("part", [PART, {}])
def test_what_cannot_be_done_is_said_in_place(
    desk: Desk, action: str, data: dict[str, str], part: dict[str, str]
) -> None:
    before = _case(desk).version
    answer = desk.client().post(desk.url(action), data, **part)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert _case(desk).version == before


@pytest.mark.parametrize("action", ["assign", "close", "reply", "note", "undo", "retry", "dismiss", "length"])
def test_looking_never_changes_anything(desk: Desk, action: str) -> None:
    assert desk.client().get(desk.url(action))["Location"] == desk.url()


@pytest.mark.parametrize("hide", [True, False])
def test_what_its_author_took_back_is_shown_only_where_the_channel_says_so(desk: Desk, hide: bool) -> None:
    Channel.objects.filter(id=desk.case.channel_id).update(hide_deleted=hide)
    message = Message.objects.filter(thread__case_threads__case_id=desk.case.id, own=False).earliest("id")
    message.text, message.facts = "Taken back words", {"subject": "Taken back subject"}
    message.deleted_at = timezone.now()
    message.save()
    page = desk.client().get(desk.url(), **PART).content.decode()
    thread = page[page.index('class="entries"') :]
    assert "Deleted on the network" in thread
    assert ("Taken back words" in thread) is not hide
    assert ("Taken back subject" in thread) is not hide
