"""Replies and notes: what is typed is kept until it is safe."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_htmx.http import trigger_client_event

from rapport.inbox.access import access_case
from rapport.inbox.actions import add_note
from rapport.inbox.models import Visibility
from rapport.lib.errors import ActionError, Conflict, Invalid, NotFound
from rapport.media.actions import content_type, kind_of
from rapport.outbox import checks
from rapport.outbox.actions import reply, retry_reply, said, taken_back, undo_reply
from rapport.outbox.changes import delete_message, dismiss_change, edit_message
from rapport.outbox.composing import answered
from rapport.outbox.drafts import draft_back, draft_sent
from rapport.outbox.models import DraftField, Outgoing, OutgoingState, Verb
from rapport.outbox.recipient import recipient_of_reply
from rapport.outbox.returned import ReturnedFile, access_returned, returned_files
from rapport.outbox.together import Asked
from rapport.outbox.voices import voice
from rapport.staff.permissions import Permission
from rapport.web.composer import NOTHING, Typed, counted, cut, posts
from rapport.web.durations import long_time
from rapport.web.numbers import whole_number
from rapport.web.place import place_of
from rapport.web.together import asking, seen_in
from rapport.web.views.case import Done, answer, number_of, refuse, version_of
from rapport.web.views.desk import desk_page
from rapport.web.views.pages import DeskRequest, case_action
from rapport.web.ways import ways_of

# More than any network takes in one message.
MOST_RETURNED = 100


@case_action
def send(request: DeskRequest, view: str, case_id: int) -> HttpResponse:
    """Queue a reply; it leaves after the time for undoing is over."""
    place = place_of(request, view)
    text = request.POST.get("text", "")
    visibility = request.POST.get("visibility", "")
    form_key = _key(request.POST.get("form_key", ""))
    in_reply_to = channel_id = None
    returned: list[tuple[ReturnedFile, checks.NewMedia]] = []
    try:
        in_reply_to = number_of(request, "in_reply_to")
        returned = _returned(request, case_id)
        ways = ways_of(request.POST)
        channel_id = ways.channel_id
        outgoing = reply(
            actor=request.user,
            case_id=case_id,
            text=text,
            visibility=visibility,
            in_reply_to_id=in_reply_to,
            form_key=form_key,
            **asdict(ways),
            expected_version=None if seen_in(request) else version_of(request),
            ask_first=asking(request, request.user),
            files=[*(file for _row, file in returned), *files_of(request)],
            draft_revision=whole_number(request.POST.get("draft", "")),
        )
    except ActionError as error:
        typed = Typed(
            text=text,
            visibility=visibility if visibility in Visibility.values else "",
            in_reply_to=in_reply_to,
            form_key=form_key,
            error=str(error),
            conflict=isinstance(error, Conflict) and not isinstance(error, Asked),
            files=tuple(row for row, _file in returned),
            channel_id=channel_id,
        )
        return refuse(request, place, case_id, error, typed=typed)
    if (problem := _not_these_words(outgoing, text)) is not None:
        # The next try is a reply of its own, so it gets a form key of its own.
        typed = Typed(
            text=text,
            visibility=visibility,
            in_reply_to=in_reply_to,
            error=str(problem),
            conflict=True,
            files=tuple(row for row, _file in returned),
            channel_id=channel_id,
        )
        return refuse(request, place, case_id, problem, typed=typed)
    done = None
    if outgoing.scheduled_for is not None:
        done = Done(text=_("Scheduled for %(time)s.") % {"time": long_time(outgoing.scheduled_for)})
    response = answer(request, place, case_id, done, typed=Typed(channel_id=channel_id))
    return trigger_client_event(response, "rapport:sent", {"case": case_id, "field": "reply"})


def _not_these_words(outgoing: Outgoing, text: str) -> Conflict | None:
    """Why ``text`` is not what ``outgoing`` sends, None when it is.

    A form that is sent again gives the reply it gave before. When its first answer got lost, somebody may
    have written on; or have taken the reply back and come to the form again. Neither text may be
    taken for sent.
    """
    if outgoing.state == OutgoingState.CANCELLED:
        return Conflict(_("That reply was taken back, so nothing is sent. Send it again if it should go."))
    signature = checks.signature(channel=outgoing.channel, author=outgoing.author)
    if checks.unsigned(text=checks.clean_text(text), signature=signature) != said(outgoing):
        return Conflict(
            _("What you wrote before is sent already. These words are not; send them if they should follow.")
        )
    return None


def _returned(request: DeskRequest, case_id: int) -> list[tuple[ReturnedFile, checks.NewMedia]]:
    """The files of a reply that was taken back, as far as they are still in the form."""
    numbers = [whole_number(one) or 0 for one in request.POST.getlist("kept")[:MOST_RETURNED]]
    if not numbers:
        return []
    described = request.POST.getlist("kept_alt")
    case = access_case(user=request.user, case_id=case_id, permission=Permission.REPLY)
    alts = [described[n].strip() if n < len(described) else "" for n in range(len(numbers))]
    return access_returned(
        user=request.user, brand_id=case.brand_id, chosen=list(zip(numbers, alts, strict=True))
    )


def files_of(request: DeskRequest) -> list[checks.NewMedia]:
    """The files of a reply's form, each with the description that stands in its place."""
    described = request.POST.getlist("alt")
    files = []
    for number, file in enumerate(request.FILES.getlist("files")):
        content = file.read()
        mime = content_type(content, claimed=file.content_type or "")
        files.append(
            checks.NewMedia(
                name=file.name or "file",
                content=content,
                content_type=mime,
                kind=kind_of(mime),
                alt=described[number].strip() if number < len(described) else "",
            )
        )
    return files


