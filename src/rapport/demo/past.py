"""The demo's first days: told on the practice network, heard like anything else, then worked on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from rapport.brands.models import Channel
from rapport.demo.cast import BRANDS
from rapport.inbox import actions
from rapport.inbox.models import Case, CaseStatus, CloseReason, Message, Priority
from rapport.ingest.actions import store_raw
from rapport.ingest.clean import clean
from rapport.ingest.process import process_channel
from rapport.ingest.record import lock_channel, record_events
from rapport.lib.errors import ActionError
from rapport.networks.base import MessageSeen, RawItem
from rapport.networks.practice.models import Account, Run, RunStep, StreamEvent
from rapport.networks.practice.parse import parse_event
from rapport.networks.practice.simulator.history import Historian
from rapport.networks.practice.simulator.script import Script
from rapport.networks.practice.stream import latest_cursor
from rapport.outbox.checks import signature
from rapport.staff.models import Membership, Role, User

DAYS = 4.0
_LEFT_OPEN = timedelta(hours=5)  # talks that ended since then are still open on the desk
_TAG_WORDS = {
    "delay": ("delay", "kasni", "retras", "verspätung", "umbuch"),
    "outage": ("down", "caida", "internet", "net-", "ausfall"),
    "refund": ("refund", "povrat"),
    "baggage": ("bag", "equipaje", "prtljaga"),
    "billing": ("bill", "factura", "racun", "charge"),
    "delivery": ("order", "pedido", "dostava", "late"),
    "sizing": ("size", "talla"),
    "safety": ("brake", "broken", "akku"),
    "app": ("app",),
    "menu": ("menu", "allergy", "bez-", "oat"),
}

_BRAND_TAGS = {brand.key: frozenset(brand.tags) for brand in BRANDS}


def make_past(
    script: Script,
    accounts: Mapping[str, Account],
    channels: Sequence[Channel],
    users: Mapping[str, User],
    *,
    situations: int,
) -> int:
    """Write the past and bring it in; returns how many posts. Call it in a transaction."""
    now = timezone.now()
    signers = {channel.handle: _signers(channel) for channel in channels}
    by_brand = {
        company.brand: tuple(signers[company.handle])
        for company in script.companies
        if company.handle in signers
    }
    posts = Historian(script, accounts, by_brand, "demo", now).write(situations=situations, days=DAYS)
    for channel in channels:
        _hear(channel, accounts[channel.handle], signers[channel.handle])
    _work(channels, users)
    return posts


def _signers(channel: Channel) -> dict[str, int]:
    """User id by signature, of the channel's agents."""
    agents = Membership.objects.filter(brand_id=channel.brand_id, role=Role.AGENT).select_related("user")
    return {signature(channel=channel, author=one.user): one.user_id for one in agents.order_by("user__name")}


def _hear(channel: Channel, account: Account, signers: Mapping[str, int]) -> None:
    """Take the account's whole stream in, as a first poll would, and say which agent wrote what."""
    payloads = StreamEvent.objects.filter(account=account).exclude(kind="ping").order_by("pk")
    items = [
        RawItem(kind=kind, payload=payload, key=payload["id"])
        for kind, payload in payloads.values_list("kind", "payload")
    ]
    store_raw(channel_id=channel.pk, items=items)
    channel.cursor = {"after": latest_cursor(account.pk)}
    channel.save(update_fields=["cursor"])
    process_channel(channel.pk)
    own = [
        event
        for item in items
        for event in parse_event(item.kind, item.payload)
        if isinstance(event, MessageSeen) and event.author.external_id == channel.external_id
    ]
    written_by = {
        event.external_id: user_id
        for event in own
        for sign, user_id in signers.items()
        if sign and event.text.endswith(f" {sign}")
    }
    now = timezone.now()
    with transaction.atomic():
        lock_channel(channel.pk)
        record_events(
            channel=channel,
            events=[(clean(event, received_at=now), now) for event in own],
            written_by=written_by,
        )


