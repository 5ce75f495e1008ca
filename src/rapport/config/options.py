"""Every setting of Rapport, declared once.

The docs page, ``rapport doctor`` and the start-up check all read :class:`Options`; a test fails when
a setting is missing from the docs. Values come from the environment, then from ``.env`` in the
working directory, then from the default here.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import zoneinfo
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class OptionsError(Exception):
    """A setting is wrong. The text names each one and says what it should be."""


class Options(BaseSettings):
    """Typed settings; the environment variable of each is its alias."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", extra="ignore", populate_by_name=False, frozen=True
    )

    data: Path = Field(
        default=Path("data"),
        alias="RAPPORT_DATA",
        description="Directory that holds everything Rapport keeps: the embedded database, secrets, files.",
    )
    database_url: str | None = Field(
        default=None,
        alias="DATABASE_URL",
        description="An external PostgreSQL 15 or newer, as `postgresql://user:password@host:port/name`. "
        "Unset: the embedded PostgreSQL under `RAPPORT_DATA`.",
    )
    host: str = Field(
        default="127.0.0.1", alias="RAPPORT_HOST", description="Address the web server binds to."
    )
    port: int = Field(
        default=8000, ge=1, le=65535, alias="RAPPORT_PORT", description="Port the web server binds to."
    )
    public_url: str | None = Field(
        default=None,
        alias="RAPPORT_PUBLIC_URL",
        description="Address people and networks reach Rapport at, e.g. `https://care.example.com`. "
        "With `https`, cookies are marked secure. Unset: `http://localhost:<port>`.",
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        alias="RAPPORT_ALLOWED_HOSTS",
        description="Further host names the web server answers to, separated by commas.",
    )
    behind_proxy: bool = Field(
        default=False,
        alias="RAPPORT_BEHIND_PROXY",
        description="Set to `true` only behind a reverse proxy that sets `X-Forwarded-Proto` and "
        "`X-Forwarded-For` itself; otherwise clients could forge their address.",
    )
    secret_key: str | None = Field(
        default=None,
        min_length=32,
        alias="RAPPORT_SECRET_KEY",
        description="Key for sessions and signatures. Unset: generated on first start and kept in "
        "`RAPPORT_DATA/secrets.json`.",
    )
    encryption_keys: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        alias="RAPPORT_ENCRYPTION_KEYS",
        description="Fernet keys for stored credentials, newest first, separated by commas. Unset: generated "
        "on first start and kept in `RAPPORT_DATA/secrets.json`.",
    )
    language: Literal["en", "es", "hr", "th", "de"] = Field(
        default="en",
        alias="RAPPORT_LANGUAGE",
        description="Language of the desk until a person chooses theirs.",
    )
    time_zone: str = Field(
        default="UTC",
        alias="RAPPORT_TIME_ZONE",
        description="Time zone the desk shows times in, as an IANA name such as `Europe/Zagreb`.",
    )
    undo_seconds: int = Field(
        default=5,
        ge=0,
        le=120,
        alias="RAPPORT_UNDO_SECONDS",
        description="How long a reply waits before it leaves, so that its author can undo it. Seconds.",
    )
    send_attempts: int = Field(
        default=8,
        ge=1,
        le=50,
        alias="RAPPORT_SEND_ATTEMPTS",
        description="How often a reply is tried before it is shown as failed with a retry button.",
    )
    web_processes: int | None = Field(
        default=None,
        ge=1,
        le=64,
        alias="RAPPORT_WEB_PROCESSES",
        description="Web processes that `rapport up` starts, some 120 MB each; they answer on one port. Unset: one for "
        "each two processors, at most four.",
    )
    worker_concurrency: int = Field(
        default=4,
        ge=1,
        le=64,
        alias="RAPPORT_WORKER_CONCURRENCY",
        description="Jobs one worker process runs side by side (each is one network call at a time).",
    )
    listen_concurrency: int = Field(
        default=8,
        ge=1,
        le=128,
        alias="RAPPORT_LISTEN_CONCURRENCY",
        description="Channels one listener process polls side by side.",
    )
    streams: int = Field(
        default=50,
        ge=0,
        le=1000,
        alias="RAPPORT_STREAMS",
        description="Streams one listener process keeps open, for networks that have them. Further channels "
        "are taken by further listeners, and are polled in any case.",
    )
    stream_url: str | None = Field(
        default=None,
        repr=False,
        alias="RAPPORT_STREAM",
        description="A NATS server with JetStream, as `nats://user:password@host:4222` (or `tls://…`), for more talk "
        "than one process can match: what sources bring is then shared by all listeners. A path, as in "
        "`nats://host:4222/care`, names the stream; `rapport` if there is none. Needs the extra `nats`. Unset: "
        "whoever reads a source matches it too.",
    )
    poll_seconds: int = Field(
        default=15,
        ge=1,
        le=3600,
        alias="RAPPORT_POLL_SECONDS",
        description="Seconds between two polls of a channel, unless its network asks for a slower pace.",
    )
    max_upload_bytes: int = Field(
        default=10_000_000,
        ge=10_000,
        alias="RAPPORT_MAX_REQUEST_BYTES",
        description="Largest request body accepted, webhooks included. Bytes.",
    )
    private_addresses: bool = Field(
        default=False,
        alias="RAPPORT_PRIVATE_ADDRESSES",
        description="Set to `true` when channels are on your own network (a mail server, a Mastodon server in "
        "the same house). Otherwise addresses of private networks are never called.",
    )
    smtp_url: str | None = Field(
        default=None,
        alias="RAPPORT_SMTP_URL",
        description="The mail server through which leads are told of trouble with a channel, and invitations leave, as "
        "`smtp://user:password@host:587?from=care@example.com` (STARTTLS, where there is a user) or `smtps://…` "
        "(TLS from the start). Unset: they are told on their screen only, and an invitation's link is passed on by hand.",
    )
    login_attempts: int = Field(
        default=8,
        ge=1,
        le=100,
        alias="RAPPORT_LOGIN_ATTEMPTS",
        description="Wrong passwords before an account is locked for that address.",
    )
    login_lock_minutes: int = Field(
        default=15,
        ge=1,
        alias="RAPPORT_LOGIN_LOCK_MINUTES",
        description="How long a locked account stays locked. Minutes.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", alias="RAPPORT_LOG_LEVEL", description="How much the processes say on standard error."
    )
    debug: bool = Field(
        default=False,
        alias="RAPPORT_DEBUG",
        description="Developer mode: detailed error pages. Never on a machine others can reach.",
    )

    @field_validator("allowed_hosts", "encryption_keys", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("database_url", "public_url", "secret_key", "smtp_url", "stream_url", mode="before")
    @classmethod
    def _blank_is_unset(cls, value: object) -> object:
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("database_url")
    @classmethod
    def _is_postgres(cls, value: str | None) -> str | None:
        if value is not None and urlsplit(value).scheme not in {"postgresql", "postgres"}:
            raise ValueError("must start with postgresql:// — PostgreSQL is the only database Rapport uses")
        return value

    @field_validator("public_url")
    @classmethod
    def _is_http(cls, value: str | None) -> str | None:
        if value is not None:
            parts = urlsplit(value)
            if parts.scheme not in {"http", "https"} or not parts.hostname:
                raise ValueError("must be an address such as https://care.example.com")
            value = value.rstrip("/")
        return value

    @field_validator("smtp_url")
    @classmethod
    def _is_smtp(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                mail_server(value)
            except ValueError as error:
                raise ValueError(
                    "must be an address such as smtp://user:password@host:587?from=care@example.com"
                ) from error
        return value

    @field_validator("stream_url")
    @classmethod
    def _is_nats(cls, value: str | None) -> str | None:
        if value is not None:
            parts = urlsplit(value)
            if (
                parts.scheme not in {"nats", "tls"}
                or not parts.hostname
                or not re.fullmatch(r"/?|/[A-Za-z0-9_-]{1,40}", parts.path)
            ):
                raise ValueError("must be an address such as nats://user:password@host:4222")
        return value

    @field_validator("time_zone")
    @classmethod
    def _is_zone(cls, value: str) -> str:
        try:
            zoneinfo.ZoneInfo(value)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("must be an IANA time zone such as Europe/Zagreb") from error
        return value

    @property
    def base_url(self) -> str:
        """The public address without a trailing slash."""
        return self.public_url or f"http://localhost:{self.port}"


@dataclasses.dataclass(frozen=True)
class MailServer:
    """What ``RAPPORT_SMTP_URL`` says. ``tls``: from the start; ``starttls``: before anything secret."""

    host: str
    port: int
    user: str
    password: str = dataclasses.field(repr=False)
    sender: str
    tls: bool
    starttls: bool


def mail_server(url: str) -> MailServer:
    """Read ``smtp[s]://user:password@host:port?from=…``. Raises ValueError.

    Without TLS only where nobody logs in, or where ``?starttls=no`` says so.
    """
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    sender = query.get("from", "")
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or "@" not in sender or "\n" in sender:
        raise ValueError("not the address of a mail server")
    tls = parts.scheme == "smtps"
    starttls = not tls and query.get("starttls", "yes" if parts.username else "no") == "yes"
    return MailServer(
        host=parts.hostname,
        port=parts.port or (465 if tls else 587 if parts.username else 25),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        sender=sender,
        tls=tls,
        starttls=starttls,
    )


def load_options() -> Options:
    """Read and check every setting.

    Raises :class:`OptionsError` with one readable line per wrong setting; values are not repeated,
    because they may be secrets.
    """
    try:
        return Options()
    except ValidationError as error:
        lines = [
            f"{'.'.join(str(part) for part in item['loc'])} {_readable(item['msg'])}"
            for item in error.errors()
        ]
        raise OptionsError("\n".join(lines)) from None


def _readable(message: str) -> str:
    text = message.removeprefix("Value error, ")
    return text.replace("Input should be", "should be")


@functools.cache
def options() -> Options:
    """The settings of this process."""
    return load_options()
