from __future__ import annotations

import html
import json
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from rapport.inbox.models import Message
from rapport.inbox.tests.making import make_contact, say
from rapport.mentions.examples import LONGEST_EXAMPLE
from rapport.mentions.models import Match, Mention, Post, Query, QueryExample, QueryState
from rapport.mentions.saving import mark_of, save_query
from rapport.web.tests.conftest import Desk

FORM = {"name": "Bags", "kind": "brand", "text": "bag OR luggage"}


def _made(desk: Desk, text: str = "bag OR luggage", name: str = "Bags") -> Query:
    return save_query(user=desk.people["lead"], brand_id=desk.brand.id, name=name, text=text, kind="brand")


def _page(client: Client, path: str = "/listening/") -> str:
    return client.get(path).content.decode()


def _recent(*messages: Message) -> None:
    """As if said an hour ago: a preview looks at the last 30 days."""
    Message.objects.filter(id__in=[one.id for one in messages]).update(
        sent_at=timezone.now() - timedelta(hours=1)
    )


def test_an_empty_page_says_what_a_query_is_and_begins_with_the_brand(desk: Desk) -> None:
    page = _page(desk.client("lead"))
    assert "No queries yet" in page
    assert "/listening/new/?brand=aero&amp;start=name" in page
    form = _page(desk.client("lead"), "/listening/new/?brand=aero&start=name")
    assert ">Aero</textarea>" in form
    assert 'value="Aero"' in form
    # Who may not save one is not led to where one does.
    assert "/listening/new/" not in _page(desk.client("agent"))


def test_one_is_saved_found_paused_deleted_and_had_back(desk: Desk) -> None:
    client = desk.client("lead")
    answer = client.post("/listening/new/", {**FORM, "brand": desk.brand.id})
    made = Query.objects.get()
    assert answer["Location"] == f"/listening/#query-{made.pk}"
    page = _page(client)
    assert "“Bags” is saved." in page
    assert "bag OR luggage" in page
    assert "None yet" in page
    client.post(f"/listening/{made.pk}/pause/")
    assert Query.objects.get().state == QueryState.PAUSED
    assert "Paused" in _page(client)
    client.post(f"/listening/{made.pk}/resume/")
    assert Query.objects.get().state == QueryState.ACTIVE
    gone = client.post(f"/listening/{made.pk}/delete/")
    page = _page(client, gone["Location"])
    assert "“Bags” is deleted." in page
    assert f"query-{made.pk}" not in page
    assert client.get(f"/listening/{made.pk}/").status_code == 404
    undo = re.search(r'action="(/listening/\d+/restore/)"', page)
    assert undo is not None
    client.post(undo[1])
    assert f"query-{made.pk}" in _page(client)


def test_a_list_counts_what_was_found_lately(desk: Desk) -> None:
    made = _made(desk)
    assert made.version is not None
    for days in (1, 6, 20, 40):
        sent_at = timezone.now() - timedelta(days=days)
        post = Post.objects.create(network="practice", external_id=f"p{days}", text="bag", sent_at=sent_at)
        mention = Mention.objects.create(brand=desk.brand, post=post, sent_at=sent_at)
        Match.objects.create(mention=mention, query=made, version=made.version, sent_at=sent_at)
    page = _page(desk.client("viewer"))
    assert re.search(r'in 7 days">2</td>', page)
    assert re.search(r'in 30 days"><a href="/mentions/\?query=\d+">3</a></td>', page)
    # Another brand's people see nothing of it.
    assert "No queries yet" in _page(Client()) or "Bags" not in _page(Client())


def test_an_error_points_at_its_character_and_what_was_typed_stays(desk: Desk) -> None:
    client = desk.client("lead")
    wrong = {**FORM, "brand": desk.brand.id, "text": "bag autor:<b>ana</b>"}
    answer = client.post("/listening/new/", wrong)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "There is no field “autor:”" in page
    assert "Line 1, character 5" in page
    assert "bag autor:&lt;b&gt;ana&lt;/b&gt;</textarea>" in page
    assert not Query.objects.exists()
    part = client.post("/listening/check/", wrong).content.decode()
    assert 'data-go="4-' in part
    assert "bag <mark>autor:&lt;b&gt;ana&lt;/b&gt;</mark>" in part
    # A warning does not stop anything.
    part = client.post("/listening/check/", {"text": "bag late OR gone"}).content.decode()
    assert "Put brackets around what belongs together" in part
    assert "at least one of these:" in part


