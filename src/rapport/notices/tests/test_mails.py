"""What is mailed to whoever did not see it in the desk."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.core import mail
from django.test import Client
from django.utils import timezone

from rapport.notices.choosing import save_mail, save_ways, stop_mail
from rapport.notices.kinds import NoticeKind, Way
from rapport.notices.making import make_notices
from rapport.notices.models import Notice
from rapport.notices.reading import mark_read
from rapport.notices.telling import tell_due
from rapport.notices.tests.conftest import Desk
from rapport.notices.tests.reaching import jobs, other_cases, run_jobs, tell


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
