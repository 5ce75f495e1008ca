from __future__ import annotations

import json
import shutil
import stat
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.models import Count
from django.test import Client, TestCase

from rapport.brands.models import Brand, Channel, ChannelRole
from rapport.demo.cast import OWNER, PEOPLE
from rapport.demo.live import live
from rapport.demo.logins import FILE, LoginsUnreadable, demo_logins
from rapport.demo.overheard import SAID
from rapport.demo.seed import Seeded, local_address, renew_password, seed
from rapport.inbox.models import Case, CaseStatus, CloseReason, Message, Note, Turn, Visibility
from rapport.ingest.models import RawEvent, RawState
from rapport.ingest.process import process_channel
from rapport.mentions.matching import find
from rapport.mentions.models import Query, Source
from rapport.mentions.sources.base import Given
from rapport.mentions.sources.registry import STREAMED
from rapport.networks.base import RawItem
from rapport.networks.practice.models import Post, Run, RunStep, StreamEvent, Subscription
from rapport.networks.practice.simulator.plan import Pace
from rapport.networks.practice.stream import decode_cursor
from rapport.networks.registry import connect
from rapport.staff.actions import set_password
from rapport.staff.models import Membership, Role, User

ADDRESS = "http://127.0.0.1:8000"


@pytest.mark.django_db
def test_it_makes_a_demo_that_is_heard_answered_and_worked_on(tmp_path: Path) -> None:
    seeded = seed(data=tmp_path, address=ADDRESS)
    assert Brand.objects.count() == 4
    assert Channel.objects.filter(network="practice", polled=True).count() == 6
    assert set(Channel.objects.values_list("role", flat=True)) == {ChannelRole.MAIN, ChannelRole.SUPPORT}
    assert set(Membership.objects.values_list("role", flat=True)) == {Role.LEAD, Role.AGENT, Role.VIEWER}
    assert 250 < seeded.posts < 500

    # Every public post that speaks to a company was heard, and nothing was parked.
    assert not RawEvent.objects.exclude(state=RawState.DONE).exclude(kind="ping").exists()
    heard = set(Message.objects.values_list("external_id", flat=True))
    untagged = {said for _who, _hours, _lang, said in SAID}
    spoken_to = Post.objects.exclude(text__in=untagged)
    assert heard == {str(pk) for pk in spoken_to.values_list("pk", flat=True)}

    # What speaks to nobody is for the queries: one of each brand, and a source that brings it.
    assert Post.objects.filter(text__in=untagged).count() == len(untagged)
    queries = Query.objects.filter(state="active", version__isnull=False)
    assert queries.values("brand").distinct().count() == 4
    assert list(Source.objects.values_list("kind", "state")) == [("practice", "active")]
    posts = [one.post for one in next(STREAMED["practice"].run(Given({}), {}, lambda: False)).heard]
    found = {post.text for post, by in zip(posts, find(posts), strict=True) if by and post.text in untagged}
    assert len(found) >= len(untagged) - 1

    # Partly answered, by agents who are known.
    first = Turn.objects.filter(number=1)
    answered = first.filter(answered_at__isnull=False)
    assert 0.7 < answered.count() / first.count() < 0.97
    assert answered.filter(user__isnull=False).count() > 0.9 * answered.count()
    assert Message.objects.filter(visibility=Visibility.PRIVATE).exists()

    # Every view of the desk has something in it.
    status = dict(Case.objects.values_list("status").annotate(Count("id")))
    assert status[CaseStatus.OPEN] > 15
    assert status[CaseStatus.CLOSED] > 30
    assert status[CaseStatus.SNOOZED] == 1
    assert Case.objects.filter(close_reason=CloseReason.SPAM).exists()
    assert Case.objects.filter(assignee__email=OWNER.email, status=CaseStatus.OPEN).exists()
    assert Case.objects.filter(assignee=None, status=CaseStatus.OPEN).exists()
    assert Note.objects.exists()
    assert Case.objects.filter(tags__isnull=False).count() > 20


