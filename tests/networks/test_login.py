"""Connecting by a network's own login, through our pages: every network that has one, against what runs of it.

A browser is all that passes between the two: our pages are asked for as a browser asks, somebody says yes or
no at the network's own page, and what that sends the browser to is opened here.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from rapport.brands.models import Brand, Channel
from rapport.channels.models import PendingChannel
from rapport.channels.pending import forget_expired
from rapport.networks.registry import connectors
from rapport.networks.testing import Place
from rapport.staff.models import Membership, Role, User
from tests.networks.world import World

HERE = "http://127.0.0.1:8000"
# What a login brings, so that nobody types it.
BROUGHT = {"token", "access_token", "refresh_token", "app_password"}
WITH_LOGIN = sorted(
    network
    for network, one in connectors().items()
    if one.guide is not None and (one.guide.oauth or one.guide.oauth_optional)
)

pytestmark = pytest.mark.parametrize("place", WITH_LOGIN, indirect=True)


@dataclass
class Admin:
    """Somebody who may connect channels, at their browser. ``brand``: the second of two they have."""

    place: Place
    brand: Brand
    browser: Client = field(default_factory=Client)

    def __post_init__(self) -> None:
        self.user = User.objects.create(email=f"{uuid4().hex}@example.com", name="Ada Babić", initials="AB")
        first, _made = Brand.objects.get_or_create(slug="aardvark", name="Aardvark")
        for brand in (first, self.brand):
            Membership.objects.create(user=self.user, brand=brand, role=Role.ADMIN)
        self.browser.force_login(self.user, backend="django.contrib.auth.backends.ModelBackend")

    @property
    def network(self) -> str:
        return self.place.network

    def page(self, path: str, status: int = 200) -> str:
        answer = self.browser.get(path, follow=True)
        assert answer.status_code == status, answer.content.decode()
        return answer.content.decode()

    def typed(self) -> dict[str, str]:
        """The guide's fields, as a browser sends them."""
        sent = {"way": "login"}
        for name, value in self.place.values().items():
            if name not in BROUGHT and value is not False:
                sent[f"with-{name}"] = (
                    "on" if value is True else "\n".join(value) if isinstance(value, list) else str(value)
                )
        return sent

    def leave(self, guide: str = "") -> tuple[str, str]:
        """From the list of networks, or from ``guide``, to where the network's login begins: the page we left,
        and the login's address."""
        if not guide:
            listed = self.page(f"/channels/connect/?brand={self.brand.slug}")
            link = re.search(rf'href="(/channels/connect/{self.network}/[^"]*)"', listed)
            assert link is not None
            guide = html.unescape(link[1])
        assert f"{HERE}/channels/connect/{self.network}/back/" in self.page(guide)
        answer = self.browser.post(guide, self.typed())
        assert answer.status_code == 302, answer.content.decode()
        return answer["Location"], self.login_of(answer["Location"])

    def login_of(self, step: str) -> str:
        """The login that the page of this step leads to."""
        link = re.search(r'<a class="button primary" href="([^"]+)"', self.page(step))
        assert link is not None
        return html.unescape(link[1])

    def return_path(self, login: str, *, allow: bool = True) -> str:
        """What the network's login sends the browser to, a path of ours."""
        address = self.place.log_in(login, allow=allow)
        assert address.startswith(f"{HERE}/channels/connect/{self.network}/back/?")
        return address.removeprefix(HERE)

    def connect(self, back: str) -> Channel:
        """From the network's login to the saved channel."""
        came = self.browser.get(back)
        assert came.status_code == 302, came.content.decode()
        step = came["Location"]
        if 'name="account"' in self.page(step):
            chosen = self.browser.post(step, {"account": "0"})
            assert chosen["Location"] == step
        assert "Nothing is saved yet" in self.page(step)
        saved = self.browser.post(
            step, {"role": "support", "signature": "name", "hide_deleted": "on", "polled": "on"}
        )
        assert saved.status_code == 302, saved.content.decode()
        found = re.fullmatch(r"/channels/(\d+)/", saved["Location"])
        assert found is not None
        return Channel.objects.get(id=found[1])


@dataclass
class ByLogin(World):
    """A world whose channel was connected by a login."""

    def connect(self) -> Channel:
        self.admin = Admin(self.place, self.brand)
        _step, login = self.admin.leave()
        return self.admin.connect(self.admin.return_path(login))


