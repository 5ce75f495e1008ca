"""Numbers that came in an address or a form."""

from __future__ import annotations


def whole_number(value: str) -> int | None:
    """``value`` as a number that a bigint holds, None for anything else.

    Python refuses to read thousands of digits with a ValueError, so how many there are is asked first.
    """
    return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else None
