"""What is folded into one, and what is held back while its reader wants to be left alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from rapport.inbox.models import Case, Priority
from rapport.notices.choosing import save_quiet
from rapport.notices.making import make_notices
from rapport.notices.models import Notice
from rapport.notices.quiet import is_quiet
from rapport.notices.telling import tell_due
from rapport.notices.tests.conftest import Desk
from rapport.notices.tests.pushservice import Browser, PushService
from rapport.notices.tests.reaching import device_for, other_cases, pushed, tell
from rapport.staff.actions.profile import set_availability
from rapport.staff.models import User

WHOLE_DAY = dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), ("00:00", "00:00"))


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
