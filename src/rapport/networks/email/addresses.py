"""E-mail addresses: one way to write each, whatever way it came."""

from __future__ import annotations

import contextlib
import re

import idna

# Longer ones exist in no network's practice (RFC 5321, 4.5.3.1.3 allows 254 in a path).
MAX_ADDRESS = 254
_SHAPE = re.compile(r"[^\s@<>(),:;\\\"\[\]\x00-\x1f\x7f]{1,64}@[^\s@<>(),:;\\\"\[\]/\x00-\x1f\x7f]{1,253}")


def is_address(value: str) -> bool:
    """Whether it can be written to: ``local@domain`` without comments, quotes or address literals."""
    return len(value) <= MAX_ADDRESS and _SHAPE.fullmatch(value) is not None and ".." not in value


def normal(value: str) -> str:
    """The address in lower case with its domain as it stands in DNS (``bücher.example`` and
    ``xn--bcher-kva.example`` are one address). What is no address comes back in lower case."""
    local, at, domain = value.strip().lower().rpartition("@")
    return f"{local}{at}{ascii_domain(domain)}"


def shown(address: str) -> str:
    """The address as people write it: its domain in its own script."""
    local, at, domain = address.rpartition("@")
    with contextlib.suppress(idna.IDNAError, UnicodeError):
        domain = idna.decode(domain) if "xn--" in domain else domain
    return f"{local}{at}{domain}"


def ascii_domain(domain: str) -> str:
    """The domain's form in DNS (IDNA 2008, UTS 46), or itself when it has none."""
    if domain.isascii():
        return domain
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return domain


def tagged(address: str, tag: str) -> str:
    """``help@brand.example`` and ``x`` make ``help+x@brand.example`` (subaddressing, RFC 5233)."""
    local, _, domain = address.rpartition("@")
    return f"{local}+{tag}@{domain}"


def untagged(address: str) -> tuple[str, str]:
    """An address without its tag, and the tag ("" for none)."""
    local, _, domain = address.rpartition("@")
    local, _, tag = local.partition("+")
    return f"{local}@{domain}", tag
