"""Reading saved replies: a person's own and those shared with brands of theirs, and what fits an answer."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Case, IntegerField, Prefetch, Q, QuerySet, Value, When, prefetch_related_objects
from django.utils.translation import gettext as _

from rapport.lib.errors import NotFound
from rapport.lib.normalise import normalise
from rapport.outbox.models import SavedReply, SavedReplyText
from rapport.staff.access import brand_ids_for, may
from rapport.staff.models import User
from rapport.staff.permissions import Permission

MOST_OFFERED = 10
_LONGEST_QUERY = 100
_TEXTS = Prefetch("texts", queryset=SavedReplyText.objects.order_by("id"))


def _visible(user: User) -> QuerySet[SavedReply]:
    brand_ids = brand_ids_for(user, Permission.VIEW_CASES)
    return SavedReply.objects.filter(Q(owner=user, brand=None) | Q(brand_id__in=brand_ids))


def usable_replies(*, user: User, brand_id: int) -> QuerySet[SavedReply]:
    """What ``user`` may put into an answer of the brand: their own, and the brand's."""
    return SavedReply.objects.filter(Q(owner=user, brand=None) | Q(brand_id=brand_id), deleted_at=None)


def access_reply(*, user: User, reply_id: int) -> SavedReply:
    """The saved reply with its texts, also when it is deleted. Raises NotFound."""
    reply = _visible(user).filter(id=reply_id).select_related("brand").prefetch_related(_TEXTS).first()
    if reply is None:
        raise NotFound(_("There is no such saved reply, or you may not see it."))
    return reply


def may_change(*, user: User, reply: SavedReply) -> bool:
    """Whether ``user``, who may see it, may change the saved reply."""
    return reply.brand_id is None or may(user, reply.brand_id, Permission.SHARE_REPLIES)


def replies_for(
    *, user: User, text: str = "", category: str = "", brand_id: int | None = None, most: int | None = None
) -> list[SavedReply]:
    """The person's own, then each brand's, by category and name; with all words of ``text``.

    ``brand_id``: only what can be used for that brand. ``most``: the first so many. What is in no category
    comes first.
    """
    found = _visible(user).filter(_holding(text), deleted_at=None)
    if category:
        found = found.filter(category=category)
    if brand_id is not None:
        found = found.filter(Q(brand_id=brand_id) | Q(brand=None))
    rows = list(found.select_related("brand").defer("words"))
    rows.sort(
        key=lambda one: (
            one.brand is not None,
            one.brand.name if one.brand else "",
            normalise(one.category),
            one.category,
            normalise(one.name),
            one.id,
        )
    )
    rows = rows[:most]
    prefetch_related_objects(rows, _TEXTS)
    return rows


def categories_for(*, user: User) -> list[str]:
    """The categories that the replies of :func:`replies_for` have, by name."""
    found = _visible(user).filter(deleted_at=None).exclude(category="").values_list("category", flat=True)
    return sorted(found.distinct(), key=normalise)


def offered_replies(
    *, user: User, brand_id: int, text: str, langs: Sequence[str] = ()
) -> list[SavedReplyText]:
    """At most ten texts for what was typed after ``/``, the best first, each with its ``reply``.

    A shortcut that begins so comes before a name, and a name before other words; of those alike the most
    used. Each is offered in the language that fits ``langs`` best, other languages after all of those.
    """
    typed = text.strip()[:_LONGEST_QUERY]
    rank = Case(
        When(shortcut__iexact=typed, then=Value(0)),
        When(shortcut__istartswith=typed, then=Value(1)),
        When(name__istartswith=typed, then=Value(2)),
        default=Value(3),
        output_field=IntegerField(),
    )
    found = (
        usable_replies(user=user, brand_id=brand_id)
        .filter(_holding(typed))
        .annotate(rank=rank)
        .order_by("rank", "-used", "name", "id")
        .defer("words")
        .prefetch_related(_TEXTS)[:MOST_OFFERED]
    )
    best: list[SavedReplyText] = []
    others: list[SavedReplyText] = []
    for reply in found:
        texts = sorted(reply.texts.all(), key=lambda one: (_fit(one.language, langs), one.id))
        best += texts[:1]
        others += texts[1:]
    return (best + others)[:MOST_OFFERED]


def _fit(language: str, langs: Sequence[str]) -> int:
    """How well a language fits, 0 the best: one wanted as it is, then in another country's form, then any."""
    for place, wanted in enumerate(langs):
        if not wanted:
            continue
        if language.lower() == wanted.lower():
            return place * 2
        if language and _bare(language) == _bare(wanted):
            return place * 2 + 1
    return 2 * len(langs) + (1 if language else 0)


def _bare(language: str) -> str:
    return language.lower().replace("_", "-").split("-")[0]


def _holding(text: str) -> Q:
    """Saved replies that hold each word of ``text``, wherever."""
    holding = Q()
    for word in normalise(text[:_LONGEST_QUERY]).split():
        holding &= Q(words__contains=word)
    return holding