# What people did with the cases -----------------------------------------------------------------
def _work(channels: Sequence[Channel], users: Mapping[str, User]) -> None:
    """Tag, close, assign and note as people would have: through the same actions, one act at a time."""
    cases = _cases_by_post(channels)
    answered_by = _who_answered(list(cases.values()))
    by_id = {user.pk: user for user in users.values()}
    lead = users["nora@demo.local"]
    runs = Run.objects.exclude(number=None).select_related("post").order_by("number")
    open_cases: list[Case] = []
    for run in runs:
        case = cases.get(str(run.post_id))
        if case is None or case.status != CaseStatus.OPEN:
            continue
        actor = by_id.get(answered_by.get(case.pk, 0), lead)
        for tag in _tags(run.situation):
            actions.add_tag(actor=actor, case_id=case.pk, name=tag)
        reason = _reason(run, case, answered=case.pk in answered_by)
        if reason is not None:
            _close(actor, case, reason)
        else:
            open_cases.append(case)
            if case.pk in answered_by:
                actions.assign_case(actor=actor, case_id=case.pk, assignee_id=actor.pk)
    _hand_out(open_cases, lead, users["owner@demo.local"])


def _tags(situation_id: str) -> list[str]:
    rest = situation_id.split("-", 1)[1]
    found = [tag for tag, words in _TAG_WORDS.items() if any(word in rest for word in words)][:1]
    brand = situation_id.split("-", 1)[0]
    return [tag for tag in found if tag in _BRAND_TAGS[brand]]


def _reason(run: Run, case: Case, *, answered: bool) -> CloseReason | None:
    old = case.last_message_at < timezone.now() - _LEFT_OPEN
    if "-spam-" in run.situation:
        return CloseReason.SPAM if old else None
    if not old or run.step != RunStep.DONE:
        return None
    return CloseReason.ANSWERED if answered else CloseReason.NO_REPLY_NEEDED


def _close(actor: User, case: Case, reason: CloseReason) -> None:
    try:
        actions.close_case(actor=actor, case_id=case.pk, reason=reason)
    except ActionError:
        # The rules of closing know better than a play does; the case stays open.
        return


def _hand_out(cases: Sequence[Case], lead: User, owner: User) -> None:
    """A few cases for whoever logs in first, so that no view of the desk is empty."""
    waiting = [case for case in cases if case.waiting_since is not None and case.assignee_id is None]
    for case in waiting[-3:]:
        actions.assign_case(actor=lead, case_id=case.pk, assignee_id=owner.pk)
    if len(waiting) > 4:
        actions.set_priority(actor=lead, case_id=waiting[0].pk, priority=Priority.URGENT)
        actions.add_note(
            actor=lead,
            case_id=waiting[0].pk,
            text="This one has waited longest. Please take it first, and be generous.",
        )
        actions.snooze_case(actor=owner, case_id=waiting[-4].pk, until=timezone.now() + timedelta(hours=20))


def _cases_by_post(channels: Sequence[Channel]) -> dict[str, Case]:
    """The case each customer's message belongs to, by the message's id on the network."""
    rows = Message.objects.filter(channel__in=channels, from_brand=False).values_list(
        "external_id",
        "identity__contact_id",
        "thread__case_threads__contact_id",
        "thread__case_threads__case_id",
    )
    ids = {external: case for external, mine, theirs, case in rows if mine == theirs and case is not None}
    cases = Case.objects.in_bulk(set(ids.values()))
    return {external: cases[case] for external, case in ids.items()}


def _who_answered(cases: Sequence[Case]) -> dict[int, int]:
    rows = Message.objects.filter(
        own=True, user__isnull=False, thread__case_threads__case_id__in={case.pk for case in cases}
    )
    return dict(rows.order_by("sent_at").values_list("thread__case_threads__case_id", "user_id"))
