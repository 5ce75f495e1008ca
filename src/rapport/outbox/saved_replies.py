"""Writing, changing and deleting saved replies, and counting that one was used.

A saved reply is its owner's own, or shared with everybody who works for a brand; who may share
(``share_replies``) may change what is shared there. Each action is one transaction with its audit entry.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import regex
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from rapport.audit.actions import record
from rapport.inbox.access import access_case
from rapport.lib.errors import Conflict, Invalid, NotFound
from rapport.lib.normalise import normalise
from rapport.lib.text import storable
from rapport.outbox.models import SavedReply, SavedReplyText
from rapport.outbox.saved_replies_queries import access_reply, usable_replies
from rapport.outbox.saved_replies_variables import check
from rapport.staff.access import require
from rapport.staff.actions.profile import languages
from rapport.staff.models import User
from rapport.staff.permissions import Permission

NAME_LENGTH, SHORTCUT_LENGTH, CATEGORY_LENGTH, TEXT_LENGTH = 80, 40, 60, 10_000
MOST_SHARED, MOST_OWN, MOST_LANGUAGES = 1000, 200, 20
_SEARCHED = 8000  # characters of all its words
_KEPT = timedelta(days=1)
_SHORTCUT = regex.compile(r"[\p{L}\p{M}\p{N}_-]+")


@dataclass(frozen=True, kw_only=True)
class Content:
    """What people write. ``texts``: by language, "" for words that fit any."""

    name: str
    shortcut: str = ""
    category: str = ""
    texts: Mapping[str, str]


def create_reply(*, actor: User, content: Content, brand_id: int | None = None) -> SavedReply:
    """Save an answer; with ``brand_id``, for everybody of the brand."""
    clean = _clean(content)
    if brand_id is not None:
        require(actor, brand_id, Permission.SHARE_REPLIES)
    with transaction.atomic():
        _check_room(actor, brand_id)
        reply = SavedReply(owner=actor, brand_id=brand_id)
        _store(reply, clean)
        _told("created", actor, reply)
    return reply


def change_reply(*, actor: User, reply_id: int, content: Content, version: int) -> SavedReply:
    """Give a saved reply other words. Raises Conflict when it is no longer as ``version``."""
    clean = _clean(content)
    with transaction.atomic():
        reply = _to_change(actor, reply_id)
        if reply.deleted_at is not None:
            raise NotFound(_("This saved reply was deleted. Undo that first."))
        if reply.version != version:
            raise Conflict(
                _(
                    "Somebody changed this saved reply since you opened it, so nothing was saved. Copy what you "
                    "wrote, open it again, and put your changes into what stands there now."
                )
            )
        reply.version += 1
        reply.changed_at = timezone.now()
        _store(reply, clean)
        _told("changed", actor, reply)
    return reply


def delete_reply(*, actor: User, reply_id: int) -> SavedReply:
    """Take it away; for a day :func:`restore_reply` brings it back."""
    with transaction.atomic():
        reply = _to_change(actor, reply_id)
        SavedReply.objects.filter(deleted_at__lt=timezone.now() - _KEPT).delete()
        if reply.deleted_at is None:
            reply.deleted_at = timezone.now()
            reply.save(update_fields=["deleted_at"])
            _told("deleted", actor, reply)
    return reply


def restore_reply(*, actor: User, reply_id: int) -> SavedReply:
    """Bring a deleted one back. Raises Invalid when its shortcut was given to another since."""
    with transaction.atomic():
        reply = _to_change(actor, reply_id)
        if reply.deleted_at is not None:
            _check_room(actor, reply.brand_id)
            reply.deleted_at = None
            with _shortcut_free(reply):
                reply.save(update_fields=["deleted_at"])
            _told("restored", actor, reply)
    return reply


def count_use(*, actor: User, case_id: int, reply_id: int) -> None:
    """A saved reply was put into the reply of a case. Raises NotFound when it is not to be used there."""
    case = access_case(user=actor, case_id=case_id, permission=Permission.REPLY)
    found = usable_replies(user=actor, brand_id=case.brand_id).filter(id=reply_id)
    if not found.update(used=F("used") + 1):
        raise NotFound(_("There is no such saved reply, or you may not use it here."))


def _to_change(user: User, reply_id: int) -> SavedReply:
    """The reply with its row locked. Raises NotFound or NotAllowed."""
    seen = access_reply(user=user, reply_id=reply_id)
    if seen.brand_id is not None:
        require(user, seen.brand_id, Permission.SHARE_REPLIES)
    reply = SavedReply.objects.select_for_update().filter(id=seen.id).first()
    if reply is None:
        raise NotFound(_("There is no such saved reply, or you may not see it."))
    return reply


def _check_room(user: User, brand_id: int | None) -> None:
    beside = (
        SavedReply.objects.filter(owner=user, brand=None)
        if brand_id is None
        else SavedReply.objects.filter(brand_id=brand_id)
    )
    most = MOST_OWN if brand_id is None else MOST_SHARED
    if beside.filter(deleted_at=None).count() >= most:
        raise Invalid(_("There are %(n)s saved replies already. Delete one that nobody uses.") % {"n": most})


def _store(reply: SavedReply, content: Content) -> None:
    reply.name, reply.shortcut, reply.category = content.name, content.shortcut, content.category
    parts = (content.shortcut, content.name, content.category, *content.texts.values())
    reply.words = normalise(" ".join(parts))[:_SEARCHED]
    with _shortcut_free(reply):
        reply.save()
    reply.texts.exclude(language__in=content.texts).delete()
    SavedReplyText.objects.bulk_create(
        [SavedReplyText(reply=reply, language=one, text=text) for one, text in content.texts.items()],
        update_conflicts=True,
        update_fields=["text"],
        unique_fields=["reply", "language"],
    )


@contextmanager
def _shortcut_free(reply: SavedReply) -> Iterator[None]:
    """The database knows when a shortcut is taken; here that becomes words."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if "saved_reply_shortcut" not in str(error):
            raise
        raise Invalid(
            _("“/%(shortcut)s” is another saved reply's already. Choose another shortcut.")
            % {"shortcut": reply.shortcut}
        ) from error


