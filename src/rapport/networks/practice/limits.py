"""How much a post may hold. No imports: the connector, which is a client, and the tables both read this."""

from __future__ import annotations

MAX_LENGTH = 500  # characters in a post
MAX_PICTURES = 4
MAX_PICTURE_BYTES = 1_800_000  # so that all four in base64 fit into a request (RAPPORT_MAX_REQUEST_BYTES)
MAX_ALT = 1000  # characters in a picture's description
IMAGE_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp")