@pytest.fixture(autouse=True)
def here(settings: Any) -> None:
    settings.RAPPORT_BASE_URL = HERE


@pytest.fixture
def admin(place: Place, transactional_db: None) -> Admin:
    return Admin(place, Brand.objects.create(slug="alvara", name="Alvara Air"))


def test_a_login_becomes_a_channel_that_hears_and_answers(place: Place, transactional_db: None) -> None:
    world = ByLogin(place)
    assert (world.channel.state, world.channel.role, world.channel.brand) == (
        "active",
        "support",
        world.brand,
    )
    assert not PendingChannel.objects.exists()
    text = f"My suitcase came home without its wheel {uuid4().hex[:8]}"
    asked = place.customer_says(text)
    assert text in world.message(asked).text
    answer = f"Please show it at the desk {uuid4().hex[:6]}"
    outgoing = world.answer(world.case(asked), answer)
    assert (outgoing.state, outgoing.error) == ("sent", "")
    assert [one for one in world.read(asked, 1) if answer in one]


def test_what_was_withdrawn_is_put_right_by_another_login_and_nothing_was_missed(
    place: Place, transactional_db: None
) -> None:
    world = ByLogin(place)
    before = world.channel.id
    place.revoke()
    try:
        # However the network ends a login, to us it is a channel whose credentials are refused.
        Channel.objects.filter(id=before).update(state="disconnected", last_error="withdrawn")
        asked = place.customer_says(f"Are you there? {uuid4().hex[:8]}")
    finally:
        place.renew()
    _step, login = world.admin.leave(f"/channels/connect/{place.network}/?channel={before}")
    came = world.admin.browser.get(world.admin.return_path(login))
    step = came["Location"]
    if 'name="account"' in world.admin.page(step):
        world.admin.browser.post(step, {"account": "0"})
    assert "Connect it again" in world.admin.page(step)
    assert world.admin.browser.post(step)["Location"] == f"/channels/{before}/"
    world.channel.refresh_from_db()
    assert (world.channel.state, world.channel.last_error, world.channel.role) == ("active", "", "support")
    assert world.message(asked).channel_id == before


def test_a_no_is_told_and_the_login_can_be_tried_again(admin: Admin) -> None:
    step, login = admin.leave()
    back = admin.return_path(login, allow=False)
    page = admin.page(back, 422)
    assert "Not connected" in page
    guide = re.search(r'<a class="button" href="(/channels/connect/[^"]+)"', page)
    assert guide is not None
    assert "for Alvara Air" in admin.page(html.unescape(guide[1]))
    assert not Channel.objects.exists()
    # The network's "no" was this login's end; another begins with what was typed.
    admin.page(back, 404)
    assert f'action="{step}"' in page
    assert f'action="{step}"' in admin.page(step, 422)
    another = admin.browser.post(step)["Location"]
    assert another != step
    admin.page(step, 404)
    assert admin.connect(admin.return_path(admin.login_of(another))).brand == admin.brand


def test_a_state_that_is_not_ours_is_refused_and_harms_nothing(admin: Admin) -> None:
    _step, login = admin.leave()
    back = admin.return_path(login)
    path, _mark, query = back.partition("?")
    given = {name: values[-1] for name, values in parse_qs(query).items()}
    for state in ("", "made-up", given["state"][:-2], given["state"].swapcase()):
        admin.page(f"{path}?{urlencode({**given, 'state': state})}", 404)
    other = Admin(admin.place, admin.brand)  # who got hold of the address
    other.page(back, 404)
    assert admin.connect(back).brand == admin.brand


def test_an_address_that_was_used_is_worth_nothing(admin: Admin) -> None:
    step, login = admin.leave()
    back = admin.return_path(login)
    channel = admin.connect(back)
    assert "Begin again" in admin.page(back, 404)
    admin.page(step, 404)
    assert list(Channel.objects.all()) == [channel]


def test_who_comes_back_too_late_begins_again(admin: Admin) -> None:
    step, login = admin.leave()
    back = admin.return_path(login)
    PendingChannel.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert "Begin again" in admin.page(back, 404)
    admin.page(step, 404)
    assert forget_expired() == 1
    assert not Channel.objects.exists()
    admin.page(back, 404)
