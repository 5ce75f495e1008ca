"""Logins in a table of our own: each row says whose it is, so that one can be ended from elsewhere."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.utils import timezone

from rapport.staff.models import Session


class SessionStore(DatabaseStore):
    """Django's, writing whose login it is. To save one is a sign of life."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        return _owned(super().create_model_instance(data), data)

    async def acreate_model_instance(self, data: dict[str, Any]) -> Session:
        return _owned(await super().acreate_model_instance(data), data)


def _owned(row: Any, data: dict[str, Any]) -> Session:
    assert isinstance(row, Session)
    whose = data.get(SESSION_KEY)
    row.user_id = int(whose) if whose is not None else None
    row.seen_at = timezone.now()
    return row
