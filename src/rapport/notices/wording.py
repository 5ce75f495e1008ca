"""What leaves the desk about a notice: a push's few words, and an e-mail. Who and which case; what was
written only where its reader allowed that."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.urls import reverse
from django.utils.translation import get_language, get_language_bidi, ngettext
from django.utils.translation import gettext as _

from rapport.inbox.models import Message, Note, Priority
from rapport.lib.text import preview
from rapport.notices.choosing import stop_token
from rapport.notices.queries import CaseNews
from rapport.staff.models import User

_WORDS = 300
_SHOWN = 8


@dataclass(frozen=True)
class Push:
    """``topic``: a later push with the same takes its place."""

    payload: dict[str, Any]
    topic: str
    urgent: bool


def push(news: Sequence[CaseNews], *, count: int, words: bool) -> Push:
    """One case, or a summary of several. ``count``: how many cases are unread, for the app's badge."""
    only = news[0] if len(news) == 1 else None
    if only is not None:
        title, url = _who(only), path_of(only)
        tag = f"notice-{only.notice_id}" if only.notice_id else f"case-{only.case_id}"
        body = _lines(only, written([only]) if words else {})
    else:
        title = ngettext("News in %(n)d case", "News in %(n)d cases", len(news)) % {"n": len(news)}
        url, tag = reverse("notices"), "summary"
        body = [f"{_who(one)}: {one.lines[0].sentence}" for one in news[:_SHOWN]]
    payload = {
        "title": preview(title, limit=120),
        "body": "\n".join(preview(line, limit=_WORDS) for line in body),
        "url": url,
        "tag": tag,
        "count": count,
        "lang": get_language() or settings.LANGUAGE_CODE,
        "dir": "rtl" if get_language_bidi() else "ltr",
        "at": int(max(one.at for one in news).timestamp() * 1000),
    }
    # At most 32 characters (RFC 8030, 5.4), and nothing that says which case.
    topic = hashlib.sha256(f"{settings.SECRET_KEY}:{tag}".encode()).hexdigest()[:32]
    return Push(payload, topic, any(one.priority == Priority.URGENT for one in news))


def trial() -> Push:
    """What somebody sees who tries a device."""
    payload = {
        "title": _("This device is told"),
        "body": _("Notifications of Rapport arrive here."),
        "url": reverse("account-notices"),
        "tag": "trial",
        "lang": get_language() or settings.LANGUAGE_CODE,
        "dir": "rtl" if get_language_bidi() else "ltr",
    }
    return Push(payload, "trial", urgent=True)


def mail(user: User, news: Sequence[CaseNews], *, newest_id: int, words: bool) -> EmailMessage:
    """What ``user`` did not see in the desk, in one plain e-mail."""
    base = settings.RAPPORT_BASE_URL
    only = news[0] if len(news) == 1 else None
    if only is not None:
        subject = f"{_who(only)}: {only.lines[0].sentence}"
    else:
        subject = ngettext("News in %(n)d case", "News in %(n)d cases", len(news)) % {"n": len(news)}
    texts = written(news) if words else {}
    blocks = [
        "\n".join([_who(one), *(f"  {line}" for line in _lines(one, texts)), f"  {base}{path_of(one)}"])
        for one in news
    ]
    stop = f"{base}{reverse('notices-stop', args=[stop_token(user)])}"
    foot = "\n".join(
        [
            _("You get this because you did not look at it in Rapport meanwhile."),
            _("Choose what you are told of: %(url)s") % {"url": f"{base}{reverse('account-notices')}"},
            _("No more e-mails like this: %(url)s") % {"url": stop},
        ]
    )
    host = urlsplit(base).hostname or "localhost"
    return EmailMessage(
        # A subject is one line, whatever a customer is called.
        preview(subject, limit=200),
        "\n\n".join([*blocks, f"-- \n{foot}\n"]),
        to=[user.email],
        headers={
            "List-Unsubscribe": f"<{stop}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "Auto-Submitted": "auto-generated",
            # The same when it has to be sent again, so that a mailbox can tell.
            "Message-ID": f"<notices.{user.pk}.{newest_id}@{host}>",
        },
    )


def path_of(news: CaseNews) -> str:
    """The case's address in the desk; where no one case is behind it, the one that leads on to what is."""
    if news.notice_id is not None:
        return reverse("notice", args=[news.notice_id])
    return reverse("desk-case", args=["all", news.case_id])


def _who(case: CaseNews) -> str:
    return f"{' '.join(case.contact.split()) or _('Somebody')} · {case.brand}"


def _lines(case: CaseNews, texts: dict[tuple[str, int], str]) -> list[str]:
    lines = []
    for line in case.lines[:_SHOWN]:
        lines.append(line.sentence)
        for what in ("message", "note"):
            text = texts.get((what, line.data.get(what, 0)))
            if text:
                lines.append(f"“{preview(text, limit=_WORDS)}”")
    return lines


def written(news: Iterable[CaseNews]) -> dict[tuple[str, int], str]:
    """The words of the newest message or note behind each line, by what it is and its id. Two queries."""
    wanted: dict[str, set[int]] = {"message": set(), "note": set()}
    for case in news:
        for line in case.lines:
            for what, ids in wanted.items():
                if isinstance(line.data.get(what), int):
                    ids.add(line.data[what])
    messages = Message.objects.filter(id__in=wanted["message"], deleted_at=None).values_list("id", "text")
    notes = Note.objects.filter(id__in=wanted["note"]).values_list("id", "text")
    found = {("message", row_id): text for row_id, text in messages}
    return found | {("note", row_id): text for row_id, text in notes}
