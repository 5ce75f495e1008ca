"""What is pushed and mailed, when, to whom, and with which words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from cryptography.exceptions import InvalidTag
from django.core import mail
from django.db import connection
from django.test import Client
from django.utils import timezone

from rapport.inbox.actions import add_note, assign_case
from rapport.inbox.models import Case, Priority
from rapport.inbox.tests.making import case_of, make_contact, say
from rapport.lib.errors import Conflict, Invalid, NotFound
from rapport.networks import http
from rapport.notices import tasks
from rapport.notices.choosing import save_mail, save_quiet, save_ways, stop_mail
from rapport.notices.devices import add_device, remove_device, try_device
from rapport.notices.kinds import NoticeKind, Way
from rapport.notices.making import make_notices
from rapport.notices.models import Device, Notice
from rapport.notices.quiet import is_quiet
from rapport.notices.reading import mark_read, sweep_notices
from rapport.notices.telling import tell_due
from rapport.notices.tests.conftest import Desk
from rapport.notices.tests.pushservice import Browser, PushService
from rapport.staff.actions.profile import set_availability
from rapport.staff.models import Session, User

WHOLE_DAY = dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), ("00:00", "00:00"))


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PushService]:
    double = PushService(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(double.certificate))
    http._tls.cache_clear()
    with double:
        yield double
    http._tls.cache_clear()


@pytest.fixture
def mails(settings: Any) -> None:
    settings.RAPPORT_SMTP = True
    settings.DEFAULT_FROM_EMAIL = "care@example.com"
    settings.RAPPORT_BASE_URL = "https://care.example.com"


def log_in(user: User) -> str:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return str(client.session.session_key)


def device_for(user: User, service: PushService, browser: Browser, path: str = "/push/1") -> Device:
    return add_device(
        user=user,
        session_key=log_in(user),
        endpoint=f"{service.url}{path}",
        p256dh=browser.p256dh,
        auth="c2l4dGVlbiBieXRlcyBvaw",
        agent="Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0",
    )


def jobs() -> list[tuple[str, dict[str, Any], datetime | None]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT task_name, args, scheduled_at FROM procrastinate_jobs WHERE queue_name = 'notices' ORDER BY id"
        )
        return [(name, json.loads(args) if isinstance(args, str) else args, at) for name, args, at in cursor]


def run_jobs() -> int:
    """Runs what waits in the queue, as a worker would."""
    waiting = jobs()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs WHERE queue_name = 'notices'")
    known = {task.name: task for task in (tasks.push, tasks.mail, tasks.try_device)}
    for name, args, _at in waiting:
        known[name](**args)
    return len(waiting)


def pushed(service: PushService, browser: Browser, path: str = "/push/1") -> list[dict[str, Any]]:
    return [json.loads(browser.read(body)) for body in service.pushes.get(path, [])]


def tell(now: datetime | None = None) -> int:
    make_notices()
    tell_due(now=now)
    return run_jobs()


# Pushes ---------------------------------------------------------------------------------------------
def test_a_browser_can_read_what_is_pushed_to_it_and_nobody_else(desk: Desk, service: PushService) -> None:
    browser = Browser()
    device_for(desk.mara, service, browser)
    desk.write("My secret number is 42")
    desk.write("And again")
    assert tell() == 1  # one push for one case, however many messages
    (told,) = pushed(service, browser)
    assert told["title"] == "Ana · Aero"
    assert told["body"] == "2 new messages from Ana"
    assert told["url"] == f"/desk/all/case/{desk.case.id}/"
    assert (told["tag"], told["count"], told["lang"]) == (f"case-{desk.case.id}", 1, "en")
    assert b"Ana" not in service.pushes["/push/1"][0]
    assert re.fullmatch("[0-9a-f]{32}", service.topics[0])  # which case it is, the push service cannot tell
    with pytest.raises(InvalidTag):
        Browser().read(service.pushes["/push/1"][0])
    assert tell() == 0  # once
    assert Device.objects.get().told_at is not None


def test_what_was_written_leaves_only_where_its_reader_wants_it(desk: Desk, service: PushService) -> None:
    browser = Browser()
    device_for(desk.mara, service, browser)
    save_mail(user=desk.mara, wanted=True, after="15", words=True)
    desk.write("My secret number is 42")
    add_note(actor=desk.ivo, case_id=desk.case.id, text="@Mara look at this")
    tell()
    (told,) = pushed(service, browser)
    assert "“My secret number is 42”" in told["body"]
    assert "Ivo Perić named you in a note" in told["body"]
    assert "“@Mara look at this”" in told["body"]


def test_the_words_are_in_the_readers_language(desk: Desk, service: PushService) -> None:
    browser = Browser()
    device_for(desk.mara, service, browser)
    User.objects.filter(pk=desk.mara.pk).update(language="de")
    desk.write()
    tell()
    assert pushed(service, browser)[0]["lang"] == "de"


def test_what_was_seen_meanwhile_is_not_pushed(desk: Desk, service: PushService) -> None:
    browser = Browser()
    device_for(desk.mara, service, browser)
    desk.write()
    make_notices()
    tell_due()
    assert mark_read(user=desk.mara, case_id=desk.case.id) == 1
    assert run_jobs() == 1
    assert pushed(service, browser) == []


@pytest.mark.parametrize("status", [404, 410])
def test_a_subscription_that_is_gone_is_forgotten(desk: Desk, service: PushService, status: int) -> None:
    device_for(desk.mara, service, Browser())
    service.say = [(status, {})]
    desk.write()
    tell()
    assert not Device.objects.exists()
    assert jobs() == []


def test_a_service_that_is_busy_is_asked_again_when_it_says(desk: Desk, service: PushService) -> None:
    browser = Browser()
    device_for(desk.mara, service, browser)
    service.say = [(429, {"Retry-After": "600"}), (503, {})]
    desk.write()
    tell()
    ((_name, args, at),) = jobs()
    assert args["tries"] == 1
    assert at is not None
    assert timedelta(seconds=550) < at - timezone.now() <= timedelta(seconds=600)
    run_jobs()
    ((_name, args, at),) = jobs()
    assert args["tries"] == 2
    run_jobs()
    assert len(pushed(service, browser)) == 1


def test_a_service_that_is_away_is_asked_a_few_times_and_no_more(desk: Desk, service: PushService) -> None:
    device_for(desk.mara, service, Browser())
    desk.write()
    with service.outage():
        tell()
        tries = 1
        while run_jobs():
            tries += 1
    assert tries == tasks.MOST_TRIES
    assert Device.objects.exists()


def test_a_service_that_refuses_us_is_not_asked_again_until_the_device_is_turned_on_anew(
    desk: Desk, service: PushService
) -> None:
    browser = Browser()
    device_for(desk.mara, service, browser)
    service.say = [(403, {})]
    desk.write()
    tell()
    assert Device.objects.get().error == "status 403"
    desk.write()
    assert tell() == 0
    device_for(desk.mara, service, browser)
    desk.write()
    assert tell() == 1


def test_a_device_is_told_only_while_its_login_lives(desk: Desk, service: PushService) -> None:
    device = device_for(desk.mara, service, Browser())
    desk.write()
    make_notices()
    tell_due()
    Session.objects.filter(session_key=device.session_id).update(expire_date=timezone.now())
    run_jobs()
    assert service.pushes == {}
    Session.objects.get(session_key=device.session_id).delete()
    assert not Device.objects.exists()


def test_a_push_is_not_sent_into_a_private_network(desk: Desk, service: PushService, settings: Any) -> None:
    device_for(desk.mara, service, Browser())
    settings.RAPPORT_PRIVATE_ADDRESSES = False
    desk.write()
    tell()
    assert service.requests == []
    assert Device.objects.get().error == "its address is on a private network"


@pytest.mark.parametrize(
    "endpoint",
    [
        "", "http://push.example.com/1", "https://", "https://127.0.0.1/1", "https://[::1]/1", "https://10.0.0.1/",
        "https://user@push.example.com/", "https://push.example.com:99999/", "https://push.example.com/\n", "ftp://a/",
        "https://[broken/", "https://push.example.com/" + "a" * 3000, "javascript:alert(1)", "https://169.254.169.254/",
    ],
)  # fmt: skip
def test_only_public_https_addresses_are_taken(desk: Desk, settings: Any, endpoint: str) -> None:
    settings.RAPPORT_PRIVATE_ADDRESSES = False
    with pytest.raises(Invalid):
        add_device(user=desk.mara, session_key=log_in(desk.mara), endpoint=endpoint, p256dh=Browser().p256dh,
                   auth="c2l4dGVlbiBieXRlcyBvaw", agent="")  # fmt: skip


@pytest.mark.parametrize(
    ("p256dh", "auth"),
    [
        ("", ""), ("BAAA", "c2l4dGVlbiBieXRlcyBvaw"), (Browser().p256dh, "c2hvcnQ"), (Browser().p256dh, "ä"),
        ("B" + "A" * 86, "c2l4dGVlbiBieXRlcyBvaw"), (Browser().p256dh[:-2], "c2l4dGVlbiBieXRlcyBvaw"), ("x" * 9999, "x"),
    ],
    ids=["nothing", "short key", "short secret", "no ascii", "no point", "cut off", "huge"],  # the keys are new each time
)  # fmt: skip
def test_keys_that_are_none_are_refused(desk: Desk, p256dh: str, auth: str) -> None:
    with pytest.raises(Invalid):
        add_device(user=desk.mara, session_key=log_in(desk.mara), endpoint="https://push.example.com/1",
                   p256dh=p256dh, auth=auth, agent="")  # fmt: skip


def test_a_browser_that_somebody_else_uses_now_tells_only_them(desk: Desk, service: PushService) -> None:
    browser = Browser()
    device_for(desk.mara, service, browser)
    device_for(desk.ivo, service, browser)
    assert [device.user_id for device in Device.objects.all()] == [desk.ivo.pk]
    with pytest.raises(NotFound):
        remove_device(user=desk.mara, device_id=Device.objects.get().pk)


def test_a_device_can_be_tried_but_not_twice_at_once(desk: Desk, service: PushService) -> None:
    browser = Browser()
    device = device_for(desk.mara, service, browser)
    try_device(user=desk.mara, device_id=device.pk)
    with pytest.raises(Conflict):
        try_device(user=desk.mara, device_id=device.pk)
    with pytest.raises(NotFound):
        try_device(user=desk.ivo, device_id=device.pk)
    run_jobs()
    assert pushed(service, browser)[0]["tag"] == "trial"


# Folded, and held back ---------------------------------------------------------------------------------
def other_cases(desk: Desk, count: int) -> list[Case]:
    cases = [
        case_of(say(desk.channel, make_contact(desk.channel, f"Person {n}"), "Hello?")) for n in range(count)
    ]
    make_notices()
    for case in cases:
        assign_case(actor=desk.ivo, case_id=case.id, assignee_id=desk.mara.pk)
    return cases


def test_many_cases_at_once_are_one_summary(desk: Desk, service: PushService) -> None:
    browser = Browser()
    device_for(desk.mara, service, browser)
    other_cases(desk, 5)
    tell()
    (told,) = pushed(service, browser)
    assert (told["title"], told["url"], told["count"]) == ("News in 5 cases", "/notices/", 5)


def test_quiet_hours_hold_everything_back_and_then_tell_it_in_one(desk: Desk, service: PushService) -> None:
    browser = Browser()
    device_for(desk.mara, service, browser)
    save_quiet(user=desk.mara, hours=WHOLE_DAY, urgent_through=True)
    other_cases(desk, 2)
    assert tell() == 0
    Notice.objects.update(made_at=timezone.now() - timedelta(hours=8))
    save_quiet(user=desk.mara, hours={}, urgent_through=True)
    assert tell() == 1
    assert pushed(service, browser)[0]["title"] == "News in 2 cases"


def test_urgent_cases_come_through_where_that_is_wanted(desk: Desk, service: PushService) -> None:
    browser = Browser()
    device_for(desk.mara, service, browser)
    save_quiet(user=desk.mara, hours=WHOLE_DAY, urgent_through=False)
    Case.objects.filter(id=desk.case.id).update(priority=Priority.URGENT)
    other_cases(desk, 1)
    desk.write()
    assert tell() == 0
    save_quiet(user=desk.mara, hours=WHOLE_DAY, urgent_through=True)
    assert tell() == 1
    assert pushed(service, browser)[0]["tag"] == f"case-{desk.case.id}"


def test_whoever_is_away_is_pushed_nothing_until_they_are_back(desk: Desk, service: PushService) -> None:
    browser = Browser()
    device_for(desk.mara, service, browser)
    set_availability(user=desk.mara, away=True)
    desk.write()
    assert tell() == 0
    set_availability(user=desk.mara, away=False)
    assert tell() == 1


def test_without_a_device_nothing_waits_for_one(desk: Desk, service: PushService) -> None:
    desk.write()
    make_notices()
    assert Notice.objects.get(user=desk.mara).push_at is None
    device_for(desk.mara, service, Browser())
    assert tell() == 0


@pytest.mark.parametrize(
    ("hours", "when", "quiet"),
    [
        ({"mon": ["18:00", "08:00"]}, "2026-11-23 17:59", False),  # a Monday
        ({"mon": ["18:00", "08:00"]}, "2026-11-23 18:00", True),
        ({"mon": ["18:00", "08:00"]}, "2026-11-24 07:59", True),
        ({"mon": ["18:00", "08:00"]}, "2026-11-24 08:00", False),
        ({"mon": ["18:00", "08:00"]}, "2026-11-23 07:00", False),
        ({"sun": ["12:00", "13:00"]}, "2026-11-22 12:30", True),
        ({"sun": ["20:00", "06:00"]}, "2026-11-23 05:00", True),
        ({"sat": ["00:00", "00:00"]}, "2026-11-21 00:00", True),
        ({"sat": ["00:00", "00:00"]}, "2026-11-21 23:59", True),
        ({"sat": ["00:00", "00:00"]}, "2026-11-22 00:00", False),
        ({}, "2026-11-22 00:00", False),
    ],
)
def test_quiet_hours(hours: dict[str, list[str]], when: str, quiet: bool) -> None:
    assert is_quiet(hours, datetime.strptime(when, "%Y-%m-%d %H:%M").replace(tzinfo=UTC)) is quiet


def test_quiet_hours_are_those_of_the_persons_own_time_zone(desk: Desk, service: PushService) -> None:
    device_for(desk.mara, service, Browser())
    User.objects.filter(pk=desk.mara.pk).update(time_zone="Asia/Bangkok")
    save_quiet(user=desk.mara, hours=dict.fromkeys(WHOLE_DAY, ("20:00", "22:00")), urgent_through=True)
    desk.write()
    make_notices()
    tomorrow = timezone.now().astimezone(ZoneInfo("Asia/Bangkok")) + timedelta(days=1)
    in_bangkok = tomorrow.replace(hour=21, minute=0)
    assert tell_due(now=in_bangkok) == 0
    assert tell_due(now=in_bangkok + timedelta(hours=1)) == 1


# E-mails --------------------------------------------------------------------------------------------
def later(minutes: int = 16) -> datetime:
    return timezone.now() + timedelta(minutes=minutes)


def test_what_nobody_saw_is_mailed_after_a_while_in_one(desk: Desk, mails: None) -> None:
    desk.write("My secret number is 42")
    other_cases(desk, 1)
    assert tell() == 0
    assert tell(later()) == 1
    (letter,) = mail.outbox
    assert letter.to == [desk.mara.email]
    assert letter.subject == "News in 2 cases"
    assert f"https://care.example.com/desk/all/case/{desk.case.id}/" in letter.body
    assert "A new message from Ana" in letter.body
    assert "Ivo Perić gave you this case" in letter.body
    assert "secret" not in letter.body
    assert tell(later()) == 0


def test_what_was_seen_in_the_desk_is_not_mailed(desk: Desk, mails: None) -> None:
    desk.write()
    make_notices()
    mark_read(user=desk.mara, case_id=desk.case.id)
    assert tell(later()) == 0
    desk.write()
    make_notices()
    tell_due(now=later())
    mark_read(user=desk.mara, case_id=desk.case.id)  # between the queue and the job
    assert run_jobs() == 1
    assert mail.outbox == []


def test_each_chooses_how_long_and_whether_the_words_come_along(desk: Desk, mails: None) -> None:
    save_mail(user=desk.mara, wanted=True, after="60", words=True)
    desk.write("My secret number is 42")
    assert tell(later(59)) == 0
    assert tell(later(61)) == 1
    assert "“My secret number is 42”" in mail.outbox[0].body
    assert mail.outbox[0].subject == "Ana · Aero: A new message from Ana"


def test_the_link_in_a_mail_stops_them_without_a_login_and_in_one_click(desk: Desk, mails: None) -> None:
    desk.write()
    tell(later())
    headers = mail.outbox[0].extra_headers
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address = headers["List-Unsubscribe"].strip("<>")
    assert address.startswith("https://care.example.com/notices/stop/")
    path = address.removeprefix("https://care.example.com")
    desk.write()
    make_notices()
    browser = Client(enforce_csrf_checks=True)
    page = browser.get(path)
    assert "Stop these e-mails?" in page.content.decode()
    assert tell(later()) == 1  # reading the page stops nothing
    desk.write()
    make_notices()
    done = browser.post(path, {"List-Unsubscribe": "One-Click"})
    assert "No more e-mails" in done.content.decode()
    desk.write()
    assert tell(later()) == 0  # neither what waited nor what comes
    assert browser.get("/notices/stop/nonsense/").status_code == 404
    assert browser.post(path[:-4] + "xx/").status_code == 404
    save_mail(user=desk.mara, wanted=True, after="15", words=False)
    desk.write()
    assert tell(later()) == 1


def test_a_mail_that_cannot_leave_is_tried_again_under_the_same_id(
    desk: Desk, mails: None, settings: Any
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9  # nobody listens there
    desk.write()
    assert tell(later()) == 1
    ((name, args, at),) = jobs()
    assert (name, args["tries"]) == ("rapport.notices.mail", 1)
    assert at is not None
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    run_jobs()
    assert mail.outbox[0].extra_headers["Message-ID"] == (
        f"<notices.{desk.mara.pk}.{max(args['notice_ids'])}@care.example.com>"
    )


def test_a_customers_name_cannot_break_a_subject(desk: Desk, mails: None) -> None:
    contact = desk.case.contact
    contact.name = "Ana\r\nBcc: all@example.com"
    contact.save()
    desk.write()
    tell(later())
    assert (
        mail.outbox[0].subject
        == "Ana Bcc: all@example.com · Aero: A new message from Ana Bcc: all@example.com"
    )
    assert mail.outbox[0].message()["Bcc"] is None


def test_whoever_stopped_them_gets_none_of_those_that_wait(desk: Desk, mails: None) -> None:
    desk.write()
    make_notices()
    stop_mail(user=desk.mara)
    assert tell(later()) == 0


def test_a_kind_that_is_not_wanted_that_way_does_not_come_that_way(desk: Desk, mails: None) -> None:
    save_ways(user=desk.mara, wanted={NoticeKind.ANSWERED: frozenset({Way.DESK})})
    desk.write()
    assert tell(later()) == 0
    assert Notice.objects.filter(user=desk.mara, in_desk=True).count() == 1


# Kept, and forgotten ----------------------------------------------------------------------------------
def test_notices_are_forgotten_after_ninety_days(desk: Desk) -> None:
    desk.write()
    desk.write()
    make_notices()
    old = Notice.objects.filter(user=desk.mara).earliest("id")
    Notice.objects.filter(id=old.id).update(made_at=timezone.now() - timedelta(days=91))
    assert sweep_notices() == 1
    assert Notice.objects.count() == 1
