"""What a case's page says about the others at it, in words; and what a reply's form brings back of that."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rapport.inbox.models import Case
from rapport.inbox.queries.detail import CaseDetail
from rapport.inbox.queries.together import Followers, Passed, followers, passed
from rapport.outbox.together import (
    Asked,
    Company,
    News,
    Seen,
    Words,
    ask,
    company,
    leaves_at,
    news_since,
    on_its_way,
    seen_now,
)
from rapport.staff.models import User
from rapport.web.durations import long_time
from rapport.web.numbers import whole_number
from rapport.web.timeline import told_of

_SHOWN = 70  # characters of what somebody said
_MOST_IDS = 50


@dataclass(frozen=True, kw_only=True)
class Line:
    """One thing that is new: in words, and where on the page it stands."""

    text: str
    entry: str = ""


@dataclass(frozen=True, kw_only=True)
class Beside:
    """The others at one case. ``news``: what came since the reader began. ``coming``: colleagues' replies that
    have not left yet. ``known``: ids of colleagues of whose answers the reader knows. ``asked``: the reply was
    not sent, and is when it is sent again. ``seen``: what the page shows, for the form."""

    company: Company
    seen: str
    news: tuple[Line, ...] = ()
    coming: tuple[Line, ...] = ()
    known: tuple[int, ...] = ()
    asked: bool = False

    @property
    def writing(self) -> tuple[Line, ...]:
        """Who writes at this moment, in words; ``entry`` names it, so that it is said aloud once."""
        return tuple(
            Line(
                text=(
                    _("%(name)s is writing a reply")
                    if one.writing == "reply"
                    else _("%(name)s is writing a note")
                )
                % {"name": one.name},
                entry=f"{one.writing}-{one.id}",
            )
            for one in self.company.here
            if one.writing
        )

    @property
    def others(self) -> str:
        """How many more look at the case than are shown, in words."""
        more = self.company.more
        return ngettext("and %(n)s other", "and %(n)s others", more) % {"n": more} if more > 0 else ""


@dataclass(frozen=True, kw_only=True)
class Together:
    """All of it for a whole page."""

    beside: Beside
    followers: Followers
    passed: Passed | None

    @property
    def follow_words(self) -> str:
        """Who follows the case, in words."""
        found = self.followers
        names = ", ".join(found.names)
        if not found.more:
            return names
        return ngettext("%(names)s and %(n)s other", "%(names)s and %(n)s others", found.more) % {
            "names": names,
            "n": found.more,
        }


def together(
    *, user: User, case: Case, coming: Sequence[Words], handed: bool = True, asked: Asked | None = None
) -> Together:
    """What a page says, in a handful of queries. ``coming``: as :func:`rapport.outbox.together.on_its_way`.
    ``handed``: whether there may be a handover that is still to be heard of."""
    news = lines(asked.news) if asked else ()
    beside = Beside(
        company=company(user=user, case_id=case.id),
        seen=str(seen_now(case=case)),
        news=news,
        coming=_coming(coming, news),
        known=tuple(one.id for one in asked.answering) if asked else (),
        asked=asked is not None,
    )
    return Together(
        beside=beside,
        followers=followers(case=case, reader=user),
        passed=passed(case=case, reader=user) if handed else None,
    )


def beside_now(*, user: User, case: Case, seen: Seen | None) -> Beside:
    """What has changed on a page that is open, since ``seen`` was on it."""
    news = lines(news_since(user=user, case=case, seen=seen)) if seen else ()
    return Beside(
        company=company(user=user, case_id=case.id),
        seen=str(seen_now(case=case)),
        news=news,
        coming=_coming(on_its_way(user=user, case=case), news),
    )


def _coming(replies: Sequence[Words], news: Sequence[Line]) -> tuple[Line, ...]:
    told = {line.entry for line in news}
    return tuple(_line(one, coming=True) for one in replies if one.entry not in told)


def lines(news: News) -> tuple[Line, ...]:
    """What is new, in words: first what was said, then what colleagues did."""
    return (
        *(_line(one) for one in news.words),
        *(Line(text=told.sentence, entry=f"e{told.id}") for told in told_of(news.events)),
    )


_SAID: Mapping[str, Callable[[], str]] = {
    "customer": lambda: _("%(who)s wrote “%(words)s”"),
    "brand": lambda: _("%(who)s answered on the network itself: “%(words)s”"),
    "reply": lambda: _("%(who)s answered: “%(words)s”"),
    "coming": lambda: _("%(who)s's reply is on its way: “%(words)s”"),
    "held": lambda: _("%(who)s's reply is held back, because the customer wrote since: “%(words)s”"),
    "today": lambda: _("%(who)s's reply goes out today at %(time)s: “%(words)s”"),
    "tomorrow": lambda: _("%(who)s's reply goes out tomorrow at %(time)s: “%(words)s”"),
    "later": lambda: _("%(who)s's reply goes out on %(day)s: “%(words)s”"),
    "note": lambda: _("%(who)s left a note: “%(words)s”"),
}


def _line(one: Words, *, coming: bool = False) -> Line:
    given = {"who": one.who, "words": Truncator(" ".join(one.text.split())).chars(_SHOWN)}
    kind = "coming" if coming else one.kind
    if one.held:
        kind = "held"
    elif one.leaves_at is not None:
        days = (timezone.localdate(one.leaves_at) - timezone.localdate()).days
        kind = {0: "today", 1: "tomorrow"}.get(days, "later")
        given["time"] = date_format(timezone.localtime(one.leaves_at), "H:i")
        given["day"] = long_time(one.leaves_at)
    return Line(text=_SAID[kind]() % given, entry=one.entry)


def coming_of(detail: CaseDetail, reader: User) -> list[Words]:
    """Colleagues' replies that a case's page shows as on their way."""
    return [
        Words(
            kind="reply",
            who=one.author_name,
            text=one.text,
            entry=f"o{one.id}",
            leaves_at=leaves_at(one),
            held=one.overtaken,
        )
        for one in detail.outgoing
        if one.author_id != reader.id
        and one.verb == "post"
        and one.state in ("queued", "sending", "held")
        and one.follows_id is None
    ]


def open_words(names: Sequence[str]) -> str:
    """That others have a case open, in words; "" when nobody has."""
    return _("Open with %(names)s") % {"names": ", ".join(names)} if names else ""


def seen_in(request: HttpRequest) -> Seen | None:
    """What the writer of a form had seen when they began."""
    return Seen.read(request.POST.get("seen", ""))


def asking(request: HttpRequest, user: User) -> Callable[[Case], None]:
    """What must be asked before the reply of a form may go, for :func:`rapport.outbox.actions.reply`."""
    numbers = [whole_number(one) for one in request.POST.getlist("answer_anyway")[:_MOST_IDS]]
    anyway = frozenset(one for one in numbers if one)

    def check(case: Case) -> None:
        ask(user=user, case=case, seen=seen_in(request), anyway=anyway)

    return check
