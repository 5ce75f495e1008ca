"""Adding sources and changing them. They are of the whole installation, so owners do it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from rapport.audit.actions import record
from rapport.ingest.readers import RENEW_S
from rapport.lib.errors import Invalid, NotAllowed, NotFound
from rapport.lib.text import storable
from rapport.mentions.models import Source
from rapport.mentions.sources.base import Given, SourceKind
from rapport.mentions.sources.registry import STREAMED
from rapport.mentions.stream_models import SourceState
from rapport.networks.errors import NetworkError
from rapport.staff.models import User


def must_own(user: User) -> None:
    """Raises NotAllowed for anybody but an owner."""
    if not user.is_superuser:
        raise NotAllowed(_("Sources are heard for every brand here, so only owners see and change them."))


def kind_offered(key: str) -> SourceKind:
    """A kind that can be added. Raises NotFound."""
    kind = STREAMED.get(key)
    if kind is None:
        raise NotFound(_("There is no such kind of source here."))
    return kind


def add_source(*, actor: User, key: str, values: dict[str, Any]) -> Source:
    """Listen to another stream, from now on. May ask the network whether it is there.

    Raises Invalid, also for one that is listened to already.
    """
    must_own(actor)
    kind = kind_offered(key)
    try:
        given = kind.checked(_apart(kind, values))
    except NetworkError as error:
        raise Invalid(str(error)) from error
    with transaction.atomic():
        _only(key, given)
        made = Source.objects.create(
            kind=key,
            name=storable(kind.named(given), limit=80),
            options=dict(given.options),
            secrets=dict(given.secrets) or None,
        )
        _note("source.added", actor, made)
    return made


def change_source(*, actor: User, source_id: int, values: dict[str, Any]) -> Source:
    """Listen to it in another way, from now on; where it is read at the same place, from where it was. Secrets that
    are left empty stay as they are, unless it moves. May ask the network whether it is there.

    Raises Invalid, also when that is listened to already; NotFound when there is nothing to change about it.
    """
    must_own(actor)
    source = Source.objects.filter(id=source_id, deleted_at=None).first()
    kind = STREAMED.get(source.kind) if source is not None else None
    if source is None or kind is None or not kind.fields:
        raise NotFound(_("There is no such source."))
    try:
        given = kind.checked(
            _with_secrets(kind, Given(source.options, source.secrets or {}), _apart(kind, values))
        )
    except NetworkError as error:
        raise Invalid(str(error)) from error
    with transaction.atomic():
        _only(source.kind, given, but=source.pk)
        source = Source.objects.select_for_update().filter(id=source_id, deleted_at=None).first()
        if source is None:
            raise NotFound(_("There is no such source."))
        now = timezone.now()
        if kind.place(given) != kind.place(Given(source.options)):
            source.cursor = {}
        source.name = storable(kind.named(given), limit=80)
        source.options, source.secrets = dict(given.options), dict(given.secrets) or None
        if source.lease_until is not None and source.lease_until > now:
            # Whoever reads it has lost it by this, and notices when the lease would be renewed: a network may refuse
            # a second connection till then.
            source.lease_until = now + timedelta(seconds=RENEW_S + 2)
        source.left_out, source.retry_at, source.failures = [], None, 0
        source.save()
        _note("source.changed", actor, source)
    return source


def pause_source(*, actor: User, source_id: int) -> Source:
    """Listen no more until it is resumed; nothing it said is fetched meanwhile."""
    return _change(actor, source_id, "source.paused", state=SourceState.PAUSED)


def resume_source(*, actor: User, source_id: int) -> Source:
    """Listen again, from where it stopped as far as the network still knows that place; what failed is tried now."""
    return _change(actor, source_id, "source.resumed", state=SourceState.ACTIVE, retry_at=None, failures=0)


def remove_source(*, actor: User, source_id: int) -> Source:
    """Listen no more. What was found stays, and it can be put back."""
    return _change(actor, source_id, "source.removed", deleted_at=timezone.now())


def restore_source(*, actor: User, source_id: int) -> Source:
    """Take a removal back. Raises Invalid when the same was added again meanwhile."""
    return _change(actor, source_id, "source.restored", deleted_at=None)


def _apart(kind: SourceKind, values: dict[str, Any]) -> Given:
    """What a form brought, secrets apart; those that were left empty are left out."""
    secret = {one.name for one in kind.fields if one.secret}
    return Given(
        {name: value for name, value in values.items() if name not in secret},
        {name: value for name, value in values.items() if name in secret and value},
    )


def _with_secrets(kind: SourceKind, before: Given, wanted: Given) -> Given:
    """The secrets that were left empty stay; but another server must not get what was given for this one."""
    missing = before.secrets.keys() - wanted.secrets.keys()
    if missing and kind.place(wanted) != kind.place(before):
        labels = ", ".join(str(one.label) for one in kind.fields if one.name in missing)
        raise Invalid(_("Its address changes, so give this again: %(labels)s.") % {"labels": labels})
    return Given(wanted.options, {**before.secrets, **wanted.secrets})


def _only(key: str, given: Given, *, but: int = 0) -> None:
    """Raises Invalid when this is listened to, or cannot be beside what is; else nobody else begins with any of its
    kind until the transaction is over."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"source {key}"])
    kind = STREAMED.get(key)
    for other in Source.objects.filter(kind=key, deleted_at=None).exclude(id=but):
        if other.options == given.options:
            raise Invalid(_("This is listened to already."))
        if kind is not None and (why := kind.apart(given, Given(other.options, other.secrets or {}))):
            raise Invalid(why)


def _change(actor: User, source_id: int, action: str, **fields: Any) -> Source:
    must_own(actor)
    with transaction.atomic():
        found = Source.objects.select_for_update().filter(id=source_id)
        if action != "source.restored":
            found = found.filter(deleted_at=None)
        source = found.first()
        if source is None:
            raise NotFound(_("There is no such source."))
        if action == "source.restored" and source.deleted_at is not None:
            _only(source.kind, Given(source.options, source.secrets or {}))
        for name, value in fields.items():
            setattr(source, name, value)
        source.save(update_fields=list(fields))
        _note(action, actor, source)
    return source


def _note(action: str, actor: User, source: Source) -> None:
    record(
        action=action,
        actor_id=actor.pk,
        object_type="source",
        object_id=source.pk,
        data={"kind": source.kind, "name": source.name},
    )
