"""Everything that can be done on the practice network. The API, the pages and the simulator all use this."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, connection, transaction
from django.db.models import prefetch_related_objects
from django.utils import timezone
from django.utils.translation import gettext as _

from rapport.lib.text import storable
from rapport.networks.practice import reading
from rapport.networks.practice.errors import NotThere, NotYours, Problem
from rapport.networks.practice.limits import MAX_LENGTH
from rapport.networks.practice.models import Account, Picture, Post, PostVisibility, Repost
from rapport.networks.practice.pictures import WITH_PICTURES, NewPicture, build, same
from rapport.networks.practice.stream import Happened, append
from rapport.networks.practice.wire import moment, post_json, repost_json

_HANDLE = re.compile(r"(?<![\w@])@([a-z0-9_](?:[a-z0-9_.]{0,38}[a-z0-9_])?)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A post to publish. ``id`` comes from :func:`reserve_ids` when a later draft answers this one."""

    author: Account
    text: str
    in_reply_to: int | None = None
    recipient: Account | None = None
    private: bool = False
    lang: str = ""
    pictures: tuple[NewPicture, ...] = ()
    client_ref: str = ""
    idempotency_key: str | None = None
    at: datetime | None = None
    id: int | None = None


def reserve_ids(count: int) -> list[int]:
    """Post ids, rising, that nobody else will get."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('practice_post', 'id')) FROM generate_series(1, %s)",
            [count],
        )
        return sorted(row[0] for row in cursor.fetchall())


def publish(draft: Draft) -> tuple[Post, bool]:
    """Publish one post; the flag says whether it is new.

    With an idempotency key that this author used before, the earlier post is returned, or
    :class:`Problem` is raised when it says something else.
    """
    if draft.idempotency_key is not None:
        earlier = _earlier(draft)
        if earlier is not None:
            return earlier, False
    try:
        with transaction.atomic():
            post = publish_many([draft])[0]
            if post.is_private:  # whoever answers has read what they answer
                asked = reading.newest_to(reader_id=post.author_id, conversation=post.conversation)
                reading.read(posts=[asked] if asked else [], at=post.created_at)
        return post, True
    except IntegrityError:
        # Two requests with one key at once: the constraint let the other one through.
        earlier = _earlier(draft)
        if earlier is None:
            raise
        return earlier, False


def _earlier(draft: Draft) -> Post | None:
    if draft.idempotency_key is None:
        return None
    earlier = (
        Post.objects.filter(author=draft.author, idempotency_key=draft.idempotency_key)
        .select_related("author")
        .prefetch_related(WITH_PICTURES)
        .first()
    )
    if earlier is not None and earlier.text != _clean(draft.text):
        raise Problem("key_reused", _("This idempotency key was used for another text."))
    if earlier is not None and not same(earlier, draft.pictures):
        raise Problem("key_reused", _("This idempotency key was used with other pictures."))
    return earlier


def publish_many(drafts: Sequence[Draft]) -> list[Post]:
    """Publish posts in order, in one transaction; a draft may answer an earlier one by its ``id``.

    Raises :class:`Problem`, and then nothing was published.
    """
    now = timezone.now()
    with transaction.atomic():
        parents = _parents(drafts)
        ids = [draft.id for draft in drafts]
        fresh = iter(reserve_ids(ids.count(None)))
        heard_by = {
            pk: {account.pk: account for account in post.mentions.all()} for pk, post in parents.items()
        }
        named = _named(drafts)
        posts: list[Post] = []
        pictures: list[Picture] = []
        for draft in drafts:
            parent = _answerable(draft, parents)
            post = _build(draft, parent=parent, pk=draft.id or next(fresh), now=now)
            mentions = {account.pk: account for account in named.get(post.text, ())}
            if parent is not None and not post.is_private:
                mentions |= heard_by[parent.pk] | {parent.author_id: parent.author}
            mentions.pop(post.author_id, None)
            heard_by[post.pk] = {} if post.is_private else mentions
            parents[post.pk] = post
            posts.append(post)
            pictures += build(post, draft.pictures)
        Post.objects.bulk_create(posts)
        Picture.objects.bulk_create(pictures)
        prefetch_related_objects(posts, WITH_PICTURES)
        Post.mentions.through.objects.bulk_create(
            Post.mentions.through(post_id=post.pk, account_id=pk)
            for post in posts
            for pk in heard_by[post.pk]
        )
        append(
            [
                Happened(pk, "post.created", post.created_at, {"post": post_json(post, reader_id=pk)})
                for post in posts
                for pk in _audience(post, heard_by[post.pk].values())
            ]
        )
    return posts


def _parents(drafts: Sequence[Draft]) -> dict[int, Post]:
    wanted = {draft.in_reply_to for draft in drafts if draft.in_reply_to is not None}
    found = Post.objects.filter(pk__in=wanted).select_related("author", "recipient")
    return {post.pk: post for post in found.prefetch_related("mentions")}


def _answerable(draft: Draft, parents: Mapping[int, Post]) -> Post | None:
    """The post a draft answers. A private message to somebody needs none, so a deleted one is let go."""
    if draft.in_reply_to is None:
        return None
    parent = parents.get(draft.in_reply_to)
    if parent is not None and parent.deleted_at is None and _may_see(draft.author, parent):
        return parent
    if draft.private and draft.recipient is not None:
        return None
    raise NotThere("no_such_post", _("The post you answer does not exist."))


def _named(drafts: Sequence[Draft]) -> dict[str, list[Account]]:
    handles = {
        text: {handle.lower() for handle in _HANDLE.findall(text)}
        for text in (_clean(draft.text) for draft in drafts if not draft.private)
    }
    everybody = {handle for found in handles.values() for handle in found}
    accounts = {account.handle: account for account in Account.objects.filter(handle__in=everybody)}
    return {
        text: [accounts[handle] for handle in sorted(found) if handle in accounts]
        for text, found in handles.items()
    }


def _clean(text: str) -> str:
    return storable(text.strip())


def _build(draft: Draft, *, parent: Post | None, pk: int, now: datetime) -> Post:
    text = _clean(draft.text)
    if not text:
        raise Problem("empty", _("A post needs some text."))
    if len(text) > MAX_LENGTH:
        raise Problem("too_long", _("A post may have %(limit)d characters.") % {"limit": MAX_LENGTH})
    recipient = draft.recipient
    if parent is not None and parent.is_private:
        if not draft.private:
            raise Problem("private_thread", _("A private message can only be answered privately."))
        if recipient is None:
            recipient = parent.recipient if parent.author_id == draft.author.pk else parent.author
    if draft.private:
        if recipient is None and parent is not None:
            recipient = parent.author
        if recipient is None or recipient.pk == draft.author.pk:
            raise Problem("no_recipient", _("A private message needs somebody to go to."))
    return Post(
        pk=pk,
        author=draft.author,
        text=text,
        visibility=PostVisibility.PRIVATE if draft.private else PostVisibility.PUBLIC,
        # A private message may be sent because of a public post; it does not join its thread.
        in_reply_to=parent if parent is not None and parent.is_private == draft.private else None,
        root_id=None if draft.private else (parent.root_id or parent.pk if parent is not None else pk),
        recipient=recipient if draft.private else None,
        conversation=conversation_of(draft.author, recipient) if draft.private and recipient else "",
        lang=draft.lang[:16],
        client_ref=draft.client_ref[:64],
        idempotency_key=draft.idempotency_key,
        created_at=draft.at or now,
    )


def conversation_of(one: Account, other: Account) -> str:
    """The id of two accounts' private conversation."""
    low, high = sorted((one.pk, other.pk))
    return f"conversation-{low}-{high}"