class TestASmallDemo(TestCase):
    """Made once: each test goes back to it, and has files of its own."""

    seeded: Seeded
    files: str

    @classmethod
    def setUpTestData(cls) -> None:
        cls.files = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.seeded = seed(data=Path(cls.files), address=ADDRESS, situations=12)

    @pytest.fixture(autouse=True)
    def own_files(self, tmp_path: Path) -> None:
        self.data = tmp_path
        shutil.copytree(self.files, self.data, dirs_exist_ok=True)

    def again(self, address: str = ADDRESS) -> Seeded:
        return seed(data=self.data, address=address, situations=12)

    def test_a_second_time_changes_nothing(self) -> None:
        def everything() -> list[Any]:
            models = [
                Brand,
                Channel,
                User,
                Membership,
                Post,
                StreamEvent,
                Message,
                Case,
                RawEvent,
                Run,
                Note,
                Query,
                Source,
            ]
            return [list(model.objects.order_by("pk").values()) for model in models]

        first = self.seeded
        before = everything()
        again = self.again()
        assert everything() == before
        assert again.posts == 0
        assert again.logins == first.logins

    def test_polling_goes_on_after_the_past(self) -> None:
        for channel in Channel.objects.all():
            behind = StreamEvent.objects.filter(
                account_id=int(channel.external_id), pk__gt=decode_cursor(channel.cursor["after"])
            )
            # Only the subscription's own ping comes after.
            assert set(behind.values_list("kind", flat=True)) <= {"ping"}

    def test_a_new_port_moves_channels_and_webhooks_and_keeps_their_secrets(self) -> None:
        before = {channel.pk: channel.credentials for channel in Channel.objects.all()}
        self.again("http://127.0.0.1:9000")
        for channel in Channel.objects.all():
            assert channel.credentials == {**before[channel.pk], "base_url": "http://127.0.0.1:9000/practice"}
        assert Subscription.objects.count() == 6
        assert all(
            one.url.startswith("http://127.0.0.1:9000/hooks/practice/") for one in Subscription.objects.all()
        )

    def test_the_login_works_and_only_its_owner_can_read_the_file(self) -> None:
        login = self.seeded.logins[0]
        assert (login.email, login.role) == (OWNER.email, "owner")
        assert stat.S_IMODE((self.data / FILE).stat().st_mode) == 0o600
        assert set(json.loads((self.data / FILE).read_text())) == {person.email for person in PEOPLE}
        user = User.objects.get(email=OWNER.email)
        assert login.password is not None
        assert user.check_password(login.password)

    def test_a_password_that_was_changed_is_not_printed_and_can_be_renewed(self) -> None:
        owner = User.objects.get(email=OWNER.email)
        set_password(actor_id=None, user_id=owner.pk, password="my own secret words")
        assert self.again().logins[0].password is None
        renew_password(data=self.data, email=OWNER.email)
        assert self.again().logins[0].password is not None

    def test_the_first_login_sees_the_practice_network(self) -> None:
        client = Client()
        client.force_login(User.objects.get(email=OWNER.email))
        page = client.get("/practice/").content.decode()
        assert "@telqo_care" in page
        assert client.get("/practice/messages").status_code == 200


def test_logins_are_kept_and_an_unreadable_file_is_said(tmp_path: Path) -> None:
    first = demo_logins(data=tmp_path, emails=["a@x"])
    both = demo_logins(data=tmp_path, emails=["a@x", "b@x"])
    assert both["a@x"] == first["a@x"]
    assert len(both["b@x"]) >= 12
    (tmp_path / FILE).write_text("[]")
    with pytest.raises(LoginsUnreadable, match="Delete it"):
        demo_logins(data=tmp_path, emails=["a@x"])


@pytest.mark.django_db(transaction=True)
def test_two_at_once_make_one_demo_and_know_its_passwords(tmp_path: Path) -> None:
    """As at the first start: the customers' process and the greeting each make what is missing."""

    def made(_: int) -> Seeded:
        try:
            return seed(data=tmp_path, address=ADDRESS, situations=2)
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as processes:
        seeded = list(processes.map(made, range(3)))
    assert sorted(bool(one.posts) for one in seeded) == [False, False, True]
    assert len({one.logins for one in seeded}) == 1
    for login in seeded[0].logins:
        assert login.password is not None
        assert User.objects.get(email=login.email).check_password(login.password)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),
        ("::", "127.0.0.1"),
        ("::1", "[::1]"),
        ("localhost", "localhost"),
        ("10.1.2.3", "127.0.0.1"),
    ],
)
def test_the_network_is_reached_by_loopback(host: str, expected: str) -> None:
    assert local_address(host=host, port=8001) == f"http://{expected}:8001"


@pytest.mark.django_db(transaction=True)
def test_the_living_demo_reaches_the_desk_by_poll_and_by_webhook(tmp_path: Path, live_server: Any) -> None:
    seed(data=tmp_path, address=live_server.url, situations=12)
    written = Post.objects.count()
    Run.objects.update(step=RunStep.DONE, due_at=None)  # only newcomers speak
    stop = threading.Event()
    play = threading.Thread(target=live, kwargs={"stop": stop, "seed": "t", "pace": Pace(speed=50)})
    play.start()
    try:
        for _ in range(600):
            hooked = RawEvent.objects.filter(state=RawState.PENDING).exclude(kind="ping").count()
            if hooked >= 3:
                break
            stop.wait(0.05)
    finally:
        stop.set()
        play.join(20)
    assert not play.is_alive()
    assert hooked >= 3
    assert Post.objects.count() > written

    channel = Channel.objects.get(
        pk=RawEvent.objects.filter(state=RawState.PENDING).exclude(kind="ping")[0].channel_id
    )
    before = RawEvent.objects.filter(channel=channel).count()
    polled = connect("practice", channel.account()).poll(channel.cursor)
    keys = {item.dedupe_key() for item in polled.items}
    stored = set(RawEvent.objects.filter(channel=channel).values_list("dedupe_key", flat=True))
    assert keys & stored  # one key on both paths
    assert isinstance(polled.items[0], RawItem)
    process_channel(channel.pk)
    assert RawEvent.objects.filter(channel=channel).count() == before
    assert not RawEvent.objects.filter(channel=channel, state=RawState.PARKED).exists()
