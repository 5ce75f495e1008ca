"""What our own mail server found out about a sender: DKIM, SPF and DMARC (RFC 8601). Pure."""

from __future__ import annotations

import re
from collections.abc import Collection

from rapport.networks.email.headers import Mail, every

_RESULT = re.compile(r"^\s*(dkim|spf|dmarc)\s*(?:/\s*\d+\s*)?=\s*([a-z]{2,12})\b", re.IGNORECASE)
_COMMENT = re.compile(r"\([^()]{0,500}\)")


def results(mail: Mail, *, trusted: Collection[str]) -> dict[str, str]:
    """``{"dkim": "pass", …}`` as the topmost field of a server in ``trusted`` (lower case) says.

    Anybody can write such a field into their mail. Our server adds its own above what came, so only the topmost
    one by its name is believed; it should remove forged ones as well (RFC 8601, 5).
    """
    for value in every(mail, "Authentication-Results"):
        identity, _, rest = _COMMENT.sub(" ", value).partition(";")
        if identity.strip().lower().partition(" ")[0] not in trusted:
            continue
        found: dict[str, str] = {}
        for clause in rest.split(";")[:30]:
            match = _RESULT.match(clause)
            if match:
                method, result = match[1].lower(), match[2].lower()
                # Several signatures: one that holds is enough.
                if method not in found or result == "pass":
                    found[method] = result
        return found
    return {}
