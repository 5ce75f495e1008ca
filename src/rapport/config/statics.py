"""Static files as they are installed, served compressed: nobody has to collect or build anything first."""

from __future__ import annotations

import gzip
import hashlib
import os
from copy import copy
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.decorators import async_only_middleware
from servestatic.middleware import ServeStaticMiddleware
from servestatic.responders import StaticFile

# Pictures and fonts are compressed already, and of less than this nothing is gained.
_WORTH_IT = (".css", ".js", ".svg", ".json", ".webmanifest")
_LEAST_BYTES = 400

# STATIC_ROOT → what is served of it.
_found: dict[str, ServeStaticMiddleware] = {}


@async_only_middleware
def compressed_statics(get_response: Any) -> Any:
    """ServeStatic, with a compressed copy of each text beside the original for browsers that take one."""
    # Found once in a process: each client of a test is a server of its own, and would look for all files again.
    root = str(settings.STATIC_ROOT)
    if root not in _found:
        _found[root] = _with_copies(ServeStaticMiddleware(get_response))
    served = copy(_found[root])
    served.get_response = get_response
    return served


def _with_copies(served: ServeStaticMiddleware) -> ServeStaticMiddleware:
    for url, file in served.files.items():
        if isinstance(file, StaticFile) and url.endswith(_WORTH_IT):
            ((_encoding, path, headers),) = file.alternatives
            smaller = _compressed(path, Path(path).stat().st_mtime_ns)
            if smaller is not None:
                kept = [pair for pair in headers if pair[0].lower() != "content-length"]
                served.files[url] = StaticFile(path, kept, encodings={"gzip": smaller})
    return served


@cache
def _compressed(path: str, _changed: int) -> str | None:
    """The compressed copy under STATIC_ROOT; None where it is not worth it or cannot be written.

    It is named by what is in it, so that an old copy is never served for a new file, and any number of processes
    may write it at once.
    """
    content = Path(path).read_bytes()
    if len(content) < _LEAST_BYTES:
        return None
    folder = Path(settings.STATIC_ROOT)
    packed = folder / f"{hashlib.sha256(content).hexdigest()}.gz"
    try:
        if not packed.exists():
            folder.mkdir(parents=True, exist_ok=True)
            aside = packed.with_suffix(f".{os.getpid()}")
            aside.write_bytes(gzip.compress(content, compresslevel=9, mtime=0))
            aside.rename(packed)
    except OSError:  # a directory that cannot be written costs the network, not the page
        return None
    return str(packed)
