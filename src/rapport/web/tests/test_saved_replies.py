from __future__ import annotations

import re

import pytest
from django.test import Client

from rapport.outbox.models import SavedReply
from rapport.outbox.saved_replies import Content, create_reply
from rapport.web.tests.conftest import Desk

FORM = {"name": "Refund", "shortcut": "/refund", "category": "Money", "language": "", "text": "On its way."}


def _made(desk: Desk, role: str = "agent", *, shared: bool = False, **more: str) -> SavedReply:
    return create_reply(
        actor=desk.people[role],
        content=Content(name=more.get("name", "Refund"), texts={"": more.get("text", "On its way.")}),
        brand_id=desk.brand.id if shared else None,
    )


def _page(client: Client, query: str = "") -> str:
    return client.get(f"/replies/{query}").content.decode()


def test_an_empty_page_offers_the_one_next_step(desk: Desk) -> None:
    page = _page(desk.client())
    assert "No saved replies yet" in page
    assert page.count("/replies/new/") == 2


def test_one_is_written_found_changed_deleted_and_had_back(desk: Desk) -> None:
    client = desk.client()
    answer = client.post("/replies/new/", FORM)
    made = SavedReply.objects.get()
    assert answer["Location"] == f"/replies/#reply-{made.id}"
    page = _page(client)
    assert "“Refund” is saved." in page
    assert "/refund" in page
    assert "Your own" in page
    assert "<h3" in page  # its category
    for query in ("?q=way+REF", "?category=Money", "?brand=aero"):
        assert f"reply-{made.id}" in _page(client, query)
    assert "No saved reply fits" in _page(client, "?q=voucher")
    changed = {**FORM, "version": 1, "language": ["en", "de"], "text": ["On its way.", "Unterwegs."]}
    assert client.post(f"/replies/{made.id}/", changed).status_code == 302
    assert "German" in _page(client)
    gone = client.post(f"/replies/{made.id}/delete/")
    page = client.get(gone["Location"]).content.decode()
    assert "“Refund” is deleted." in page
    assert f"reply-{made.id}" not in page
    assert client.get(f"/replies/{made.id}/").status_code == 404
    undo = re.search(r'action="(/replies/\d+/restore/)"', page)
    assert undo is not None
    assert client.post(undo[1]).status_code == 302
    assert f"reply-{made.id}" in _page(client)


def test_what_was_typed_stays_when_it_cannot_be_saved(desk: Desk) -> None:
    client = desk.client()
    wrong = {**FORM, "text": "Dear <b>{{customer.password}}</b>"}
    answer = client.post("/replies/new/", wrong)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "There is no variable “customer.password”" in page
    assert "Dear &lt;b&gt;{{customer.password}}&lt;/b&gt;</textarea>" in page
    assert 'value="/refund"' in page
    twice = {**FORM, "language": ["de", "de"], "text": ["Hallo", "Guten Tag"]}
    answer = client.post("/replies/new/", twice)
    assert answer.status_code == 422
    assert "One language is there twice" in answer.content.decode()
    assert not SavedReply.objects.exists()


def test_another_language_gets_a_field_and_nothing_is_saved_yet(desk: Desk) -> None:
    page = desk.client().post("/replies/new/", {**FORM, "more": "1"}).content.decode()
    assert page.count('<textarea id="text-') == 2
    assert "On its way.</textarea>" in page
    assert re.search(r'id="language-2"[^>]* autofocus', page)
    assert not SavedReply.objects.exists()


def test_somebody_elses_change_is_not_overwritten_and_ones_own_words_stay(desk: Desk) -> None:
    made = _made(desk, "lead", shared=True)
    lead = desk.client("lead")
    first = {**FORM, "version": 1, "text": "First"}
    assert lead.post(f"/replies/{made.id}/", first).status_code == 302
    answer = desk.client("admin").post(f"/replies/{made.id}/", {**first, "text": "Second"})
    assert answer.status_code == 409
    assert "Second</textarea>" in answer.content.decode()
    assert made.texts.get().text == "First"


def test_shared_ones_are_seen_by_the_brand_and_changed_by_leads(desk: Desk) -> None:
    made = _made(desk, "lead", shared=True)
    agent, lead = desk.client(), desk.client("lead")
    assert f"reply-{made.id}" in _page(agent)
    assert f"/replies/{made.id}/delete/" not in _page(agent)
    assert f"/replies/{made.id}/delete/" in _page(lead)
    assert "Everybody of Aero" not in agent.get("/replies/new/").content.decode()
    assert "Everybody of Aero" in lead.get("/replies/new/").content.decode()
    assert agent.get(f"/replies/{made.id}/").status_code == 403


def test_a_page_of_many_says_that_there_are_more(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rapport.web.views.saved_replies._SHOWN", 2)
    for number in range(3):
        _made(desk, name=f"Number {number}")
    page = _page(desk.client())
    assert page.count('class="card reply-card"') == 2
    assert "Only the first 2 are shown" in page


@pytest.mark.parametrize("words", ["\x00", "\ud800", "%", "_", "{{", "'; --", "a" * 200, "𝒳" * 120])
def test_whatever_is_searched_for_is_only_searched_for(desk: Desk, words: str) -> None:
    client = desk.client()
    query = {"q": words.encode("utf-8", "surrogatepass"), "category": words.encode("utf-8", "surrogatepass")}
    for path in ("/replies/", *(f"/aids/{desk.case.id}/{what}/" for what in AIDS)):
        assert client.get(path, query).status_code == 200


AIDS = ("replies", "people", "hashtags", "colleagues")
