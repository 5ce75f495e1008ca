"""Entering what no network brings: letters, calls, visits."""

from __future__ import annotations

from uuid import uuid4

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from rapport.brands.models import Brand
from rapport.inbox.access import access_case
from rapport.inbox.models import Case, CaseThread, Message
from rapport.ingest.process import process_channel
from rapport.lib.errors import NotAllowed, NotFound
from rapport.staff.access import brands_for, require
from rapport.staff.permissions import Permission
from rapport.web.letter_form import NETWORK, LetterForm, letters_channel, store
from rapport.web.numbers import whole_number
from rapport.web.uploads import files_too_large, too_large
from rapport.web.views.pages import DeskRequest, desk_view


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view
def new(request: DeskRequest) -> HttpResponse:
    """The form; entered, it leads to the case. ``?case=`` goes on with a case that began this way."""
    brands = list(brands_for(request.user, Permission.REPLY).order_by("name"))
    if not brands:
        raise NotAllowed(_("Your role does not allow entering letters. Ask a lead or an admin."))
    last = _goes_on(request)
    if last is not None:
        brands = [last.brand]
    if request.method != "POST":
        brand = next((one for one in brands if one.slug == request.GET.get("brand", "")), brands[0])
        initial = {"key": uuid4(), "brand": brand.slug, "way": "letter", "date": timezone.localdate()}
        return _page(request, LetterForm(brands, initial=initial), brands, last)
    if too_large(request):
        form = LetterForm(
            brands, initial={"key": uuid4(), "brand": brands[0].slug, "date": timezone.localdate()}
        )
        return _page(request, form, brands, last, problem=files_too_large(), status=413)
    form = LetterForm(brands, request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, form, brands, last, status=422)
    channel = letters_channel(form.cleaned_data["brand"])
    known = None
    if last is not None:
        known = (last.identity.external_id, last.identity.name, last.identity.handle)
    external_id = store(
        channel,
        form,
        recorded_by=request.user.name,
        thread_key=last.thread_key if last is not None else None,
        author=known,
    )
    # Read at once, not when the worker comes to it: whoever typed it wants to go on with it.
    process_channel(channel.id)
    case_id = _case_of(channel.id, external_id)
    if case_id is None:
        messages.success(request, _("It is stored, and appears in the list in a moment."))
        return HttpResponseRedirect(reverse("desk"))
    return HttpResponseRedirect(reverse("desk-case", args=["all", case_id]))


def _goes_on(request: DeskRequest) -> Message | None:
    """The last letter of the case that is named, if one is. Raises NotFound or NotAllowed."""
    case_id = whole_number(request.GET.get("case", ""))
    if case_id is None:
        return None
    case: Case = access_case(user=request.user, case_id=case_id)
    require(request.user, case.brand_id, Permission.REPLY)
    message = (
        Message.objects.filter(
            thread__case_threads__case=case,
            channel__network=NETWORK,
            identity__contact_id=case.contact_id,
            from_brand=False,
        )
        .select_related("identity", "brand")
        .order_by("-sent_at", "-id")
        .first()
    )
    if message is None:
        raise NotFound(_("This case did not begin with a letter or a call."))
    return message


def _case_of(channel_id: int, external_id: str) -> int | None:
    message = Message.objects.filter(channel_id=channel_id, external_id=external_id).first()
    if message is None:
        return None
    return (
        CaseThread.objects.filter(thread_id=message.thread_id, contact__identities=message.identity_id)
        .values_list("case_id", flat=True)
        .first()
    )


def _page(
    request: DeskRequest,
    form: LetterForm,
    brands: list[Brand],
    last: Message | None,
    *,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    context = {
        "form": form,
        "brands": brands,
        "last": last,
        "case_id": request.GET.get("case", ""),
        "problem": problem,
        "today": timezone.localdate().isoformat(),
        "files_lost": bool(request.FILES) and status != 200,
    }
    return render(request, "web/letters/new.html", context, status=status)
