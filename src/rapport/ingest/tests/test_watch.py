"""Leads are written to once, in their language, about their own brands."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from typing import Any

import pytest
from django.core import mail
from django.test import override_settings

from rapport.brands.models import Alert, Channel
from rapport.inbox.tests.making import make_brand, make_channel, make_user
from rapport.ingest.watch import watch_channels
from rapport.staff.models import Role


@pytest.fixture
def trouble(db: None) -> Iterator[Channel]:
    brand, other = make_brand(), make_brand("other")
    channel = make_channel(brand)
    for name, role, where in (
        ("Lea Lead", Role.LEAD, brand), ("Adam Admin", Role.ADMIN, brand), ("Ada Agent", Role.AGENT, brand),
        ("Otto Other", Role.ADMIN, other),
    ):  # fmt: skip
        make_user(name, brand=where, role=role)
    gone = make_user("Gone Lead", brand=brand, role=Role.LEAD)
    gone.is_active = False
    gone.save()
    owner = make_user("Olga Owner")
    owner.is_superuser, owner.language = True, "de"
    owner.save()
    Channel.objects.filter(id=channel.id).update(state="disconnected", credentials={"token": "x"})
    with override_settings(RAPPORT_SMTP=True):
        yield channel


def test_leads_admins_and_the_owner_are_told_once(trouble: Channel) -> None:
    assert watch_channels() == 1
    watch_channels()
    assert len(mail.outbox) == 3
    assert all(len(message.to) == 1 for message in mail.outbox)
    text = mail.outbox[0].body
    assert str(trouble) in text
    assert "/channels/" in text
    assert trouble.handle in mail.outbox[0].subject


def test_much_trouble_is_one_letter(trouble: Channel) -> None:
    for _ in range(5):
        other = make_channel(trouble.brand)
        Channel.objects.filter(id=other.id).update(state="disconnected", credentials={})
    watch_channels()
    assert len(mail.outbox) == 3
    assert "6" in mail.outbox[0].subject


def test_without_a_mail_server_nobody_is_written_to(trouble: Channel) -> None:
    with override_settings(RAPPORT_SMTP=False):
        assert watch_channels() == 1
    assert mail.outbox == []
    assert Alert.objects.get().told_at is None


def test_a_mail_server_that_is_away_is_tried_again(trouble: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.core.mail.backends.locmem import EmailBackend

    def away(self: Any) -> None:
        raise ConnectionRefusedError("nobody listens")

    monkeypatch.setattr(EmailBackend, "open", away)
    watch_channels()
    assert mail.outbox == []
    monkeypatch.undo()
    watch_channels()
    assert len(mail.outbox) == 3


def test_one_refused_address_does_not_keep_the_others_from_hearing(
    trouble: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.core.mail.backends.locmem import EmailBackend

    send = EmailBackend.send_messages
    refused: list[object] = []

    def picky(self: Any, messages: Any) -> int:
        if not refused:
            refused.append(messages)
            raise smtplib.SMTPRecipientsRefused({})
        return send(self, messages)

    monkeypatch.setattr(EmailBackend, "send_messages", picky)
    watch_channels()
    watch_channels()
    assert len(mail.outbox) == 2
