"""A small desk to look at: two brands, a person of every role for the first, and one waiting customer."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from django.test import Client

from rapport.brands.models import Brand, Channel
from rapport.inbox.models import Case, Message
from rapport.inbox.tests.making import case_of, make_brand, make_channel, make_contact, make_user, say
from rapport.staff.models import Role, User


@dataclass
class Desk:
    """``case`` waits for an answer; ``other_case`` is of a brand that only the owner may see."""

    brand: Brand
    channel: Channel
    message: Message
    case: Case
    other_brand: Brand
    other_case: Case
    people: dict[str, User]

    def client(self, role: str = Role.AGENT) -> Client:
        """A browser in which somebody of that role is logged in."""
        client = Client()
        client.force_login(self.people[role], backend="django.contrib.auth.backends.ModelBackend")
        return client

    def url(self, action: str = "", case: Case | None = None) -> str:
        return f"/desk/all/case/{(case or self.case).id}/" + (f"{action}/" if action else "")


@pytest.fixture
def desk(db: None) -> Desk:
    brand, other = make_brand("aero"), make_brand("bistro")
    channel, other_channel = make_channel(brand, "practice"), make_channel(other, "practice")
    message = say(channel, make_contact(channel, "Ana"), "Where is my bag?")
    foreign = say(other_channel, make_contact(other_channel, "Bruno"), "A table for two?")
    people = {role.value: make_user(f"{role.label} Person", brand=brand, role=role) for role in Role}
    return Desk(brand, channel, message, case_of(message), other, case_of(foreign), people)
