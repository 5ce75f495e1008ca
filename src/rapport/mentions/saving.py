"""Saving queries: each change of the text is a version, and is heard by every process with its next batch.

Each action is one transaction with its audit entry. What a query found stays when it is paused, changed or deleted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from rapport.audit.actions import record
from rapport.lib.errors import Conflict, Invalid, NotFound
from rapport.lib.text import storable
from rapport.listening.parse import parse
from rapport.listening.problems import QueryError
from rapport.listening.show import show
from rapport.mentions import backfill
from rapport.mentions.examples import (
    Example,
    ExamplesFail,
    clean_examples,
    failing,
    keep_examples,
    kept_examples,
)
from rapport.mentions.matching import note_change
from rapport.mentions.models import Query, QueryKind, QueryState, QueryVersion
from rapport.mentions.query_queries import access_query
from rapport.staff.access import require
from rapport.staff.models import User
from rapport.staff.permissions import Permission

NAME_LENGTH = 80
MOST_QUERIES = 2000  # of a brand
KEPT = timedelta(days=1)  # how long a deleted one can be had back


def mark_of(query: Query) -> str:
    """Changes whenever what a form of the query holds does: who brings an older one has not seen the newest."""
    state = [query.name, query.kind, query.version_id]
    return hashlib.blake2b(json.dumps(state).encode(), digest_size=8).hexdigest()


def save_query(
    *,
    user: User,
    brand_id: int,
    name: str,
    text: str,
    kind: str,
    query_id: int | None = None,
    state: str | None = None,
    expected_version: int | None = None,
    mark: str | None = None,
    examples: Sequence[Example] | None = None,
    anyway: bool = False,
) -> Query:
    """Save a query: a new one, or with ``query_id`` other words for one that there is.

    ``expected_version`` (a number) or ``mark`` say what the person saw. ``examples`` replace those it has; None keeps
    them. They are tried first, and unless ``anyway`` is said one that fails stops it.

    Raises NotFound, NotAllowed, Invalid (:class:`ExamplesFail`), or Conflict when somebody changed it meanwhile.
    """
    name, text, canonical = _clean_name(name), clean_text(text), _canonical(text)
    if kind not in QueryKind.values or state not in (None, *QueryState.values):
        raise Invalid(_("Choose what the query is for from the list."))
    cleaned = None if examples is None else clean_examples(examples)
    if query_id is None:
        require(user, brand_id, Permission.MANAGE_LISTENING)
    with transaction.atomic():
        if query_id is None:
            _check_room(brand_id)
            query = Query(brand_id=brand_id, created_by=user)
        else:
            query = _to_change(user, query_id)
            if query.brand_id != brand_id:
                raise Invalid(_("A query stays with its brand. Make another one for the other brand."))
            _refuse_outdated(query, expected_version, mark)
        tried = failing(text, cleaned if cleaned is not None else _examples_of(query))
        if tried and not anyway:
            raise ExamplesFail(tried)
        before, other_kind = query.version, query.kind != kind
        query.name, query.kind = name, kind
        query.state = state or query.state
        _store(query)
        rewritten = before is None or before.text != text
        if rewritten:
            query.version = _add_version(query, text=text, canonical=canonical, user=user)
            query.save(update_fields=["version"])
        if cleaned is not None:
            keep_examples(query=query, examples=cleaned, user=user)
        _told("created" if query_id is None else "changed", user, query)
        note_change()
        # The same words in other letters find the same; another kind is theirs that are found already, too.
        if before is not None and other_kind:
            backfill.begin(query, kind_changed=True)
        elif query.state == QueryState.ACTIVE and (before is None or before.canonical != canonical):
            backfill.begin(query)
    return query


def bring_back(*, user: User, query_id: int, number: int, mark: str, anyway: bool = False) -> Query:
    """Make an older version's text the newest again, as a version of its own. Raises as :func:`save_query` does."""
    query = access_query(user=user, query_id=query_id, permission=Permission.MANAGE_LISTENING)
    version = query.versions.filter(number=number).first()
    if version is None:
        raise NotFound(_("There is no such version of this query."))
    return save_query(
        user=user,
        brand_id=query.brand_id,
        name=query.name,
        text=version.text,
        kind=query.kind,
        query_id=query.id,
        mark=mark,
        anyway=anyway,
    )


