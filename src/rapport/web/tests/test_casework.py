"""Case work, the person and the thread's parts, as the pages do them."""

from __future__ import annotations

import pytest

from rapport.inbox.actions import assign_case, close_case, set_priority
from rapport.inbox.models import BrandReason, Case, CaseLink, CaseSeen, Message
from rapport.inbox.queries.thread import MESSAGE_PAGE
from rapport.inbox.tests.making import case_of, make_contact, say
from rapport.web.tests.conftest import Desk
from rapport.web.tests.test_case import PART, _undo
from rapport.web.timeline import told_of


@pytest.fixture
def other(desk: Desk) -> Case:
    """Another case of the same person."""
    return case_of(say(desk.channel, desk.message.identity, "And my seat?", 5))


def test_a_merge_and_its_undo_from_the_page(desk: Desk, other: Case) -> None:
    client = desk.client()
    assert (
        f'Merge into this<span class="sr-only"> Case {other.id}</span>'
        in client.get(desk.url()).content.decode()
    )
    answer = client.post(desk.url("merge"), {"other": other.id}, **PART)
    page = answer.content.decode()
    assert (answer.status_code, "And my seat?" in page) == (200, True)
    assert f"case {other.id} became part of this one" in page
    address, fields = _undo(page)
    assert client.post(address, fields, **PART).status_code == 200
    other.refresh_from_db()
    assert (other.status, other.merged_into_id) == ("open", None)


def test_a_split_and_its_undo_from_the_page(desk: Desk) -> None:
    client = desk.client()
    second = say(desk.channel, desk.message.identity, "Another matter", 9, to=desk.message)
    answer = client.post(desk.url("split"), {"message": second.id}, **PART)
    made = Case.objects.exclude(id__in=[desk.case.id, desk.other_case.id]).get()
    assert made.preview == "Another matter"
    address, fields = _undo(answer.content.decode())
    assert client.post(address, fields, **PART).status_code == 200
    made.refresh_from_db()
    assert made.merged_into_id == desk.case.id


def test_a_link_and_its_undo_from_the_page(desk: Desk, other: Case) -> None:
    client = desk.client()
    answer = client.post(desk.url("link"), {"other": other.id}, **PART)
    assert "Linked cases" in answer.content.decode()
    address, fields = _undo(answer.content.decode())
    client.post(address, fields, **PART)
    assert not CaseLink.objects.exists()


@pytest.mark.parametrize("action", ["merge", "part", "split", "unsplit", "link", "unlink", "person/same"])
@pytest.mark.parametrize(
    "given", [{}, {"other": "x"}, {"other": "-1"}, {"other": "9" * 40}, {"message": "0"}]
)
def test_nonsense_is_answered_in_words(desk: Desk, action: str, given: dict[str, str]) -> None:
    answer = desk.client().post(desk.url(action), given, **PART)
    assert answer.status_code in {404, 409, 422}
    assert Case.objects.get(id=desk.case.id).version == desk.case.version


@pytest.mark.parametrize("action", ["merge", "link", "person/same"])
def test_a_case_one_may_not_see_is_a_case_that_does_not_exist(desk: Desk, action: str) -> None:
    answer = desk.client().post(desk.url(action), {"other": desk.other_case.id}, **PART)
    assert answer.status_code == 404
    assert desk.client("viewer").post(desk.url(action), {"other": 1}, **PART).status_code in {403, 404}


def test_what_is_known_of_a_person_is_edited_in_place_and_undone(desk: Desk) -> None:
    client = desk.client()
    answer = client.post(desk.url("person/name"), {"name": "Ana Weber"}, **PART)
    address, fields = _undo(answer.content.decode())
    client.post(address, fields, **PART)
    assert Case.objects.get(id=desk.case.id).contact.name == "Ana"
    page = client.post(desk.url("person/attribute"), {"name": "Seat", "value": "<b>12A"}, **PART)
    assert "&lt;b&gt;12A" in page.content.decode()
    address, fields = _undo(page.content.decode())
    assert fields == {"name": "Seat", "value": ""}
    page = client.post(desk.url("person/attribute"), {"name": " seat", "value": "3C"}, **PART)
    address, fields = _undo(page.content.decode())
    assert fields == {"name": "seat", "value": "&lt;b&gt;12A"}  # as it stands in the page
    page = client.post(desk.url("person/attribute"), {"name": "\0", "value": "\0"}, **PART)
    assert page.status_code == 200
    page = client.post(desk.url("person/note"), {"text": "Likes windows"}, **PART)
    address, fields = _undo(page.content.decode())
    answer = client.post(address, fields, **PART)
    assert "person-note" not in answer.content.decode().split("add-person-note")[0].split("What we know")[1]


