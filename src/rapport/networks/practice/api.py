"""The practice network's JSON API. Each view: who asks, what for, answer; the rest is in ``actions``."""

from __future__ import annotations

import json
import logging
import secrets
import time
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from rapport.lib.text import storable
from rapport.networks.practice import accounts, actions, stream
from rapport.networks.practice.errors import NoToken, NotThere, NotYours, Outage, Problem
from rapport.networks.practice.models import Account, Chaos, Post, Subscription, Token
from rapport.networks.practice.pictures import WITH_PICTURES, from_json
from rapport.networks.practice.wire import Json, account_json, post_json, repost_json

log = logging.getLogger(__name__)
P = ParamSpec("P")
MAX_PAGE = 200
_random = secrets.SystemRandom()


class Asked:
    """One authenticated request: whose token it is, the weather, and the body as JSON."""

    def __init__(self, request: HttpRequest, token: Token, chaos: Chaos) -> None:
        self.request = request
        self.token = token
        self.account: Account = token.account
        self.chaos = chaos

    @property
    def body(self) -> Json:
        """The JSON object that was sent. Raises :class:`Problem`."""
        try:
            found = json.loads(self.request.body or b"{}")
        except (ValueError, RecursionError) as error:
            raise Problem("bad_json", _("The body is not JSON.")) from error
        if not isinstance(found, dict):
            raise Problem("bad_json", _("The body is not a JSON object."))
        return found

    def limit(self) -> int:
        """How many items the page may hold."""
        value = self.request.GET.get("limit", "50")
        return min(max(int(value), 1), MAX_PAGE) if value.isdecimal() and len(value) < 6 else 50


View = Callable[Concatenate[Asked, P], HttpResponse]


