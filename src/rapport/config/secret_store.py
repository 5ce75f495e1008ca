"""Secrets that Rapport makes for itself on first start and keeps in ``RAPPORT_DATA/secrets.json``."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.fernet import Fernet

from rapport.config.options import Options, OptionsError


@dataclass(frozen=True)
class Secrets:
    """``secret_key`` signs sessions; ``encryption_keys`` are Fernet keys, newest first."""

    secret_key: str
    encryption_keys: tuple[str, ...]


def load_secrets(options: Options) -> Secrets:
    """Read the secrets, making those that do not exist yet.

    The file is created with mode 0600 through an exclusive create, so two processes that start at
    once agree on one file. Raises :class:`OptionsError` when the file or a key cannot be read.
    """
    stored = stored_secrets(options.data)
    found = Secrets(
        secret_key=options.secret_key or stored.secret_key,
        encryption_keys=options.encryption_keys or stored.encryption_keys,
    )
    for key in found.encryption_keys:
        try:
            Fernet(key)
        except ValueError as error:
            raise OptionsError("RAPPORT_ENCRYPTION_KEYS must hold Fernet keys (32 bytes, base64)") from error
    return found


def stored_secrets(data: Path) -> Secrets:
    """The secrets in the file, whatever the environment says; made when there is no file."""
    path = data / "secrets.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _create(path)
        loaded = json.loads(path.read_text(encoding="utf-8"))
        return Secrets(str(loaded["secret_key"]), tuple(map(str, loaded["encryption_keys"])))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OptionsError(
            f"RAPPORT_DATA cannot be used: {path} is unreadable ({error.__class__.__name__}). "
            "Restore it from a backup; without it stored credentials cannot be decrypted."
        ) from error


def replace_secrets(data: Path, found: Secrets) -> None:
    """Write other secrets over the stored ones, at once and for the owner only. Used by restore."""
    path = data / "secrets.json"
    _write_aside(path, found).replace(path)


def _write_aside(path: Path, found: Secrets) -> Path:
    body = json.dumps(
        {"secret_key": found.secret_key, "encryption_keys": list(found.encryption_keys)}, indent=1
    )
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    return aside


def _create(path: Path) -> None:
    # Write aside, then link: link() fails if another process was first, and no reader sees half a file.
    aside = _write_aside(path, Secrets(secrets.token_urlsafe(48), (Fernet.generate_key().decode(),)))
    try:
        os.link(aside, path)
    except FileExistsError:
        pass
    finally:
        aside.unlink()