def test_groups_of_words_write_the_text_and_the_text_the_groups(desk: Desk) -> None:
    client = desk.client("lead")
    groups = {"group-mode": ["any", "none", "all"], "group-words": ["bag\nlost luggage", "river", "Aero"]}
    part = client.post("/listening/build/", {"text": "old", **groups}).content.decode()
    assert "(bag OR &quot;lost luggage&quot;) AND Aero AND NOT river</textarea>" in part
    without_script = client.post("/listening/new/", {**FORM, **groups, "do": "build"}).content.decode()
    assert "(bag OR &quot;lost luggage&quot;) AND Aero AND NOT river</textarea>" in without_script
    part = client.post("/listening/check/", {"text": "aero (bag OR seat) -river"}).content.decode()
    assert re.findall(r'name="group-words"[^>]*>([^<]*)<', part) == ["aero", "bag\nseat", "river", ""]
    part = client.post("/listening/check/", {"text": "lost NEAR/3 bag"}).content.decode()
    assert "more than groups can show: words near each other (NEAR)" in part


def test_a_query_of_another_tool_is_translated_and_what_is_lost_is_named(desk: Desk) -> None:
    given = {
        **FORM,
        "do": "convert",
        "dialect": "x",
        "foreign": "delta -is:retweet geocode:1,2,3km min_faves:10",
    }
    page = desk.client("lead").post("/listening/new/", given).content.decode()
    assert "delta NOT is:retweet likes:&gt;=10</textarea>" in page
    assert "geocode:1,2,3km</code>" in page
    assert not Query.objects.exists()


def test_a_preview_shows_what_would_have_been_found(desk: Desk) -> None:
    ana = make_contact(desk.channel, "Ana Weber")
    late = say(desk.channel, ana, "My bag & <i>seat</i> are late")
    private = say(desk.channel, ana, "bag in private", visibility="private")
    other = say(desk.channel, ana, "All is well")
    foreign = Message.objects.get(text="A table for two?")
    Message.objects.filter(id=foreign.id).update(text="my bag at a bistro")
    _recent(late, private, other, foreign)
    part = desk.client("lead").post("/listening/preview/", {"text": "bag"}).content.decode()
    assert "1 match" in part
    assert "in 2 public messages of the last 30 days" in part
    assert "My <mark>bag</mark> &amp; &lt;i&gt;seat&lt;/i&gt; are late" in part
    assert "private" not in part
    assert "bistro" not in part
    assert "still looking" not in part
    # Without script the whole page has it, with what was typed.
    page = (
        desk.client("lead").post("/listening/new/", {**FORM, "text": "bag", "do": "preview"}).content.decode()
    )
    assert "<mark>bag</mark>" in page
    assert 'value="Bags"' in page
    nothing = desk.client("lead").post("/listening/preview/", {"text": "elephant"}).content.decode()
    assert "Nobody has said this" in nothing
    wrong = desk.client("lead").post("/listening/preview/", {"text": '"bag'}).content.decode()
    assert "the text has an error" in wrong


def test_an_example_of_the_sample_is_kept_and_stops_what_breaks_it(desk: Desk) -> None:
    client = desk.client("lead")
    kept = json.dumps({"text": "Where is my bag?", "lang": "en", "network": "practice", "password": "x"})
    part = client.post("/listening/examples/", {"text": "bag", "must": kept}).content.decode()
    assert "Where is my bag?</textarea>" in part
    assert "as it should" in part
    assert "password" not in part
    example = {
        "example-text": "Where is my bag?",
        "example-must": "yes",
        "example-post": json.dumps({"lang": "en"}),
    }
    given = {**FORM, "brand": desk.brand.id, **example}
    client.post("/listening/new/", given)
    made = Query.objects.get()
    assert QueryExample.objects.get().post == {"lang": "en"}
    broken = {**given, "text": "luggage", "mark": mark_of(made)}
    answer = client.post(f"/listening/{made.pk}/", broken)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "an example does not come out as it should" in page
    assert 'name="anyway"' in page
    assert Query.objects.get().version == made.version
    assert client.post(f"/listening/{made.pk}/", {**broken, "anyway": "1"}).status_code == 302
    changed = Query.objects.get().version
    assert changed is not None
    assert changed.text == "luggage"


