"""What a reply's and a note's field offer as somebody types: saved replies, people, hashtags, colleagues.

Each answers with the options of a listbox, drawn; ``data-text`` is what goes into the field, as plain text.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from rapport.brands.models import Channel
from rapport.contacts.models import Identity
from rapport.inbox.access import access_case
from rapport.inbox.models import Case, Message
from rapport.inbox.queries.people import assignable_users
from rapport.lib.normalise import normalise
from rapport.lib.text import storable
from rapport.outbox.completions import MOST, hashtags_to_use, people_to_name
from rapport.outbox.saved_replies import count_use
from rapport.outbox.saved_replies_queries import offered_replies
from rapport.outbox.saved_replies_variables import fill
from rapport.staff.permissions import Permission
from rapport.web.numbers import whole_number
from rapport.web.text import language_name
from rapport.web.variables import variables_of
from rapport.web.views.pages import DeskRequest, desk_view


@dataclass(frozen=True)
class Option:
    """One line of the list. ``text`` goes into the field; ``lang`` is the language it is in, if known."""

    text: str
    name: str
    does: str = ""
    hint: str = ""
    lang: str = ""
    id: int | None = None


@dataclass(frozen=True)
class _Answering:
    """What the reply goes to: the channel it leaves from, whose words it answers, and their language."""

    channel: Channel
    identity: Identity | None
    lang: str


def _typed(request: DeskRequest) -> str:
    return storable(request.GET.get("q", "")[:100])


def _options(request: DeskRequest, options: list[Option]) -> HttpResponse:
    return render(request, "web/replies/options.html", {"options": options})


def _answering(request: DeskRequest, case: Case) -> _Answering:
    """By the message that the form answers, where it is one of the case's threads; else by the case."""
    message_id = whole_number(request.GET.get("answers", ""))
    message = None
    if message_id is not None:
        message = (
            Message.objects.filter(id=message_id, thread__case_threads__case=case)
            .select_related("channel", "identity")
            .defer("channel__credentials")
            .first()
        )
    if message is not None and not message.from_brand:
        return _Answering(message.channel, message.identity, message.lang or case.lang)
    known = Identity.objects.filter(contact_id=case.contact_id, network=case.channel.network)
    return _Answering(case.channel, known.order_by("-seen_at").first(), case.lang)


@require_safe
@desk_view
def replies(request: DeskRequest, case_id: int) -> HttpResponse:
    """Saved replies that fit what was typed after the slash, as they would stand in the field."""
    case = access_case(user=request.user, case_id=case_id, permission=Permission.REPLY)
    to = _answering(request, case)
    found = offered_replies(
        user=request.user,
        brand_id=case.brand_id,
        text=_typed(request),
        langs=(to.lang, request.user.language),
    )
    values = variables_of(case=case, agent=request.user, channel=to.channel, identity=to.identity)
    return _options(
        request,
        [
            Option(
                id=one.reply_id,
                text=fill(one.text, values),
                name=one.reply.name,
                hint=f"/{one.reply.shortcut}" if one.reply.shortcut else "",
                does=language_name(one.language) if one.language else "",
                lang=one.language,
            )
            for one in found
        ],
    )


@require_POST
@desk_view
def used(request: DeskRequest, case_id: int) -> HttpResponse:
    """A saved reply was put into the field."""
    count_use(actor=request.user, case_id=case_id, reply_id=whole_number(request.POST.get("reply", "")) or 0)
    return HttpResponse(status=204)


@require_safe
@desk_view
def people(request: DeskRequest, case_id: int) -> HttpResponse:
    """People on the case's network whose handle or name begins so."""
    case = access_case(user=request.user, case_id=case_id, permission=Permission.REPLY)
    network = _answering(request, case).channel.network
    found = people_to_name(case=case, network=network, typed=_typed(request))
    return _options(
        request,
        [Option(text=f"@{one.handle.lstrip('@')} ", name=one.handle, does=one.name) for one in found],
    )


@require_safe
@desk_view
def hashtags(request: DeskRequest, case_id: int) -> HttpResponse:
    """Hashtags that begin so."""
    case = access_case(user=request.user, case_id=case_id, permission=Permission.REPLY)
    return _options(
        request,
        [Option(text=f"{one} ", name=one) for one in hashtags_to_use(case=case, typed=_typed(request))],
    )


@require_safe
@desk_view
def colleagues(request: DeskRequest, case_id: int) -> HttpResponse:
    """Colleagues who may be named in a note, by the beginning of any word of their name."""
    case = access_case(user=request.user, case_id=case_id, permission=Permission.NOTE)
    wanted = normalise(_typed(request).lstrip("@"))
    fitting = [
        one
        for one in assignable_users(brand_id=case.brand_id).exclude(id=request.user.id)
        if f" {wanted}" in f" {normalise(one.name)}" or one.initials.casefold().startswith(wanted)
    ]
    names = [" ".join(one.name.split()) for one in fitting[:MOST]]
    return _options(request, [Option(text=f"@{name} ", name=name) for name in names if name])
