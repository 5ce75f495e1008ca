from __future__ import annotations

import html
import re
from typing import Any

import pytest

from rapport.brands.models import Channel
from rapport.contacts.models import Contact, Identity
from rapport.inbox.models import Message
from rapport.inbox.tests.making import make_channel, make_contact, make_user, say
from rapport.outbox.models import SavedReply
from rapport.outbox.saved_replies import Content, create_reply
from rapport.staff.models import Role, User
from rapport.web.tests.conftest import Desk
from rapport.web.variables import first_name


def _save(desk: Desk, name: str, **texts: str) -> SavedReply:
    content = Content(name=name, texts={("" if one == "any" else one): text for one, text in texts.items()})
    return create_reply(actor=desk.people["agent"], content=content)


def _offers(desk: Desk, what: str, typed: str = "", role: str = "agent", **more: object) -> list[str]:
    """What would go into the field, in order."""
    answer = desk.client(role).get(f"/aids/{desk.case.id}/{what}/", {"q": typed, **more})
    assert answer.status_code == 200, answer.content
    return [html.unescape(one) for one in re.findall(r'data-text="([^"]*)"', answer.content.decode())]


def test_a_reply_is_offered_as_it_would_stand_in_the_field(desk: Desk) -> None:
    Contact.objects.filter(id=desk.case.contact_id).update(name="Ana  María Weber")
    _save(
        desk,
        "All",
        any="{{customer.first_name}}|{{customer.name}}|{{agent.name}}|{{brand.name}}|{{case.number}}|{{channel.handle}}",
    )
    assert _offers(desk, "replies", "all") == [f"Ana|Ana María Weber|Agent Person|Aero|{desk.case.id}|@aero"]


def test_a_name_from_outside_is_only_a_name(desk: Desk) -> None:
    name = "{{agent.name}} \u202e<b>&\n{{brand.name|x}}"
    Contact.objects.filter(id=desk.case.contact_id).update(name=name)
    _save(desk, "Hi", any="Hi {{customer.name}}, {{customer.first_name|you}}")
    assert _offers(desk, "replies", "hi") == ["Hi {{agent.name}} <b>& {{brand.name|x}}, you"]


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("Ana Weber", "Ana"),
        ("Dr. Ana Weber", "Ana"),
        ("Prof. Dr. Ana", "Ana"),
        ("สมชาย ใจดี", "สมชาย"),
        ("山田太郎", "山田太郎"),
        ("@ana", ""),
        ("ana@example.com", ""),
        ("✨ Ana", ""),
        ("", ""),
    ],
)
def test_first_names(name: str, first: str) -> None:
    assert first_name(name) == first


def test_the_language_of_the_message_that_is_answered_comes_first(desk: Desk) -> None:
    _save(desk, "Hello", en="Hello", de="Hallo", th="สวัสดี")
    Message.objects.filter(id=desk.message.id).update(lang="de-AT")
    assert _offers(desk, "replies", answers=desk.message.id)[0] == "Hallo"
    User.objects.filter(id=desk.people["agent"].id).update(language="th")
    assert _offers(desk, "replies")[0] == "สวัสดี"
    # A message of another case says nothing here.
    other = say(desk.channel, make_contact(desk.channel, "Bea"), "Hallo", 3)
    Message.objects.filter(id=other.id).update(lang="en")
    assert _offers(desk, "replies", answers=other.id)[0] == "สวัสดี"


def test_a_use_is_counted(desk: Desk) -> None:
    made = _save(desk, "Hello", any="Hello")
    assert desk.client().post(f"/aids/{desk.case.id}/used/", {"reply": made.id}).status_code == 204
    assert desk.client("viewer").post(f"/aids/{desk.case.id}/used/", {"reply": made.id}).status_code == 403
    assert desk.client().post(f"/aids/{desk.case.id}/used/", {"reply": "9" * 40}).status_code == 404
    made.refresh_from_db()
    assert made.used == 1


def test_people_of_the_thread_come_before_others_who_wrote_to_the_brand(desk: Desk) -> None:
    anton = make_contact(desk.channel, "Anton", "@anton")
    say(desk.channel, anton, "Mine is lost too", 5, to=desk.message)
    say(desk.channel, make_contact(desk.channel, "Annika", "@annika"), "Hi", 6)
    make_contact(desk.channel, "Anna", "@anna.never.wrote")
    say(
        make_channel(desk.other_brand, "practice"),
        make_contact(desk.channel, "Andy", "@andy.of.bistro"),
        "Hi",
    )
    ana = desk.message.identity.handle
    assert _offers(desk, "people", "an") == ["@anton ", f"{ana} ", "@annika "]
    assert _offers(desk, "people", "") == ["@anton ", f"{ana} "]  # of the thread only
    assert _offers(desk, "people", "ANNI") == ["@annika "]
    assert _offers(desk, "people", "aero") == []  # ourselves


def test_handles_are_named_with_one_sign_and_found_by_it(desk: Desk) -> None:
    say(desk.channel, make_contact(desk.channel, "Ova", "ova%_.bsky.social"), "Hi", 6)
    assert _offers(desk, "people", "ova%_.b") == ["@ova%_.bsky.social "]
    assert _offers(desk, "people", "ov%") == []


def test_nobody_is_offered_where_a_handle_names_nobody(desk: Desk) -> None:
    Channel.objects.filter(id=desk.channel.id).update(network="letters")
    Identity.objects.update(network="letters")
    assert _offers(desk, "people", "") == []


def test_hashtags_of_the_brand_and_of_the_thread_by_use(desk: Desk) -> None:
    say(desk.channel, None, "We are #OnTime and #Öko, see example.com/#anchor a#b #1", 2, to=desk.message)
    say(desk.channel, None, "#OnTime again, #\ufeff", 3)
    say(desk.channel, desk.message.identity, "So #late", 4, to=desk.message)
    say(desk.channel, make_contact(desk.channel, "Else"), "Another's #offtopic", 5)
    assert _offers(desk, "hashtags", "") == ["#OnTime ", "#late ", "#Öko "]
    assert _offers(desk, "hashtags", "o") == ["#OnTime ", "#Öko "]
    assert _offers(desk, "hashtags", "on") == ["#OnTime "]


def test_colleagues_who_can_be_named_in_a_note(desk: Desk) -> None:
    make_user("Zoë de Vries", brand=desk.brand, role=Role.LEAD)
    make_user("Zoran Else", brand=desk.other_brand)
    assert _offers(desk, "colleagues", "vri") == ["@Zoë de Vries "]
    assert _offers(desk, "colleagues", "zo") == ["@Zoë de Vries "]
    assert _offers(desk, "colleagues", "") == ["@Admin Person ", "@Lead Person ", "@Zoë de Vries "]


@pytest.mark.parametrize("what", ["replies", "people", "hashtags", "colleagues"])
def test_what_is_offered_takes_few_queries_whatever_there_is(
    desk: Desk, what: str, django_assert_max_num_queries: Any
) -> None:
    for number in range(12):
        _save(desk, f"An answer {number}", en="An answer", de="Hallo")
        say(desk.channel, make_contact(desk.channel, f"An {number}"), f"#an{number}", number, to=desk.message)
    client = desk.client()
    with django_assert_max_num_queries(12):
        client.get(f"/aids/{desk.case.id}/{what}/?q=an")
