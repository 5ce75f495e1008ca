"""Encryption of stored credentials."""

from __future__ import annotations

import functools
import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models


class Undecryptable(Exception):
    """The value was encrypted with a key that is no longer configured."""


@functools.cache
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(value: Any) -> bytes:
    """Encrypt a JSON-able value with the newest key."""
    return _fernet(tuple(settings.RAPPORT_ENCRYPTION_KEYS)).encrypt(json.dumps(value).encode())


def decrypt(token: bytes) -> Any:
    """The value that :func:`encrypt` was given. Raises :class:`Undecryptable`."""
    try:
        return json.loads(_fernet(tuple(settings.RAPPORT_ENCRYPTION_KEYS)).decrypt(token))
    except InvalidToken as error:
        raise Undecryptable("stored credentials were encrypted with another key") from error


class EncryptedJSONField(models.BinaryField):  # type: ignore[type-arg]  # generic in stubs only
    """A JSON value that is encrypted at rest. It cannot be searched, and never shows in a repr."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["editable"] = False
        super().__init__(*args, **kwargs)

    def get_prep_value(self, value: Any) -> Any:
        return None if value is None else encrypt(value)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return None if value is None else decrypt(bytes(value))

    def to_python(self, value: Any) -> Any:
        return value

    def value_to_string(self, obj: models.Model) -> str:
        return "<encrypted>"
