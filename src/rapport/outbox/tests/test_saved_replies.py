from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from rapport.audit.models import AuditEntry
from rapport.brands.models import Brand
from rapport.inbox.tests.making import case_of, make_brand, make_channel, make_contact, make_user, say
from rapport.lib.errors import ActionError, Conflict, Invalid, NotAllowed, NotFound
from rapport.outbox import saved_replies as actions
from rapport.outbox.models import SavedReply, SavedReplyText
from rapport.outbox.saved_replies import Content
from rapport.outbox.saved_replies_queries import access_reply, categories_for, offered_replies, replies_for
from rapport.staff.models import Role, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def brand() -> Brand:
    return make_brand("aero")


@pytest.fixture
def agent(brand: Brand) -> User:
    return make_user("Mara Kovač", brand=brand)


@pytest.fixture
def lead(brand: Brand) -> User:
    return make_user("Lena Lead", brand=brand, role=Role.LEAD)


def content(name: str = "Refund", **more: str) -> Content:
    texts = {key.removeprefix("in_"): text for key, text in more.items() if key.startswith("in_")}
    return Content(
        name=name,
        shortcut=more.get("shortcut", ""),
        category=more.get("category", ""),
        texts=texts or {"": more.get("text", "It is on its way.")},
    )


def make(actor: User, name: str = "Refund", brand: Brand | None = None, **more: str) -> SavedReply:
    return actions.create_reply(
        actor=actor, content=content(name, **more), brand_id=brand.id if brand else None
    )


def names(user: User, text: str = "") -> list[str]:
    return [one.name for one in replies_for(user=user, text=text)]


def test_ones_own_are_seen_by_nobody_else_and_shared_ones_by_the_brand(
    brand: Brand, agent: User, lead: User
) -> None:
    other = make_brand("bolt")
    stranger = make_user("Sam", brand=other, role=Role.ADMIN)
    mine, ours = make(agent, "Mine"), make(lead, "Ours", brand)
    assert names(agent) == ["Mine", "Ours"]
    assert names(lead) == ["Ours"]
    assert names(stranger) == []
    for user, reply in ((lead, mine), (stranger, mine), (stranger, ours)):
        with pytest.raises(NotFound):
            access_reply(user=user, reply_id=reply.id)
    assert access_reply(user=agent, reply_id=ours.id).texts.get().text == "It is on its way."
    assert [one.reply.name for one in offered_replies(user=agent, brand_id=other.id, text="")] == ["Mine"]


def test_only_who_may_share_changes_what_is_shared(brand: Brand, agent: User, lead: User) -> None:
    stranger = make_user("Sam", brand=make_brand("bolt"), role=Role.ADMIN)
    with pytest.raises(NotAllowed):
        make(agent, "Ours", brand)
    with pytest.raises(NotFound):
        make(stranger, "Ours", brand)
    ours, mine = make(lead, "Ours", brand), make(agent, "Mine")
    audited = AuditEntry.objects.count()
    attempts: tuple[Callable[[User, int], object], ...] = (
        lambda user, one: actions.change_reply(actor=user, reply_id=one, content=content("x"), version=1),
        lambda user, one: actions.delete_reply(actor=user, reply_id=one),
        lambda user, one: actions.restore_reply(actor=user, reply_id=one),
    )
    for user, reply in ((agent, ours), (stranger, ours), (lead, mine), (stranger, mine)):
        for attempt in attempts:
            with pytest.raises(ActionError):
                attempt(user, reply.id)
    assert set(SavedReply.objects.values_list("name", "deleted_at")) == {("Ours", None), ("Mine", None)}
    assert AuditEntry.objects.count() == audited
    colleague = make_user("Lou", brand=brand, role=Role.LEAD)
    changed = actions.change_reply(
        actor=colleague, reply_id=ours.id, content=content("  All   ours "), version=1
    )
    assert (changed.name, changed.version, changed.owner) == ("All ours", 2, lead)
    entry = AuditEntry.objects.latest("id")
    assert (entry.action, entry.actor_id, entry.brand_id) == ("saved_reply.changed", colleague.id, brand.id)


