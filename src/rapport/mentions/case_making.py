"""Cases that people make of mentions, one or several at once, and taking them back while nobody worked on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rapport.audit.actions import record
from rapport.inbox import joining
from rapport.inbox.models import Case
from rapport.inbox.taking_back import Taken, take_back, worked_on
from rapport.lib.errors import ActionError, Conflict, Invalid, NotAllowed, NotFound
from rapport.lib.live import notify_mentions
from rapport.mentions import folding, settling
from rapport.mentions.act_models import MentionAct
from rapport.mentions.handling import Made, access_mention, make
from rapport.mentions.models import Mention, MentionState, Post
from rapport.mentions.picks import KEPT, Outcome, Pick
from rapport.outbox.models import Draft, DraftAside
from rapport.staff.models import User
from rapport.staff.permissions import Permission

WHAT: Final = "case"
# Each is a transaction of its own, because each takes its channel's lock.
MOST_CASES: Final = 50


def make_one(*, user: User, mention_id: int) -> tuple[Case, int | None]:
    """The case of a mention, and the act that can be undone; None when it was a case already.

    Raises what :func:`~.handling.make` raises.
    """
    with transaction.atomic():
        made = make(user=user, mention_id=mention_id)
        act = _noted(user, None, made)
    return made.case, act.pk if act is not None else None


def make_many(*, user: User, picks: Sequence[Pick]) -> Outcome:
    """A case of each, undone as one. What cannot be answered from here is left, and ``why`` says each reason once.

    Raises Invalid for more than :data:`MOST_CASES`.
    """
    if len(picks) > MOST_CASES:
        raise Invalid(
            ngettext(
                "Make at most %(most)s case at once.", "Make at most %(most)s cases at once.", MOST_CASES
            )
            % {"most": MOST_CASES}
        )
    act: MentionAct | None = None
    done: list[int] = []
    why: dict[str, None] = {}
    left = 0
    for pick in picks:
        try:
            with transaction.atomic():
                made = make(user=user, mention_id=pick.mention_id, version=pick.version)
                act = _noted(user, act, made)
        except (NotFound, NotAllowed, Conflict):
            left += 1
        except ActionError as error:
            why[str(error)] = None
        else:
            done.append(pick.mention_id)
    return Outcome(act_id=act.pk if act else None, done=tuple(done), left=left, why=tuple(why))


def _noted(user: User, act: MentionAct | None, made: Made) -> MentionAct | None:
    """The act with this one added; committed with the case, so that no case is made that cannot be taken back."""
    if made.taken is None:
        return act
    if act is None:
        MentionAct.objects.filter(actor=user, created_at__lt=timezone.now() - KEPT).delete()
        act = MentionAct(actor=user, what=WHAT, number=0, before={"mentions": {}, "mutes": [], "cases": []})
    was = made.before
    act.number += 1
    act.before["mentions"][str(was.id)] = [
        was.state,
        was.version + 1,
        was.handled_by_id,
        was.handled_at.isoformat() if was.handled_at else None,
    ]
    # Of several mentions of one case the last must be undone first: a list keeps their order, an object does not.
    act.before["cases"].append([was.id, asdict(made.taken), was.case_id])
    act.save()
    return act


def act_to_undo(*, user: User, mention: Mention) -> int | None:
    """The act by which this person made the mention a case, while it may still be taken back."""
    if mention.state != MentionState.CASE or mention.handled_by_id != user.id:
        return None
    acts = MentionAct.objects.filter(
        actor=user,
        what=WHAT,
        undone_at__isnull=True,
        created_at__gte=timezone.now() - KEPT,
        before__mentions__has_key=str(mention.id),
    )
    return acts.order_by("-id").values_list("id", flat=True).first()


def only_mention(*, user: User, act_id: int) -> int | None:
    """The mention of an act of ``user``'s that made one case; None for every other act."""
    before = (
        MentionAct.objects.filter(id=act_id, actor=user, what=WHAT).values_list("before", flat=True).first()
    )
    made = before["cases"] if before else []
    return made[0][0] if len(made) == 1 else None


def locked_act(*, user: User, act_id: int) -> MentionAct:
    """An act of ``user``'s that may be undone. Raises NotFound and Conflict, see :func:`~.acts.undo`."""
    act = MentionAct.objects.select_for_update().filter(id=act_id, actor=user).first()
    if act is None or act.created_at < timezone.now() - KEPT:
        raise NotFound(_("That can no longer be undone."))
    if act.undone_at is not None:
        raise Conflict(_("That is undone already."))
    return act


def undo(*, user: User, act_id: int) -> Outcome:
    """Take the cases of an act back. Of several, those that were worked on since stay and are counted; of one, Conflict
    says why it stays. Raises NotFound and Conflict as :func:`locked_act`, NotAllowed for who may work there no more.
    """
    with transaction.atomic():
        act = MentionAct.objects.filter(id=act_id, actor=user).first()
        made = [(one, Taken(**taken), was) for one, taken, was in act.before["cases"]] if act else []
        # Channels first, as everywhere; then those who store mentions; then rows.
        joining.lock_threads([taken.case for _mention, taken, _was in made])
        folding.lock()
        act = locked_act(user=user, act_id=act_id)
        versions: dict[int, int] = {}
        done: list[int] = []
        for mention_id, taken, case_before in reversed(made):
            # Two mentions of one case: taking the later one back changed it, and that is no work of others.
            known = versions.get(taken.case, taken.version)
            try:
                with transaction.atomic():
                    versions[taken.case] = _undo_one(
                        user, act, mention_id, replace(taken, version=known), case_before
                    )
            except (Conflict, NotFound):
                if len(made) == 1:
                    raise
            else:
                done.append(mention_id)
        act.undone_at = timezone.now()
        act.save(update_fields=["undone_at"])
    return Outcome(act_id=None, done=tuple(reversed(done)), left=len(made) - len(done))


def _undo_one(user: User, act: MentionAct, mention_id: int, taken: Taken, case_before: int | None) -> int:
    """The mention as it was before, and its case; returns that case's version, 0 when it is gone."""
    mention = access_mention(user=user, mention_id=mention_id, permission=Permission.WORK_CASES)
    state, version, handled_by, handled_at = act.before["mentions"][str(mention_id)]
    changed = Mention.objects.filter(id=mention_id, version=version, case_id=taken.case).update(
        state=state,
        case=Case.objects.filter(id=case_before).first() if case_before else None,
        handled_by=User.objects.filter(id=handled_by).first(),
        handled_at=parse_datetime(handled_at) if handled_at else None,
        version=mention.version + 1,
    )
    if not changed:
        raise Conflict(_("Somebody changed this mention in the meantime."))
    if taken.was is None and (
        Mention.objects.filter(case_id=taken.case).exists()  # it is another mention's case by now, too
        or Draft.objects.filter(case_id=taken.case).exclude(text="").exists()
        or DraftAside.objects.filter(case_id=taken.case).exists()
    ):
        raise worked_on()
    if taken.message is not None and not taken.context:
        # It stays a post; only the message of it goes.
        Post.objects.filter(message_id=taken.message).update(message=None)
    if state == MentionState.MUTED:
        settling.regroup(
            [mention_id]
        )  # what came meanwhile may stand under it, and what is muted stands alone
    now = take_back(taken, user_id=user.id) if taken.changed else taken.version
    record(
        action="mention.undone",
        actor_id=user.id,
        brand_id=mention.brand_id,
        object_type="mention-act",
        object_id=act.pk,
        data={"mentions": [mention_id], "case": taken.case},
    )
    notify_mentions(brand_id=mention.brand_id)
    return now
