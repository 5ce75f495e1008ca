"""What the desk's templates need beyond Django's own tags."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from django import template
from django.http import HttpRequest
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from rapport.networks.base import Capabilities, Hears
from rapport.networks.registry import connectors
from rapport.staff.models import User
from rapport.web import durations, text
from rapport.web.place import Place
from rapport.web.preferences import looks_of

register = template.Library()
_PRESSED = mark_safe(' aria-pressed="true"')

register.filter("linked", text.linked)
register.filter("lang_attribute", text.lang_attribute)
register.filter("initials", text.initials)
register.filter("plain_name", text.plain_name)
register.filter("precise", durations.precise)
register.filter("long_time", durations.long_time)
register.filter("is_overdue", durations.is_overdue)


@register.simple_tag
def icon(name: str, css: str = "icon") -> SafeString:
    """One of the icons of the sprite, as decoration: the words beside it carry the meaning."""
    return _icon(name, css)


@lru_cache(maxsize=512)
def _icon(name: str, css: str) -> SafeString:
    return format_html(
        '<svg class="{}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        css,
        static("vendor/lucide.svg"),
        name,
    )


# Two hundred colleagues stand in each of these, the same ones in case after case: made once, and joined.
@register.simple_tag
def colleague_buttons(people: Iterable[User], chosen: int | None, reader: User) -> SafeString:
    """A button for each colleague but the reader who a case may be given to."""
    away = _("Away")
    return format_html_join(
        "\n",
        "{}",
        (
            (
                _colleague_button(
                    one.pk, one.initials, one.name, away if one.is_away else "", one.pk == chosen
                ),
            )
            for one in people
            if one.pk != reader.pk
        ),
    )


@lru_cache(maxsize=4096)
def _colleague_button(pk: int, initials: str, name: str, away: str, chosen: bool) -> SafeString:
    return format_html(
        '<button class="item" name="assignee" value="{}"{}><span class="avatar s" aria-hidden="true">{}</span>'
        "<bdi>{}</bdi>{}</button>",
        pk,
        _PRESSED if chosen else "",
        (initials or name)[:2],
        name,
        format_html('<span class="end">{}</span>', away) if away else "",
    )


@register.simple_tag
def colleague_options(people: Iterable[User], holder: int | None, reader: User) -> SafeString:
    """An option for each colleague but the reader and who has the case, to hand it over to."""
    away = f" ({_('Away')})"
    return format_html_join(
        "",
        "{}",
        (
            (_colleague_option(one.pk, one.name, away if one.is_away else ""),)
            for one in people
            if one.pk not in (reader.pk, holder)
        ),
    )


@lru_cache(maxsize=4096)
def _colleague_option(pk: int, name: str, away: str) -> SafeString:
    return format_html('<option value="person-{}">{}{}</option>', pk, name, away)


@register.simple_tag
def network_label(name: str) -> str:
    """A network's name for people; a network that was removed keeps its bare name."""
    connector = connectors().get(name)
    return str(connector.label) if connector else name


@register.simple_tag
def hears(can: Capabilities) -> str:
    """What reaches us from a network, in words."""
    words = {
        Hears.MENTIONS: _("mentions"),
        Hears.COMMENTS: _("comments"),
        Hears.PRIVATE: _("private messages"),
        Hears.REVIEWS: _("reviews"),
        Hears.LISTEN: _("people who speak about you"),
    }
    return ", ".join(str(word) for one, word in words.items() if one in can.hears) or "–"


@register.filter
def urlizehost(address: str) -> str:
    """The host of an address: where a link leads."""
    return urlsplit(address).hostname or address


@register.simple_tag
def when(moment: datetime, css: str = "") -> SafeString:
    """A time as short as its age allows; the exact one on hover and to machines."""
    local = timezone.localtime(moment)
    today = timezone.localdate()
    if local.date() == today:
        shown = f"{local:%H:%M}"
    elif local.year == today.year:
        shown = f"{durations.day_text(local, 'MONTH_DAY_FORMAT')}, {local:%H:%M}"
    else:
        shown = durations.day_text(local, "SHORT_DATE_FORMAT")
    return format_html(
        '<time datetime="{}" title="{}" class="{}">{}</time>',
        local.isoformat(timespec="seconds"),
        exact(moment),
        css,
        shown,
    )


@register.simple_tag
def left(moment: datetime) -> str:
    """How much time there is until ``moment``."""
    return _("%(duration)s left") % {"duration": durations.short((moment - timezone.now()).total_seconds())}


@register.filter
def exact(moment: datetime) -> str:
    """The time to the second, with its zone."""
    local = timezone.localtime(moment)
    return f"{durations.day_text(local, 'DATE_FORMAT')}, {local:%H:%M:%S} {local.tzname()}"


@register.simple_tag
def clock(moment: datetime, css: str = "") -> SafeString:
    """How long ago ``moment`` was; script keeps it counting."""
    return format_html(
        '<time data-since datetime="{}" title="{}" class="clock {}">{}</time>',
        timezone.localtime(moment).isoformat(timespec="seconds"),
        exact(moment),
        css,
        durations.since(moment),
    )


@register.filter
def percent(share: float | None) -> str:
    """A share (0 to 1) in whole per cent; a dash for None."""
    return "–" if share is None else f"{share * 100:.0f} %"


@register.simple_tag(takes_context=True)
def look_attributes(context: dict[str, Any]) -> SafeString:
    """What the page's element says of the chosen look; nothing follows the system."""
    request: HttpRequest | None = context.get("request")
    chosen = [(look.name, value) for look, value in looks_of(request) if value] if request else []
    return format_html_join("", ' data-{}="{}"', chosen)


@register.filter
def case_url(place: Place, case_id: int) -> str:
    """The address of a case beside the list that ``place`` is."""
    return place.case_url(case_id)


@register.simple_tag(takes_context=True)
def action_url(context: dict[str, Any], action: str) -> str:
    """Where a form about the page's case goes."""
    place: Place = context["place"]
    return place.action_url(context["case"].id, action)


@register.filter
def is_web_address(address: str) -> bool:
    """Whether an address from outside may become a link: only http and https, never a script."""
    return address.lower().startswith(("https://", "http://"))


@register.filter
def shown_media(kept: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A message's media with every field a template asks for: file (id), url, kind, alt, name."""
    return [{"file": None, "url": "", "kind": "file", "alt": "", "name": "", **item} for item in kept]


@register.filter
def whole_minutes(duration: timedelta | None) -> int:
    """A duration in minutes, rounded up, at least 1."""
    return max(1, -(-int(duration.total_seconds()) // 60)) if duration else 1
