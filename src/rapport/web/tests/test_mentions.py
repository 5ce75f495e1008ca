"""The pages of mentions: what they show, what is done from them, and what strangers' words cannot do."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from rapport.inbox.actions.work import add_tag
from rapport.inbox.models import Case, Message
from rapport.mentions import stream
from rapport.mentions.exclusions import exclusions_of
from rapport.mentions.models import (
    CaseRule,
    Mention,
    MentionState,
    Mute,
    MutePass,
    PartnerAccount,
    QueryKind,
    RuleFailure,
)
from rapport.mentions.rules import open_cases
from rapport.mentions.stream import Found
from rapport.mentions.tests.made import make_mention, make_post, make_query
from rapport.staff.models import Role
from rapport.web.mentions.shown import pieces, snippet
from rapport.web.tests.conftest import Desk


def heard(desk: Desk, text: str = "My bag is gone", **more: object) -> Mention:
    query = make_query(desk.brand, "bag")
    post = make_post(text, network="practice", sent_at=timezone.now() - timedelta(hours=1))
    return make_mention(desk.brand, post, query=query, **more)


def test_the_list_marks_what_was_found_and_the_mention_says_why(desk: Desk) -> None:
    mention = heard(desk)
    page = desk.client().get(f"/mentions/{mention.id}/").content.decode()
    assert page.count("My <mark>bag</mark> is gone") == 2
    assert re.search(r"version 1</span>: <mark[^>]*>bag</mark>", page)
    assert f'href="/listening/{mention.matches.get().query_id}/"' in page
    assert f'href="{mention.post.url}"' in page


def test_words_and_addresses_of_strangers_stay_words(desk: Desk) -> None:
    post = make_post(
        "<script>alert(1)</script> bag", url="javascript:alert(1)", author_name="<b>Ana", title="<i>"
    )
    mention = make_mention(desk.brand, post, query=make_query(desk.brand, "bag"))
    page = desk.client().get(f"/mentions/{mention.id}/").content.decode()
    assert "<script>alert" not in page
    assert "javascript:" not in page
    assert "<b>Ana" not in page


def test_what_its_author_deleted_is_not_shown(desk: Desk) -> None:
    mention = heard(desk, "Secret bag")
    mention.post.deleted_at = timezone.now()
    mention.post.save(update_fields=["deleted_at"])
    page = desk.client().get(f"/mentions/{mention.id}/").content.decode()
    assert "Secret" not in page


def test_a_case_is_made_and_opened(desk: Desk) -> None:
    mention = heard(desk)
    answer = desk.client().post(f"/mentions/{mention.id}/case/")
    case = Case.objects.get(from_mentions=mention)
    assert answer["Location"] == f"/desk/all/case/{case.id}/"
    assert "My bag is gone" in desk.client().get(answer["Location"]).content.decode()
    assert Message.objects.get(external_id=mention.post.external_id).channel == desk.channel


def cases_made() -> list[int]:
    return list(Case.objects.filter(from_mentions__isnull=False).values_list("id", flat=True))


def test_a_case_is_undone_from_the_desk_or_beside_the_mention_until_somebody_works_on_it(desk: Desk) -> None:
    first, second = heard(desk), heard(desk)
    client = desk.client()
    page = client.post(f"/mentions/{first.id}/case/", follow=True).content.decode()
    undo = re.search(r'action="(/mentions/undo/\d+/)" data-undo', page)
    assert undo
    answer = client.post(undo[1])
    assert answer["Location"] == f"/mentions/{first.id}/"
    assert not cases_made()
    client.post(f"/mentions/{second.id}/case/")
    beside = re.search(
        r'action="(/mentions/undo/\d+/)"', client.get(f"/mentions/{second.id}/").content.decode()
    )
    assert beside
    add_tag(actor=desk.people[Role.AGENT], case_id=cases_made()[0], name="bag")
    stays = client.post(beside[1], {"next": second.id}, follow=True).content.decode()
    assert "This case has been worked on since" in stays
    assert cases_made()


def test_cases_of_all_that_are_picked_and_each_reason_why_not(desk: Desk) -> None:
    mentions = [heard(desk), heard(desk), make_mention(desk.brand, make_post(network="elsewhere"))]
    form = {"do": "case", "pick": [f"{one.id}:1" for one in mentions]}
    client = desk.client()
    page = client.post("/mentions/act/", form, follow=True).content.decode()
    assert "2 mentions are cases now." in page
    assert "No channel of this brand is active on elsewhere" in page
    assert len(cases_made()) == 2
    assert client.post("/mentions/act/", {"do": "case", "pick": ["1"] * 51}, follow=True).status_code == 200
    assert len(cases_made()) == 2


def test_no_channel_there_is_said_where_one_stands(desk: Desk) -> None:
    mention = make_mention(desk.brand, make_post(network="elsewhere"))
    client = desk.client()
    answer = client.post(f"/mentions/{mention.id}/case/", {"next": mention.id}, follow=True)
    assert answer.redirect_chain == [(f"/mentions/{mention.id}/", 302)]
    assert "No channel of this brand is active on elsewhere" in answer.content.decode()


def test_an_act_goes_on_with_the_next_keeps_what_the_list_is_narrowed_to_and_can_be_undone(
    desk: Desk,
) -> None:
    first, second = heard(desk), heard(desk)
    client = desk.client()
    form = {"do": "seen", "pick": f"{first.id}:1", "next": second.id, "narrowed": "q=bag&did=7&evil=1"}
    answer = client.post("/mentions/act/", form, follow=True)
    assert re.fullmatch(rf"/mentions/{second.id}/\?q=bag&did=\d+", answer.redirect_chain[0][0])
    page = answer.content.decode()
    assert "1 mention is seen." in page
    undo = re.search(r'action="(/mentions/undo/\d+/)"', page)
    assert undo
    client.post(undo[1])
    first.refresh_from_db()
    assert first.state == MentionState.NEW


def test_what_a_colleague_changed_is_said(desk: Desk) -> None:
    mention = heard(desk, version=3)
    answer = desk.client().post("/mentions/act/", {"do": "spam", "pick": f"{mention.id}:1"}, follow=True)
    assert "left as it is" in answer.content.decode()


@pytest.mark.parametrize(
    "form", [{}, {"do": "seen"}, {"do": "burn", "pick": "1"}, {"do": "seen", "pick": "x"}]
)
def test_a_form_that_says_nothing_is_refused(desk: Desk, form: dict[str, str]) -> None:
    assert desk.client().post("/mentions/act/", form).status_code == 422


@pytest.mark.parametrize(
    "query",
    ["state=nonsense", "sort=x&since=x&query=99999999999999999999", "kind=x&brand=none", "limit=0"],
)
def test_what_an_address_cannot_mean_is_left_out(desk: Desk, query: str) -> None:
    mention = heard(desk)
    page = desk.client().get(f"/mentions/?{query}").content.decode()
    assert f'data-mention="{mention.id}"' in page


def test_parts_for_the_script(desk: Desk) -> None:
    mention = heard(desk)
    for target, begins in (("mention", '<div id="mention"'), ("mention-list", '<div id="mention-list"')):
        headers = {"HX-Request": "true", "HX-Target": target}
        part = desk.client().get(f"/mentions/{mention.id}/", headers=headers).content.decode()
        assert part.strip().startswith(begins)


def test_a_full_page_takes_few_queries_however_many_it_shows(desk: Desk) -> None:
    for _ in range(3):
        heard(desk)
    client = desk.client()
    client.get("/mentions/")
    with CaptureQueriesContext(connection) as few:
        client.get("/mentions/")
    for _ in range(30):
        heard(desk)
    with CaptureQueriesContext(connection) as many:
        client.get("/mentions/")
    assert len(many) == len(few) <= 25


def test_the_way_there_counts_what_is_new(desk: Desk) -> None:
    heard(desk)
    heard(desk, state=MentionState.SEEN)
    assert "data-mentions-count>1</span>" in desk.client().get("/figures/").content.decode()


def test_a_list_that_found_nothing_yet_says_how_far_it_looked(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "LOOKED", 2)
    for _ in range(12):
        heard(desk)
    client = desk.client()
    page = client.get("/mentions/?q=zeppelin").content.decode()
    assert "Nothing fits among 10 mentions that were looked at. There are more." in page
    assert "No mention fits what the list is narrowed to." not in page
    further = re.search(r'href="(/mentions/\?q=zeppelin&amp;after=[^"]+)"', page)
    assert further
    headers = {"HX-Request": "true", "HX-Target": "mention-rows-end"}
    rest = client.get(further[1].replace("&amp;", "&"), headers=headers).content.decode()
    assert "No further mention fits what the list is narrowed to." in rest
    monkeypatch.setattr(stream, "LOOKED", 20)
    assert "No mention fits what the list" in client.get("/mentions/?q=zeppelin").content.decode()


def test_empty_leads_to_the_queries(desk: Desk) -> None:
    page = desk.client().get("/mentions/").content.decode()
    assert "Nobody is listened for yet" in page
    assert 'href="/listening/"' in page


def test_pieces_join_what_overlaps_and_leave_out_what_an_edit_took() -> None:
    found = Found(
        query_id=1, name="", number=1, why=(("text", 0, 4, "a"), ("text", 2, 6, "b"), ("text", 90, 99, "c"))
    )
    assert pieces("abcdefgh", [found]) == [("abcdef", True), ("gh", False)]
    long = "x" * 300 + "bag" + "y" * 300
    shown = snippet(long, [Found(query_id=1, name="", number=1, why=(("text", 300, 303, "bag"),))])
    assert ("bag", True) in shown
    assert len("".join(words for words, _ in shown)) < 240


def test_mutes_are_added_shown_and_taken_back(desk: Desk) -> None:
    mention = heard(desk, "Win a bag now")
    lead = desk.client(Role.LEAD)
    form = {"brand": desk.brand.id, "kind": "word", "value": "  WIN a "}
    assert "win a" in lead.post("/listening/mutes/", form, follow=True).content.decode()
    mention.refresh_from_db()
    assert mention.state == MentionState.MUTED
    again = lead.post("/listening/mutes/", form)
    assert again.status_code == 409
    assert "That is muted already." in again.content.decode()
    assert lead.post("/listening/mutes/", {**form, "value": " … "}).status_code == 422
    lead.post(f"/listening/mutes/{Mute.objects.get().pk}/remove/")
    mention.refresh_from_db()
    assert mention.state == MentionState.NEW
    assert not Mute.objects.exists()


def test_a_partner_s_account_is_left_out_and_heard_again(desk: Desk) -> None:
    lead = desk.client(Role.LEAD)
    form = {"brand": desk.brand.id, "network": "practice", "handle": " @Shop "}
    page = lead.post("/listening/left-out/", form, follow=True).content.decode()
    assert "What @shop writes is left out from now on." in page
    assert desk.channel.handle in page
    partner = PartnerAccount.objects.get()
    assert (partner.network, partner.handle) == ("practice", "shop")
    known = {"brand_id": desk.brand.id, "network": "practice", "author_id": "", "handle": "@SHOP"}
    assert exclusions_of([desk.brand.id]).apply(**known)
    again = lead.post("/listening/left-out/", form)
    assert again.status_code == 409
    assert "That account is left out already." in again.content.decode()
    for bad in ("", "two words", "@"):
        assert lead.post("/listening/left-out/", {**form, "handle": bad}).status_code == 422
    assert "Hear again" not in desk.client().get("/listening/left-out/").content.decode()
    lead.post(f"/listening/left-out/{partner.pk}/remove/")
    assert not exclusions_of([desk.brand.id]).apply(**known)


def test_how_far_a_mute_is_through_older_mentions_is_shown(desk: Desk) -> None:
    assert "mute-passes" not in desk.client().get("/listening/mutes/").content.decode()
    MutePass.objects.create(brand=desk.brand, kind="word", value="raffle", top=200, below=50)
    page = desk.client().get("/listening/mutes/").content.decode()
    assert '<progress max="100" value="75" aria-label="raffle"></progress> 75%' in page


def test_a_rule_is_written_changed_paused_and_deleted(desk: Desk) -> None:
    query = make_query(desk.brand, "bag", name="Bags")
    lead = desk.client(Role.LEAD)
    form = {
        "brand": desk.brand.slug,
        "name": "Loud",
        "query": query.pk,
        "reach_from": "1000",
        "lang": ["de", "en"],
    }
    assert "found by Bags" in lead.post("/listening/rules/new/", form, follow=True).content.decode()
    rule = CaseRule.objects.get()
    assert rule.asks == {"queries": [query.pk], "reach_from": 1000, "langs": ["de", "en"]}
    assert 'value="1000"' in lead.get(f"/listening/rules/{rule.pk}/").content.decode()
    lead.post(f"/listening/rules/{rule.pk}/", {"name": "Loud", "kind": "brand"})
    lead.post(f"/listening/rules/{rule.pk}/pause/")
    rule.refresh_from_db()
    assert (rule.asks, rule.active) == ({"kinds": ["brand"]}, False)
    for bad in ({"name": "None"}, {"name": "", "kind": "brand"}, {"name": "x", "reach_from": "many"},
                {"name": "x", "relevance_from": "101"}, {"name": "x", "query": "999999"}, {"name": "x", "kind": "x"},
                {"name": "x", "kind": "brand", "team": "999999"}, {"name": "x", "kind": "brand", "priority": "9"}):  # fmt: skip
        assert lead.post(f"/listening/rules/{rule.pk}/", bad).status_code == 422, bad
    lead.post(f"/listening/rules/{rule.pk}/delete/")
    assert not CaseRule.objects.exists()


def test_what_a_rule_could_not_do_is_said_and_tried_again(desk: Desk) -> None:
    rule = CaseRule.objects.create(brand=desk.brand, name="All", asks={"kinds": ["brand"]})
    first, second = (make_mention(desk.brand, make_post(network="elsewhere")) for _ in range(2))
    open_cases([(one.id, rule.pk) for one in (first, second)])
    RuleFailure.objects.filter(mention=first).update(why="")
    assert "2 cases not opened" in desk.client().get("/listening/rules/").content.decode()
    lead = desk.client(Role.LEAD)
    page = lead.get(f"/listening/rules/{rule.pk}/").content.decode()
    for said in ("2 cases could not be opened", "No channel of this brand is active on elsewhere",
                 "the log says more", f'href="/mentions/{second.id}/"'):  # fmt: skip
        assert said in page
    page = lead.post(f"/listening/rules/{rule.pk}/again/", follow=True).content.decode()
    assert "2 cases are being tried again" in page
    rule.active = False
    rule.save(update_fields=["active"])
    page = lead.post(f"/listening/rules/{rule.pk}/again/", follow=True).content.decode()
    assert "This rule is paused" in page


def test_voices_side_by_side(desk: Desk) -> None:
    make_query(desk.brand, "ship", kind=QueryKind.COMPETITOR, name="Rival")
    heard(desk)
    page = desk.client().get("/listening/voice/").content.decode()
    assert "Rival" in page
    assert "100%" in page
    assert desk.client().get("/listening/voice/?days=x&brand=none").status_code == 200


def test_a_rule_whose_only_query_was_deleted_does_not_say_that_it_works(desk: Desk) -> None:
    query = make_query(desk.brand, "bag")
    CaseRule.objects.create(brand=desk.brand, name="Bags", asks={"queries": [query.pk]})
    assert "Works" in desk.client().get("/listening/rules/").content.decode()
    query.deleted_at = timezone.now()
    query.save(update_fields=["deleted_at"])
    page = desk.client().get("/listening/rules/").content.decode()
    assert "Works" not in page
    assert "This query was deleted." in page


def test_an_act_keeps_as_many_rows_as_were_loaded(desk: Desk) -> None:
    first, *_others = [heard(desk) for _ in range(45)]
    form = {"do": "seen", "pick": f"{first.id}:1", "limit": "43"}
    answer = desk.client().post("/mentions/act/", form, follow=True)
    assert answer.content.decode().count('class="row mention-row') == 43