def set_state(*, user: User, query_id: int, state: str) -> Query:
    """Pause a query, or let it listen again."""
    if state not in QueryState.values:
        raise Invalid(_("There is no such state of a query."))
    with transaction.atomic():
        query = _to_change(user, query_id)
        if query.state != state:
            query.state = state
            query.save(update_fields=["state"])
            _told("resumed" if state == QueryState.ACTIVE else "paused", user, query)
            note_change()
            # What was said while it was paused is looked through too.
            if state == QueryState.ACTIVE:
                backfill.begin(query)
    return query


def look_back_again(*, user: User, query_id: int) -> Query:
    """Look through the past anew where that failed. Where it did not, nothing happens."""
    with transaction.atomic():
        query = _to_change(user, query_id)
        if query.state == QueryState.ACTIVE and query.backfill.get("state") == "failed":
            backfill.begin(query)
    return query


def delete_query(*, user: User, query_id: int) -> Query:
    """Take a query away; what it found stays. For a day :func:`restore_query` brings it back."""
    with transaction.atomic():
        query = _to_change(user, query_id)
        query.deleted_at = timezone.now()
        query.save(update_fields=["deleted_at"])
        _told("deleted", user, query)
        note_change()
    return query


def restore_query(*, user: User, query_id: int) -> Query:
    """Bring a deleted one back. Raises Invalid when its name was given to another since."""
    with transaction.atomic():
        query = _to_change(user, query_id, deleted=True)
        if query.deleted_at is not None:
            _check_room(query.brand_id)
            query.deleted_at = None
            _store(query)
            _told("restored", user, query)
            note_change()
            if query.state == QueryState.ACTIVE:
                backfill.begin(query)
    return query


def clean_text(text: str) -> str:
    """A query as it is kept: line ends in one way, nothing that cannot be stored."""
    return storable(text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def _canonical(text: str) -> str:
    try:
        return show(parse(clean_text(text)))
    except QueryError as error:
        raise Invalid(error.problems[0].message) from error


def _clean_name(name: str) -> str:
    name = " ".join(storable(name).split())
    if not name:
        raise Invalid(_("A query needs a name."))
    if len(name) > NAME_LENGTH:
        raise Invalid(_("The name of a query can have %(limit)s characters.") % {"limit": NAME_LENGTH})
    return name


def _to_change(user: User, query_id: int, *, deleted: bool = False) -> Query:
    """The query with its row locked, so that what is compared is what is changed."""
    access_query(user=user, query_id=query_id, permission=Permission.MANAGE_LISTENING, deleted=deleted)
    locked = Query.objects.select_for_update(of=("self",)).select_related("version")
    query = locked.filter(id=query_id).first()
    if query is None or (query.deleted_at is not None and not deleted):
        raise NotFound(_("This query was deleted."))
    return query


def _refuse_outdated(query: Query, expected_version: int | None, mark: str | None) -> None:
    number = query.version.number if query.version else 0
    if expected_version not in (None, number) or mark not in (None, mark_of(query)):
        raise Conflict(
            _(
                "Somebody changed this query since you opened it, so nothing was saved. Copy what you wrote, open the "
                "query again, and put your changes into what stands there now."
            )
        )


def _check_room(brand_id: int) -> None:
    if Query.objects.filter(brand_id=brand_id, deleted_at=None).count() >= MOST_QUERIES:
        raise Invalid(
            _("There are %(n)s queries already. Delete one that nobody needs.") % {"n": MOST_QUERIES}
        )


def _examples_of(query: Query) -> list[Example]:
    return kept_examples(query) if query.pk else []


def _store(query: Query) -> None:
    with _name_free(query):
        query.save()


def _add_version(query: Query, *, text: str, canonical: str, user: User) -> QueryVersion:
    newest = query.versions.aggregate(newest=Max("number"))["newest"] or 0
    return QueryVersion.objects.create(
        query=query, number=newest + 1, text=text, canonical=canonical, created_by=user
    )


@contextmanager
def _name_free(query: Query) -> Iterator[None]:
    """The database knows when a name is taken; here that becomes words."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if "query_name_once_per_brand" not in str(error):
            raise
        raise Invalid(
            _("Another query of this brand is called “%(name)s”. Choose another name.") % {"name": query.name}
        ) from error


def _told(what: str, user: User, query: Query) -> None:
    record(
        action=f"listening_query.{what}",
        actor_id=user.id,
        brand_id=query.brand_id,
        object_type="listening_query",
        object_id=query.id,
        data={"version": query.version.number if query.version else 0, "state": query.state},
    )
