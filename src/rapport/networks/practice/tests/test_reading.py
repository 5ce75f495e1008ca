"""Who has read what in private conversations, and what companies are told of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from rapport.networks.practice import actions
from rapport.networks.practice.actions import Draft
from rapport.networks.practice.errors import NotThere
from rapport.networks.practice.models import Account, Post, Reading, StreamEvent
from rapport.networks.practice.tests.test_simulator import START, S, answer, only

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)


def written(author: Account, to: Account, text: str = "Hello", minutes: int = 0) -> Post:
    at = NOW + timedelta(minutes=minutes)
    post, _new = actions.publish(Draft(author=author, text=text, private=True, recipient=to, at=at))
    return post


def told() -> list[tuple[int, str, str]]:
    """Whom the network told of what was read by whom."""
    found = StreamEvent.objects.filter(kind="conversation.read").order_by("pk")
    return [
        (one.account_id, one.payload["read"]["post_id"], one.payload["read"]["reader_id"]) for one in found
    ]


def test_the_company_is_told_how_far_its_customer_has_read(company: Account, customer: Account) -> None:
    first, second = written(company, customer), written(company, customer, "And more")
    actions.read(reader=customer, post_id=second.pk)
    assert told() == [(company.pk, str(second.pk), str(customer.pk))]
    # Neither what was read before nor the same again is news.
    actions.read(reader=customer, post_id=first.pk)
    actions.read(reader=customer, post_id=second.pk)
    assert len(told()) == 1
    assert Reading.objects.get().post_id == second.pk


def test_whoever_answers_has_read_what_they_answer(company: Account, customer: Account) -> None:
    written(customer, company, "Where is my bag?")
    asked = written(company, customer, "Which flight?")
    assert told() == []
    written(customer, company, "AA 417")
    assert told() == [(company.pk, str(asked.pk), str(customer.pk))]


def test_a_customer_is_not_told_what_the_company_read(company: Account, customer: Account) -> None:
    post = written(customer, company)
    actions.read(reader=company, post_id=post.pk)
    assert told() == []


@pytest.mark.parametrize("of", ["mine", "public", "gone", "nobody's"])
def test_only_what_was_written_to_somebody_can_be_read_by_them(
    of: str, company: Account, customer: Account
) -> None:
    posts = {
        "mine": written(customer, company).pk,
        "public": actions.publish(Draft(author=company, text=f"@{customer.handle} hi"))[0].pk,
        "gone": written(company, customer).pk,
        "nobody's": 99_999,
    }
    actions.delete(author=company, post_id=posts["gone"])
    with pytest.raises(NotThere):
        actions.read(reader=customer, post_id=posts[of])
    assert told() == []


def test_the_api_takes_it(
    api: Callable[..., httpx.Response], company: Account, customer: Account, base_url: str
) -> None:
    post = written(customer, company)
    assert api("POST", f"posts/{post.pk}/read").status_code == 204
    assert api("POST", f"posts/{written(company, customer).pk}/read").status_code == 404


def test_simulated_customers_read_before_they_answer(transactional_db: Any) -> None:
    play, run = only("alvara-bag-en")
    said = answer(run, "We have found it. Would you like it by post?", private=True)
    play.tick(START + 2 * S)
    run.refresh_from_db()
    assert told() == [(run.company_id, str(said.pk), str(run.customer_id))]
    assert run.turns == 0


def test_the_page_reads_as_the_customer(company: Account, customer: Account) -> None:
    user = get_user_model().objects.create(email="mara@example.com", name="Mara")
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    post = written(company, customer, "We found it.")
    address = f"/practice/messages/{post.conversation}"
    assert "Read it as Ivana K" in client.get(address).content.decode()
    assert client.post(f"/practice/posts/{post.pk}/change", {"act": "read"}).status_code == 302
    page = client.get(address).content.decode()
    assert "Ivana K read this" in page
    assert "Read it as" not in page
    assert len(told()) == 1
