"""Leads are told as they chose, the webhook is signed, and nothing leads inside."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from rapport.inbox.tests.making import make_brand, make_user
from rapport.mentions.models import Alert, AlertSetting, Query
from rapport.mentions.spikes import tasks, telling
from rapport.networks.doubles import Answer, Double, Request
from rapport.notices.kinds import NoticeKind
from rapport.notices.models import Choice, Notice, Preferences
from rapport.staff.models import Role


@pytest.fixture
def alert(db: None) -> Alert:
    brand = make_brand("aero")
    return Alert.objects.create(
        brand=brand,
        query=Query.objects.create(brand=brand, name="Aero alone"),
        began_at=timezone.now(),
        seen=140,
        expected=12.4,
        about={"terms": [["storm", 90, 0]], "contacts": [1, 2, 3]},
    )


@pytest.fixture
def mails(settings: Any) -> None:
    settings.RAPPORT_SMTP = True
    settings.RAPPORT_BASE_URL = "https://care.example.com"


def _asked(task: str) -> list[dict[str, Any]]:
    return list(ProcrastinateJob.objects.filter(task_name=task).order_by("id").values_list("args", flat=True))


@pytest.mark.usefixtures("mails")
def test_leads_who_want_it_are_written_to_once(alert: Alert) -> None:
    lead = make_user("Lea", brand=alert.brand, role=Role.LEAD)
    make_user("Ana", brand=alert.brand, role=Role.AGENT)
    no = make_user("Noa", brand=alert.brand, role=Role.LEAD)
    Choice.objects.create(user=no, kind=NoticeKind.ALERT, desk=True, push=True, mail=False)
    stopped = make_user("Sto", brand=alert.brand, role=Role.ADMIN)
    Preferences.objects.create(user=stopped, mail_stopped=True)
    make_user("Els", brand=make_brand("other"), role=Role.LEAD)
    tasks.tell(alert.pk)
    tasks.tell(alert.pk)
    assert [one["user_id"] for one in _asked(telling.MAIL)] == [lead.pk]
    tasks.mail(user_id=lead.pk, alert_id=alert.pk)
    [letter] = mail.outbox
    assert "Aero alone" in letter.subject
    assert "140" in letter.body
    assert "storm" in letter.body
    assert f"https://care.example.com/listening/alerts/{alert.pk}/" in letter.body
    alert.refresh_from_db()
    assert {"desk", "mail"} <= alert.told.keys()


def test_the_bell_tells_each_who_chose_it_once_for_each_event(alert: Alert) -> None:
    lead = make_user("Lea", brand=alert.brand, role=Role.LEAD)
    no = make_user("Noa", brand=alert.brand, role=Role.LEAD)
    Choice.objects.create(user=no, kind=NoticeKind.ALERT, desk=False, push=True, mail=True)
    asked = make_user("Ana", brand=alert.brand, role=Role.VIEWER)
    Choice.objects.create(user=asked, kind=NoticeKind.ALERT, desk=True, push=False, mail=False)
    make_user("Ada", brand=alert.brand, role=Role.AGENT)
    stranger = make_user("Els", brand=make_brand("other"), role=Role.LEAD)
    Choice.objects.create(user=stranger, kind=NoticeKind.ALERT, desk=True, push=True, mail=True)
    tasks.tell(alert.pk)
    Alert.objects.update(told={})  # as when the job runs again
    tasks.tell(alert.pk)
    told = Notice.objects.order_by("user__name")
    assert list(told.values_list("user_id", "kind")) == [(asked.pk, "alert"), (lead.pk, "alert")]
    notice = told[0]
    assert (notice.case_id, notice.data) == (None, {"alert": alert.pk, "name": "Aero alone"})
    # Pushes and e-mails of alerts go their own, faster way.
    assert (notice.push_at, notice.mail_at) == (None, None)


@pytest.mark.usefixtures("mails")
def test_what_somebody_took_on_meanwhile_is_not_mailed(alert: Alert) -> None:
    lead = make_user("Lea", brand=alert.brand, role=Role.LEAD)
    Alert.objects.update(acknowledged_at=timezone.now())
    tasks.mail(user_id=lead.pk, alert_id=alert.pk)
    assert mail.outbox == []


@pytest.mark.usefixtures("mails")
def test_a_brand_may_want_no_mails(alert: Alert) -> None:
    make_user("Lea", brand=alert.brand, role=Role.LEAD)
    AlertSetting.objects.create(brand=alert.brand, emails=False)
    tasks.tell(alert.pk)
    assert _asked(telling.MAIL) == []


class _Receiver(Double):
    """Answers as it is told to, and keeps what came."""

    def __init__(self, *statuses: int) -> None:
        super().__init__()
        self.statuses = list(statuses)
        self.came: list[Request] = []

    def answer(self, request: Request) -> Answer:
        self.came.append(request)
        return Answer(self.statuses.pop(0) if self.statuses else 200)


def _webhook(alert: Alert, url: str) -> None:
    # The form takes https alone; what stands here was put there around it.
    AlertSetting.objects.update_or_create(brand=alert.brand, defaults={"webhook_url": url})


def test_the_webhook_is_signed(alert: Alert) -> None:
    with _Receiver() as receiver:
        _webhook(alert, f"{receiver.url}/alerts")
        tasks.tell(alert.pk)
        assert _asked(telling.HOOK) == [{"alert_id": alert.pk}]
        tasks.hook(alert_id=alert.pk)
        [came] = receiver.came
    headers = {name.lower(): value for name, value in came.headers.items()}
    key = telling.hook_secret(alert.brand_id).encode()
    signed = headers["x-rapport-time"].encode() + b"." + came.body
    assert headers["x-rapport-signature"] == "sha256=" + hmac.new(key, signed, hashlib.sha256).hexdigest()
    told = json.loads(came.body)
    assert (told["seen"], told["query"]["name"], told["contacts"]) == (140, "Aero alone", 3)
    alert.refresh_from_db()
    assert "hook" in alert.told


def test_the_webhook_is_tried_again_where_that_helps(alert: Alert) -> None:
    with _Receiver(503, 404) as receiver:
        _webhook(alert, receiver.url)
        tasks.hook(alert_id=alert.pk)
        [again] = _asked(telling.HOOK)
        assert again == {"alert_id": alert.pk, "tries": 1}
        tasks.hook(**again)
        assert len(receiver.came) == 2
    assert len(_asked(telling.HOOK)) == 1
    alert.refresh_from_db()
    assert alert.told["hook_failed"] == "status 404"


def test_the_webhook_leads_to_no_private_network(alert: Alert, settings: Any) -> None:
    settings.RAPPORT_PRIVATE_ADDRESSES = False
    with _Receiver() as receiver:
        _webhook(alert, receiver.url)
        tasks.hook(alert_id=alert.pk)
        assert receiver.came == []
    assert _asked(telling.HOOK) == []
    alert.refresh_from_db()
    assert "private network" in alert.told["hook_failed"]


def test_brands_have_keys_of_their_own(alert: Alert) -> None:
    assert telling.hook_secret(alert.brand_id) != telling.hook_secret(alert.brand_id + 1)
