"""The one file that ``rapport backup`` writes and ``rapport restore`` reads.

A gzipped tar: every table as PostgreSQL's COPY text, the secrets, the files under RAPPORT_DATA, and at
the end ``manifest.json`` with the migrations, the sequences, and a checksum of every member. COPY text
means the same to every PostgreSQL version, embedded or external, and needs no client tools.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

FORMAT = 1
MANIFEST = "manifest.json"
SECRETS = "secrets.json"
_CHUNK = 1 << 20


class BadArchive(Exception):
    """The file is no backup, or is damaged. The text says which."""


@dataclass
class Table:
    """One table's rows, in member ``member``; ``columns`` in the order of the copied text."""

    name: str
    columns: list[str]
    member: str
    rows: int


@dataclass
class Manifest:
    """What the archive holds. ``migrations`` are ``[app, name]`` pairs; ``sequences`` are
    ``[name, last value, whether it was used]``; ``sha256`` is by member."""

    version: str
    created_at: str
    postgresql: str
    migrations: list[list[str]] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    sequences: list[list[Any]] = field(default_factory=list)
    sha256: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT


class Writer:
    """Writes members and keeps their checksums for the manifest."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self.sha256: dict[str, str] = {}

    def add(self, member: str, source: IO[bytes], size: int) -> None:
        """Add ``size`` bytes of ``source``, read from where it stands."""
        info = tarfile.TarInfo(member)
        info.size = size
        info.mode = 0o600
        hashed = _Hashed(source)
        self._tar.addfile(info, hashed)
        self.sha256[member] = hashed.digest()

    def add_bytes(self, member: str, body: bytes) -> None:
        """Add a small member."""
        self.add(member, io.BytesIO(body), len(body))

    def finish(self, manifest: Manifest) -> None:
        """Write the manifest, last: a file that was cut short has none."""
        manifest.sha256 = dict(self.sha256)
        self.add_bytes(MANIFEST, json.dumps(asdict(manifest), indent=1).encode())


class _Hashed:
    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self._hash.update(data)
        return data

    def digest(self) -> str:
        return self._hash.hexdigest()


@contextmanager
def writing(path: Path) -> Iterator[Writer]:
    """Write an archive that appears under its name only when it is whole. Others cannot read it."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            with tarfile.open(fileobj=file, mode="w:gz", compresslevel=6, format=tarfile.PAX_FORMAT) as tar:
                yield Writer(tar)
            file.flush()
            os.fsync(file.fileno())
        # link() rather than rename(): it never replaces a file that appeared meanwhile.
        os.link(aside, path)
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    finally:
        aside.unlink(missing_ok=True)


def verified_manifest(path: Path) -> Manifest:
    """Read the whole archive once, checking every member. Raises :class:`BadArchive`."""
    found: dict[str, str] = {}
    manifest: Manifest | None = None

    def check(member: str, source: IO[bytes]) -> None:
        nonlocal manifest
        if member == MANIFEST:
            manifest = _parse(source.read())
            return
        digest = hashlib.sha256()
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
        found[member] = digest.hexdigest()

    for_each_member(path, check)
    if manifest is None:
        raise BadArchive(f"{path} is not a backup of Rapport, or it is cut short.")
    if found != manifest.sha256:
        wrong = sorted(set(found.items()) ^ set(manifest.sha256.items()))
        raise BadArchive(f"{path} is damaged: {wrong[0][0]} is not what was written.")
    return manifest


def for_each_member(path: Path, use: Callable[[str, IO[bytes]], None]) -> None:
    """Call ``use(name, stream)`` for every member in order. Raises :class:`BadArchive`."""
    try:
        with tarfile.open(path, mode="r|gz") as tar:
            for info in tar:
                name = PurePosixPath(info.name)
                if not info.isfile() or name.is_absolute() or ".." in name.parts:
                    raise BadArchive(f"{path} holds {info.name!r}, which no backup of Rapport does.")
                stream = tar.extractfile(info)
                if stream is not None:
                    use(info.name, stream)
    except (tarfile.TarError, EOFError, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise BadArchive(f"There is no file {path}.") from error
        raise BadArchive(f"{path} cannot be read as a backup ({error}).") from error


def _parse(body: bytes) -> Manifest:
    try:
        loaded = json.loads(body)
        if loaded["format"] > FORMAT:
            raise BadArchive("The backup was made by a newer version of Rapport; restore it with that one.")
        tables = [Table(**table) for table in loaded.pop("tables")]
        return Manifest(**loaded, tables=tables)
    except (ValueError, KeyError, TypeError) as error:
        raise BadArchive("The backup's manifest cannot be read.") from error
