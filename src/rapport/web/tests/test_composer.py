"""What the reply fields offer for a case, and what happens when nothing can be sent or a reply comes back."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from rapport.brands.models import Channel, ChannelState
from rapport.inbox.models import Case, Message
from rapport.inbox.tests.making import START, case_of, make_channel, make_contact, say
from rapport.outbox.models import Outgoing, OutgoingState, Verb
from rapport.staff.models import Team
from rapport.web.tests.conftest import Desk

PART = {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "case"}
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8cfc0000003010100"
    "18dd8db00000000049454e44ae426082"
)


def _ago(desk: Desk, network: str, *, hours: float, visibility: str = "private") -> tuple[Channel, Case]:
    channel = make_channel(desk.brand, network)
    minutes = (timezone.now() - START) / timedelta(minutes=1) - hours * 60
    said = say(channel, make_contact(channel, "Ana"), "Where?", minutes=minutes, visibility=visibility)
    return channel, case_of(said)


def _page(desk: Desk, case: Case) -> str:
    return desk.client().get(desk.url(case=case), **PART).content.decode()


def _offered(page: str) -> list[str]:
    return re.findall(r'type="radio" class="sr-only" name="visibility" value="(\w+)"', page)


def _send_is_disabled(page: str) -> bool:
    buttons = re.findall(r"<button [^>]*send-(?:main|close)[^>]*>", page)
    assert len(buttons) == 2
    states = {" disabled" in one for one in buttons}
    assert len(states) == 1
    return states.pop()


class TestWays:
    @pytest.mark.parametrize(
        ("network", "came", "ways"),
        [
            ("facebook", "private", ["private"]),
            ("facebook", "public", ["public", "private"]),
            ("instagram", "private", ["private"]),
            ("practice", "private", ["private"]),
            ("practice", "public", ["public", "private"]),
            ("email", "private", ["private"]),
        ],
    )
    def test_what_came_privately_offers_no_public_answer(
        self, desk: Desk, network: str, came: str, ways: list[str]
    ) -> None:
        _channel, case = _ago(desk, network, hours=1, visibility=came)
        assert _offered(_page(desk, case)) == ways

    def test_a_public_answer_to_private_words_is_refused_whoever_asks(self, desk: Desk) -> None:
        _channel, case = _ago(desk, "facebook", hours=1)
        parent = Message.objects.get(thread__case_threads__case=case)
        form = {"text": "Here", "visibility": "public", "in_reply_to": parent.id, "form_key": uuid.uuid4()}
        answer = desk.client().post(desk.url("reply", case), form, **PART)
        assert answer.status_code == 422
        assert b"Answer it privately" in answer.content
        assert not Outgoing.objects.exists()


class TestSendIsClosed:
    def test_when_the_window_is_over_with_a_sentence(self, desk: Desk) -> None:
        _channel, case = _ago(desk, "facebook", hours=23)
        page = _page(desk, case)
        assert not _send_is_disabled(page)
        assert len(re.findall(r"data-until=", page)) == 1
        assert re.search(r'id="window-over-\d+" hidden', page)
        _channel, case = _ago(desk, "facebook", hours=25)
        page = _page(desk, case)
        assert _send_is_disabled(page)
        assert re.search(r'id="window-over-\d+">', page)

    def test_not_while_a_longer_window_is_open_for_people(self, desk: Desk) -> None:
        channel, case = _ago(desk, "facebook", hours=23)
        Channel.objects.filter(id=channel.id).update(settings={"human_agent": True})
        page = _page(desk, case)
        assert not _send_is_disabled(page)
        # The script goes on with the second when the first ends.
        assert len(re.findall(r"data-until=", page)) == 2
        channel, case = _ago(desk, "facebook", hours=25)
        Channel.objects.filter(id=channel.id).update(settings={"human_agent": True})
        assert not _send_is_disabled(_page(desk, case))

    def test_when_the_channel_is_disconnected_and_the_server_says_the_same(self, desk: Desk) -> None:
        Channel.objects.filter(id=desk.channel.id).update(state=ChannelState.DISCONNECTED)
        page = _page(desk, desk.case)
        assert _send_is_disabled(page)
        assert "This channel is disconnected, so nothing can be sent." in page
        form = {
            "text": "My words",
            "visibility": "public",
            "in_reply_to": desk.message.id,
            "form_key": uuid.uuid4(),
        }
        answer = desk.client().post(desk.url("reply"), form, **PART)
        assert answer.status_code == 422
        assert "My words</textarea>" in answer.content.decode()
        assert not Outgoing.objects.exists()

    def test_not_while_it_is_only_paused(self, desk: Desk) -> None:
        Channel.objects.filter(id=desk.channel.id).update(state=ChannelState.PAUSED)
        page = _page(desk, desk.case)
        assert not _send_is_disabled(page)
        assert "This channel is paused" in page


class TestCounting:
    def test_the_name_that_goes_along_is_counted_and_shown(self, desk: Desk) -> None:
        channel = make_channel(desk.brand, "mastodon")
        Channel.objects.filter(id=channel.id).update(settings={"server": "https://social.example"})
        said = say(channel, make_contact(channel, "Ana", "ana@far.example"), "Where?")
        case = case_of(said)
        assert "@ana@far.example goes along" in _page(desk, case)
        asked = {"text": "Here", "visibility": "public", "in_reply_to": said.id}
        counted = desk.client().post(desk.url("length", case), asked).json()
        assert counted == {"length": len("@ana Here ^AP"), "limit": 500}
        room = 500 - len("@ana  ^AP")
        form = {**asked, "text": "x" * (room + 1), "form_key": uuid.uuid4()}
        answer = desk.client().post(desk.url("reply", case), form, **PART)
        assert answer.status_code == 422
        assert "Too long by 1," in answer.content.decode()
        form = {**asked, "text": "x" * room, "form_key": uuid.uuid4()}
        assert desk.client().post(desk.url("reply", case), form, **PART).status_code == 200

    def test_an_edit_counts_the_name_where_the_message_answers_somebody(self, desk: Desk) -> None:
        channel = make_channel(desk.brand, "mastodon")
        asked = say(channel, make_contact(channel, "Ana", "ana"), "Where?")
        answer = say(channel, None, "Here", 5, to=asked)
        going_on = say(channel, None, "And there", 6, to=answer)
        case, room = case_of(asked), 500 - len("@ana ")
        for message, length, status in (
            (answer, room + 1, 422),
            (answer, room, 200),
            (going_on, 501, 422),
            (going_on, 500, 200),
        ):
            form = {"message": message.id, "text": "x" * length, "form_key": uuid.uuid4()}
            assert desk.client().post(desk.url("edit", case), form, **PART).status_code == status, length
        assert Outgoing.objects.count() == 2

    def test_private_words_count_as_private_ones_do(self, desk: Desk) -> None:
        _channel, case = _ago(desk, "instagram", hours=1)
        message = Message.objects.get(thread__case_threads__case=case)
        asked = {"text": "ขอโทษ", "visibility": "private", "in_reply_to": message.id}
        counted = desk.client().post(desk.url("length", case), asked).json()
        assert counted == {"length": 15 + len(" ^AP"), "limit": 1000}

    @pytest.mark.parametrize("parent", ["", "0", "999999999", "x", "9" * 30])
    def test_a_message_that_is_not_there_is_no_reason_not_to_count(self, desk: Desk, parent: str) -> None:
        asked = {"text": "Here", "visibility": "public", "in_reply_to": parent}
        assert desk.client().post(desk.url("length"), asked).json()["length"] == len("Here ^AP")


class TestUndo:
    def _sent(self, desk: Desk, **more: object) -> Outgoing:
        form = {
            "text": "Look here.",
            "visibility": "public",
            "in_reply_to": desk.message.id,
            "form_key": uuid.uuid4(),
            **more,
        }
        answer = desk.client().post(desk.url("reply"), form, **PART)
        assert answer.status_code == 200, answer.content.decode()
        return Outgoing.objects.latest("id")

    def _with_files(self, desk: Desk) -> Outgoing:
        files = [SimpleUploadedFile(f"{n}.png", PNG, content_type="image/png") for n in ("plan", "desk")]
        return self._sent(desk, files=files, alt=["The <way>", ""])

    @pytest.mark.parametrize("part", [PART, {}])
    def test_a_reply_brings_its_files_back_and_they_go_with_the_next(
        self, desk: Desk, part: dict[str, str]
    ) -> None:
        outgoing = self._with_files(desk)
        page = desk.client().post(desk.url("undo"), {"outgoing": outgoing.id}, **part).content.decode()
        assert "Look here.</textarea>" in page
        ids = re.findall(r'name="kept" value="(\d+)"', page)
        assert ids == [str(one.id) for one in outgoing.files.all()]
        assert 'name="kept_alt" value="The &lt;way&gt;"' in page
        again = self._sent(desk, kept=[ids[1], ids[0]], kept_alt=["The desk", "The way"])
        assert [(one.file.name, one.alt, bytes(one.file.content)) for one in again.files.all()] == [
            ("desk.png", "The desk", PNG),
            ("plan.png", "The way", PNG),
        ]

    def test_they_stand_before_files_that_are_chosen_now_and_count_with_them(self, desk: Desk) -> None:
        outgoing = self._with_files(desk)
        desk.client().post(desk.url("undo"), {"outgoing": outgoing.id}, **PART)
        kept = [one.id for one in outgoing.files.all()]
        more = [SimpleUploadedFile(f"{n}.png", PNG, content_type="image/png") for n in range(3)]
        form = {
            "text": "All",
            "visibility": "public",
            "form_key": uuid.uuid4(),
            "kept": kept,
            "kept_alt": ["A", "B"],
            "files": more,
        }
        answer = desk.client().post(desk.url("reply"), form)
        page = answer.content.decode()
        assert answer.status_code == 422
        assert "at most 4 files" in page
        assert re.findall(r'name="kept_alt" value="(\w)"', page) == ["A", "B"]
        for one in more:
            one.seek(0)
        again = self._sent(desk, kept=kept, kept_alt=["A", "B"], files=more[:2], alt=["C", "D"])
        assert [one.alt for one in again.files.all()] == ["A", "B", "C", "D"]

    @pytest.mark.parametrize("state", [OutgoingState.QUEUED, OutgoingState.SENT])
    def test_files_of_what_was_not_taken_back_cannot_be_had(self, desk: Desk, state: str) -> None:
        outgoing = self._with_files(desk)
        Outgoing.objects.filter(id=outgoing.id).update(state=state)
        self._refused(desk, "agent", outgoing)

    def test_files_of_somebody_elses_reply_cannot_be_had(self, desk: Desk) -> None:
        outgoing = self._with_files(desk)
        desk.client().post(desk.url("undo"), {"outgoing": outgoing.id}, **PART)
        self._refused(desk, "lead", outgoing)

    def _refused(self, desk: Desk, role: str, outgoing: Outgoing) -> None:
        for kept in (outgoing.files.all()[0].id, 987654321, "x", "9" * 40):
            form = {"text": "Mine", "visibility": "public", "form_key": uuid.uuid4(), "kept": kept}
            answer = desk.client(role).post(desk.url("reply"), form, **PART)
            assert answer.status_code == 422
            assert "Choose it again" in answer.content.decode()
        assert Outgoing.objects.count() == 1


class TestDismissing:
    def _failed(self, desk: Desk, verb: str) -> Outgoing:
        return Outgoing.objects.create(
            brand=desk.brand,
            channel=desk.channel,
            case=desk.case,
            thread=desk.message.thread,
            author=desk.people["agent"],
            verb=verb,
            target=desk.message,
            visibility="public",
            text="Other words" if verb == Verb.EDIT else "",
            form_key=uuid.uuid4(),
            state=OutgoingState.FAILED,
            not_before=timezone.now(),
            error="The network said no.",
        )

    @pytest.mark.parametrize(
        ("verb", "words"), [(Verb.EDIT, "Not changed"), (Verb.DELETE, "Not deleted"), (Verb.POST, "Not sent")]
    )
    def test_a_failed_change_says_what_it_was_and_can_be_let_go_of(
        self, desk: Desk, verb: str, words: str
    ) -> None:
        outgoing = self._failed(desk, verb)
        page = _page(desk, desk.case)
        assert [one for one in ("Not changed", "Not deleted", "Not sent") if one in page] == [words]
        assert ("/dismiss/" in page) == (verb != Verb.POST)
        answer = desk.client().post(desk.url("dismiss"), {"outgoing": outgoing.id}, **PART)
        outgoing.refresh_from_db()
        if verb == Verb.POST:
            assert (answer.status_code, outgoing.state) == (422, OutgoingState.FAILED)
            return
        assert (answer.status_code, outgoing.state) == (200, OutgoingState.CANCELLED)
        assert words not in answer.content.decode()
        assert desk.client().post(desk.url("dismiss"), {"outgoing": outgoing.id}, **PART).status_code == 200

    def test_one_that_is_under_way_is_not(self, desk: Desk) -> None:
        outgoing = self._failed(desk, Verb.EDIT)
        Outgoing.objects.update(state=OutgoingState.SENDING)
        answer = desk.client().post(desk.url("dismiss"), {"outgoing": outgoing.id}, **PART)
        assert answer.status_code == 409
        assert Outgoing.objects.get().state == OutgoingState.SENDING


class TestTeams:
    """A channel that belongs to a team: whatever is sent, changed or taken back there is its members' affair."""

    @pytest.mark.parametrize("who", ["outsider", "member", "lead"])
    @pytest.mark.parametrize(
        ("action", "before", "after"),
        [
            ("reply", None, OutgoingState.QUEUED),
            ("undo", (Verb.POST, OutgoingState.QUEUED), OutgoingState.CANCELLED),
            ("retry", (Verb.POST, OutgoingState.FAILED), OutgoingState.QUEUED),
            ("dismiss", (Verb.EDIT, OutgoingState.FAILED), OutgoingState.CANCELLED),
            ("edit", None, OutgoingState.QUEUED),
            ("delete", None, OutgoingState.QUEUED),
        ],
    )
    def test_only_the_team_acts_there(
        self, desk: Desk, who: str, action: str, before: tuple[str, str] | None, after: str
    ) -> None:
        own = say(desk.channel, None, "At gate 7.", 5, to=desk.message)
        team = Team.objects.create(brand=desk.brand, name="Night")
        team.channels.add(desk.channel)
        if who == "member":
            team.members.add(desk.people["agent"])
        waiting = None
        if before is not None:
            waiting = TestDismissing()._failed(desk, before[0])
            Outgoing.objects.update(state=before[1])
        fields = {
            "reply": {"text": "Hello", "visibility": "public", "in_reply_to": desk.message.id},
            "edit": {"message": own.id, "text": "At gate 8."},
            "delete": {"message": own.id},
        }.get(action, {"outgoing": waiting.id if waiting else 0})
        client = desk.client("lead" if who == "lead" else "agent")
        page = client.get(desk.url()).content.decode()
        answer = client.post(desk.url(action), {**fields, "form_key": uuid.uuid4()}, **PART)
        states = list(Outgoing.objects.values_list("state", flat=True))
        if who == "outsider":
            assert answer.status_code == 403
            assert states == ([before[1]] if before else [])
            assert f"/{action}/" not in page.partition('id="composer"')[0]
        else:
            assert answer.status_code == 200, answer.content.decode()
            assert states == [after]
