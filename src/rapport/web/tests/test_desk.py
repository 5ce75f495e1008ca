import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from rapport.inbox.actions import add_note, add_tag, assign_case, close_case, snooze_case
from rapport.inbox.models import Case, CaseStatus
from rapport.inbox.tests.making import make_case, make_contact, say
from rapport.staff.models import Role
from rapport.web.tests.conftest import Desk

PAGES = ["/desk/", "/desk/mine/", "/desk/closed/", "/figures/", "/channels/", "/account/", "/keys/"]


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("path", PAGES)
def test_every_role_sees_every_common_page(desk: Desk, role: Role, path: str) -> None:
    assert desk.client(role).get(path).status_code == 200


@pytest.mark.parametrize("path", [*PAGES, "/parked/", "/desk/all/case/1/"])
def test_nobody_sees_a_page_without_logging_in(desk: Desk, path: str) -> None:
    answer = Client().get(path)
    assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/login/")


@pytest.mark.parametrize("role", list(Role))
def test_a_case_of_another_brand_does_not_exist(desk: Desk, role: Role) -> None:
    client = desk.client(role)
    assert client.get(desk.url(case=desk.other_case)).status_code == 404
    for action in (
        "assign",
        "priority",
        "tag",
        "untag",
        "snooze",
        "close",
        "reopen",
        "note",
        "reply",
        "undo",
        "retry",
        "dismiss",
        "edit",
        "delete",
    ):
        data = {
            "assignee": "",
            "priority": 4,
            "name": "x",
            "tag": 1,
            "until": "hour",
            "reason": "spam",
            "note": "x",
        }
        answer = client.post(desk.url(action, case=desk.other_case), data)
        assert answer.status_code == 404, action
    assert client.post(desk.url("length", case=desk.other_case), {"text": "x"}).status_code == 404
    listed = client.get("/desk/", {"brand": desk.other_brand.id})
    assert listed.status_code == 404
    assert b"A table for two" not in client.get("/desk/").content


def test_a_viewer_sees_no_field_and_may_do_nothing(desk: Desk) -> None:
    client = desk.client(Role.VIEWER)
    page = client.get(desk.url()).content.decode()
    assert "Where is my bag?" in page
    assert "reply-form" not in page
    assert "menu-assign" not in page
    before = Case.objects.get(id=desk.case.id).version
    for action, data in (
        ("assign", {"assignee": desk.people["viewer"].id}),
        ("close", {"reason": "spam"}),
        ("note", {"note": "x"}),
    ):
        assert client.post(desk.url(action), data).status_code == 403
    assert Case.objects.get(id=desk.case.id).version == before


