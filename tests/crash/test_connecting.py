"""A channel is connected through the pages of a real Rapport; its worker is killed while it fetches the past and
writes the profile; its lead is told of trouble by a real mail server."""

from __future__ import annotations

import email.policy
import imaplib
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psycopg
import pytest

from rapport.networks.email.tests.place import IVANA, MARKO, EmailPlace
from rapport.networks.mastodon.tests.place import MastodonPlace
from tests.crash.instance import Instance
from tests.crash.people import PASSWORD
from tests.crash.rounds import script_environment

pytestmark = [pytest.mark.crash, pytest.mark.slow, pytest.mark.xdist_group("crash")]

PAST = 400  # messages, ten pages of the network's
PATIENCE_S = 120.0
MAILBOX = "a customer's password"

T = TypeVar("T")


def until(question: Callable[[], T], what: str, pause_s: float = 0.2) -> T:
    """The first true answer."""
    end = time.monotonic() + PATIENCE_S
    while not (answer := question()):
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(pause_s)
    return answer


class Admin:
    """Ada's browser, and a look into the database."""

    def __init__(self, instance: Instance) -> None:
        self.browser = httpx.Client(base_url=instance.base_url, trust_env=False, follow_redirects=True)
        url = instance.postgres.running_url()
        assert url is not None
        self.database = psycopg.connect(url, autocommit=True)
        self.post("/login/", username=MARKO, password=PASSWORD)

    def close(self) -> None:
        self.browser.close()
        self.database.close()

    def page(self, path: str, **headers: str) -> str:
        answer = self.browser.get(path, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.text

    def post(self, path: str, **fields: Any) -> str:
        """Submit a form of that page; the path of the page it led to."""
        self.browser.get("/login/")
        token = self.browser.cookies["csrftoken"]
        answer = self.browser.post(path, data={"csrfmiddlewaretoken": token, **fields})
        assert answer.status_code == 200, re.findall(r'role="alert"[^>]*>(.*?)<', answer.text, re.DOTALL)
        return answer.url.path

    def one(self, query: str, *given: Any) -> Any:
        row = self.database.execute(query, given).fetchone()
        return row[0] if row else None

    def job(self, name: str) -> None:
        """Have the worker run this periodic job now, whatever the time is, and wait until it has."""
        task = f"rapport.jobs.{name}"
        # Where one waits already, that one will do.
        self.database.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock, args) "
            "VALUES ('periodic', %s, %s, '{\"timestamp\": 0}') ON CONFLICT DO NOTHING",
            [task, name],
        )
        left = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = %s AND status <> 'succeeded'"
        until(lambda: not self.one(left, task), f"{name} to have run")


@pytest.fixture(scope="module")
def mail() -> Iterator[EmailPlace]:
    with EmailPlace() as one:
        yield one


@pytest.fixture(scope="module")
def network() -> Iterator[MastodonPlace]:
    with MastodonPlace() as one:
        one.double.remaining = 10**6
        yield one


@pytest.fixture(scope="module")
def admin(mail: EmailPlace, started_before: Callable[[Path], Path]) -> Iterator[tuple[Instance, Admin]]:
    """A Rapport that sends mail through the real server, and its admin's browser."""
    with tempfile.TemporaryDirectory(prefix="rapport-connecting-") as folder:
        certificate = Path(folder) / "certificate.pem"
        certificate.write_text(mail.servers.certificate)
        login = f"{MARKO.replace('@', '%40')}:{MAILBOX.replace(' ', '%20').replace(chr(39), '%27')}"
        instance = Instance(
            started_before(Path(folder) / "data"),
            RAPPORT_POLL_SECONDS="1",
            RAPPORT_PRIVATE_ADDRESSES="true",
            RAPPORT_SMTP_URL=f"smtp://{login}@localhost:{mail.servers.submission_port}?from={MARKO}",
            SSL_CERT_FILE=str(certificate),
        )
        try:
            instance.start()
            url = instance.postgres.running_url()
            assert url is not None
            subprocess.run(
                [sys.executable, "-m", "tests.crash.people", MARKO, IVANA],
                env=script_environment(instance, url), check=True,
            )  # fmt: skip
            ada = Admin(instance)
            yield instance, ada
            ada.close()
        finally:
            instance.destroy()


