"""Alerts as leads and others see them, and what leads do with them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from rapport.audit.models import AuditEntry
from rapport.mentions.models import Alert, AlertSetting, Query
from rapport.mentions.spikes.tasks import tell
from rapport.notices.kinds import NoticeKind
from rapport.notices.models import Choice, Notice
from rapport.notices.queries import unread_count
from rapport.staff.models import Role
from rapport.web.tests.conftest import Desk
from rapport.web.tests.conftest import desk as desk

_SET = {
    "do": "save",
    "on": "on",
    "rate": "1.0",
    "least": "9",
    "emails": "on",
    "country": "",
    "webhook_url": "",
}


@pytest.fixture
def alert(desk: Desk) -> Alert:
    query = Query.objects.create(brand=desk.brand, name="Aero alone")
    return Alert.objects.create(
        brand=desk.brand,
        query=query,
        began_at=timezone.now() - timedelta(minutes=20),
        seen=140,
        expected=12.4,
        about={
            "terms": [["<b>storm</b>", 90, 0]],
            "languages": [["en", 130], ["", 10]],
            "authors": [["somewhere", "ana", 3, 9000]],
            "links": [["https://news.example/a", 40]],
            "hours": [[timezone.now().isoformat(), 140, 12.4]],
        },
    )


def _url(alert: Alert) -> str:
    return f"/listening/alerts/{alert.pk}/"


def test_it_is_told_on_every_page_until_a_lead_takes_it_on(desk: Desk, alert: Alert) -> None:
    lead, agent = desk.client(Role.LEAD), desk.client(Role.AGENT)
    assert _url(alert) in lead.get("/desk/").content.decode()
    assert _url(alert) not in agent.get("/desk/").content.decode()
    assert lead.post(_url(alert), {"do": "acknowledge"}).status_code == 302
    assert _url(alert) not in lead.get("/desk/").content.decode()
    alert.refresh_from_db()
    assert alert.acknowledged_by == desk.people[Role.LEAD]
    assert AuditEntry.objects.filter(action="alert.acknowledged", object_id=str(alert.pk)).count() == 1


def test_the_bell_leads_to_it_and_opening_it_reads_what_the_bell_tells(desk: Desk, alert: Alert) -> None:
    lead, client = desk.people[Role.LEAD], desk.client(Role.LEAD)
    tell(alert.pk)
    page = client.get("/notices/").content.decode()
    notice = Notice.objects.get(user=lead)
    assert "Aero alone" in page
    assert f'href="/notices/{notice.pk}/"' in page
    assert unread_count(lead) == 1
    answer = client.get(f"/notices/{notice.pk}/")
    assert (answer.status_code, answer["Location"]) == (302, _url(alert))
    assert unread_count(lead) == 0
    Notice.objects.update(read_at=None)
    client.get(_url(alert))  # from elsewhere
    assert unread_count(lead) == 0
    Notice.objects.update(read_at=None)
    client.post("/notices/read/", {"notice": notice.pk})
    assert unread_count(lead) == 0


def test_who_wants_it_not_on_the_desk_has_it_not_there(desk: Desk, alert: Alert) -> None:
    lead = desk.people[Role.LEAD]
    Choice.objects.create(user=lead, kind=NoticeKind.ALERT, desk=False, push=True, mail=True)
    assert _url(alert) not in desk.client(Role.LEAD).get("/desk/").content.decode()


def test_the_page_says_what_it_is_about_and_nothing_runs(desk: Desk, alert: Alert) -> None:
    page = desk.client(Role.VIEWER).get(_url(alert)).content.decode()
    assert "140" in page
    assert "&lt;b&gt;storm&lt;/b&gt;" in page
    assert "<b>storm" not in page
    assert "@ana" in page
    assert 'value="acknowledge"' not in page  # a viewer changes nothing
    assert desk.client(Role.VIEWER).get("/listening/alerts/").content.decode().count("Aero alone") == 1


def test_muting_linking_and_judging(desk: Desk, alert: Alert) -> None:
    lead = desk.client(Role.LEAD)
    lead.post(_url(alert), {"do": "mute", "hours": "4"})
    lead.post(_url(alert), {"do": "incident", "incident": "https://status.example/7"})
    lead.post(_url(alert), {"do": "noise"})
    alert.refresh_from_db()
    assert alert.muted_until is not None
    assert alert.muted_until > timezone.now() + timedelta(hours=3)
    assert (alert.incident, alert.verdict) == ("https://status.example/7", "noise")
    lead.post(_url(alert), {"do": "unjudged"})
    lead.post(_url(alert), {"do": "mute", "hours": "0"})
    alert.refresh_from_db()
    assert (alert.verdict, alert.muted_until) == ("", None)


@pytest.mark.parametrize(
    "form",
    [
        {"do": "mute", "hours": "5"},
        {"do": "mute", "hours": "-1"},
        {"do": "mute"},
        {"do": "incident", "incident": "javascript:alert(1)"},
        {"do": "incident", "incident": "https://"},
        {"do": "incident", "incident": "https://[::1"},
        {"do": "incident", "incident": "https://a b"},
        {"do": "all"},
        {},
    ],
)
def test_what_cannot_be_done_says_so_and_changes_nothing(
    desk: Desk, alert: Alert, form: dict[str, str]
) -> None:
    answer = desk.client(Role.LEAD).post(_url(alert), form)
    assert answer.status_code == 422
    alert.refresh_from_db()
    assert (alert.muted_until, alert.incident) == (None, "")


def test_settings_are_kept_and_counted_anew(desk: Desk) -> None:
    lead, url = desk.client(Role.LEAD), f"/listening/alerts/settings/{desk.brand.slug}/"
    assert (
        lead.post(url, {**_SET, "country": "de", "webhook_url": "https://hook.example/a"}).status_code == 302
    )
    kept = AlertSetting.objects.get(brand=desk.brand)
    assert (kept.false_per_week, kept.least, kept.country) == (1.0, 9, "DE")
    lead.post(url, {**_SET, "least": "8"})
    assert ProcrastinateJob.objects.filter(task_name="rapport.alerts.count_noise").count() == 1
    AlertSetting.objects.update(
        replayed={"at": timezone.now().isoformat(), "least": 8, "alerts": {"0.2": 3, "1.0": 7}}
    )
    page = lead.get(url).content.decode()
    assert "3 alerts in the last 8 weeks" in page
    assert "7 alerts in the last 8 weeks" in page


@pytest.mark.parametrize(
    "wrong",
    [
        {"rate": "0.3"},
        {"rate": ""},
        {"least": "1"},
        {"least": "many"},
        {"least": "٣"},
        {"least": "99999999999"},
        {"country": "XX"},
        {"webhook_url": "http://hook.example/"},
        {"webhook_url": "https://user@hook.example/"},
        {"webhook_url": "https://hook.example:0/"},
    ],
)
def test_settings_that_cannot_be_used_keep_what_was_typed(desk: Desk, wrong: dict[str, str]) -> None:
    url = f"/listening/alerts/settings/{desk.brand.slug}/"
    answer = desk.client(Role.LEAD).post(url, {**_SET, "least": "9", **wrong})
    assert answer.status_code == 422
    assert not AlertSetting.objects.exists()
    if "rate" not in wrong:  # a choice that there is not stays chosen nowhere
        assert [value for value in wrong.values() if value not in answer.content.decode()] == []


def test_a_brand_is_quiet_for_a_while(desk: Desk) -> None:
    lead, url = desk.client(Role.LEAD), f"/listening/alerts/settings/{desk.brand.slug}/"
    lead.post(url, {"do": "mute", "hours": "24"})
    assert AlertSetting.objects.get().muted_until is not None
    lead.post(url, {"do": "mute", "hours": "0"})
    assert AlertSetting.objects.get().muted_until is None