def test_nobody_saves_over_a_change_they_did_not_see(brand: Brand, lead: User) -> None:
    ours = make(lead, "Ours", brand)
    actions.change_reply(actor=lead, reply_id=ours.id, content=content("First"), version=1)
    with pytest.raises(Conflict):
        actions.change_reply(actor=lead, reply_id=ours.id, content=content("Second"), version=1)
    assert names(lead) == ["First"]


def test_a_deleted_one_is_offered_no_more_and_comes_back_for_a_day(agent: User, brand: Brand) -> None:
    first = make(agent, "First", shortcut="one")
    second = make(agent, "Second")
    actions.delete_reply(actor=agent, reply_id=first.id)
    assert names(agent) == ["Second"]
    assert [one.reply.name for one in offered_replies(user=agent, brand_id=brand.id, text="")] == ["Second"]
    with pytest.raises(NotFound):
        actions.change_reply(actor=agent, reply_id=first.id, content=content("x"), version=1)
    # Its shortcut is free meanwhile, and then it cannot come back under it.
    thief = make(agent, "Thief", shortcut="ONE")
    with pytest.raises(Invalid, match="/one"):
        actions.restore_reply(actor=agent, reply_id=first.id)
    actions.delete_reply(actor=agent, reply_id=thief.id)
    actions.restore_reply(actor=agent, reply_id=first.id)
    assert names(agent) == ["First", "Second"]
    actions.delete_reply(actor=agent, reply_id=first.id)
    SavedReply.objects.filter(id=first.id).update(deleted_at=timezone.now() - timedelta(hours=25))
    actions.delete_reply(actor=agent, reply_id=second.id)
    with pytest.raises(NotFound):
        actions.restore_reply(actor=agent, reply_id=first.id)


