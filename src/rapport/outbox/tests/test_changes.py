"""Files that go along, reply windows, and what becomes of a message of ours afterwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from rapport.brands.models import Channel
from rapport.inbox.models import Case, Message, MessageChange
from rapport.inbox.tests.making import (
    START,
    case_of,
    make_brand,
    make_case,
    make_channel,
    make_contact,
    make_user,
    say,
)
from rapport.lib.errors import Conflict, Invalid, NotFound
from rapport.media.models import StoredFile
from rapport.networks import registry
from rapport.networks.base import Capabilities, MediaRules, OutgoingMessage, Sent, Window
from rapport.networks.errors import TryAgain
from rapport.outbox.actions import reply, undo_reply
from rapport.outbox.changes import delete_message, edit_message
from rapport.outbox.checks import NewMedia
from rapport.outbox.delivery import deliver
from rapport.outbox.models import Outgoing
from rapport.outbox.tests.strict import Strict, StrictConnector
from rapport.staff.models import User

pytestmark = pytest.mark.django_db(transaction=True)

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
CAN = Capabilities(
    max_length=500,
    max_length_private=20,
    private_reply=True,
    edit=True,
    delete=True,
    media=MediaRules(max_count=2, max_bytes={"image": 100}, alt_text=True, max_alt_length=20),
    windows=(
        Window(name="standard", length=timedelta(hours=24)),
        Window(name="human agent", length=timedelta(days=7), by_person=True),
    ),
)


class Changing(StrictConnector):
    """Posts can be edited and deleted; every call is remembered."""

    network = "changing"
    capabilities = CAN
    side = Strict()
    asked: list[tuple[str, ...]] = []
    failures: list[Exception] = []

    def edit(self, external_id: str, text: str, *, parent_id: str | None = None) -> Sent:
        self.asked.append(("edit", external_id, text))
        if self.failures:
            raise self.failures.pop()
        return Sent(external_id=external_id, sent_at=timezone.now())

    def delete(self, external_id: str) -> None:
        self.asked.append(("delete", external_id))


@pytest.fixture(autouse=True)
def network(monkeypatch: pytest.MonkeyPatch) -> type[Changing]:
    monkeypatch.setattr(registry, "connectors", lambda: {"changing": Changing})
    monkeypatch.setattr(Changing, "side", Strict())
    monkeypatch.setattr(Changing, "asked", [])
    monkeypatch.setattr(Changing, "failures", [])
    return Changing


@pytest.fixture
def channel() -> Channel:
    return make_channel(make_brand(), "changing")


@pytest.fixture
def agent(channel: Channel) -> User:
    return make_user("Mara Kovač", brand=channel.brand)


@pytest.fixture
def case(channel: Channel) -> Case:
    return make_case(channel)


def written_ago(channel: Channel, *, hours: float, visibility: str = "private") -> Case:
    """The case of somebody who wrote that long ago."""
    minutes = (timezone.now() - START).total_seconds() / 60 - hours * 60
    return case_of(say(channel, make_contact(channel), minutes=minutes, visibility=visibility))


def answer(agent: User, case: Case, **given: Any) -> Outgoing:
    usual = {"text": "Look.", "visibility": "public", "in_reply_to_id": None, "form_key": uuid4()}
    return reply(actor=agent, case_id=case.id, **{**usual, **given})


def picture(**given: Any) -> NewMedia:
    usual: dict[str, Any] = {
        "name": "box.png", "content": PNG, "content_type": "image/png", "kind": "image", "alt": "A box",
    }  # fmt: skip
    return NewMedia(**{**usual, **given})


def sent_reply(agent: User, case: Case, **given: Any) -> Message:
    outgoing = answer(agent, case, **given)
    deliver(outgoing_id=outgoing.id)
    return Message.objects.get(outgoing=outgoing)


class TestFiles:
    def test_a_file_goes_out_and_stays_with_the_message(
        self, agent: User, case: Case, network: type[Changing]
    ) -> None:
        message = sent_reply(agent, case, files=[picture()])
        posted: OutgoingMessage = network.side.posts[0]
        assert [(m.name, m.content_type, m.kind, m.alt, m.content) for m in posted.media] == [
            ("box.png", "image/png", "image", "A box", PNG)
        ]
        file = StoredFile.objects.get()
        assert message.media == [
            {"kind": "image", "alt": "A box", "name": "box.png", "type": "image/png", "file": file.id}
        ]

    @pytest.mark.parametrize(
        ("given", "says"),
        [
            ([picture(), picture(), picture()], "at most 2"),
            ([picture(content=bytes(101))], "too large"),
            ([picture(content=b"")], "empty"),
            ([picture(kind="video")], "does not take"),
            ([picture(alt="x" * 21)], "description"),
        ],
    )
    def test_what_the_network_does_not_take_is_refused_before_anything_is_kept(
        self, agent: User, case: Case, given: list[NewMedia], says: str
    ) -> None:
        with pytest.raises(Invalid, match=says):
            answer(agent, case, files=given)
        assert not StoredFile.objects.exists()
        assert not Outgoing.objects.exists()

    def test_private_replies_have_their_own_rules(self, agent: User, case: Case) -> None:
        case = written_ago(case.channel, hours=1)
        with pytest.raises(Invalid, match="No files"):
            answer(agent, case, files=[picture()], visibility="private")
        with pytest.raises(Invalid, match="Too long by"):
            answer(agent, case, text="x" * 21, visibility="private")


class TestWindows:
    @pytest.mark.parametrize(("hours", "possible"), [(1, True), (25, True), (24 * 7 + 1, False)])
    def test_a_private_reply_must_come_in_time(
        self, agent: User, channel: Channel, hours: float, possible: bool
    ) -> None:
        case = written_ago(channel, hours=hours)
        if possible:
            assert answer(agent, case, visibility="private").state == "queued"
        else:
            with pytest.raises(Invalid, match="168 hours"):
                answer(agent, case, visibility="private")

    def test_what_a_machine_writes_has_the_short_window_only(self, agent: User, channel: Channel) -> None:
        case = written_ago(channel, hours=25)
        agent.is_bot = True
        agent.save()
        with pytest.raises(Invalid, match="Too late"):
            answer(agent, case, visibility="private")

    def test_public_replies_have_none(self, agent: User, channel: Channel) -> None:
        case = written_ago(channel, hours=30 * 24, visibility="public")
        assert answer(agent, case).state == "queued"

    def test_a_network_without_windows_has_none(
        self, agent: User, channel: Channel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Changing, "capabilities", replace(CAN, windows=()))
        case = written_ago(channel, hours=30 * 24)
        assert answer(agent, case, visibility="private").state == "queued"


class TestChanging:
    def test_an_edit_reaches_the_network_and_keeps_the_old_words(
        self, agent: User, case: Case, network: type[Changing]
    ) -> None:
        message = sent_reply(agent, case, files=[picture()])
        asked = edit_message(
            actor=agent, case_id=case.id, message_id=message.id, text="Look here.", form_key=uuid4()
        )
        deliver(outgoing_id=asked.id)
        deliver(outgoing_id=asked.id)
        assert network.asked == [("edit", message.external_id, "Look here.")]
        now = Message.objects.get(id=message.id)
        assert (now.text, now.media, now.user) == ("Look here.", message.media, agent)
        assert now.edited_at is not None
        assert MessageChange.objects.get(kind="edited").text == message.text
        asked.refresh_from_db()
        assert asked.state == "sent"

    def test_a_deletion_reaches_the_network_and_the_customer_waits_again(
        self, agent: User, case: Case, network: type[Changing]
    ) -> None:
        waited_since: datetime | None = Case.objects.get().waiting_since
        message = sent_reply(agent, case)
        assert Case.objects.get().waiting_since is None
        asked = delete_message(actor=agent, case_id=case.id, message_id=message.id, form_key=uuid4())
        deliver(outgoing_id=asked.id)
        assert network.asked == [("delete", message.external_id)]
        assert Message.objects.get(id=message.id).deleted_at is not None
        assert Case.objects.get().waiting_since == waited_since

    def test_after_a_doubt_it_is_done_again(
        self, agent: User, case: Case, network: type[Changing], settings: Any
    ) -> None:
        message = sent_reply(agent, case)
        network.failures.append(TryAgain("The connection broke.", doubt=True))
        asked = edit_message(
            actor=agent, case_id=case.id, message_id=message.id, text="Better.", form_key=uuid4()
        )
        deliver(outgoing_id=asked.id)
        Outgoing.objects.filter(id=asked.id).update(not_before=timezone.now())
        deliver(outgoing_id=asked.id)
        assert len(network.asked) == 2
        assert Message.objects.get(id=message.id).text == "Better."

    def test_it_can_be_undone_and_submitted_twice(self, agent: User, case: Case) -> None:
        message, key = sent_reply(agent, case), uuid4()
        first = delete_message(actor=agent, case_id=case.id, message_id=message.id, form_key=key)
        assert delete_message(actor=agent, case_id=case.id, message_id=message.id, form_key=key) == first
        with pytest.raises(Conflict):
            delete_message(actor=agent, case_id=case.id, message_id=message.id, form_key=uuid4())
        assert undo_reply(actor=agent, outgoing_id=first.id).state == "cancelled"
        assert Message.objects.get(id=message.id).deleted_at is None

    def test_only_our_own_and_only_where_it_is_possible(
        self, agent: User, case: Case, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        theirs = Message.objects.get(own=False)
        with pytest.raises(Invalid, match="our own"):
            delete_message(actor=agent, case_id=case.id, message_id=theirs.id, form_key=uuid4())
        ours = sent_reply(agent, case)
        with pytest.raises(Invalid, match="Nothing was changed"):
            edit_message(actor=agent, case_id=case.id, message_id=ours.id, text=ours.text, form_key=uuid4())
        monkeypatch.setattr(Changing, "capabilities", replace(CAN, edit=False, delete=False))
        for change in (
            lambda: edit_message(
                actor=agent, case_id=case.id, message_id=ours.id, text="x", form_key=uuid4()
            ),
            lambda: delete_message(actor=agent, case_id=case.id, message_id=ours.id, form_key=uuid4()),
        ):
            with pytest.raises(Invalid, match="does not let us"):
                change()
        assert Outgoing.objects.exclude(verb="post").count() == 0

    def test_a_stranger_sees_nothing_of_it(self, agent: User, case: Case) -> None:
        ours = sent_reply(agent, case)
        stranger = make_user("Otto Fremd", brand=make_brand("other"))
        with pytest.raises(NotFound):
            delete_message(actor=stranger, case_id=case.id, message_id=ours.id, form_key=uuid4())