class TestThread:
    @pytest.fixture
    def long(self, desk: Desk) -> None:
        ben = make_contact(desk.channel, "Ben")
        Message.objects.bulk_create(
            Message(
                brand_id=desk.brand.id, channel=desk.channel, thread=desk.message.thread, external_id=f"c{n}",
                parent_external_id=desk.message.external_id, identity=ben, own=False, from_brand=False,
                visibility="public", text=f"comment {n}", sent_at=desk.message.sent_at,
            )
            for n in range(MESSAGE_PAGE * 2)
        )  # fmt: skip

    @pytest.mark.usefixtures("long")
    def test_a_part_is_the_entries_alone(self, desk: Desk) -> None:
        client = desk.client()
        page = client.get(desk.url() + "?end=1").content.decode()
        assert 'data-load="older"' in page
        assert 'data-load="newer"' not in page
        address = page.split('id="older"')[1].split('href="')[1].split('"')[0].replace("&amp;", "&")
        part = client.get(address, HTTP_HX_REQUEST="true", HTTP_HX_TARGET="entries").content.decode()
        assert part.startswith('<ol class="entries"')
        assert "composer" not in part.split("answer=")[0]
        assert client.get(address).status_code == 200  # without script it is a page

    @pytest.mark.usefixtures("long")
    def test_the_screen_gets_back_the_part_it_shows(self, desk: Desk) -> None:
        first = Message.objects.get(external_id="c70")
        page = desk.client().post(
            desk.url("priority"), {"priority": "3"}, **PART, HTTP_X_THREAD_SINCE=str(first.id)
        )
        shown = page.content.decode()
        assert "comment 70<" in shown
        assert "comment 69<" not in shown

    @pytest.mark.parametrize("query", ["?older=x", "?newer=x"])
    def test_made_up_places_are_refused(self, desk: Desk, query: str) -> None:
        assert desk.client().get(desk.url() + query).status_code == 422

    @pytest.mark.parametrize(
        "query", ["?m=0", "?m=99999999", "?m=-1", "?m=" + "9" * 50, "?answer=x", "?end=%00"]
    )
    def test_a_message_that_is_not_there_leads_to_the_case(self, desk: Desk, query: str) -> None:
        assert "Where is my bag?" in desk.client().get(desk.url() + query).content.decode()

    def test_how_far_somebody_read_is_kept(self, desk: Desk) -> None:
        client = desk.client()
        assert 'id="unread-line"' in client.get(desk.url()).content.decode()
        assert client.post(desk.url("seen"), {"until": desk.message.id}).status_code == 204
        assert CaseSeen.objects.get().message_id == desk.message.id
        assert 'id="unread-line"' not in client.get(desk.url()).content.decode()
        assert client.post(desk.url("seen"), {"until": "9" * 18}).status_code == 204
        assert client.post(desk.url("seen", desk.other_case), {"until": 1}, **PART).status_code == 404


class TestReasons:
    def test_an_admin_adds_one_and_an_agent_closes_with_it(self, desk: Desk) -> None:
        admin = desk.client("admin")
        url = f"/brands/{desk.brand.slug}/reasons/"
        assert admin.post(url, {"do": "add", "label": " Sent to the  hotel "}).status_code == 302
        reason = BrandReason.objects.get()
        agent = desk.client()
        assert "Close: Sent to the hotel" in agent.get(desk.url()).content.decode()
        answer = agent.post(desk.url("close"), {"reason": reason.code}, **PART).content.decode()
        assert "Closed: Sent to the hotel" in answer
        assert "closed: Sent to the hotel" in answer
        admin.post(url, {"do": "retire", "reason": reason.id})
        assert "Closed: Sent to the hotel" in agent.get(desk.url()).content.decode()
        agent.post(desk.url("reopen"), {}, **PART)
        assert agent.post(desk.url("close"), {"reason": reason.code}, **PART).status_code == 422
        admin.post(url, {"do": "offer", "reason": reason.id})
        admin.post(url, {"do": "rename", "reason": reason.id, "label": "Hotel"})
        assert agent.post(desk.url("close"), {"reason": reason.code}, **PART).status_code == 200

    @pytest.mark.parametrize("label", ["", "x" * 61, "spam", "DUPLICATE"])
    def test_what_cannot_be_a_reason_is_said(self, desk: Desk, label: str) -> None:
        url = f"/brands/{desk.brand.slug}/reasons/"
        assert desk.client("admin").post(url, {"do": "add", "label": label}).status_code == 422
        assert not BrandReason.objects.exists()

    def test_it_is_for_admins_and_of_one_brand(self, desk: Desk) -> None:
        url = f"/brands/{desk.brand.slug}/reasons/"
        for role in ("lead", "agent", "viewer"):
            assert desk.client(role).get(url).status_code == 403
            assert desk.client(role).post(url, {"label": "x"}).status_code == 403
        assert desk.client("admin").get(f"/brands/{desk.other_brand.slug}/reasons/").status_code == 404
        theirs = BrandReason.objects.create(brand=desk.other_brand, label="Theirs")
        answer = desk.client("admin").post(url, {"do": "retire", "reason": theirs.id})
        assert answer.status_code == 404
        closed = desk.client().post(desk.url("close"), {"reason": theirs.code}, **PART)
        assert closed.status_code == 422


def test_a_merged_cases_page_leads_on_and_says_where_it_went(desk: Desk, other: Case) -> None:
    client = desk.client()
    client.post(desk.url("merge"), {"other": other.id}, **PART)
    assert client.get(desk.url(case=other))["Location"] == desk.url()
    close_case(actor=desk.people["lead"], case_id=desk.case.id, reason="no_reply_needed")
    say(desk.channel, desk.message.identity, "Hello?", 20, to=Message.objects.get(text="And my seat?"))
    assert Case.objects.get(id=desk.case.id).status == "open"


def test_only_what_speaks_of_another_case_leads_to_one(desk: Desk, other: Case) -> None:
    agent = desk.people["agent"]
    assign_case(actor=agent, case_id=desk.case.id, assignee_id=agent.id)
    set_priority(actor=agent, case_id=desk.case.id, priority=3)
    assert [one.case_id for one in told_of(desk.case.events.all())] == [None] * desk.case.events.count()
    desk.client().post(desk.url("link"), {"other": other.id}, **PART)
    assert [one.case_id for one in told_of(desk.case.events.all()) if one.case_id] == [other.id]
