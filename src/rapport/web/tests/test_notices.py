"""The bell, the page of notifications, and how somebody wants to be told."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from rapport.inbox.actions import assign_case, merge_cases
from rapport.inbox.tests.making import START, case_of, make_contact, say
from rapport.notices.choosing import save_ways
from rapport.notices.kinds import KINDS, NoticeKind, Way
from rapport.notices.making import catch_up
from rapport.notices.models import Choice, Device, Notice, Preferences
from rapport.notices.queries import PAGE, choices_of, unread_count
from rapport.staff.models import Membership, Role
from rapport.web.tests.conftest import Desk
from rapport.web.tests.doors_notices import _KEYS


def given(desk: Desk, *, to: str = Role.AGENT) -> None:
    """The lead gives the case to somebody."""
    assign_case(actor=desk.people[Role.LEAD], case_id=desk.case.id, assignee_id=desk.people[to].pk)
    catch_up()


def text(client: Client, path: str = "/notices/") -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_bell_counts_cases_and_opening_one_reads_it(desk: Desk) -> None:
    client = desk.client()
    assert 'data-count="0"' in text(client, "/notices/bell/")
    given(desk)
    assert 'data-count="1"' in text(client, "/notices/bell/")
    page = text(client)
    assert "Lead Person gave you this case" in page
    assert f"/desk/all/case/{desk.case.id}/" in page
    text(client, desk.url())
    assert 'data-count="0"' in text(client, "/notices/bell/")
    assert "You have seen everything" in text(client)
    assert "Lead Person gave you this case" in text(client, "/notices/?show=all")


def test_many_cases_that_were_taken_over_lead_to_whoever_has_them(desk: Desk) -> None:
    agent, lead = desk.people[Role.AGENT], desk.people[Role.LEAD]
    others = [
        case_of(say(desk.channel, make_contact(desk.channel, f"Person {n}"), "Hello?")) for n in range(2)
    ]
    for case in others:
        assign_case(actor=agent, case_id=case.id, assignee_id=agent.pk)
    form = {"do": "assign:me", "pick": [case.id for case in others]}
    assert desk.client(Role.LEAD).post("/desk/all/bulk/", form).status_code == 302
    catch_up()
    client = desk.client()
    page = text(client)
    assert "Lead Person took over 2 cases from you" in page
    assert page.count("data-notice") == 1
    answer = client.get(f"/notices/{Notice.objects.get(user=agent).pk}/")
    assert answer["Location"] == f"/desk/all/?assignee={lead.pk}"
    listed = text(client, answer["Location"])
    assert all(f"/case/{case.id}/" in listed for case in others)
    assert "You have seen everything" in text(client)


def test_the_table_offers_leads_alerts_and_others_nothing_they_did_not_choose(desk: Desk) -> None:
    assert choices_of(desk.people[Role.LEAD])[NoticeKind.ALERT] == {"desk", "push", "mail"}
    assert choices_of(desk.people[Role.AGENT])[NoticeKind.ALERT] == frozenset()


def test_what_happened_is_folded_by_case(desk: Desk) -> None:
    given(desk)
    since = (timezone.now() - START).total_seconds() / 60
    for number in range(3):
        say(desk.channel, desk.message.identity, f"Words {number}", since, to=desk.message)
    catch_up()
    page = text(desk.client())
    assert "3 new messages from Ana" in page
    assert page.count("data-notice") == 1


def test_all_are_read_at_once_and_that_can_be_undone(desk: Desk) -> None:
    given(desk)
    client = desk.client()
    answer = client.post("/notices/read/", follow=True)
    assert "All are marked as read." in answer.content.decode()
    assert unread_count(desk.people[Role.AGENT]) == 0
    undo = answer.context["undo"]
    stranger = desk.client(Role.ADMIN)
    assert stranger.post("/notices/unread/", {"undo": undo}).status_code == 422
    assert client.post("/notices/unread/", {"undo": undo}, follow=True).status_code == 200
    assert unread_count(desk.people[Role.AGENT]) == 1
    assert client.post("/notices/unread/", {"undo": "nonsense"}).status_code == 422


def test_one_case_is_read_without_opening_it_and_only_for_whoever_says_so(desk: Desk) -> None:
    given(desk)
    desk.client(Role.ADMIN).post("/notices/read/", {"case": desk.case.id})
    assert unread_count(desk.people[Role.AGENT]) == 1
    desk.client().post("/notices/read/", {"case": desk.case.id})
    assert unread_count(desk.people[Role.AGENT]) == 0
    assert desk.client().post("/notices/read/", {"case": "9" * 30}).status_code == 302


def test_what_one_may_see_no_more_is_not_told_any_more(desk: Desk) -> None:
    given(desk)
    client = desk.client()
    Membership.objects.filter(user=desk.people[Role.AGENT]).delete()
    assert 'data-count="0"' in text(client, "/notices/bell/")
    assert "Ana" not in text(client, "/notices/?show=all")


def test_a_case_that_was_merged_is_told_as_the_one_that_took_it_in(desk: Desk) -> None:
    given(desk)
    other = case_of(say(desk.channel, desk.message.identity, "And my other bag?", 10))
    merge_cases(actor=desk.people[Role.LEAD], case_id=other.id, other_id=desk.case.id)
    desk.case.refresh_from_db()
    kept = desk.case.merged_into_id or desk.case.id
    page = text(desk.client())
    assert f"/desk/all/case/{kept}/" in page
    text(desk.client(), desk.url(case=type(desk.case).objects.get(id=kept)))
    assert unread_count(desk.people[Role.AGENT]) == 0


def test_many_cases_come_in_pages(desk: Desk, django_assert_max_num_queries: Any) -> None:
    agent, lead = desk.people[Role.AGENT], desk.people[Role.LEAD]
    for number in range(PAGE + 2):
        case = case_of(say(desk.channel, make_contact(desk.channel, f"Person {number}"), "Hello?"))
        assign_case(actor=lead, case_id=case.id, assignee_id=agent.pk)
    catch_up()
    client = desk.client()
    with django_assert_max_num_queries(22):
        first = client.get("/notices/")
    assert first.content.decode().count("data-notice") == PAGE
    rest = text(client, f"/notices/?after={first.context['page'].after.replace('+', '%2B')}")
    assert rest.count("data-notice") == 2
    assert text(client, "/notices/?after=nonsense").count("data-notice") == PAGE


def test_a_live_update_fetches_the_list_alone(desk: Desk) -> None:
    given(desk)
    answer = desk.client().get("/notices/", headers={"HX-Request": "true", "HX-Target": "notices"})
    part = answer.content.decode()
    assert part.lstrip().startswith('<div id="notices"')
    assert answer["Cache-Control"] == "no-store, private"


# How one wants to be told --------------------------------------------------------------------------
def test_the_page_shows_every_kind_with_every_way_and_keeps_what_is_chosen(desk: Desk) -> None:
    client, agent = desk.client(), desk.people[Role.AGENT]
    page = text(client, "/account/notices/")
    assert all(f'value="{kind.value}-{way}"' in page for kind in KINDS for way in Way)
    client.post("/account/notices/", {"part": "ways", "way": ["assigned-push", "nonsense", "team-mail"]})
    chosen = {one.kind: (one.desk, one.push, one.mail) for one in Choice.objects.filter(user=agent)}
    assert chosen["assigned"] == (False, True, False)
    assert chosen["team"] == (False, False, True)
    assert chosen["answered"] == (False, False, False)
    assert len(chosen) == len(NoticeKind)


def test_what_is_not_wanted_in_the_desk_is_not_counted_there(desk: Desk) -> None:
    agent = desk.people[Role.AGENT]
    save_ways(user=agent, wanted={NoticeKind.ASSIGNED: frozenset({Way.MAIL})})
    Notice.objects.create(
        user=agent,
        brand=desk.brand,
        case=desk.case,
        kind="assigned",
        key="x",
        at=timezone.now(),
        in_desk=False,
    )
    assert unread_count(agent) == 0
    assert "data-notice" not in text(desk.client(), "/notices/?show=all")


def test_quiet_hours_keep_what_was_typed_when_it_cannot_be_used(desk: Desk) -> None:
    client = desk.client()
    wrong = client.post("/account/notices/", {"part": "quiet", "mon-from": "18:00", "mon-until": "late"})
    assert wrong.status_code == 422
    assert 'value="late"' in wrong.content.decode()
    assert not Preferences.objects.exists()
    client.post("/account/notices/", {"part": "quiet", "mon-from": "18:00", "mon-until": "08:00"})
    own = Preferences.objects.get()
    assert own.quiet == {"mon": ["18:00", "08:00"]}
    assert own.urgent_through is False
    assert 'value="18:00"' in text(client, "/account/notices/")
    assert client.post("/account/notices/", {"part": "mail", "after": "7"}).status_code == 422
    assert client.post("/account/notices/", {"part": "nothing"}).status_code == 422


def test_a_browser_turns_itself_on_and_off(desk: Desk) -> None:
    client = desk.client()
    agent = "Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/130.0"
    assert client.post("/account/devices/", _KEYS, headers={"User-Agent": agent}).status_code == 204
    page = text(client, "/account/notices/")
    assert "Firefox on Windows" in page
    assert _KEYS["endpoint"] not in page  # an endpoint is as good as a key
    other = desk.client(Role.ADMIN)
    device = Device.objects.get()
    assert other.post(f"/account/devices/{device.pk}/remove/").status_code == 404
    assert other.post("/account/devices/", {**_KEYS, "gone": "yes"}).status_code == 204
    assert Device.objects.count() == 1
    assert client.post("/account/devices/", {**_KEYS, "gone": "yes"}).status_code == 204
    assert Device.objects.count() == 0
    assert client.post("/account/devices/", {"endpoint": "x"}).status_code == 422


def test_logging_out_ends_what_a_device_is_told(desk: Desk) -> None:
    client = desk.client()
    client.post("/account/devices/", _KEYS)
    assert Device.objects.count() == 1
    client.post("/logout/")
    assert Device.objects.count() == 0


# The desk as an app --------------------------------------------------------------------------------
@pytest.mark.parametrize("language", ["en", "de", "th"])
def test_the_manifest_is_in_the_readers_language_and_complete(db: None, language: str) -> None:
    answer = Client().get("/manifest.webmanifest", headers={"Accept-Language": language})
    assert answer["Content-Type"] == "application/manifest+json"
    found = json.loads(answer.content)
    assert found["lang"] == language
    # What browsers ask of an app before they offer to install it.
    assert found["display"] == "standalone"
    assert found["start_url"] == "/desk/"
    assert found["name"]
    assert found["short_name"]
    sizes = {icon["sizes"]: icon for icon in found["icons"] if icon.get("purpose") != "maskable"}
    assert {"192x192", "512x512"} <= set(sizes)
    assert any(icon.get("purpose") == "maskable" for icon in found["icons"])
    assert all(one["url"].startswith("/") for one in found["shortcuts"])


def test_the_worker_keeps_only_files_that_belong_to_nobody(db: None) -> None:
    answer = Client().get("/service-worker.js?lang=de")
    assert answer["Content-Type"].startswith("text/javascript")
    assert answer["Cache-Control"] == "no-cache"
    first = answer.content.decode().splitlines()[0]
    shell = json.loads(first.removeprefix("const SHELL = ").rstrip(";"))
    assert shell["page"] == "/offline/?lang=de"
    assert all(file.startswith("/static/") and "?v=" in file for file in shell["files"])
    assert Client().get("/service-worker.js?lang=zz%22;alert(1)").content.decode().count("alert(1)") == 0
    page = Client().get(shell["page"])
    assert 'lang="de"' in page.content.decode()
    assert "Set-Cookie" not in page
    for file in shell["files"]:
        if file.endswith((".css", ".js")):
            assert file in page.content.decode()


def test_the_offline_page_says_nothing_of_whoever_is_logged_in(desk: Desk) -> None:
    page = desk.client().get("/offline/").content.decode()
    assert "You are offline" in page
    assert "Agent Person" not in page
    assert "csrf" not in page


def test_an_old_undo_is_too_late(desk: Desk, settings: Any) -> None:
    given(desk)
    client = desk.client()
    undo = client.post("/notices/read/", follow=True).context["undo"]
    Notice.objects.update(read_at=timezone.now() - timedelta(days=1))  # somebody read it since, otherwise
    assert (
        "0 notifications are unread again."
        in client.post("/notices/unread/", {"undo": undo}, follow=True).content.decode()
    )
