"""The page of components shows every state, costs no more than any page, and stores nothing."""

from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries

from rapport.inbox.models import Case, Message
from rapport.web.tests.conftest import Desk


@pytest.mark.parametrize("role", ["viewer", "admin"])
def test_every_state_is_there(
    desk: Desk, role: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    before = (Case.objects.count(), Message.objects.count())
    client = desk.client(role)
    client.get("/keys/")
    with django_assert_max_num_queries(12):
        answer = client.get("/styleguide/")
    assert answer.status_code == 200
    page = answer.content.decode()
    for state in (
        "message theirs", "message own", "message theirs private", "message own private", "message other",
        "message theirs deleted", "entry note", "pending queued", "pending sending", "pending failed", "entry told",
        "toast bad", "notice bad", "Not sent", "Snoozed", "Draft", "Names you", "errorlist", "unread-line",
    ):  # fmt: skip
        assert state in page, state
    assert (Case.objects.count(), Message.objects.count()) == before
