"""What is pushed, to which devices, and what becomes of a device that takes no more."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from django.utils import timezone

from rapport.inbox.actions import add_note
from rapport.lib.errors import Conflict, Invalid, NotFound
from rapport.notices import tasks
from rapport.notices.choosing import save_mail
from rapport.notices.devices import add_device, remove_device, try_device
from rapport.notices.making import make_notices
from rapport.notices.models import Device
from rapport.notices.reading import mark_read
from rapport.notices.telling import tell_due
from rapport.notices.tests.conftest import Desk
from rapport.notices.tests.pushservice import Browser, PushService
from rapport.notices.tests.reaching import device_for, jobs, log_in, pushed, run_jobs, tell
from rapport.staff.models import Session, User


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
