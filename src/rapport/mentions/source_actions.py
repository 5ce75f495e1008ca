"""Adding sources and changing them. They are of the whole installation, so owners do it."""

from __future__ import annotations

import json
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from rapport.audit.actions import record
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
    secret = {one.name for one in kind.fields if one.secret}
    options = {name: value for name, value in values.items() if name not in secret}
    secrets = {name: value for name, value in values.items() if name in secret and value}
    try:
        given = kind.checked(Given(options, secrets))
    except NetworkError as error:
        raise Invalid(str(error)) from error
    with transaction.atomic():
        _only(key, dict(given.options))
        made = Source.objects.create(
            kind=key,
            name=storable(kind.named(given), limit=80),
            options=dict(given.options),
            secrets=dict(given.secrets) or None,
        )
        _note("source.added", actor, made)
    return made


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


def _only(kind: str, options: dict[str, Any]) -> None:
    """Raises Invalid when this is listened to; else nobody else begins with it until the transaction is over."""
    with connection.cursor() as cursor:
        asked = json.dumps([kind, options], sort_keys=True)
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"source {asked}"])
    if Source.objects.filter(kind=kind, options=options, deleted_at=None).exists():
        raise Invalid(_("This is listened to already."))


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
            _only(source.kind, source.options)
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
