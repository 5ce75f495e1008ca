"""Meta's refusals.

https://developers.facebook.com/docs/graph-api/guides/error-handling
"""

from __future__ import annotations

import json
from typing import Any

from rapport.networks.meta.tests.world import PAGE_ID


class GraphError(Exception):
    def __init__(
        self,
        code: int,
        message: str,
        subcode: int = 0,
        status: int = 400,
        *,
        minutes: int = 0,
        transient: bool = False,
        kind: str = "OAuthException",
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.subcode, self.status = code, message, subcode, status
        self.transient, self.kind = transient, kind
        self.headers: dict[str, str] = {}
        if minutes:
            blocked = {
                "type": "pages",
                "call_count": 100,
                "total_cputime": 25,
                "total_time": 25,
                "estimated_time_to_regain_access": minutes,
            }
            self.headers = {"X-Business-Use-Case-Usage": json.dumps({PAGE_ID: [blocked]})}

    def body(self) -> dict[str, Any]:
        error: dict[str, Any] = {
            "message": self.message,
            "type": self.kind,
            "code": self.code,
            "fbtrace_id": "AbCdEf",
        }
        if self.subcode:
            error["error_subcode"] = self.subcode
        if self.transient:
            error["is_transient"] = True
        return {"error": error}


def token_gone(subcode: int) -> GraphError:
    return GraphError(190, "Error validating access token: The session is invalid.", subcode, 401)


def too_much() -> GraphError:
    words = "Please reduce the amount of data you're asking for, then retry your request"
    return GraphError(1, words, status=500)


def no_object(call: Any) -> GraphError:
    words = f"Unsupported {call.method.lower()} request. Object with ID '{call.parts[0]}' does not exist, cannot be loaded due to missing permissions, or does not support this operation"
    return GraphError(100, words, 33, kind="GraphMethodException")


def not_permitted(permission: str) -> GraphError:
    return GraphError(200, f"(#200) Requires {permission} permission to manage the object", 0, 403)