def test_of_a_long_post_a_button_keeps_what_an_example_can_be(desk: Desk) -> None:
    ana = make_contact(desk.channel, "Ana", "@ana.long")
    _recent(say(desk.channel, ana, "some words 😡 " * 5000 + "my bag"))
    client = desk.client("lead")
    page = client.post("/listening/preview/", {"text": "bag"}).content.decode()
    assert "my <mark>bag</mark>" in page
    kept = html.unescape(re.findall(r'name="must" value="([^"]*)"', page)[0])
    assert len(json.loads(kept)["text"]) <= LONGEST_EXAMPLE
    part = client.post("/listening/examples/", {"text": "bag", "must": kept}).content.decode()
    assert "as it should" in part


def test_an_example_that_is_too_long_is_told_and_stays_in_the_form(desk: Desk) -> None:
    example = {"example-text": "bag " * 2000 + "the end", "example-must": "yes", "example-post": "{}"}
    answer = desk.client("lead").post("/listening/new/", {**FORM, "brand": desk.brand.id, **example})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "An example can have 5000 characters" in page
    assert "the end</textarea>" in page
    assert "as it should" not in page


def test_a_field_that_is_not_known_of_an_example_is_named(desk: Desk) -> None:
    example = {"example-text": "a bag", "example-must": "yes", "example-post": "{}"}
    part = desk.client("lead").post("/listening/check/", {"text": "bag lang:en", **example}).content.decode()
    assert "asks for what is not known of this text: lang" in part


def test_a_change_of_a_colleague_is_not_overwritten(desk: Desk) -> None:
    made = _made(desk)
    mark = mark_of(made)
    client = desk.client("admin")
    assert client.post(f"/listening/{made.pk}/", {**FORM, "text": "seat", "mark": mark}).status_code == 302
    late = client.post(f"/listening/{made.pk}/", {**FORM, "text": "meal", "mark": mark})
    assert late.status_code == 409
    assert "Somebody changed this query" in late.content.decode()
    assert "meal</textarea>" in late.content.decode()
    now = Query.objects.get().version
    assert now is not None
    assert now.text == "seat"


def test_versions_say_what_changed_and_one_is_brought_back(desk: Desk) -> None:
    made = _made(desk, "bag OR luggage")
    client = desk.client("lead")
    client.post(f"/listening/{made.pk}/", {**FORM, "text": "bag OR seat -river", "mark": mark_of(made)})
    page = _page(client, f"/listening/{made.pk}/versions/")
    assert re.search(r'Added: </span><code dir="auto">seat<', page)
    assert re.search(r'Added: </span><code dir="auto">-river<', page)
    assert re.search(r'Removed: </span><code dir="auto">luggage<', page)
    assert "Lead Person" in page
    mark = mark_of(Query.objects.get())
    stale = client.post(f"/listening/{made.pk}/versions/", {"number": 1, "mark": "older"})
    assert stale.status_code == 409
    assert client.post(f"/listening/{made.pk}/versions/", {"number": 1, "mark": mark}).status_code == 302
    now = Query.objects.get().version
    assert now is not None
    assert (now.number, now.text) == (3, "bag OR luggage")
    assert client.post(f"/listening/{made.pk}/versions/", {"number": 9, "mark": mark}).status_code == 404


def test_who_may_only_read_reads(desk: Desk) -> None:
    made = _made(desk)
    page = _page(desk.client("agent"), f"/listening/{made.pk}/")
    assert "bag OR luggage" in page
    assert "at least one of these:" in page
    assert "query-form" not in page
    assert desk.client("agent").post(f"/listening/{made.pk}/", FORM).status_code == 403
    assert desk.client("agent").get("/listening/new/").status_code == 403
    assert desk.client("agent").post("/listening/preview/", {"text": "bag"}).status_code == 403


@pytest.mark.parametrize("path", ["check", "build", "preview", "examples", "new"])
def test_hostile_forms_are_answered(desk: Desk, path: str) -> None:
    client = desk.client("lead")
    deep = "[" * 30_000
    for form in (
        {
            "text": "\x00\ud800 (((",
            "must": deep,
            "example-text": ["a"],
            "example-must": ["no"],
            "example-post": [deep],
        },
        {"text": "a " * 30_000, "group-words": ['"""\\' * 50] * 40, "group-mode": ["x"] * 40},
        {"text": "bag", "go-on": "1", "carried": "forged:forged", "must": '{"text": 5}', "brand": "9" * 50},
    ):
        answer = client.post(f"/listening/{path}/", {key: _sendable(value) for key, value in form.items()})
        assert answer.status_code in (200, 404, 422)


def _sendable(value: object) -> object:
    if isinstance(value, list):
        return [_sendable(one) for one in value]
    return str(value).encode("utf-8", "replace").decode()