def test_every_page_forbids_inline_script_and_style(desk: Desk) -> None:
    client = desk.client(Role.LEAD)
    for path in [*PAGES, "/parked/", desk.url(), "/nothing-here"]:
        answer = client.get(path)
        policy = answer["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "default-src 'self'" in policy
        page = answer.content.decode()
        assert " style=" not in page
        assert " onclick=" not in page
        assert all("src=" in tag for tag in page.split("<script")[1:])


def test_a_form_without_its_token_does_nothing(desk: Desk) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(desk.people["agent"], backend="django.contrib.auth.backends.ModelBackend")
    answer = client.post(desk.url("close"), {"reason": "spam"})
    assert answer.status_code == 403
    assert b"That form was out of date" in answer.content
    assert Case.objects.get(id=desk.case.id).status == CaseStatus.OPEN


def test_hostile_words_stay_words(desk: Desk) -> None:
    contact = make_contact(desk.channel, "<script>alert(1)</script>", handle='"><img src=x>')
    message = say(desk.channel, contact, "<img src=x onerror=alert(1)> javascript:alert(1)")
    message.media = [{"url": "javascript:alert(1)", "kind": "image", "alt": "<b>x</b>"}]
    message.url = "javascript:alert(2)"
    message.lang = '"><script>'
    message.save()
    case = Case.objects.get(case_threads__thread_id=message.thread_id)
    page = desk.client().get(desk.url(case=case)).content.decode()
    assert re.findall("<img[^>]*>", page) == ['<img alt="">']  # the picture dialog's own
    assert "<script>" not in page
    assert 'href="javascript' not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page


def test_parts_are_the_same_page_in_pieces(desk: Desk) -> None:
    client = desk.client()
    part = {"HTTP_HX_REQUEST": "true"}
    case = client.get(desk.url(), HTTP_HX_TARGET="case", **part).content.decode()
    assert case.startswith('<div id="case"')
    listed = client.get("/desk/all/", HTTP_HX_TARGET="list", **part).content.decode()
    assert listed.startswith('<nav id="views"')
    assert 'id="list"' in listed
    answer = client.get(desk.url(), HTTP_HX_TARGET="case", **part)
    assert "HX-Target" in answer["Vary"]
    assert "no-store" in answer["Cache-Control"]


def test_the_list_goes_on_by_keyset(desk: Desk) -> None:
    for number in range(45):
        make_case(desk.channel, f"Customer {number}", f"Question {number}", minutes=number)
    client = desk.client()
    first = client.get("/desk/")
    ids = [one.row.id for one in first.context["rows"]]
    cursor = first.context["page"].next_cursor
    second = client.get("/desk/all/", {"after": cursor}, HTTP_HX_REQUEST="true", HTTP_HX_TARGET="rows-end")
    more = [one.row.id for one in second.context["rows"]]
    assert len(ids) == 40
    assert len(more) == 6
    assert not set(ids) & set(more)
    assert client.get("/desk/all/", {"after": "forged"}).status_code == 422


def test_pages_cost_the_same_however_much_they_show(
    desk: Desk, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    owner = desk.people["lead"]
    for number in range(30):
        case = make_case(desk.channel, f"Customer {number}", minutes=number)
        add_tag(actor=owner, case_id=case.id, name=f"tag {number % 3}")
        assign_case(actor=owner, case_id=case.id, assignee_id=owner.id)
    contact = desk.message.identity
    for number in range(40):
        say(desk.channel, contact, f"More {number}", number + 1, to=desk.message)
        add_note(actor=owner, case_id=desk.case.id, text=f"Note {number}")
        assign_case(actor=owner, case_id=desk.case.id, assignee_id=owner.id if number % 2 else None)
    client = desk.client(Role.LEAD)
    with django_assert_max_num_queries(60):
        assert client.get(desk.url()).status_code == 200
    with django_assert_max_num_queries(16):
        client.get("/desk/all/", HTTP_HX_REQUEST="true", HTTP_HX_TARGET="list")


def test_the_page_shows_who_has_the_case_and_what_happened(desk: Desk) -> None:
    lead, agent = desk.people["lead"], desk.people["agent"]
    assign_case(actor=lead, case_id=desk.case.id, assignee_id=agent.id)
    snooze_case(actor=agent, case_id=desk.case.id, until=timezone.now() + timedelta(hours=2))
    page = desk.client().get(desk.url()).content.decode()
    assert "Lead Person: gave the case to Agent Person" in page
    assert "Agent Person: snoozed until" in page
    assert "Back to work now" in page


def test_a_closed_case_says_why_and_can_be_reopened(desk: Desk) -> None:
    close_case(actor=desk.people["agent"], case_id=desk.case.id, reason="spam")
    page = desk.client().get(desk.url()).content.decode()
    assert "Closed: Spam" in page
    assert "Reopen" in page


def test_an_old_address_of_a_merged_case_leads_to_where_it_went(desk: Desk) -> None:
    target = make_case(desk.channel, "Carl")
    Case.objects.filter(id=desk.case.id).update(status=CaseStatus.MERGED, merged_into=target)
    answer = desk.client().get(desk.url() + "?q=bag")
    assert (answer.status_code, answer["Location"]) == (302, f"/desk/all/case/{target.id}/?q=bag")


@pytest.mark.parametrize(
    "query", ["brand=x", "channel=-1", "tag=99999999999999999999", "limit=x", "q=%00%00", "answer=%F0"]
)
def test_a_crooked_address_is_no_error_of_ours(desk: Desk, query: str) -> None:
    assert desk.client().get(f"{desk.url()}?{query}").status_code in {200, 404, 422}


def test_search_finds_and_says_when_it_does_not(desk: Desk) -> None:
    client = desk.client()
    assert b"Where is my <mark>bag</mark>?" in client.get("/desk/all/", {"q": "bag"}).content
    assert b"<h2>Nothing found</h2>" in client.get("/desk/all/", {"q": "zeppelin"}).content


def test_there_is_no_such_list(desk: Desk) -> None:
    assert desk.client().get("/desk/everything/").status_code == 404
