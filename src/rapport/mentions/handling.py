"""What people do with a mention. Making a case of it is here; what is done to many at once is in ``acts.py``."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.db.models import Case as When
from django.db.models import IntegerField, Value
from django.db.models import When as If
from django.utils import timezone
from django.utils.translation import gettext as _

from rapport.audit.actions import record
from rapport.brands.locks import lock_channel
from rapport.brands.models import Channel, ChannelRole, ChannelState
from rapport.inbox.actions.change import bump
from rapport.inbox.actions.life import reopen_case
from rapport.inbox.models import Case, CaseEvent, CaseEventKind, CaseStatus, CaseThread, Message
from rapport.inbox.taking_back import Stood, Taken, how_cases_stand
from rapport.ingest.clean import clean
from rapport.ingest.record import record_events
from rapport.lib.errors import Conflict, Invalid, NotFound
from rapport.lib.live import notify_desk, notify_mentions
from rapport.mentions import folding
from rapport.mentions.models import CaseRule, Mention, MentionState, Post
from rapport.mentions.servers import server_name
from rapport.networks.base import Author, MessageSeen
from rapport.networks.registry import connectors
from rapport.staff.access import require
from rapport.staff.models import User
from rapport.staff.permissions import Permission


def access_mention(*, user: User, mention_id: int, permission: Permission = Permission.VIEW_CASES) -> Mention:
    """The mention with its post, brand, case and who handled it. Raises NotFound or NotAllowed."""
    mention = (
        Mention.objects.select_related("post", "brand", "case", "handled_by").filter(id=mention_id).first()
    )
    if mention is None:
        raise NotFound(_("There is no such mention, or you may not see it."))
    require(user, mention.brand_id, permission)
    return mention


@dataclass(frozen=True, kw_only=True)
class Made:
    """A case that was made, and what it takes to undo that; ``taken`` is None where nothing changed, or by a rule.

    ``before`` is the mention as it was.
    """

    case: Case
    before: Mention
    taken: Taken | None


def make_case(*, user: User | None, mention_id: int, rule: CaseRule | None = None) -> Case:
    """:func:`make`, for whoever only wants the case."""
    return make(user=user, mention_id=mention_id, rule=rule).case


def make(
    *, user: User | None, mention_id: int, rule: CaseRule | None = None, version: int | None = None
) -> Made:
    """The case of the mention's post, so that it can be answered; opened now unless there is one.

    The post becomes a message of the brand's channel on that network, under the network's own id. A person
    reopens a case that is closed, and twice gives the same case; a rule (no ``user``) leaves what was dealt with as
    it is (:class:`Conflict`), and gives only a case that it opens to its team. ``version``: the one that they saw, if an
    older one is to be refused (:class:`Conflict`). Raises :class:`Invalid` when it cannot be answered from here, and says
    why; :class:`NotFound` and :class:`NotAllowed` for who may not.
    """
    if user is not None:
        mention = access_mention(user=user, mention_id=mention_id, permission=Permission.WORK_CASES)
    else:
        found = Mention.objects.select_related("post").filter(id=mention_id).first()
        if found is None:
            raise NotFound(_("There is no such mention, or you may not see it."))
        mention = found
    with transaction.atomic():
        # The channel's lock comes first, as in everything that records messages; then that of those who store
        # mentions, who change posts before mentions; then the row.
        message = _known_message(mention)
        channel = message.channel if message is not None else _channel_for(mention)
        lock_channel(channel.id)
        folding.lock()
        mention = _locked(mention.id)
        if user is None and (mention.state != MentionState.NEW or mention.handled_at is not None):
            raise Conflict(_("Somebody changed this mention in the meantime."))
        if version is not None and mention.version != version:
            raise Conflict(_("Somebody changed this mention in the meantime."))
        stood = _stood(mention, message) if user is not None else {}
        case = _case_of(message) if message is not None else None
        opened = case is None
        recorded: Message | None = None
        if case is None:
            recorded = _recorded(mention.post, channel)
            case = _case_of(recorded)
        if case is None:
            raise Invalid(_("This was written by an account of ours, so there is nobody to answer."))
        if opened and rule is not None:
            _as_the_rule_says(case, rule)
        if user is not None and case.status == CaseStatus.CLOSED:
            case = reopen_case(actor=user, case_id=case.id)
        if not _note(mention, case, user=user, rule=rule) or user is None:
            return Made(case=case, before=mention, taken=None)
        case.refresh_from_db(fields=["version"])
        was = stood.get(case.id)
        taken = Taken(
            case=case.id,
            version=case.version,
            message=recorded.id if recorded is not None else None,
            context=message is not None,
            was=was.columns if was is not None else None,
            event=was.event if was is not None else 0,
            changed=was is None or case.version != was.version,
        )
    return Made(case=case, before=mention, taken=taken)


def _stood(mention: Mention, message: Message | None) -> dict[int, Stood]:
    """How the cases of whoever wrote it stand, in case this is undone."""
    author_id = message.identity.external_id if message is not None else mention.post.author_id_there
    return how_cases_stand(brand_id=mention.brand_id, network=mention.post.network, author_id=author_id)


def _locked(mention_id: int) -> Mention:
    """Its row as it is now, which may have been taken away since it was looked at."""
    rows = Mention.objects.select_for_update(of=("self",), no_key=True).select_related("post")
    mention = rows.filter(id=mention_id).first()
    if mention is None:
        raise NotFound(_("There is no such mention, or you may not see it."))
    return mention


def _known_message(mention: Mention) -> Message | None:
    """The message that one of the brand's channels has of this post; of several, the first one it got."""
    server = mention.post.facts.get("server", "")
    theirs = Channel.objects.filter(brand_id=mention.brand_id, network=mention.post.network)
    channels = [
        channel_id
        for channel_id, at in theirs.values_list("id", "settings__server")
        if not server or server_name(at) == server
    ]
    return (
        Message.objects.select_related("channel", "identity")
        .defer("channel__credentials")
        .filter(channel_id__in=channels, external_id=mention.post.id_there)
        .order_by("id")
        .first()
    )


