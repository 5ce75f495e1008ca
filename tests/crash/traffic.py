"""Customers who post on the practice network, the network's webhooks, and agents who answer.

One process, killed like the others: ``python -m tests.crash.traffic LEDGER SEED``. After each commit the
id is written to the ledger, so that the check knows what the database has promised to keep.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import TextIO

import django

PAUSE_S = 0.05


class Traffic:
    def __init__(self, ledger: TextIO, seed: str) -> None:
        from rapport.brands.models import Channel
        from rapport.networks.practice.models import Account
        from rapport.staff.models import User

        self.ledger = ledger
        self.random = random.Random(seed)
        self.number = 0
        self.run = uuid.uuid4().hex[:8]
        self.company = Account.objects.get(is_company=True)
        self.customers = list(Account.objects.filter(is_company=False))
        self.agent = User.objects.get(email="agent@example.com")
        self.channel_ids = list(Channel.objects.values_list("id", flat=True))

    def step(self) -> None:
        """One thing that somebody does."""
        self.number += 1
        self.random.choices([self.ask, self.ask_privately, self.go_on, self.answer], [3, 1, 2, 5])[0]()

    def ask(self) -> None:
        """A customer writes to the company, in public."""
        from rapport.networks.practice.actions import Draft, publish

        who = self.random.choice(self.customers)
        post, _new = publish(Draft(author=who, text=f"@{self.company.handle} {self.words()}"))
        self.promise("post", post.pk)

    def ask_privately(self) -> None:
        """A customer writes a private message."""
        from rapport.networks.practice.actions import Draft, publish

        who = self.random.choice(self.customers)
        post, _new = publish(Draft(author=who, text=self.words(), private=True, recipient=self.company))
        self.promise("post", post.pk)

    def go_on(self) -> None:
        """A customer answers something in a thread with the company; some edit it at once."""
        from rapport.networks.practice.actions import Draft, edit, publish
        from rapport.networks.practice.models import Post

        newest = list(Post.objects.filter(visibility="public", deleted_at=None).order_by("-pk")[:30])
        if not newest:
            return
        parent, who = self.random.choice(newest), self.random.choice(self.customers)
        text = f"@{self.company.handle} {self.words()}"
        post, _new = publish(Draft(author=who, text=text, in_reply_to=parent.pk))
        self.promise("post", post.pk)
        if self.random.random() < 0.2:
            edit(author=who, post_id=post.pk, text=f"{text} (edited)")

    def answer(self) -> None:
        """An agent answers a customer who waits; some of them twice in a row."""
        from rapport.inbox.models import Case
        from rapport.lib.errors import ActionError
        from rapport.outbox.actions import reply

        waiting = list(
            Case.objects.filter(status="open", waiting_since__isnull=False)
            .order_by("-id")
            .values_list("id", "visibility")[:40]
        )
        if not waiting:
            return
        case_id, visibility = self.random.choice(waiting)
        for _ in range(2 if self.random.random() < 0.2 else 1):
            try:
                row = reply(
                    actor=self.agent,
                    case_id=case_id,
                    text=self.words(),
                    visibility=visibility,
                    in_reply_to_id=None,
                    form_key=uuid.uuid4(),
                    close_after=self.random.random() < 0.2,
                )
            except ActionError:
                return  # the case changed meanwhile
            self.promise("reply", row.pk)

    def words(self) -> str:
        return f"{self.run} {self.number} where is my parcel?"

    def promise(self, kind: str, number: int) -> None:
        self.ledger.write(f"{kind} {number}\n")
        self.ledger.flush()


def main(ledger_path: str, seed: str) -> None:
    django.setup()
    from django.db import DatabaseError, InterfaceError, connection

    from rapport.networks.practice.webhooks import deliver_webhooks

    ending = threading.Event()
    # A file, because a signal that comes before its handler would kill: the posting ends, webhooks go on.
    quiet = Path(ledger_path).with_suffix(".quiet")
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    parent = os.getppid()
    webhooks = threading.Thread(target=deliver_webhooks, kwargs={"stop": ending.is_set}, daemon=True)
    webhooks.start()
    traffic: Traffic | None = None
    with open(ledger_path, "a", encoding="ascii") as ledger:
        while not ending.is_set() and os.getppid() == parent:
            time.sleep(PAUSE_S)
            if not webhooks.is_alive():
                raise SystemExit("the webhooks' thread died")
            if quiet.exists():
                continue
            try:
                traffic = traffic or Traffic(ledger, seed)
                traffic.step()
            except (DatabaseError, InterfaceError):
                connection.close()
    webhooks.join(12)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