def endpoint(**methods: View[P]) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """One address of the API, with a function per method: weather, token, rate limit, errors as JSON."""

    @csrf_exempt  # a bearer token is no cookie: no browser sends it by itself
    def view(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        handler = methods.get(str(request.method).lower())
        if handler is None:
            return _problem(Problem("method", _("This address does not take that method.")), status=405)
        try:
            chaos = accounts.chaos_now()
            token = _token(request)
            if token.scope != Token.Scope.OPERATOR:  # who mends the weather must get through it
                _suffer(chaos)
                accounts.spend(token=token, limit=chaos.rate_limit)
            return handler(Asked(request, token, chaos), *args, **kwargs)
        except Problem as problem:
            return _problem(problem)

    return view


def _token(request: HttpRequest) -> Token:
    scheme, _space, value = request.headers.get("Authorization", "").partition(" ")
    token = accounts.token_holder(value.strip()) if scheme.lower() == "bearer" and value else None
    if token is None:
        raise NoToken("no_token", _("The token is missing, wrong or was revoked."))
    return token


def _suffer(chaos: Chaos) -> None:
    if chaos.slow_ms:
        time.sleep(chaos.slow_ms / 1000)
    if chaos.outage:
        raise Outage("outage", _("The practice network is down."), retry_after_s=5)


def _problem(problem: Problem, *, status: int | None = None) -> HttpResponse:
    response = JsonResponse(
        {"error": {"code": problem.code, "message": problem.message}}, status=status or problem.status
    )
    if problem.retry_after_s is not None:
        response["Retry-After"] = str(problem.retry_after_s)
    if isinstance(problem, NoToken):
        response["WWW-Authenticate"] = "Bearer"
    return response


# Accounts ---------------------------------------------------------------------------------------
def me(asked: Asked) -> HttpResponse:
    return JsonResponse({**account_json(asked.account), "bio": asked.account.bio})


def account(asked: Asked, handle: str) -> HttpResponse:
    found = Account.objects.filter(handle=storable(handle.lower())).first()
    if found is None:
        raise NotThere("no_such_account", _("That account does not exist."))
    return JsonResponse({**account_json(found), "bio": found.bio})


def own_posts(asked: Asked) -> HttpResponse:
    """One's own posts, newest first; ``client_ref`` finds the one that a lost answer belonged to."""
    posts = Post.objects.filter(author=asked.account, deleted_at=None).select_related("author")
    posts = posts.prefetch_related(WITH_PICTURES)
    if ref := asked.request.GET.get("client_ref", ""):
        posts = posts.filter(client_ref=storable(ref))
    before = stream.decode_cursor(asked.request.GET.get("cursor", ""))
    if before:
        posts = posts.filter(pk__lt=before)
    limit = asked.limit()
    page = list(posts.order_by("-pk")[: limit + 1])
    more = len(page) > limit
    page = page[:limit]
    return JsonResponse(
        {
            "posts": [post_json(post, reader_id=asked.account.pk) for post in page],
            "next_cursor": stream.encode_cursor(page[-1].pk) if more else None,
            "more": more,
        }
    )


# Posts ------------------------------------------------------------------------------------------
def create_post(asked: Asked) -> HttpResponse:
    body = asked.body
    visibility = body.get("visibility", "public")
    if visibility not in ("public", "private"):  # a tuple: what was sent may not be hashable
        raise Problem("bad_visibility", _("A post is public or private."))
    key = asked.request.headers.get("Idempotency-Key", "")
    if len(key) > 64:
        raise Problem("bad_key", _("An idempotency key has at most 64 characters."))
    post, new = actions.publish(
        actions.Draft(
            author=asked.account,
            text=_string(body, "text", exact=False),
            in_reply_to=_number(body, "in_reply_to"),
            recipient=_recipient(body),
            private=visibility == "private",
            lang=_string(body, "lang"),
            pictures=from_json(body.get("media")),
            client_ref=_string(body, "client_ref", limit=64),
            idempotency_key=None if asked.chaos.ignore_idempotency or not key else key,
        )
    )
    answer = JsonResponse(post_json(post, reader_id=asked.account.pk), status=201 if new else 200)
    if not new:
        answer["Idempotent-Replay"] = "true"
    if _random.random() < asked.chaos.lost_response_rate:
        return _lost(answer)
    return answer


def _lost(answer: HttpResponse) -> HttpResponse:
    """The post is committed and the client does not get to know: an error page, or half an answer."""
    if _random.random() < 0.5:
        return _problem(Problem("internal", _("Something went wrong.")), status=500)
    return HttpResponse(
        answer.content[: len(answer.content) // 2], content_type="application/json", status=201
    )


def _string(body: Json, key: str, *, limit: int = 10_000, exact: bool = True) -> str:
    """A text of the body. ``exact``: it is kept as it came, so what cannot be stored is refused."""
    value = body.get(key) or ""
    if not isinstance(value, str) or len(value) > limit or (exact and storable(value) != value):
        raise Problem("bad_field", _("%(field)s must be a text.") % {"field": key})
    return value


def _number(body: Json, key: str) -> int | None:
    value: Any = body.get(key)
    if value is None:
        return None
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 19:
        return int(value)
    raise Problem("bad_field", _("%(field)s must be an id.") % {"field": key})


def _recipient(body: Json) -> Account | None:
    pk = _number(body, "recipient_id")
    if pk is None:
        return None
    found = Account.objects.filter(pk=pk).first()
    if found is None:
        raise NotThere("no_such_account", _("The recipient does not exist."))
    return found


def _visible(asked: Asked, pk: int) -> Post:
    posts = Post.objects.select_related("author").prefetch_related(WITH_PICTURES)
    post = posts.filter(pk=pk, deleted_at=None).first()
    if post is None or (post.is_private and asked.account.pk not in {post.author_id, post.recipient_id}):
        raise NotThere("no_such_post", _("That post does not exist."))
    return post


def post(asked: Asked, pk: int) -> HttpResponse:
    return JsonResponse(post_json(_visible(asked, pk), reader_id=asked.account.pk))


def edit_post(asked: Asked, pk: int) -> HttpResponse:
    edited = actions.edit(author=asked.account, post_id=pk, text=_string(asked.body, "text", exact=False))
    return JsonResponse(post_json(edited, reader_id=asked.account.pk))


def delete_post(asked: Asked, pk: int) -> HttpResponse:
    actions.delete(author=asked.account, post_id=pk)
    return HttpResponse(status=204)


def thread(asked: Asked, pk: int) -> HttpResponse:
    """The whole public thread, or private conversation, that a post is part of; oldest first."""
    first = _visible(asked, pk)
    posts = Post.objects.filter(deleted_at=None).select_related("author").order_by("pk")
    posts = posts.prefetch_related(WITH_PICTURES)
    if first.is_private:
        posts = posts.filter(conversation=first.conversation)
    else:
        posts = posts.filter(root_id=first.root_id)
    return JsonResponse({"posts": [post_json(one, reader_id=asked.account.pk) for one in posts[:MAX_PAGE]]})


def repost(asked: Asked, pk: int) -> HttpResponse:
    return JsonResponse(repost_json(actions.repost(author=asked.account, post_id=pk)), status=201)


def read(asked: Asked, pk: int) -> HttpResponse:
    """One has read a private message, and so the conversation up to it."""
    actions.read(reader=asked.account, post_id=pk)
    return HttpResponse(status=204)


# Events -----------------------------------------------------------------------------------------
def events(asked: Asked) -> HttpResponse:
    """One's event stream after a cursor, oldest first. Chaos repeats and shuffles within the page."""
    page = stream.read(
        account_id=asked.account.pk, cursor=asked.request.GET.get("cursor", ""), limit=asked.limit()
    )
    payloads = list(page.payloads)
    payloads += [one for one in page.payloads if _random.random() < asked.chaos.duplicate_rate]
    if _random.random() < asked.chaos.reorder_rate:
        _random.shuffle(payloads)
    return JsonResponse({"events": payloads, "next_cursor": page.cursor, "more": page.more})


def _subscription_json(subscription: Subscription) -> Json:
    return {"id": str(subscription.pk), "url": subscription.url, "active": subscription.active}


def subscriptions(asked: Asked) -> HttpResponse:
    found = Subscription.objects.filter(account=asked.account).order_by("pk")
    return JsonResponse({"subscriptions": [_subscription_json(one) for one in found]})


def subscribe(asked: Asked) -> HttpResponse:
    body = asked.body
    made = accounts.subscribe(
        account=asked.account, url=_string(body, "url"), secret=_string(body, "secret", limit=200)
    )
    return JsonResponse(_subscription_json(made), status=201)


def unsubscribe(asked: Asked, pk: int) -> HttpResponse:
    accounts.unsubscribe(account=asked.account, subscription_id=pk)
    return HttpResponse(status=204)


# Weather ----------------------------------------------------------------------------------------
def _operator(asked: Asked) -> None:
    if asked.token.scope != Token.Scope.OPERATOR:
        raise NotYours("not_operator", _("Only an operator's token may do this."))


def chaos(asked: Asked) -> HttpResponse:
    _operator(asked)
    return JsonResponse(accounts.weather_of(asked.chaos))


def change_chaos(asked: Asked) -> HttpResponse:
    _operator(asked)
    try:
        return JsonResponse(accounts.weather_of(accounts.set_chaos(**asked.body)))
    except (ValidationError, ValueError, TypeError) as error:
        raise Problem("bad_setting", _("A setting has a value it cannot have.")) from error
