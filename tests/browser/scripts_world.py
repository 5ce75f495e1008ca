"""Three brands whose names, texts and people are as long as they may be: ``python -m tests.browser.scripts_world``.

One is in German words without a place to break, one in Thai, one in Arabic. Prints for each who reads it and where.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

PATIENCE_S = 90
LENGTH = 400


@dataclass(frozen=True)
class Script:
    """``word`` is written without a space for as long as is wanted; ``search`` is in every message."""

    name: str
    language: str
    word: str
    sentence: str
    search: str

    def long(self, length: int) -> str:
        """One word of exactly that many characters."""
        return (self.word * (length // len(self.word) + 1))[:length]


SCRIPTS = (
    Script(
        "german", "de", "Donaudampfschifffahrtsgesellschaftskapitänsmützen", "Wo ist mein Koffer?", "koffer"
    ),
    Script("thai", "th", "กระเป๋าเดินทางของฉันหายไปไหนที่สนามบินสุวรรณภูมิ", "กระเป๋าของฉันอยู่ที่ไหนคะ", "กระเป๋า"),
    Script("arabic", "", "والمستشفياتوالمطاراتوالاستقلاليات", "أين حقيبتي؟ لقد وصلت أمس 417 AA", "حقيبتي"),
)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rapport.config.settings")
    import django

    django.setup()
    print(json.dumps({script.name: _make(script) for script in SCRIPTS}))


def _make(script: Script) -> dict[str, Any]:
    from django.urls import reverse

    from rapport.brands.models import Brand, Channel
    from rapport.inbox.actions import add_note, add_tag, assign_case
    from rapport.inbox.actions.people import add_contact_note, set_attribute
    from rapport.inbox.actions.reasons import offer_reason
    from rapport.inbox.models import Case
    from rapport.inbox.saved import create_view
    from rapport.outbox.saved_replies import Content, create_reply
    from rapport.staff.actions.invitations import invite
    from rapport.staff.actions.teams import create_team
    from rapport.staff.models import Membership, Role, User
    from tests.browser.heard_world import make_heard
    from tests.browser.world import PASSWORD

    long = script.long
    brand = Brand.objects.create(slug=f"{script.name}-test", name=long(120))
    email = f"{script.name}@example.com"
    reader = User.objects.create_user(
        email, PASSWORD, name=long(120), initials=long(4), language=script.language, skills=[long(40)]
    )
    other = User.objects.create(
        email=f"{'w' * 60}@{script.name}.example.com", name=long(119), initials=long(3), password="!"
    )
    for user, role in ((reader, Role.ADMIN), (other, Role.LEAD)):
        Membership.objects.create(user=user, brand=brand, role=role)
    channel = Channel.objects.create(
        brand=brand,
        network="practice",
        external_id=f"of-{script.name}",
        handle=f"@{long(60)}",
        name=long(200),
        credentials={"token": "none"},
    )
    form = Channel.objects.create(
        brand=brand,
        network="webform",
        external_id=f"form:{script.name}",
        handle=long(60),
        name=long(200),
        settings={"email": "required", "attachments": True, "intro": long(LENGTH), "consent": long(LENGTH)},
    )
    _heard(script, channel)
    case = Case.objects.filter(brand=brand).latest("id")
    for other_case in Case.objects.filter(brand=brand):
        add_tag(actor=reader, case_id=other_case.id, name=long(60))
    add_tag(actor=reader, case_id=case.id, name=script.search)
    add_note(actor=other, case_id=case.id, text=f"{long(LENGTH)} {script.sentence}")
    set_attribute(actor=reader, case_id=case.id, name=long(60), value=long(LENGTH))
    add_contact_note(actor=other, case_id=case.id, text=long(LENGTH))
    offer_reason(actor=reader, brand=brand, label=long(60))
    texts = {script.language: f"{long(LENGTH)} {script.sentence}"}
    create_reply(
        actor=reader, content=Content(name=long(80), shortcut=long(40), category=long(60), texts=texts)
    )
    create_view(actor=reader, name=long(80), view="all", filters={"q": [script.search]})
    team = create_team(actor=reader, brand_id=brand.id, name=long(60))
    invite(actor=reader, email=f"{'n' * 60}@example.com", brand_id=brand.id, role="agent")
    assign_case(actor=other, case_id=case.id, assignee_id=reader.id, team_id=team.id)
    _until_told(reader.id)
    return {
        "email": email,
        "case": reverse("desk-case", args=["all", case.id]),
        "search": f"{reverse('desk-list', args=['all'])}?q={script.search}",
        "form": f"{reverse('form', args=[form.id])}?lang={script.language or 'en'}",
        "channel": reverse("channel", args=[channel.id]),
        "reasons": reverse("reasons", args=[brand.slug]),
        "team": reverse("team", args=[team.id]),
        "heard": make_heard(brand=brand, lead=reader, word=script.search, long=script.long),
    }


def _heard(script: Script, channel: Any) -> None:
    """Three people have written, the last of them twice and with a subject, and we have answered once."""
    from django.db import transaction
    from django.utils import timezone

    from rapport.ingest.record import lock_channel, record_events
    from rapport.networks.base import Author, MessageSeen

    now = timezone.now()
    long = script.long

    def seen(number: int, of: int, **more: Any) -> MessageSeen:
        author = Author(
            external_id=f"{script.name}{of}", handle=f"{script.name}{long(60)}", name=long(200 - of)
        )
        text = f"{script.sentence} {long(LENGTH)} {script.sentence}"
        given = {"visibility": "public", "lang": script.language or "ar", **more}
        return MessageSeen(
            external_id=f"{script.name}-{number}",
            author=author,
            text=text,
            sent_at=now - timedelta(minutes=30 - number),
            **given,
        )

    events = [
        seen(1, 1),
        seen(2, 2, visibility="private", thread_key=f"{script.name}-2"),
        seen(3, 3, facts={"subject": long(LENGTH), "sensitive": long(LENGTH)}),
        seen(4, 4, parent_id=f"{script.name}-3"),
        seen(5, 3, parent_id=f"{script.name}-4", url="https://example.com/" + "w" * LENGTH),
    ]
    with transaction.atomic():
        lock_channel(channel.id)
        record_events(channel=channel, events=[(event, now) for event in events])


def _until_told(user_id: int) -> None:
    """Waits for the notice of the case that was just given to somebody."""
    from rapport.notices.models import Notice

    deadline = time.monotonic() + PATIENCE_S
    while not Notice.objects.filter(user_id=user_id).exists():
        if time.monotonic() > deadline:
            raise SystemExit("nobody was told of a case that was given to them")
        time.sleep(0.2)


if __name__ == "__main__":
    main()