def _clean(content: Content) -> Content:
    name = _line(content.name)
    if not name:
        raise Invalid(_("A saved reply needs a name."))
    shortcut = _line(content.shortcut).removeprefix("/")
    if shortcut and not _SHORTCUT.fullmatch(shortcut):
        raise Invalid(_("A shortcut is one word of letters, digits, “-” and “_”."))
    category = _line(content.category)
    for words, limit in ((name, NAME_LENGTH), (shortcut, SHORTCUT_LENGTH), (category, CATEGORY_LENGTH)):
        if len(words) > limit:
            raise Invalid(
                _("“%(words)s…” is too long: it can have %(limit)s characters.")
                % {"words": words[:20], "limit": limit}
            )
    return Content(name=name, shortcut=shortcut, category=category, texts=_clean_texts(content.texts))


def _clean_texts(given: Mapping[str, str]) -> dict[str, str]:
    texts = {one: storable(text.replace("\r\n", "\n")).strip() for one, text in given.items()}
    texts = {one: text for one, text in texts.items() if text}
    if not texts:
        raise Invalid(_("A saved reply needs words."))
    if len(texts) > MOST_LANGUAGES:
        raise Invalid(_("A saved reply can have %(n)s languages.") % {"n": MOST_LANGUAGES})
    if not {*languages(), ""}.issuperset(texts):
        raise Invalid(_("There is no such language. Choose one from the list."))
    for text in texts.values():
        if len(text) > TEXT_LENGTH:
            raise Invalid(
                _("The words of a saved reply can have %(limit)s characters.") % {"limit": TEXT_LENGTH}
            )
        check(text)
    return texts


def _line(words: str) -> str:
    return " ".join(storable(words).split())


def _told(what: str, actor: User, reply: SavedReply) -> None:
    record(
        action=f"saved_reply.{what}",
        actor_id=actor.id,
        brand_id=reply.brand_id,
        object_type="saved_reply",
        object_id=reply.id,
        data={"version": reply.version},
    )