@case_action
def edit(request: DeskRequest, view: str, case_id: int) -> HttpResponse:
    """Give a message of ours other words, on its network too."""
    return _change(request, view, case_id, edit_message, text=request.POST.get("text", ""))


@case_action
def delete(request: DeskRequest, view: str, case_id: int) -> HttpResponse:
    """Delete a message of ours from its network."""
    return _change(request, view, case_id, delete_message)


def _change(
    request: DeskRequest, view: str, case_id: int, action: Callable[..., Outgoing], **given: str
) -> HttpResponse:
    place = place_of(request, view)
    try:
        action(
            actor=request.user,
            case_id=case_id,
            message_id=number_of(request, "message") or 0,
            form_key=_key(request.POST.get("form_key", "")),
            **given,
        )
    except ActionError as error:
        return refuse(request, place, case_id, error)
    return answer(request, place, case_id, None)


def _key(value: str) -> uuid.UUID:
    try:
        return uuid.UUID(value)
    except ValueError:
        return uuid.uuid4()


@case_action
def note(request: DeskRequest, view: str, case_id: int) -> HttpResponse:
    """Write a note that only colleagues see. A newer version of the case does it no harm."""
    place = place_of(request, view)
    text = request.POST.get("note", "")
    try:
        with transaction.atomic():
            case = add_note(actor=request.user, case_id=case_id, text=text)
            draft_sent(
                user=request.user,
                case_id=case.id,
                field=DraftField.NOTE,
                text=text,
                revision=whole_number(request.POST.get("draft", "")),
            )
    except ActionError as error:
        typed = Typed(note=text, error=str(error), mode="note")
        return refuse(request, place, case_id, error, typed=typed)
    response = answer(request, place, case_id, Done(text=_("Note added.")), typed=Typed(mode="note"))
    return trigger_client_event(response, "rapport:sent", {"case": case_id, "field": "note"})


def outgoing_of(request: DeskRequest, case_id: int) -> int:
    """The id of the case's reply that the form names. Raises NotFound."""
    access_case(user=request.user, case_id=case_id, permission=Permission.REPLY)
    outgoing_id = number_of(request, "outgoing") or 0
    if not Outgoing.objects.filter(id=outgoing_id, case_id=case_id).exists():
        raise NotFound(_("There is no such reply, or you may not see it."))
    return outgoing_id


