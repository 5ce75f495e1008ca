from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from rapport.audit.models import AuditEntry
from rapport.brands.models import Brand, Channel
from rapport.channels.actions import connect_channel, pause_channel, reconnect_channel, resume_channel
from rapport.channels.tests.cooee import CREDENTIALS, PAGE, VALUES, Server, call, cooee
from rapport.inbox.models import Case
from rapport.inbox.tests.making import make_brand, make_user
from rapport.ingest import backfill, endless
from rapport.ingest.actions import store_raw
from rapport.ingest.models import RawEvent, Via
from rapport.ingest.process import process_channel
from rapport.lib.errors import Conflict, Invalid, NotAllowed
from rapport.networks.base import Polled, RawItem
from rapport.networks.errors import CredentialsGone, Refused, TryAgain
from rapport.staff.models import Role

__all__ = ["cooee"]

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def brand(db: None) -> Brand:
    return make_brand()


@pytest.fixture
def channel(brand: Brand, cooee: Server) -> Channel:
    cooee.past = [call(f"p{days}", NOW - timedelta(days=days), by=f"person{days}") for days in range(1, 40)]
    return connect_channel(
        actor=None, brand_id=brand.id, network="cooee", credentials=CREDENTIALS, settings=VALUES
    )


def _state(channel: Channel) -> dict[str, object]:
    found: dict[str, object] = Channel.objects.get(id=channel.id).backfill
    return found


def _waiting_jobs(channel: Channel) -> int:
    return ProcrastinateJob.objects.filter(
        task_name=backfill.TASK, status="todo", args__channel_id=channel.id
    ).count()


def _start(channel: Channel, days: int = 20) -> None:
    backfill.start(actor=None, channel_id=channel.id, since=NOW - timedelta(days=days, hours=1))


def _run(channel: Channel) -> None:
    for _page in range(50):
        if _state(channel)["state"] != "running":
            return
        backfill.take_page(channel_id=channel.id)


def test_it_fetches_the_past_down_to_its_date_and_stops(channel: Channel) -> None:
    _start(channel)
    assert _waiting_jobs(channel) == 1
    _run(channel)
    state = _state(channel)
    assert (state["state"], state["found"]) == ("done", 20)
    assert str(state["reached"]) == (NOW - timedelta(days=20)).isoformat()
    assert set(RawEvent.objects.values_list("via", flat=True)) == {Via.HISTORY}


def test_old_cases_do_not_look_as_if_they_wait_and_new_ones_do(channel: Channel) -> None:
    _start(channel)
    _run(channel)
    process_channel(channel.id)
    waiting = Case.objects.filter(status="open", waiting_since__isnull=False)
    assert {case.contact.identities.get().handle for case in waiting} == {f"person{n}" for n in range(1, 7)}
    closed = Case.objects.exclude(id__in=waiting)
    assert set(closed.values_list("status", "close_reason", "waiting_since")) == {
        ("closed", "imported", None)
    }
    assert closed.count() == 14


def test_older_words_of_a_settled_case_do_not_wake_it_but_new_ones_do(
    channel: Channel, cooee: Server
) -> None:
    cooee.past = [
        call("b", NOW - timedelta(days=10), to="a"),
        *[call(f"x{n}", NOW - timedelta(days=11), by=f"x{n}") for n in range(PAGE)],
        call("a", NOW - timedelta(days=12)),
    ]
    _start(channel)
    while _state(channel)["state"] == "running":
        backfill.take_page(channel_id=channel.id)
        process_channel(channel.id)  # page by page, as it happens
    case = Case.objects.get(contact__identities__handle="ana")
    assert (case.status, case.waiting_since) == ("closed", None)
    assert case.events.filter(kind="reopened").count() == 0
    again = call("c", NOW, to="b")
    store_raw(channel_id=channel.id, items=[RawItem(kind="call", payload=again, key="c")])
    process_channel(channel.id)
    case.refresh_from_db()
    assert (case.status, case.waiting_since) == ("open", NOW)


def test_a_case_that_waited_before_is_left_alone(channel: Channel, cooee: Server) -> None:
    Channel.objects.filter(id=channel.id).update(created_at=NOW - timedelta(days=60))
    live = call("live", NOW - timedelta(days=15))
    store_raw(channel_id=channel.id, items=[RawItem(kind="call", payload=live, key="live")])
    process_channel(channel.id)
    cooee.past = [call("before", NOW - timedelta(days=16), to="live", text="Again")]
    _start(channel)
    _run(channel)
    process_channel(channel.id)
    assert Case.objects.get().status == "open"
    assert Case.objects.get().waiting_since is not None


def test_a_page_that_two_workers_took_is_stored_once(channel: Channel) -> None:
    _start(channel)
    stale = Channel.objects.get(id=channel.id)
    backfill.take_page(channel_id=channel.id)
    found = stale.backfill
    backfill._store(stale, backfill._fetch(stale))
    assert found["pages"] == 0
    assert _state(channel)["pages"] == 1
    assert RawEvent.objects.count() == 3


def test_an_outage_is_waited_for_and_said(channel: Channel, cooee: Server) -> None:
    _start(channel)
    cooee.failing = TryAgain("it is down")
    backfill.take_page(channel_id=channel.id)
    assert (_state(channel)["state"], _state(channel)["error"]) == ("running", "it is down")
    cooee.failing = None
    _run(channel)
    assert (_state(channel)["state"], _state(channel)["error"]) == ("done", "")


