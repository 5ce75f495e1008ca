"""A mention becomes a case that can be answered: once, by whom it may, from the right channel."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rapport.audit.models import AuditEntry
from rapport.brands.models import Channel, ChannelRole, ChannelState
from rapport.inbox.actions.life import close_case
from rapport.inbox.models import Case, CaseStatus, CloseReason, Message
from rapport.inbox.tests.making import START, make_brand, make_channel, make_contact, make_user, say
from rapport.lib.errors import Conflict, Invalid, NotAllowed, NotFound
from rapport.mentions import folding
from rapport.mentions.handling import make_case
from rapport.mentions.models import CaseRule, Mention, MentionState, Source
from rapport.mentions.tests.made import make_mention, make_post
from rapport.staff.models import Role, Team, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def channel() -> Channel:
    return make_channel(make_brand())


@pytest.fixture
def agent(channel: Channel) -> User:
    return make_user(brand=channel.brand)


def test_the_post_becomes_a_message_under_its_own_id_and_a_case_that_waits(
    channel: Channel, agent: User
) -> None:
    mention = make_mention(channel.brand, make_post("My bag is gone", lang="de"))
    case = make_case(user=agent, mention_id=mention.id)
    message = Message.objects.get(external_id=mention.post.external_id)
    assert (message.channel, message.text, message.url) == (channel, "My bag is gone", mention.post.url)
    assert message.identity.external_id == mention.post.author_id_there
    assert (case.status, case.waiting_since, case.lang) == (CaseStatus.OPEN, mention.post.sent_at, "de")
    mention.refresh_from_db()
    mention.post.refresh_from_db()
    assert (mention.state, mention.case, mention.handled_by) == (MentionState.CASE, case, agent)
    assert mention.post.message == message
    assert (
        AuditEntry.objects.filter(action="mention.case", object_id=str(mention.id), actor=agent).count() == 1
    )


def test_twice_is_one_case_and_one_entry(channel: Channel, agent: User) -> None:
    mention = make_mention(channel.brand)
    first = make_case(user=agent, mention_id=mention.id)
    assert make_case(user=agent, mention_id=mention.id) == first
    assert Case.objects.count() == 1
    assert AuditEntry.objects.filter(action="mention.case").count() == 1


def test_support_answers_before_main_and_nobody_who_is_paused(channel: Channel, agent: User) -> None:
    support = make_channel(channel.brand)
    Channel.objects.filter(id=support.id).update(role=ChannelRole.SUPPORT)
    assert make_case(user=agent, mention_id=make_mention(channel.brand).id).channel == support
    Channel.objects.filter(id=support.id).update(state=ChannelState.PAUSED)
    assert make_case(user=agent, mention_id=make_mention(channel.brand).id).channel == channel


def test_what_a_channel_heard_itself_keeps_its_case_which_a_person_reopens(
    channel: Channel, agent: User
) -> None:
    make_channel(channel.brand)
    message = say(channel, make_contact(channel))
    known = Case.objects.get()
    close_case(actor=agent, case_id=known.id, reason=CloseReason.NO_REPLY_NEEDED)
    post = make_post(message.text, external_id=message.external_id, message=message)
    mention = make_mention(channel.brand, post)
    rule = CaseRule.objects.create(brand=channel.brand, name="All", priority=4)
    assert make_case(user=None, mention_id=mention.id, rule=rule).status == CaseStatus.CLOSED
    case = make_case(user=agent, mention_id=mention.id)
    assert (case.id, case.status, case.priority) == (known.id, CaseStatus.OPEN, 2)
    assert Message.objects.count() == 1


def test_a_rule_gives_its_case_to_its_team(channel: Channel) -> None:
    team = Team.objects.create(brand=channel.brand, name="Bags")
    rule = CaseRule.objects.create(brand=channel.brand, name="Bags", team=team, priority=4)
    case = make_case(user=None, mention_id=make_mention(channel.brand).id, rule=rule)
    case.refresh_from_db()
    assert (case.team, case.priority) == (team, 4)
    told = case.events.filter(kind__in=["assigned", "prioritised"])
    assert [one.data["rule"] for one in told] == [rule.id, rule.id]


def test_no_channel_of_that_network_is_said_and_nothing_is_kept(channel: Channel, agent: User) -> None:
    mention = make_mention(channel.brand, make_post(network="elsewhere"))
    with pytest.raises(Invalid, match="No channel of this brand is active on elsewhere"):
        make_case(user=agent, mention_id=mention.id)
    mention.refresh_from_db()
    assert mention.state == MentionState.NEW
    assert not Message.objects.exists()


def test_ids_of_one_server_are_answered_from_that_server(agent: User, channel: Channel) -> None:
    source = Source.objects.create(kind="mastodon", name="x", options={"server": "https://x.example"})
    mention = make_mention(channel.brand, make_post(network="mastodon", source=source))
    elsewhere = make_channel(channel.brand, "mastodon")
    Channel.objects.filter(id=elsewhere.id).update(settings={"server": "https://y.example"})
    with pytest.raises(Invalid, match=r"No channel of this brand is active on x\.example"):
        make_case(user=agent, mention_id=mention.id)
    assert not Message.objects.exists()
    there = make_channel(channel.brand, "mastodon")
    Channel.objects.filter(id=there.id).update(settings={"server": "X.example/about"})
    assert make_case(user=agent, mention_id=mention.id).channel == there


@pytest.mark.parametrize(
    ("post", "why"),
    [
        ({"author_id_there": ""}, "not known which account"),
        ({"original_external_id": "p0"}, "passes on"),
        ({"deleted_at": START}, "deleted this post"),
        ({"author_id_there": "account"}, "account of ours"),
    ],
)
def test_what_cannot_be_answered_says_why(
    channel: Channel, agent: User, post: dict[str, Any], why: str
) -> None:
    if post.get("author_id_there") == "account":
        post = {"author_id_there": channel.external_id}
    mention = make_mention(channel.brand, make_post(**post))
    with pytest.raises(Invalid, match=why):
        make_case(user=agent, mention_id=mention.id)
    assert not Case.objects.exists()
    assert not Message.objects.exists()


def test_only_who_works_on_cases_of_the_brand(channel: Channel) -> None:
    mention = make_mention(channel.brand)
    with pytest.raises(NotAllowed):
        make_case(user=make_user(brand=channel.brand, role=Role.VIEWER), mention_id=mention.id)
    with pytest.raises(NotFound):
        make_case(user=make_user(brand=make_brand("other")), mention_id=mention.id)
    with pytest.raises(NotFound):
        make_case(user=make_user(brand=channel.brand), mention_id=mention.id + 1)


def test_a_rule_leaves_what_somebody_dealt_with_meanwhile(channel: Channel, agent: User) -> None:
    rule = CaseRule.objects.create(brand=channel.brand, name="All")
    dealt_with: list[dict[str, Any]] = [
        {"state": MentionState.SEEN},
        {"state": MentionState.MUTED},
        {"state": MentionState.NEW, "handled_at": START},
    ]
    for more in dealt_with:
        with pytest.raises(Conflict):
            make_case(user=None, mention_id=make_mention(channel.brand, **more).id, rule=rule)
    assert not Case.objects.exists()


def test_one_that_is_taken_away_while_its_case_is_made_is_not_found(channel: Channel, agent: User) -> None:
    """While it waits for the lock of those who store mentions, here."""
    mention = make_mention(channel.brand)

    def taken_away(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if "pg_advisory_xact_lock" in sql and tuple(params) == folding._LOCK:
            Mention.objects.filter(id=mention.id).delete()
        return result

    with connection.execute_wrapper(taken_away), pytest.raises(NotFound):
        make_case(user=agent, mention_id=mention.id)
    assert not Message.objects.exists()


def test_locks_are_taken_in_the_order_of_those_who_store_mentions(channel: Channel, agent: User) -> None:
    mention = make_mention(channel.brand)
    with CaptureQueriesContext(connection) as asked:
        make_case(user=agent, mention_id=mention.id)
    said = [one["sql"] for one in asked.captured_queries]
    lock = next(n for n, sql in enumerate(said) if f"lock({', '.join(map(str, folding._LOCK))})" in sql)
    row = next(n for n, sql in enumerate(said) if "mentions_mention" in sql and "FOR NO KEY UPDATE" in sql)
    assert lock < row