@case_action
def undo(request: DeskRequest, view: str, case_id: int) -> HttpResponse:
    """Take a reply back before it leaves; its words go back into the field."""
    place = place_of(request, view)
    text = whole = ""
    try:
        with transaction.atomic():
            outgoing = undo_reply(actor=request.user, outgoing_id=outgoing_of(request, case_id))
            own = outgoing.author_id == request.user.id
            if outgoing.verb == Verb.POST:
                text = taken_back(outgoing)
                # Whoever takes it back, its author has the words again.
                whole = draft_back(user=outgoing.author, case_id=case_id, field=DraftField.REPLY, text=text)
    except ActionError as error:
        return refuse(request, place, case_id, error)
    if outgoing.verb != Verb.POST:
        return answer(request, place, case_id, Done(text=_("Taken back. Nothing was changed.")))
    # Where script runs, the screen puts what it holds itself behind the words that come back.
    typed = Typed(
        text=text if request.htmx else whole,
        visibility=outgoing.visibility,
        in_reply_to=outgoing.in_reply_to_id,
        files=returned_files(outgoing),
    )
    done = Done(text=_("Taken back. Nothing was sent."))
    if not request.htmx and own:
        # A redirect would lose the words.
        messages.success(request, done.text)
        return desk_page(request, place, case_id, typed=typed)
    return answer(request, place, case_id, done, typed=typed if own else NOTHING)


@case_action
def retry(request: DeskRequest, view: str, case_id: int) -> HttpResponse:
    """Try a failed reply again."""
    place = place_of(request, view)
    try:
        retry_reply(actor=request.user, outgoing_id=outgoing_of(request, case_id))
    except ActionError as error:
        return refuse(request, place, case_id, error)
    return answer(request, place, case_id, None)


@case_action
def dismiss(request: DeskRequest, view: str, case_id: int) -> HttpResponse:
    """Let go of an edit or a deletion that could not be done."""
    place = place_of(request, view)
    try:
        dismiss_change(actor=request.user, outgoing_id=outgoing_of(request, case_id))
    except ActionError as error:
        return refuse(request, place, case_id, error)
    return answer(request, place, case_id, Done(text=_("The message stays as it is on the network.")))


@case_action
def length(request: DeskRequest, view: str, case_id: int) -> HttpResponse:
    """How long a text would be for the network, with all that goes along: {"length", "limit"}.

    Of one that is too long also ``fits``, so many of its characters as scripts count them; and where it can go out
    in several posts ``posts``, each with its length, or ``unsplit``, why it cannot.
    """
    case = access_case(user=request.user, case_id=case_id, permission=Permission.REPLY)
    private = request.POST.get("visibility") == Visibility.PRIVATE
    visibility = Visibility.PRIVATE if private else Visibility.PUBLIC
    channel, recipient = case.channel, None
    # What cannot be answered is counted all the same: that it cannot be sent is said when it is tried.
    with suppress(Invalid):
        parent = answered(case=case, message_id=number_of(request, "in_reply_to"), visibility=visibility)
        channel = parent.channel
        recipient = recipient_of_reply(parent=parent, thread=parent.thread, contact_id=case.contact_id)
        chosen = None if private else number_of(request, "channel")
        channel = voice(user=request.user, parent=parent, visibility=visibility, channel_id=chosen)
    limits = checks.limits(channel=channel, author=request.user)
    limit = limits.max_length_private if private else limits.max_length
    text = request.POST.get("text", "")
    given: dict[str, Any] = {
        "channel": channel, "author": request.user, "text": text, "recipient": recipient,
    }  # fmt: skip
    size = counted(**given, visibility=visibility)
    found: dict[str, object] = {"length": size, "limit": limit}
    if size > limit:
        found["fits"] = cut(**given, visibility=visibility)
        if limits.threads and not private:
            try:
                parts = posts(**given, numbered=bool(request.POST.get("numbered")))
                found["posts"] = parts
                found["send_as"] = ngettext(
                    "Send publicly as %(n)d post", "Send publicly as %(n)d posts", len(parts)
                ) % {"n": len(parts)}
            except Invalid as error:
                found["unsplit"] = str(error)
    return JsonResponse(found)
