from __future__ import annotations

import html
import re

import pytest
from django.test import Client

from rapport.inbox.actions import add_note
from rapport.inbox.models import Message
from rapport.inbox.queries.search_fields import FIELDS
from rapport.inbox.tests.making import say
from rapport.web.tests.conftest import Desk

PART = {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "list"}


def _page(desk: Desk, text: str, **headers: str) -> str:
    answer = desk.client().get("/desk/all/", {"q": text}, **headers)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_case_shows_where_it_was_found_and_opens_there(desk: Desk) -> None:
    page = _page(desk, "bag")
    assert "Where is my <mark>bag</mark>?" in page
    assert f'href="{desk.url()}?q=bag&amp;m={desk.message.id}#m{desk.message.id}"' in page
    opened = desk.client().get(f"{desk.url()}?q=bag&m={desk.message.id}").content.decode()
    assert f'id="m{desk.message.id}"' in opened


def test_what_strangers_wrote_is_escaped_before_it_is_marked(desk: Desk) -> None:
    Message.objects.filter(id=desk.message.id).update(text="<script>bag</script> <b onclick=x>bag")
    page = _page(desk, "bag onclick script")
    assert "&lt;<mark>script</mark>&gt;<mark>bag</mark>&lt;/<mark>script</mark>&gt;" in page
    assert "<script>bag" not in page


def test_a_case_found_in_a_note_says_so(desk: Desk) -> None:
    add_note(actor=desk.people["agent"], case_id=desk.case.id, text="ask the umbrella shop")
    page = _page(desk, "umbrella")
    row = re.search(r'<li id="row-.*?</li>', page, re.S)
    assert row is not None
    assert "ask the <mark>umbrella</mark> shop" in row[0]
    assert "#m" not in row[0]


@pytest.mark.parametrize("headers", [{}, PART], ids=["page", "part"])
def test_what_was_not_understood_is_said_and_kept(desk: Desk, headers: dict[str, str]) -> None:
    page = html.unescape(_page(desk, "form:ana bag", **headers))
    assert "There is no field “form:”. Did you mean from" in page
    assert 'id="search-problem"' in page
    assert "<h2>Nothing found</h2>" not in page
    if not headers:
        assert 'value="form:ana bag"' in page
        assert 'aria-describedby="search-problem"' in page


def test_a_brand_one_may_not_see_is_not_betrayed(desk: Desk) -> None:
    assert "table for two" not in _page(desk, "table")
    problem = html.unescape(_page(desk, "brand:bistro"))
    assert "finds nothing called “bistro”" in problem
    offered = desk.client().get("/search/complete/", {"q": "brand:"}).content.decode()
    assert "Aero" in offered
    assert "Bistro" not in offered


def test_the_help_names_every_field_and_what_it_takes(desk: Desk) -> None:
    page = desk.client().get("/search/").content.decode()
    for field in FIELDS:
        assert f"<code>{field.name}:</code>" in page
        for value in field.values or ():
            assert f"<code>{value}</code>" in page


@pytest.mark.parametrize("name", [field.name for field in FIELDS])
def test_every_example_of_the_help_is_understood(desk: Desk, name: str) -> None:
    example = next(field.example for field in FIELDS if field.name == name)
    page = html.unescape(_page(desk, example))
    # Names are this desk's own, so an example's name may mean nobody here.
    assert "search-problem" not in page or "finds nothing called" in page


@pytest.mark.parametrize(
    "q", ["", "is:", "tag:", '"', "-", "\0", "\ud800", "x" * 5000, "assignee:m", "%s", "'"]
)
def test_completions_bear_anything(desk: Desk, q: str) -> None:
    text = q.encode("utf-8", "surrogatepass")
    assert desk.client().get("/search/complete/", {"q": text}).status_code == 200


def test_only_people_who_are_logged_in_are_helped(desk: Desk) -> None:
    for address in ("/search/", "/search/complete/?q=is:"):
        assert Client().get(address)["Location"].startswith("/login/")
        assert desk.client().post(address).status_code == 405


def test_a_found_message_far_up_a_long_thread_is_there(desk: Desk) -> None:
    first = desk.message
    last = first
    for number in range(230):
        last = say(desk.channel, first.identity, f"and again {number}", number + 1, to=last)
    page = _page(desk, '"where is my"')
    link = re.search(r'href="([^"]+)#m' + str(first.id) + '"', page)
    assert link is not None
    opened = desk.client().get(html.unescape(link[1])).content.decode()
    assert f'id="m{first.id}"' in opened
