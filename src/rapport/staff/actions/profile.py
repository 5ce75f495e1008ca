"""What people say about themselves: name, signature, languages, skills, picture, and whether they are here."""

from __future__ import annotations

import hashlib
import zoneinfo
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf.locale import LANG_INFO
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from rapport.audit.actions import record
from rapport.lib.errors import Invalid
from rapport.lib.text import storable
from rapport.media.pictures import read_picture
from rapport.staff.access import brand_ids_for
from rapport.staff.models import Availability, Picture, Signature, User
from rapport.staff.permissions import Permission

MAX_SKILLS = 20
SKILL_LENGTH = 40
REASON_LENGTH = 80
LONGEST_AWAY = timedelta(days=366)
PICTURE_BYTES = 2_000_000
PICTURE_SIDE = (32, 4096)
_SEEN_EVERY = timedelta(minutes=1)


def languages() -> frozenset[str]:
    """The codes of languages that can be said to be spoken."""
    return frozenset(code for code, info in LANG_INFO.items() if "name" in info)


def one_line(text: str) -> str:
    """``text`` on one line, fit to store."""
    return " ".join(storable(text).split())


def save_profile(
    *,
    user: User,
    name: str,
    initials: str,
    speaks: Sequence[str],
    skills: Sequence[str],
    time_zone: str,
) -> User:
    """Change what colleagues and customers see of oneself. Raises Invalid with what to change."""
    name, initials = one_line(name), storable(initials.strip())
    if not name or len(name) > 120:
        raise Invalid(_("Give a name of at most 120 characters."))
    if not initials or len(initials) > 4 or len(initials.split()) > 1:
        raise Invalid(_("Give initials of one to four characters."))
    if time_zone and time_zone not in zoneinfo.available_timezones():
        raise Invalid(_("There is no such time zone."))
    spoken = list(dict.fromkeys(speaks))
    if not languages().issuperset(spoken):
        raise Invalid(_("There is no such language."))
    before = [user.name, user.initials, user.speaks, user.skills, user.time_zone]
    user.name, user.initials, user.time_zone = name, initials, time_zone
    user.speaks, user.skills = spoken, _clean_skills(skills)
    changed = [
        field
        for field, was in zip(("name", "initials", "speaks", "skills", "time_zone"), before, strict=True)
        if getattr(user, field) != was
    ]
    if not changed:
        return user
    with transaction.atomic():
        user.save(update_fields=changed)
        _tell("user.profile", user, {"fields": changed})
    return user


def _clean_skills(skills: Sequence[str]) -> list[str]:
    cleaned = {skill.casefold(): skill for skill in reversed([one_line(one) for one in skills]) if skill}
    if any(len(skill) > SKILL_LENGTH for skill in cleaned.values()):
        raise Invalid(_("A skill has at most %(limit)d characters.") % {"limit": SKILL_LENGTH})
    if len(cleaned) > MAX_SKILLS:
        raise Invalid(_("Name at most %(limit)d skills.") % {"limit": MAX_SKILLS})
    return sorted(cleaned.values(), key=str.casefold)


def save_signatures(*, user: User, given: Mapping[int, tuple[str, str]]) -> None:
    """Per brand (id): initials and name that stand under one's replies there; empty ones are the usual.

    Brands that the user does not answer for are left alone.
    """
    answers = set(brand_ids_for(user, Permission.REPLY))
    rows = []
    for brand_id, (initials, name) in given.items():
        initials, name = storable(initials.strip()), one_line(name)
        if len(initials) > 4 or len(initials.split()) > 1:
            raise Invalid(_("Initials have at most 4 characters."))
        if len(name) > 40:
            raise Invalid(_("A name under a reply has at most 40 characters."))
        if brand_id in answers:
            rows.append(Signature(user=user, brand_id=brand_id, initials=initials, name=name))
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(id=user.pk)
        Signature.objects.filter(user=user, brand_id__in=[row.brand_id for row in rows]).delete()
        Signature.objects.bulk_create([row for row in rows if row.initials or row.name])
        _tell("user.signatures", user, {"brands": [row.brand_id for row in rows]})


def set_picture(*, user: User, content: bytes) -> User:
    """Show a picture instead of initials. Raises Invalid for what is none, or too large or small."""
    if len(content) > PICTURE_BYTES:
        raise Invalid(
            _("The picture is larger than %(n)d MB. Choose a smaller one.")
            % {"n": PICTURE_BYTES // 1_000_000}
        )
    read = read_picture(content)
    if read is None:
        raise Invalid(_("That is not a picture we can show. Choose a JPEG, PNG or WebP file."))
    least, most = PICTURE_SIDE
    if min(read.width, read.height) < least or max(read.width, read.height) > most:
        raise Invalid(
            _("A picture's sides are between %(least)d and %(most)d pixels.") % {"least": least, "most": most}
        )
    with transaction.atomic():
        Picture.objects.update_or_create(
            user=user, defaults={"content_type": read.content_type, "content": read.content}
        )
        user.picture = hashlib.sha256(read.content).hexdigest()[:16]
        user.save(update_fields=["picture"])
        _tell("user.picture", user, {"picture": user.picture})
    return user


def remove_picture(*, user: User) -> User:
    """Show initials again."""
    with transaction.atomic():
        Picture.objects.filter(user=user).delete()
        user.picture = ""
        user.save(update_fields=["picture"])
        _tell("user.picture", user, {"picture": ""})
    return user


def set_availability(*, user: User, away: bool, until: datetime | None = None, reason: str = "") -> User:
    """Say that one is away (``until`` ends it by itself), or here again. Raises Invalid."""
    reason = one_line(reason)
    if len(reason) > REASON_LENGTH:
        raise Invalid(_("Give a reason of at most %(limit)d characters.") % {"limit": REASON_LENGTH})
    if away and until is not None and not timezone.now() < until < timezone.now() + LONGEST_AWAY:
        raise Invalid(_("Choose a time in the future, less than a year away."))
    user.availability = Availability.AWAY if away else Availability.AVAILABLE
    user.away_until = until if away else None
    user.away_reason = reason if away else ""
    with transaction.atomic():
        user.save(update_fields=["availability", "away_until", "away_reason"])
        _tell("user.availability", user, {"away": away, "until": until.isoformat() if until else None})
    return user


def note_seen(*, user: User, session_key: str | None) -> None:
    """Remember that somebody is here, with at most one statement a minute for each person."""
    now = timezone.now()
    if user.seen_at is not None and user.seen_at > now - _SEEN_EVERY:
        return
    given: dict[str, Any] = {"key": session_key or "", "user": user.pk, "now": now, "every": _SEEN_EVERY}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH login AS (UPDATE staff_session SET seen_at = %(now)s WHERE session_key = %(key)s)
            UPDATE staff_user SET seen_at = %(now)s
            WHERE id = %(user)s AND (seen_at IS NULL OR seen_at < %(now)s - %(every)s)
            """,
            given,
        )


def _tell(action: str, user: User, data: dict[str, object]) -> None:
    record(action=action, actor_id=user.pk, object_type="user", object_id=user.pk, data=data)
