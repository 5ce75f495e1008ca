"""The smallest pictures of each kind, for tests; made here."""

from __future__ import annotations

import base64
from typing import Any

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8cfc0000003010100"
    "18dd8db00000000049454e44ae426082"
)
GIF = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def sent(content: bytes = PNG, /, **fields: Any) -> dict[str, Any]:
    """A picture as the API takes it."""
    return {
        "name": "box.png",
        "content_type": "image/png",
        "alt": "A broken box",
        "content": base64.b64encode(content).decode(),
    } | fields