def test_credentials_that_end_pause_it_until_the_channel_is_connected_again(
    channel: Channel, cooee: Server
) -> None:
    _start(channel)
    cooee.failing = CredentialsGone("revoked")
    backfill.take_page(channel_id=channel.id)
    assert _state(channel)["state"] == "paused"
    assert Channel.objects.get(id=channel.id).state == "disconnected"
    noted = AuditEntry.objects.get(action="channel.disconnected")
    assert (noted.actor_id, noted.brand_id, noted.object_id) == (None, channel.brand_id, str(channel.id))
    cooee.failing = None
    reconnect_channel(actor=None, channel_id=channel.id, credentials=CREDENTIALS, settings=VALUES)
    _run(channel)
    assert _state(channel)["state"] == "done"


def test_a_refusal_ends_it_and_it_can_be_tried_again(channel: Channel, cooee: Server) -> None:
    _start(channel)
    cooee.failing = Refused("not in your plan")
    backfill.take_page(channel_id=channel.id)
    assert (_state(channel)["state"], _state(channel)["error"]) == ("failed", "not in your plan")
    cooee.failing = None
    backfill.resume(actor=None, channel_id=channel.id)
    _run(channel)
    assert _state(channel)["state"] == "done"


def test_a_lost_job_is_asked_for_again(channel: Channel) -> None:
    _start(channel)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
    assert backfill.sweep() == 0  # not yet: a job may still be on its way
    late = _state(channel) | {"next_at": (NOW - timedelta(hours=1)).isoformat()}
    Channel.objects.filter(id=channel.id).update(backfill=late)
    assert backfill.sweep() == 1
    assert backfill.sweep() == 0  # one waits already
    assert _waiting_jobs(channel) == 1


def test_people_pause_resume_and_cancel(channel: Channel, cooee: Server) -> None:
    _start(channel)
    with pytest.raises(Conflict):
        _start(channel)
    given = {"actor": None, "channel_id": channel.id}
    backfill.pause(**given)
    backfill.take_page(channel_id=channel.id)
    assert cooee.pages == 0
    pause_channel(**given)
    resume_channel(**given)
    assert _state(channel)["state"] == "paused"  # a person paused it, so a person resumes it
    backfill.resume(**given)
    backfill.cancel(**given)
    backfill.take_page(channel_id=channel.id)
    assert cooee.pages == 0
    with pytest.raises(Conflict):
        backfill.resume(**given)
    _start(channel)


def test_it_is_for_admins_and_for_the_past(channel: Channel, brand: Brand) -> None:
    agent = make_user(brand=brand, role=Role.AGENT)
    with pytest.raises(NotAllowed):
        backfill.start(actor=agent, channel_id=channel.id, since=NOW)
    with pytest.raises(Invalid):
        backfill.start(actor=None, channel_id=channel.id, since=timezone.now() + timedelta(days=1))


# A past without an end -------------------------------------------------------------------------------
def _page(number: int, *, cursor: int, days: float) -> Polled:
    payload = call(f"q{number}", NOW - timedelta(days=days))
    return Polled(items=[RawItem("call", payload, key=f"q{number}")], cursor={"at": cursor}, more=True)


@pytest.mark.parametrize(
    ("turning", "found", "pages", "said"),
    [
        (lambda n: _page(1, cursor=1, days=1), 1, 4, "same page"),
        (lambda n: _page(n % 7, cursor=n % 7, days=1 + n % 7), 7, 10, "same page"),
        (lambda n: _page(n, cursor=5, days=n / 10), 4, 4, "same page"),
        (lambda n: _page(1, cursor=n, days=1), 1, 4, "same page"),
        (lambda n: _page(n, cursor=n, days=n), 40, 40, "older than was asked for"),
    ],
    ids=["nothing moves", "a circle", "the cursor stands", "the page stands", "behind the day"],
)
def test_a_server_that_pages_for_ever_is_left_and_what_it_gave_is_kept(
    channel: Channel, cooee: Server, turning: Callable[[int], Polled], found: int, pages: int, said: str
) -> None:
    cooee.turning = turning
    _start(channel, days=20)
    _run(channel)
    state = _state(channel)
    assert (state["state"], state["found"], cooee.pages) == ("failed", found, pages)
    assert said in str(state["error"])
    assert RawEvent.objects.count() == found
    # A person may let it go on, and it gets as far as if it had just begun.
    cooee.turning, cooee.pages = None, 0
    backfill.resume(actor=None, channel_id=channel.id)
    _run(channel)
    assert _state(channel)["state"] == "done"


def test_pages_without_anything_new_come_to_an_end(channel: Channel, cooee: Server) -> None:
    seen: dict[str, object] = {}
    verdicts = []
    for number in range(endless.IDLE):
        page = endless.Page(cursor={"at": number}, items=[], new=0, times=[])
        verdict = endless.judged(seen, page, since=NOW - timedelta(days=9), reached=NOW)
        seen = verdict.seen
        verdicts.append(bool(verdict.stop))
    assert verdicts == [False] * (endless.IDLE - 1) + [True]
