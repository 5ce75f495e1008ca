"""The demo's passwords: made once, kept in a file that only its owner may read, printed each time."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path

FILE = "demo-login.json"


class LoginsUnreadable(Exception):
    """The file is there and cannot be used. The text says what to do."""


def demo_logins(*, data: Path, emails: Iterable[str]) -> dict[str, str]:
    """Password by e-mail address, from ``RAPPORT_DATA/demo-login.json``; missing ones are made.

    The file is written before any user is, so that a password that was given is never unknown.
    """
    path = data / FILE
    known = _read(path)
    missing = [email for email in emails if email not in known]
    if missing:
        known = {**known, **{email: secrets.token_urlsafe(12) for email in missing}}
        _write(path, known)
    return known


def _read(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {str(email): str(password) for email, password in found.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError) as error:
        raise LoginsUnreadable(
            f"{path} cannot be read ({type(error).__name__}). Delete it and run 'rapport demo' again for new "
            "passwords."
        ) from error


def _write(path: Path, logins: Mapping[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(logins, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
