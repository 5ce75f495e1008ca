"""Where every server has its own ids: two posts of one id stay two, and one post of two servers is shown once."""

from __future__ import annotations

import pytest
from django.db import transaction

from rapport.brands.models import Brand, Channel
from rapport.inbox.models import Message
from rapport.inbox.tests.making import make_brand, make_channel, make_contact, make_user, say
from rapport.mentions.handling import make_case
from rapport.mentions.hearing import Heard, hear, hear_messages
from rapport.mentions.models import Mention, Post, Source
from rapport.mentions.servers import server_name
from rapport.mentions.tests.making import at, heard, make_query

pytestmark = pytest.mark.django_db


@pytest.fixture
def brand() -> Brand:
    brand = make_brand()
    make_query(brand, "aero")
    return brand


def listen(*posts: Heard, source: Source | None = None) -> None:
    with transaction.atomic():
        hear(posts, source_key="source:1", source_id=source.pk if source else None)


def toot(post_id: str, text: str, server: str, **more: object) -> Heard:
    return heard(post_id, text, network="mastodon", server=server, **more)


def source_at(server: str) -> Source:
    return Source.objects.create(kind="mastodon", name=server, options={"server": f"https://{server}"})


def ids() -> set[str]:
    return set(Post.objects.values_list("external_id", flat=True))


@pytest.mark.parametrize("address", ["https://X.example/about", "x.example", "@me@x.example", " x.example "])
def test_a_server_has_one_name(address: str) -> None:
    assert server_name(address) == "x.example"


def test_one_id_of_two_servers_is_two_posts(brand: Brand) -> None:
    listen(toot("1", "aero is late", "https://a.example"), toot("1", "I love aero", "b.example"))
    assert ids() == {"1@a.example", "1@b.example"}
    assert {one.id_there for one in Post.objects.all()} == {"1"}
    # What becomes of one is nothing to the other.
    listen(toot("1", "aero is very late", "a.example", edited_at=at(5)))
    listen(toot("1", "", "b.example", deleted=True))
    assert [one.text for one in Post.objects.all()] == ["aero is very late"]
    # Nor is that one was deleted which matched nothing, and so is only remembered.
    listen(toot("2", "", "a.example", deleted=True))
    listen(toot("2", "aero again", "b.example"))
    assert "2@b.example" in ids()


def test_one_stored_before_gets_its_full_id_when_its_server_tells_it_again(brand: Brand) -> None:
    here, there = source_at("a.example"), source_at("b.example")
    listen(toot("1", "aero is late", ""), source=here)
    assert ids() == {"1"}
    listen(toot("1", "I love aero", "b.example"), source=there)
    assert ids() == {"1", "1@b.example"}
    listen(toot("1", "aero is very late", "a.example", edited_at=at(5)), source=here)
    assert ids() == {"1@a.example", "1@b.example"}
    assert Post.objects.get(external_id="1@a.example").text == "aero is very late"


def test_a_channel_and_a_source_of_one_server_hear_one_post(brand: Brand) -> None:
    channel = make_channel(brand, "mastodon")
    Channel.objects.filter(id=channel.id).update(settings={"server": "https://a.example"})
    elsewhere = make_channel(brand, "mastodon")
    Channel.objects.filter(id=elsewhere.id).update(settings={"server": "https://b.example"})
    message = say(channel, make_contact(channel), "aero is late")
    listen(toot(message.external_id, "aero is late", "a.example"), source=source_at("a.example"))
    with transaction.atomic():
        hear_messages([message.id])
    post = Post.objects.get()
    assert (post.message, post.external_id) == (message, f"{message.external_id}@a.example")
    case = make_case(user=make_user(brand=brand), mention_id=Mention.objects.get().id)
    assert (case.channel, Message.objects.count()) == (channel, 1)


def test_what_only_a_source_heard_is_answered_under_the_network_s_id(brand: Brand) -> None:
    channel = make_channel(brand, "mastodon")
    Channel.objects.filter(id=channel.id).update(settings={"server": "https://a.example"})
    listen(toot("7", "aero is late", "a.example"), source=source_at("a.example"))
    make_case(user=make_user(brand=brand), mention_id=Mention.objects.get().id)
    assert Message.objects.get().external_id == "7"


def test_one_post_that_two_servers_tell_is_shown_once_however_short(brand: Brand) -> None:
    url = "https://a.example/@ana/1"
    listen(toot("1", "aero!", "a.example", url=url), toot("99", "aero!", "b.example", url=url))
    listen(toot("2", "aero!", "a.example", url="https://a.example/@ana/2"))
    shown = Mention.objects.filter(folded_into=None).order_by("post__external_id")
    assert [(one.post.external_id, one.copies) for one in shown] == [("1@a.example", 1), ("2@a.example", 0)]


def test_an_account_of_ours_is_known_by_its_id_at_its_own_server_only(brand: Brand) -> None:
    channel = make_channel(brand, "mastodon")
    Channel.objects.filter(id=channel.id).update(settings={"server": "https://a.example"})
    listen(
        toot("1", "aero here", "a.example", author_id=channel.external_id),
        toot("1", "aero there", "b.example", author_id=channel.external_id),
    )
    assert ids() == {"1@b.example"}
