"""Pages of the practice network for a browser. For people who may log in to this Rapport only:
everybody here can be anybody, and private messages are shown."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from rapport.networks.practice import accounts, actions, queries, reading
from rapport.networks.practice.errors import Problem
from rapport.networks.practice.forms import MessageForm, PostForm, WeatherForm
from rapport.networks.practice.models import Account, Picture, Post, PostVisibility

_AS = "practice_as"  # session key: whom this person was last


def _first(request: HttpRequest, text: str = "") -> dict[str, object]:
    return {"author": request.session.get(_AS), "text": text}


def _number(value: str) -> int | None:
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 19 else None


def _before(request: HttpRequest) -> int | None:
    return _number(request.GET.get("before", ""))


def _page(posts: list[Post]) -> dict[str, object]:
    """The posts of one page, and where the next one begins."""
    shown = posts[: queries.PAGE]
    return {"posts": shown, "older": shown[-1].pk if len(posts) > queries.PAGE else None}


@login_required
@require_GET
def timeline(request: HttpRequest) -> HttpResponse:
    context = _page(queries.timeline(before=_before(request)))
    companies = Account.objects.filter(is_company=True).order_by("name")
    return render(
        request,
        "practice/timeline.html",
        {**context, "form": PostForm(initial=_first(request)), "companies": companies, "tab": "timeline"},
    )


@login_required
@require_GET
def account(request: HttpRequest, handle: str) -> HttpResponse:
    found = get_object_or_404(Account, handle=handle.lower())
    text = f"@{found.handle} " if found.is_company else ""
    return render(
        request,
        "practice/account.html",
        {
            **_page(queries.posts_of(found, before=_before(request))),
            "account": found,
            "form": PostForm(initial=_first(request, text)),
        },
    )


@login_required
@require_GET
def post(request: HttpRequest, pk: int) -> HttpResponse:
    found = Post.objects.filter(pk=pk, deleted_at=None).select_related("author").first()
    if found is None:
        raise Http404(_("That post does not exist, or its author deleted it."))
    if found.is_private:
        return redirect("practice:conversation", conversation=found.conversation)
    return render(
        request,
        "practice/post.html",
        {
            "focus": found,
            "posts": queries.thread_of(found),
            "form": PostForm(initial=_first(request)),
            # For passing it on: the same choice twice on a page cannot have the same id twice.
            "again": PostForm(initial=_first(request), auto_id=False),
        },
    )


@login_required
@require_GET
def picture(request: HttpRequest, pk: int) -> HttpResponse:
    """A post's picture. Its type was told from its bytes, and browsers must not tell another."""
    found = get_object_or_404(Picture, pk=pk, post__deleted_at=None)
    response = HttpResponse(bytes(found.content), content_type=found.content_type)
    disposition = content_disposition_header(as_attachment=False, filename=found.name)
    response["Content-Disposition"] = disposition or "inline"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    # The bytes behind an id never change; a deleted post's may be seen for some minutes more.
    response["Cache-Control"] = "private, max-age=300"
    return response


@login_required
@require_GET
def conversations(request: HttpRequest) -> HttpResponse:
    return render(
        request,
        "practice/conversations.html",
        {"posts": queries.conversations(), "form": MessageForm(initial=_first(request)), "tab": "messages"},
    )


@login_required
@require_GET
def conversation(request: HttpRequest, conversation: str) -> HttpResponse:
    posts = queries.conversation(conversation)
    if not posts or posts[0].recipient is None:
        raise Http404(_("That conversation does not exist."))
    people = [posts[0].author, posts[0].recipient]
    customer = next((one for one in people if not one.is_company), people[0])
    other = next(one for one in people if one != customer)
    form = MessageForm(initial={"author": customer.pk, "recipient": other.pk})
    to_read = reading.newest_to(reader_id=customer.pk, conversation=conversation)
    read = reading.read_by(reader_id=customer.pk, conversation=conversation)
    context = {"posts": posts, "customer": customer, "other": other, "form": form, "tab": "messages"}
    context |= {"read": read, "to_read": to_read if to_read != read else None}
    return render(request, "practice/conversation.html", context)


@login_required
@require_POST
def new_post(request: HttpRequest) -> HttpResponse:
    """A post, an answer (``in_reply_to``) or a private message (``recipient``). What was typed is kept
    when it cannot be published."""
    private = "recipient" in request.POST
    kind = MessageForm if private else PostForm
    form = kind(request.POST, request.FILES)
    answers = request.POST.get("in_reply_to", "")
    if form.is_valid():
        author: Account = form.cleaned_data["author"]
        request.session[_AS] = author.pk
        try:
            made, _new = actions.publish(
                actions.Draft(
                    author=author,
                    text=form.cleaned_data["text"],
                    in_reply_to=_number(answers),
                    recipient=form.cleaned_data.get("recipient"),
                    private=private,
                    lang=author.lang,
                    pictures=form.pictures(),
                )
            )
        except Problem as problem:
            form.add_error(None, problem.message)
        else:
            if made.is_private:
                return redirect("practice:conversation", conversation=made.conversation)
            thread = reverse("practice:post", args=[made.root_id or made.pk])
            return redirect(f"{thread}#post-{made.pk}")
    return render(
        request,
        "practice/compose.html",
        {"form": form, "in_reply_to": answers, "private": private},
        status=422,
    )


@login_required
@require_POST
def change_post(request: HttpRequest, pk: int) -> HttpResponse:
    """Edit or delete a customer's post, pass any public post on, or read what was written to a customer."""
    found = get_object_or_404(Post.objects.select_related("author", "recipient"), pk=pk, deleted_at=None)
    act = request.POST.get("act", "")
    try:
        if act == "repost":
            who = Account.objects.filter(is_company=False, pk=_number(request.POST.get("author", "")) or 0)
            actions.repost(author=get_object_or_404(who), post_id=pk)
            messages.success(request, _("Passed on."))
        elif act == "read" and found.recipient is not None and not found.recipient.is_company:
            actions.read(reader=found.recipient, post_id=pk)
        elif found.author.is_company:
            raise PermissionDenied(_("Companies' posts are changed in the desk."))
        elif act == "edit":
            actions.edit(author=found.author, post_id=pk, text=request.POST.get("text", ""))
            messages.success(request, _("Changed."))
        elif act == "delete":
            actions.delete(author=found.author, post_id=pk)
            messages.success(request, _("Deleted."))
            return redirect("practice:timeline")
    except Problem as problem:
        messages.error(request, problem.message)
    if found.visibility == PostVisibility.PRIVATE:
        return redirect("practice:conversation", conversation=found.conversation)
    return redirect("practice:post", pk=pk)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def weather(request: HttpRequest) -> HttpResponse:
    """Outages and other trouble, on demand; for the instance's owner."""
    if not getattr(request.user, "is_superuser", False):
        raise PermissionDenied(_("Only the owner of this Rapport may change the network's weather."))
    form = WeatherForm(request.POST or None, instance=accounts.chaos_now())
    if request.method == "POST" and form.is_valid():
        accounts.set_chaos(**form.cleaned_data)
        messages.success(request, _("The weather changed."))
        return redirect("practice:weather")
    return render(request, "practice/weather.html", {"form": form, "tab": "weather"})