def _channel_for(mention: Mention) -> Channel:
    """Who would answer: the brand's support account there, then its main one, then any that is active.

    Where every server has its own ids, as its sources and channels say (``server``), only one on the same server.
    """
    first = When(
        If(role=ChannelRole.SUPPORT, then=Value(0)),
        If(role=ChannelRole.MAIN, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    channels = (
        Channel.objects.defer("credentials")
        .filter(brand_id=mention.brand_id, network=mention.post.network, state=ChannelState.ACTIVE)
        .order_by(first, "id")
    )
    heard_at = Post.objects.filter(id=mention.post_id).values_list("source__options__server", flat=True)
    server = mention.post.facts.get("server") or server_name(heard_at.first())
    channel = next(
        (one for one in channels if not server or server_name(one.settings.get("server")) == server), None
    )
    if channel is None:
        raise Invalid(
            _(
                "No channel of this brand is active on %(network)s, so nobody could answer from here. "
                "Connect one under Channels, then make the case; or open the post on the network."
            )
            % {"network": server or network_name(mention.post.network)}
        )
    return channel


def network_name(network: str) -> str:
    """A network's name for people; one that was removed keeps its bare name."""
    connector = connectors().get(network)
    return str(connector.label) if connector else network


def _recorded(post: Post, channel: Channel) -> Message:
    """The post as a message of ``channel``, whose lock is held."""
    if post.deleted_at is not None:
        raise Invalid(_("Its author deleted this post, so it cannot be answered."))
    if post.original_external_id:
        raise Invalid(_("This only passes on what somebody else said. Make a case of the original."))
    if not post.author_id_there:
        raise Invalid(_("It is not known which account wrote this, so it cannot be answered from here."))
    now = timezone.now()
    try:
        event = clean(
            MessageSeen(
                external_id=post.id_there,
                author=Author(
                    external_id=post.author_id_there,
                    handle=post.author,
                    name=post.author_name,
                    followers=post.followers,
                ),
                text=post.text,
                sent_at=post.sent_at,
                edited_at=post.edited_at,
                parent_id=post.parent_external_id or None,
                url=post.url,
                lang=post.lang,
                facts={"kind": "mention"},
            ),
            received_at=now,
        )
    except ValueError as error:
        raise Invalid(_("The post cannot be kept as a message: %(why)s.") % {"why": str(error)}) from error
    ids = record_events(channel=channel, events=[(event, now)])
    message = Message.objects.select_related("identity").get(id=ids[post.id_there])
    Post.objects.filter(id=post.id, message__isnull=True).update(message=message)
    return message


def _case_of(message: Message) -> Case | None:
    """The case in which its author's words of that thread lie, where its work went if it was merged."""
    link = (
        CaseThread.objects.select_related("case")
        .filter(thread_id=message.thread_id, contact_id=message.identity.contact_id)
        .first()
    )
    if link is None or message.from_brand:
        return None
    case = link.case
    while case.merged_into is not None:
        case = case.merged_into
    return case


def _as_the_rule_says(case: Case, rule: CaseRule) -> None:
    """Team and priority of a case that a rule has just opened, each told in its history."""
    told: list[tuple[CaseEventKind, dict[str, object]]] = []
    fields: dict[str, object] = {}
    if rule.team_id is not None and rule.team_id != case.team_id:
        told.append((CaseEventKind.ASSIGNED, {"from": None, "to": None, "from_team": case.team_id,
                                              "to_team": rule.team_id}))  # fmt: skip
        fields["team_id"] = rule.team_id
    if rule.priority is not None and rule.priority != case.priority:
        told.append((CaseEventKind.PRIORITISED, {"from": int(case.priority), "to": rule.priority}))
        fields["priority"] = rule.priority
    if not fields:
        return
    bump(case=case, fields=fields)
    now = timezone.now()
    CaseEvent.objects.bulk_create(
        CaseEvent(case_id=case.id, brand_id=case.brand_id, kind=kind, at=now, data={**data, "rule": rule.id})
        for kind, data in told
    )
    notify_desk(brand_id=case.brand_id, case_ids=[case.id])


def _note(mention: Mention, case: Case, *, user: User | None, rule: CaseRule | None) -> bool:
    """The mention knows its case, and the log who made it; nothing is written, and False, when both know already."""
    if mention.state == MentionState.CASE and mention.case_id == case.id:
        return False
    changed = Mention.objects.filter(id=mention.id, version=mention.version).update(
        state=MentionState.CASE,
        case=case,
        handled_by=user,
        handled_at=timezone.now(),
        version=mention.version + 1,
    )
    if not changed:  # cannot be while its row is locked; a caller without the lock would get here
        raise Conflict(_("Somebody changed this mention in the meantime."))
    record(
        action="mention.case",
        actor_id=user.id if user is not None else None,
        brand_id=mention.brand_id,
        object_type="mention",
        object_id=mention.id,
        data={"case": case.id, "from": mention.state, **({"rule": rule.id} if rule is not None else {})},
    )
    notify_mentions(brand_id=mention.brand_id)
    return True
