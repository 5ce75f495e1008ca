"""How somebody wants to be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core import signing
from django.db import transaction
from django.utils.translation import gettext as _

from rapport.lib.errors import Invalid, NotFound
from rapport.notices.kinds import KINDS, NoticeKind, Way
from rapport.notices.models import Choice, Notice, Preferences
from rapport.notices.queries import preferences_of
from rapport.notices.quiet import read_quiet
from rapport.staff.models import User

# Minutes after which what was not seen in the desk is mailed.
MAIL_AFTER = (5, 15, 30, 60, 240)
_SALT = "rapport.notices.stop"


def save_ways(*, user: User, wanted: Mapping[NoticeKind, frozenset[Way]]) -> None:
    """Keep for every kind in which ways ``user`` is told."""
    Choice.objects.bulk_create(
        [
            Choice(
                user=user,
                kind=kind,
                desk=Way.DESK in wanted.get(kind, ()),
                push=Way.PUSH in wanted.get(kind, ()),
                mail=Way.MAIL in wanted.get(kind, ()),
            )
            for kind in KINDS
        ],
        update_conflicts=True,
        unique_fields=["user", "kind"],
        update_fields=["desk", "push", "mail"],
    )


def save_quiet(*, user: User, hours: Mapping[str, tuple[str, str]], urgent_through: bool) -> Preferences:
    """Keep when ``user`` is left alone. Raises Invalid."""
    return _save(user, quiet=read_quiet(hours), urgent_through=urgent_through)


def save_mail(*, user: User, wanted: bool, after: str, words: bool) -> Preferences:
    """Keep whether and after how many minutes ``user`` gets e-mails, and whether those and pushes may carry
    what was written. Raises Invalid."""
    if after not in {str(minutes) for minutes in MAIL_AFTER}:
        raise Invalid(_("Choose after how many minutes."))
    if not wanted:
        return stop_mail(user=user, mail_after=int(after), words=words)
    return _save(user, mail_stopped=False, mail_after=int(after), words=words)


def stop_mail(*, user: User, **more: Any) -> Preferences:
    """No more e-mails of this kind, those that wait included."""
    with transaction.atomic():
        kept = _save(user, mail_stopped=True, **more)
        Notice.objects.filter(user=user, mail_at__isnull=False).update(mail_at=None)
    return kept


def _save(user: User, **fields: Any) -> Preferences:
    kept, _new = Preferences.objects.update_or_create(user=user, defaults=fields)
    return kept


def stop_token(user: User) -> str:
    """What the stop link of an e-mail carries. It can do nothing but stop the e-mails."""
    return signing.dumps(user.pk, salt=_SALT)


def user_of_token(token: str) -> User:
    """Whose e-mails it stops. Raises NotFound."""
    try:
        user_id = signing.loads(token, salt=_SALT)
    except signing.BadSignature:
        user_id = None
    user = User.objects.filter(pk=user_id).first() if isinstance(user_id, int) else None
    if user is None:
        raise NotFound(_("This link does not work. Log in and change your notifications there."))
    return user


def mail_is_stopped(user: User) -> bool:
    """Whether they get no e-mails."""
    return preferences_of(user).mail_stopped
