"""One brand with one channel, an agent whose case waits, and a colleague."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from rapport.brands.models import Brand, Channel
from rapport.contacts.models import Identity
from rapport.inbox.actions import assign_case
from rapport.inbox.models import Case, Message
from rapport.inbox.tests.making import START, case_of, make_brand, make_channel, make_contact, make_user, say
from rapport.networks import http
from rapport.notices.making import make_notices
from rapport.notices.models import Notice
from rapport.notices.tests.pushservice import PushService
from rapport.staff.models import User


@dataclass
class Desk:
    """``mara`` has the ``case`` of ``ana``, given to her by nobody she is told of."""

    brand: Brand
    channel: Channel
    ana: Identity
    message: Message
    case: Case
    mara: User
    ivo: User

    def write(self, text: str = "Hello again?") -> Message:
        """Ana writes, now."""
        since = (timezone.now() - START).total_seconds() / 60
        return say(self.channel, self.ana, text, since, to=self.message)

    def told(self, user: User) -> list[str]:
        """The kinds of what ``user`` is told, in order, after everything that happened was read."""
        make_notices()
        return list(Notice.objects.filter(user=user).order_by("id").values_list("kind", flat=True))


@pytest.fixture
def desk(db: None) -> Desk:
    brand = make_brand()
    channel = make_channel(brand)
    ana = make_contact(channel, "Ana")
    message = say(channel, ana, "Where is my bag?", (timezone.now() - START).total_seconds() / 60)
    case = case_of(message)
    mara, ivo = make_user("Mara Kovač", brand=brand), make_user("Ivo Perić", brand=brand)
    make_notices()  # nobody has the case when the first message is told
    assign_case(actor=mara, case_id=case.id, assignee_id=mara.pk)
    make_notices()
    assert not Notice.objects.exists()  # nobody is told of their own deeds
    case.refresh_from_db()
    return Desk(brand, channel, ana, message, case, mara, ivo)


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
