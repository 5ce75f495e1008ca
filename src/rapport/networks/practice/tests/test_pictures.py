"""Pictures on the network: taken strictly, shown safely, sent once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from rapport.networks.base import MessageSeen, OutgoingMedia, OutgoingMessage
from rapport.networks.errors import Refused
from rapport.networks.practice import actions
from rapport.networks.practice.actions import Draft, publish, publish_many
from rapport.networks.practice.connector import PracticeConnector
from rapport.networks.practice.limits import MAX_ALT, MAX_PICTURE_BYTES
from rapport.networks.practice.models import Account, Picture, Post
from rapport.networks.practice.pictures import NewPicture
from rapport.networks.practice.tests.images import GIF, PNG, SVG, sent

Api = Callable[..., httpx.Response]
Make = Callable[..., OutgoingMessage]
BOX = NewPicture(name="box.png", content=PNG, alt="A broken box")
DESK = OutgoingMedia(name="desk.png", content_type="image/png", kind="image", content=PNG, alt="The desk")


# API --------------------------------------------------------------------------------------------
def test_the_api_takes_pictures_and_tells_where_they_are(api: Api) -> None:
    made = api("POST", "posts", json={"text": "Look", "media": [sent(), sent(GIF, content_type="image/gif")]})
    assert made.status_code == 201
    first, second = made.json()["media"]
    assert (first["kind"], first["alt"], first["name"]) == ("image", "A broken box", "box.png")
    assert (first["content_type"], second["content_type"]) == ("image/png", "image/gif")
    assert first["url"].endswith(f"/practice/files/{first['id']}")
    pk = made.json()["id"]
    assert api("GET", f"posts/{pk}").json()["media"] == [first, second]
    assert api("PATCH", f"posts/{pk}", json={"text": "See"}).json()["media"] == [first, second]
    assert api("GET", f"posts/{pk}/thread").json()["posts"][0]["media"] == [first, second]
    assert api("GET", "accounts/me/posts").json()["posts"][0]["media"] == [first, second]
    events = api("GET", "events").json()["events"]
    assert [event["post"]["media"] for event in events] == [[first, second]] * 2


@pytest.mark.parametrize(
    ("media", "code"),
    [
        ({}, "bad_media"),
        (["box.png"], "bad_media"),
        ([sent(alt=None)], "bad_media"),
        ([sent(alt="\x00")], "bad_media"),
        ([sent(size="1")], "bad_media"),
        ([{"name": "box.png", "alt": ""}], "bad_media"),
        ([sent(content="no base64 *")], "bad_media"),
        ([sent(content="")], "bad_media"),
        ([sent(content_type="image/gif")], "bad_media"),
        ([sent(SVG, content_type="image/svg+xml")], "not_a_picture"),
        ([sent(b"%PDF-1.7", content_type="image/png")], "not_a_picture"),
        ([sent(PNG + b"\0" * MAX_PICTURE_BYTES)], "picture_too_large"),
        ([sent(alt="x" * (MAX_ALT + 1))], "alt_too_long"),
        ([sent()] * 5, "too_many_pictures"),
    ],
)
def test_the_api_refuses_what_is_no_picture_and_publishes_nothing(api: Api, media: Any, code: str) -> None:
    answer = api("POST", "posts", json={"text": "Look", "media": media})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, code)
    assert answer.json()["error"]["message"]
    assert not Post.objects.exists()


def test_four_of_the_largest_fit_into_a_request(api: Api) -> None:
    large = sent(PNG + b"\0" * (MAX_PICTURE_BYTES - len(PNG)))
    assert api("POST", "posts", json={"text": "Look", "media": [large] * 4}).status_code == 201


def test_a_key_stands_for_its_pictures_too(api: Api) -> None:
    def post(*media: Any) -> httpx.Response:
        return api("POST", "posts", json={"text": "Look", "media": media}, headers={"Idempotency-Key": "k"})

    assert post(sent()).status_code == 201
    again = post(sent())
    assert (again.status_code, len(again.json()["media"])) == (200, 1)
    assert post().json()["error"]["code"] == "key_reused"
    assert post(sent(alt="Another box")).json()["error"]["code"] == "key_reused"
    assert Picture.objects.count() == 1


def test_pages_of_posts_cost_the_same_however_many_pictures_there_are(
    company: Account, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(10):
        publish_many([Draft(author=company, text=f"Look {n}", pictures=(BOX, BOX)) for n in range(20)])
    assert Picture.objects.count() == 40


# Connector --------------------------------------------------------------------------------------
def test_the_connector_sends_pictures_once_and_hears_them(
    connector: PracticeConnector, customer: Account, outgoing: Make
) -> None:
    asked, _ = publish(Draft(author=customer, text="@alvara_help look", pictures=(BOX,)))
    message = outgoing(parent_id=str(asked.pk), media=(DESK,))
    assert connector.send(message) == connector.send(message)
    events = [connector.parse(item.kind, item.payload)[0] for item in connector.poll({}).items]
    heard = [event for event in events if isinstance(event, MessageSeen)]
    assert [(one.kind, one.alt, one.name) for event in heard for one in event.media] == [
        ("image", "A broken box", "box.png"),
        ("image", "The desk", "desk.png"),
    ]
    with pytest.raises(Refused, match="not a PNG"):
        connector.send(outgoing(idempotency_key="2", media=(dataclasses.replace(DESK, content=SVG),)))


def test_private_answers_carry_pictures_too(
    connector: PracticeConnector, customer: Account, outgoing: Make
) -> None:
    sent_ = connector.send(outgoing(visibility="private", recipient_id=str(customer.pk), media=(DESK,)))
    assert Picture.objects.get(post_id=int(sent_.external_id)).alt == "The desk"


# Pages ------------------------------------------------------------------------------------------
@pytest.fixture
def reader(client: Client, django_user_model: Any, transactional_db: None) -> Client:
    client.force_login(django_user_model.objects.create_user("mara@example.com", "a long enough password"))
    return client


def test_a_picture_is_served_as_what_its_bytes_are(reader: Client, customer: Account) -> None:
    post, _ = publish(Draft(author=customer, text="Look", pictures=(BOX,)))
    address = reverse("practice:picture", args=[Picture.objects.get().pk])
    answer = reader.get(address)
    assert (answer.content, answer["Content-Type"]) == (PNG, "image/png")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]
    assert Client().get(address).status_code == 302  # as every page: for people who may log in
    actions.delete(author=customer, post_id=post.pk)
    assert reader.get(address).status_code == 404


def test_a_person_posts_a_picture_with_its_description(
    reader: Client, customer: Account, company: Account
) -> None:
    form = {
        "author": customer.pk,
        "text": "@alvara_help look",
        "picture_2": SimpleUploadedFile("box.png", PNG, "image/png"),
        "alt_2": 'A "broken" box',
    }
    page = reader.post(reverse("practice:new"), form, follow=True).content.decode()
    assert 'alt="A &quot;broken&quot; box"' in page
    form = {**form, "recipient": company.pk, "picture_2": SimpleUploadedFile("box.png", PNG, "image/png")}
    page = reader.post(reverse("practice:new"), form, follow=True).content.decode()
    assert 'alt="A &quot;broken&quot; box"' in page
    assert 'class="bubbles"' in page


def test_what_is_no_picture_is_said_beside_what_was_typed(reader: Client, customer: Account) -> None:
    form = {
        "author": customer.pk,
        "text": "Look at this",
        "picture_1": SimpleUploadedFile("box.svg", SVG, "image/png"),
        "alt_1": "A box",
    }
    answer = reader.post(reverse("practice:new"), form)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "is not a PNG" in page
    assert "Look at this" in page
    assert 'value="A box"' in page
    assert not Post.objects.exists()