def _may_see(account: Account, post: Post) -> bool:
    return not post.is_private or account.pk in {post.author_id, post.recipient_id}


def _audience(post: Post, mentions: Iterable[Account]) -> list[int]:
    people = [post.author, *mentions]
    if post.recipient is not None:
        people.append(post.recipient)
    return sorted({account.pk for account in people if account.is_company})


def _lock(post_id: int) -> Post:
    """The post, with a row lock: two edits at once must not tell two stories."""
    post = (
        Post.objects.select_for_update(of=("self",))
        .select_related("author", "recipient")
        .prefetch_related(WITH_PICTURES)
        .filter(pk=post_id)
    )
    found = post.first()
    if found is None or found.deleted_at is not None:
        raise NotThere("no_such_post", _("That post does not exist."))
    return found


def edit(*, author: Account, post_id: int, text: str, at: datetime | None = None) -> Post:
    """Change the text of one's own post. Raises :class:`Problem`."""
    with transaction.atomic():
        post = _lock(post_id)
        if post.author_id != author.pk:
            raise NotYours("not_yours", _("Only its author may change a post."))
        cleaned = _clean(text)
        if not cleaned or len(cleaned) > MAX_LENGTH:
            raise Problem("bad_text", _("A post has 1 to %(limit)d characters.") % {"limit": MAX_LENGTH})
        if cleaned == post.text:
            return post
        post.text, post.edited_at = cleaned, at or timezone.now()
        post.save(update_fields=["text", "edited_at"])
        _tell(post, "post.edited", post.edited_at)
    return post


