"""What ``rapport doctor`` checks without a database."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rapport.config.options import Options
from rapport.config.postgres import EmbeddedPostgres

LITTLE_DISK = 1_000_000_000
ALMOST_NO_DISK = 200_000_000
# Their values are never shown.
_SECRET = {"secret_key", "encryption_keys"}
_ADDRESSES = {"database_url", "smtp_url"}


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """One line of the report: what was looked at, how it is, and what to do about it."""

    subject: str
    level: Level
    text: str
    advice: str = ""

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        return {"subject": self.subject, "level": self.level, "text": self.text, "advice": self.advice}


def settings(options: Options) -> Iterator[Finding]:
    """What was set, and what is unsafe together."""
    changed = []
    for name, field in Options.model_fields.items():
        value = getattr(options, name)
        if value != field.default:
            changed.append(f"{field.alias}={_shown(name, value)}")
    yield Finding("settings", Level.OK, ", ".join(changed) or "all at their defaults")
    if options.debug:
        yield Finding(
            "settings",
            Level.WARNING,
            "RAPPORT_DEBUG shows details of errors to anybody.",
            "Unset it on a machine that others can reach.",
        )
    exposed = options.host not in {"127.0.0.1", "::1", "localhost"}
    if exposed and not options.base_url.startswith("https://"):
        yield Finding(
            "settings",
            Level.WARNING,
            f"The web server listens on {options.host} and RAPPORT_PUBLIC_URL is not https: "
            "passwords cross the network readable.",
            "Put a TLS proxy in front, set RAPPORT_PUBLIC_URL=https://... and RAPPORT_BEHIND_PROXY=true.",
        )
    secrets = options.data / "secrets.json"
    if secrets.exists() and secrets.stat().st_mode & 0o077:
        yield Finding("secrets", Level.PROBLEM, f"Others can read {secrets}.", f"Run: chmod 600 {secrets}")


def _shown(name: str, value: object) -> str:
    if name in _SECRET:
        return "(hidden)"
    if name in _ADDRESSES:
        scheme, _, rest = str(value).partition("://")
        return f"{scheme}://…@{rest.rpartition('@')[2]}" if "@" in rest else str(value)
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def disk(options: Options) -> Iterator[Finding]:
    """Space for what Rapport keeps."""
    place = options.data.resolve()
    while not place.exists():
        place = place.parent
    if not os.access(place, os.W_OK):
        yield Finding("disk", Level.PROBLEM, f"{place} cannot be written to.", "Check who owns it.")
    free = shutil.disk_usage(place).free
    text = f"{free / 1e9:.1f} GB free for {options.data}"
    if free < ALMOST_NO_DISK:
        yield Finding("disk", Level.PROBLEM, text, "Make room now: PostgreSQL stops when the disk is full.")
    elif free < LITTLE_DISK:
        yield Finding("disk", Level.WARNING, text, "Make room before the disk is full.")
    else:
        yield Finding("disk", Level.OK, text)


def embedded_log(embedded: EmbeddedPostgres) -> Iterator[Finding]:
    """What the embedded PostgreSQL complained about lately."""
    try:
        with embedded.log.open("rb") as file:
            file.seek(max(0, embedded.log.stat().st_size - 200_000))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError as error:
        yield Finding(
            "PostgreSQL log", Level.WARNING, f"{embedded.log} cannot be read ({error.strerror}).",
            "Run this as the user that runs Rapport.",
        )  # fmt: skip
        return
    grave = [line for line in lines if " PANIC: " in line or "No space left" in line or "corrupt" in line]
    if grave:
        yield Finding(
            "PostgreSQL log",
            Level.WARNING,
            f"{len(grave)} grave messages, the last: {grave[-1][:200]}",
            f"Read {embedded.log}; check the disk.",
        )
    else:
        yield Finding("PostgreSQL log", Level.OK, "nothing grave")