def test_a_shortcut_is_one_of_the_brands_or_one_of_the_persons(brand: Brand, agent: User, lead: User) -> None:
    make(lead, "Ours", brand, shortcut="/late")
    make(agent, "Mine", shortcut="late")  # one's own beside the brand's
    make(lead, "Hers", shortcut="late")
    for who, where in ((lead, brand), (agent, None)):
        with pytest.raises(Invalid, match="another shortcut"):
            make(who, "Again", where, shortcut="LATE")
    make(agent, "None")
    make(agent, "None either")
    assert set(SavedReply.objects.exclude(shortcut="").values_list("shortcut", flat=True)) == {"late"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": " \n "},
        {"name": "n" * 81},
        {"shortcut": "two words"},
        {"shortcut": "a/b"},
        {"shortcut": "s" * 41},
        {"category": "c" * 61},
        {"text": " \n "},
        {"text": "t" * 10_001},
        {"text": "Hi {{customer.password}}"},
        {"text": "Hi {{customer.name"},
        {"in_xx": "No such language"},
    ],
)
def test_what_cannot_be_kept_is_refused_and_nothing_is_stored(agent: User, wrong: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        actions.create_reply(actor=agent, content=content(**wrong))
    assert not SavedReply.objects.exists()
    assert not AuditEntry.objects.exists()


def test_what_a_form_brings_is_stored_as_it_can_be(agent: User) -> None:
    made = make(agent, "Na\x00me  here", shortcut="/กขค-1", text="One\r\ntwo \ud800 three\r\n")
    made.refresh_from_db()
    assert made.shortcut == "กขค-1"
    assert made.texts.get().text.startswith("One\ntwo ")
    assert "\x00" not in made.name


def test_no_more_than_the_limit(agent: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "MOST_OWN", 2)
    make(agent, "1")
    second = make(agent, "2")
    with pytest.raises(Invalid, match="2 saved replies already"):
        make(agent, "3")
    actions.delete_reply(actor=agent, reply_id=second.id)
    make(agent, "3")
    with pytest.raises(Invalid):
        actions.restore_reply(actor=agent, reply_id=second.id)


def test_languages_are_replaced_added_and_taken_away(agent: User) -> None:
    made = make(agent, in_en="Hello", in_de="Hallo")
    actions.change_reply(
        actor=agent, reply_id=made.id, content=content(in_de="Guten Tag", in_th="สวัสดี"), version=1
    )
    assert dict(made.texts.values_list("language", "text")) == {"de": "Guten Tag", "th": "สวัสดี"}
    assert SavedReplyText.objects.count() == 2
    assert names(agent, "guten") == ["Refund"]
    assert names(agent, "hello") == []


def offered(user: User, brand: Brand, text: str, *langs: str) -> list[str]:
    return [one.text for one in offered_replies(user=user, brand_id=brand.id, text=text, langs=langs)]


def test_the_customers_language_is_offered_first(agent: User, brand: Brand) -> None:
    make(agent, "Bye", in_de="Tschüss", in_en="Bye")
    make(agent, "Hello", in_en="Hello", in_de="Hallo")
    make(agent, "Thanks", text="Merci")
    assert offered(agent, brand, "", "de") == ["Tschüss", "Hallo", "Merci", "Bye", "Hello"]
    assert offered(agent, brand, "", "de-AT", "en") == ["Tschüss", "Hallo", "Merci", "Bye", "Hello"]
    assert offered(agent, brand, "", "hr", "en")[:2] == ["Bye", "Hello"]
    assert offered(agent, brand, "", "", "ja")[:2] == ["Tschüss", "Hello"]  # as they were written


def test_shortcuts_come_before_names_and_names_before_words(agent: User, lead: User, brand: Brand) -> None:
    make(agent, "Words", text="We refund it")
    make(agent, "Refund by voucher", text="named")
    make(lead, "Money back", brand, shortcut="refunds", text="begun")
    make(lead, "All money back", brand, shortcut="refund", text="short")
    popular = make(agent, "Popular", text="A refund, often")
    case = case_of(say(make_channel(brand), make_contact(make_channel(brand)), "Hm"))
    for _time in range(2):
        actions.count_use(actor=agent, case_id=case.id, reply_id=popular.id)
    assert offered(agent, brand, "refund") == ["short", "begun", "named", "A refund, often", "We refund it"]
    assert offered(agent, brand, "REFÜND often") == ["A refund, often"]
    assert offered(agent, brand, "100%_\\'\"{{") == []
    assert SavedReply.objects.get(name="Popular").used == 2


def test_only_what_can_be_used_in_a_case_is_counted_there(agent: User, brand: Brand) -> None:
    other = make_brand("bolt")
    boss = make_user("Bo", brand=other, role=Role.ADMIN)
    theirs = make(boss, "Theirs", other)
    channel = make_channel(brand)
    case = case_of(say(channel, make_contact(channel), "Hm"))
    mine = make(agent, "Mine")
    viewer = make_user("Vic", brand=brand, role=Role.VIEWER)
    for actor, reply in ((agent, theirs), (boss, mine), (viewer, mine)):
        with pytest.raises(ActionError):
            actions.count_use(actor=actor, case_id=case.id, reply_id=reply.id)
    assert not SavedReply.objects.filter(used__gt=0).exists()


def test_lists_are_by_brand_category_and_name(agent: User, lead: User, brand: Brand) -> None:
    make(agent, "b", category="Żeta")
    make(agent, "a", category="Älpha")
    make(agent, "z")
    make(lead, "Ours", brand, category="Älpha")
    assert names(agent) == ["z", "a", "b", "Ours"]
    assert categories_for(user=agent) == ["Älpha", "Żeta"]
    assert names(agent, "alpha") == ["a", "Ours"]


def test_offering_takes_two_queries_however_many_there_are(
    agent: User, brand: Brand, django_assert_num_queries: Any
) -> None:
    for number in range(12):
        make(agent, f"Number {number}", in_en="Hello", in_de="Hallo")
    with django_assert_num_queries(2):
        assert len(offered_replies(user=agent, brand_id=brand.id, text="number")) == 10