def delete(*, author: Account, post_id: int, at: datetime | None = None) -> Post:
    """Take one's own post back. It stays in the table and is shown to nobody."""
    with transaction.atomic():
        post = _lock(post_id)
        if post.author_id != author.pk:
            raise NotYours("not_yours", _("Only its author may delete a post."))
        post.deleted_at = at or timezone.now()
        post.save(update_fields=["deleted_at"])
        body = {"post": {"id": str(post.pk)}, "deleted_at": moment(post.deleted_at)}
        append(
            [
                Happened(pk, "post.deleted", post.deleted_at, body)
                for pk in _audience(post, post.mentions.filter(is_company=True))
            ]
        )
    return post


def _tell(post: Post, kind: str, at: datetime) -> None:
    append(
        [
            Happened(pk, kind, at, {"post": post_json(post, reader_id=pk)})
            for pk in _audience(post, post.mentions.filter(is_company=True))
        ]
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Passing:
    """Somebody passes a post on."""

    author: Account
    post_id: int
    at: datetime | None = None


def read(*, reader: Account, post_id: int) -> None:
    """``reader`` has read a private message to them, and so the conversation up to it. Raises :class:`NotThere`."""
    with transaction.atomic():
        there = Post.objects.filter(pk=post_id, recipient=reader, deleted_at=None).exclude(conversation="")
        if not there.exists():
            raise NotThere("no_such_post", _("That post does not exist."))
        reading.read(posts=[post_id], at=timezone.now())


def repost(*, author: Account, post_id: int, at: datetime | None = None) -> Repost:
    """Pass a public post on; once per account, however often it is asked. Raises :class:`NotThere`."""
    repost_many([Passing(author=author, post_id=post_id, at=at)])
    return Repost.objects.select_related("author").get(post_id=post_id, author=author)


def repost_many(passings: Sequence[Passing]) -> int:
    """Pass posts on, in one transaction; returns how many reposts are new. Raises :class:`NotThere`."""
    wanted = {(one.post_id, one.author.pk): one for one in passings}
    now = timezone.now()
    with transaction.atomic():
        # The posts' row locks, taken in one order, make "is it there already?" a safe question.
        found = Post.objects.select_for_update(of=("self",)).select_related("author", "recipient")
        posts = {post.pk: post for post in found.filter(pk__in={pk for pk, _who in wanted}).order_by("pk")}
        for pk, _who in wanted:
            if pk not in posts or posts[pk].deleted_at is not None or posts[pk].is_private:
                raise NotThere("no_such_post", _("That post does not exist."))
        before = set(Repost.objects.filter(post_id__in=posts).values_list("post_id", "author_id"))
        rows = Repost.objects.bulk_create(
            Repost(post=posts[key[0]], author=one.author, created_at=one.at or now)
            for key, one in wanted.items()
            if key not in before
        )
        heard_by: dict[int, list[Account]] = {}
        for post in Post.objects.filter(pk__in=posts).prefetch_related("mentions"):
            heard_by[post.pk] = list(post.mentions.all())
        append(
            [
                Happened(pk, "post.reposted", row.created_at, {"repost": repost_json(row)})
                for row in rows
                for pk in _audience(row.post, heard_by[row.post_id])
            ]
        )
    return len(rows)
