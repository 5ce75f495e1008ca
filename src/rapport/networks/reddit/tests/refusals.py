"""How Reddit refuses."""

from __future__ import annotations

from typing import Any

from rapport.networks.doubles import Answer


class Refuse(Exception):
    """A refusal by status; ``reason`` for communities that are closed."""

    def __init__(self, status: int, message: str, reason: str = "") -> None:
        super().__init__(message)
        body = {"message": message, "error": status, **({"reason": reason} if reason else {})}
        self.answer = Answer(status, body)


class Fault(Exception):
    """A refusal inside an answer of status 200."""

    def __init__(self, code: str, sentence: str, field: str = "", **more: Any) -> None:
        super().__init__(code)
        self.answer = Answer(200, {"json": {"errors": [[code, sentence, field]], **more}})
