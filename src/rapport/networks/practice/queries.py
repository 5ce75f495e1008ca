"""What the practice network's pages show. Everything is one or two statements, whatever the length."""

from __future__ import annotations

from django.db.models import Count, Max, Q, QuerySet

from rapport.networks.practice.models import Account, Post, PostVisibility
from rapport.networks.practice.pictures import WITH_PICTURES

PAGE = 40


def shown(posts: QuerySet[Post]) -> QuerySet[Post]:
    """Posts with everything a card shows."""
    return (
        posts.filter(deleted_at=None)
        .select_related("author", "in_reply_to__author")
        .prefetch_related(WITH_PICTURES)
        .annotate(
            reply_count=Count("replies", distinct=True, filter=Q(replies__deleted_at=None)),
            repost_count=Count("reposts", distinct=True),
        )
    )


def timeline(*, before: int | None) -> list[Post]:
    """Public posts, newest first."""
    posts = Post.objects.filter(visibility=PostVisibility.PUBLIC)
    if before is not None:
        posts = posts.filter(pk__lt=before)
    return list(shown(posts).order_by("-pk")[: PAGE + 1])


def posts_of(account: Account, *, before: int | None) -> list[Post]:
    """An account's public posts, newest first."""
    posts = Post.objects.filter(visibility=PostVisibility.PUBLIC, author=account)
    if before is not None:
        posts = posts.filter(pk__lt=before)
    return list(shown(posts).order_by("-pk")[: PAGE + 1])


def thread_of(post: Post) -> list[Post]:
    """A public thread in the order it was written."""
    return list(shown(Post.objects.filter(root_id=post.root_id)).order_by("created_at", "pk"))


def conversations() -> list[Post]:
    """The newest message of each private conversation, most recent first."""
    newest = (
        Post.objects.filter(deleted_at=None)
        .exclude(conversation="")
        .values("conversation")
        .annotate(newest=Max("pk"))
        .values("newest")
    )
    return list(
        Post.objects.filter(pk__in=newest).select_related("author", "recipient").order_by("-pk")[:PAGE]
    )


def conversation(key: str) -> list[Post]:
    """One private conversation, oldest first."""
    posts = Post.objects.filter(conversation=key, deleted_at=None).exclude(conversation="")
    found = posts.select_related("author", "recipient").prefetch_related(WITH_PICTURES)
    return list(found.order_by("created_at", "pk"))