def test_a_killed_worker_loses_and_doubles_nothing_of_the_past_nor_of_a_profile(
    admin: tuple[Instance, Admin], network: MastodonPlace
) -> None:
    instance, ada = admin
    for number in range(PAST):
        network.customer_says(f"Number {number}")
    typed = {"with-server": network.double.url, "with-token": network.values()["token"], "with-timeline": ""}
    step = ada.post("/channels/connect/mastodon/?brand=alvara", way="typed", **typed)
    options = {"role": "main", "signature": "initials", "polled": "on", "hide_deleted": "on"}
    yesterday = datetime.now(UTC) - timedelta(days=1)
    channel = ada.post(step, **options, backfill_since=yesterday.date().isoformat())
    (number,) = re.findall(r"/channels/(\d+)/", channel)

    def past() -> dict[str, Any]:
        found: dict[str, Any] = ada.one("SELECT backfill FROM brands_channel WHERE id = %s", number)
        return found

    until(lambda: past()["pages"] >= 2, "the first pages of the past", 0.01)
    with network.double.lock:  # nothing is answered, so the next page is under way
        ada.post("/brands/alvara/profiles/write/", channel=number, bio="We answer from 8 to 20.")
        calls = "SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing' AND queue_name = %s"
        for queue in ("backfill", "profiles"):
            until(lambda queue=queue: ada.one(calls, queue) == 1, f"{queue} under way")
        found = past()["found"]
        assert 0 < found < PAST
        shown = ada.page(f"/channels/{number}/past/", **{"HX-Request": "true"})
        assert "Being fetched" in shown
        assert f"{found} events found" in shown
        assert "Being written" in ada.page("/brands/alvara/profiles/")
        assert instance.kill("worker")
        # What it had begun is its own until it has not been heard of for half a minute.
        ada.database.execute(
            "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '31 seconds'"
        )
    until(lambda: instance.pid_of("worker"), "another worker")
    ada.job("recover_stalled_jobs")
    until(lambda: past()["state"] == "done", "the rest of the past")
    until(
        lambda: "busy" not in ada.one("SELECT profile FROM brands_channel WHERE id = %s", number),
        "the profile",
    )
    history = "SELECT count(*) FROM ingest_rawevent WHERE via = 'history'"
    assert found < past()["found"] == ada.one(history)  # the newest may have come by the first poll
    assert "Fetched" in ada.page(channel)
    until(
        lambda: not ada.one("SELECT count(*) FROM ingest_rawevent WHERE state = 'pending'"), "understanding"
    )
    counted = ada.database.execute(
        "SELECT count(*), count(DISTINCT external_id), count(DISTINCT text) FROM inbox_message WHERE NOT own"
    ).fetchone()
    assert counted == (PAST, PAST, PAST)
    assert network.care.note == "We answer from 8 to 20."
    assert "We answer from 8 to 20." in ada.page("/brands/alvara/profiles/")


def test_a_lead_is_told_once_of_a_channel_in_trouble(
    admin: tuple[Instance, Admin], mail: EmailPlace, network: MastodonPlace
) -> None:
    instance, ada = admin
    assert ada.one("SELECT count(*) FROM brands_channel WHERE state = 'active'") == 1
    network.revoke()
    until(
        lambda: ada.one("SELECT state FROM brands_channel") == "disconnected", "that the channel is refused"
    )
    ada.job("watch_channels")
    (letter,) = until(lambda: letters(mail), "the mail to the lead", 1)
    assert letter["Subject"] == "Alvara Air: trouble with care@social.example (Mastodon)"
    assert letter["From"] == MARKO
    body = letter.get_content()
    assert "The network no longer accepts our credentials: nothing is heard or sent." in body
    assert "An admin must connect the channel again." in body
    number = ada.one("SELECT id FROM brands_channel")
    assert f"http://localhost:{instance.port}/channels/{number}/" in body.splitlines()
    # The next two looks at the same trouble write nothing, or it would come before this mail.
    told = "SELECT told_at FROM brands_alert WHERE kind = 'disconnected' AND ended_at IS NULL"
    before = ada.one(told)
    for _ in range(2):
        ada.job("watch_channels")
    assert ada.one(told) == before
    last = EmailMessage()
    last["Subject"] = "The last one"
    last.set_content("Nothing more.")
    mail.deliver(last, sender=IVANA, recipient=IVANA)
    came = until(lambda: len(found := letters(mail)) > 1 and found, "the last mail", 1)
    assert [one["Subject"] for one in came] == [letter["Subject"], "The last one"]
    assert ada.one("SELECT count(*) FROM brands_alert WHERE kind = 'disconnected' AND ended_at IS NULL") == 1


def letters(mail: EmailPlace) -> list[EmailMessage]:
    """What is in the lead's mailbox."""
    with imaplib.IMAP4("127.0.0.1", mail.servers.imap_port, timeout=20) as imap:
        imap.login(IVANA, MAILBOX)
        imap.select("INBOX", readonly=True)
        numbers = imap.search(None, "ALL")[1][0].split()
        raw = [imap.fetch(one, "(RFC822)")[1][0][1] for one in numbers]  # type: ignore[index]
    parser = email.policy.default
    return [email.message_from_bytes(one, policy=parser) for one in raw]  # type: ignore[misc]
