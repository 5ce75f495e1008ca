"""Tokens: codes become user tokens, those become long ones, those list pages."""

from __future__ import annotations

import secrets
from typing import Any

from rapport.networks.doubles import Answer, login_page
from rapport.networks.meta.tests.errors import GraphError, token_gone
from rapport.networks.meta.tests.fields import asked, shown
from rapport.networks.meta.tests.world import (
    APP_ID,
    APP_SECRET,
    IG_HANDLE,
    IG_ID,
    PAGE_HANDLE,
    PAGE_ID,
    PAGE_NAME,
    World,
)


def dialog(world: World, call: Any) -> Answer:
    """The login page, opened by the page's owner in a browser."""
    params = call.params
    if params.get("client_id") != APP_ID or params.get("response_type") != "code":
        raise GraphError(101, "Invalid App ID")
    code = secrets.token_urlsafe(16)
    world.codes[code] = params["redirect_uri"]
    state = {"state": params["state"]}
    refused = {
        "error": "access_denied", "error_code": "200", "error_description": "Permissions error",
        "error_reason": "user_denied", **state,
    }  # fmt: skip
    return login_page(params["redirect_uri"], allowed={"code": code, **state}, refused=refused)


def access_token(world: World, call: Any) -> dict[str, Any]:
    params = call.params
    if (params.get("client_id"), params.get("client_secret")) != (APP_ID, APP_SECRET):
        raise GraphError(101, "Error validating application.")
    if params.get("grant_type") == "fb_exchange_token":
        if params.get("fb_exchange_token") != "EAAuser-short":
            raise token_gone(463)
        return {"access_token": "EAAuser-long", "token_type": "bearer", "expires_in": 5_183_944}
    redirect_uri = world.codes.pop(params.get("code", ""), None)
    if redirect_uri is None:
        raise GraphError(100, "This authorization code has been used.", 36009)
    if params.get("redirect_uri") != redirect_uri:
        raise GraphError(191, "The redirect_uri URL must be absolute and the same as before")
    return {"access_token": "EAAuser-short", "token_type": "bearer", "expires_in": 5_400}


def debug_token(world: World, call: Any) -> dict[str, Any]:
    if call.token != f"{APP_ID}|{APP_SECRET}":
        raise GraphError(190, "Invalid OAuth access token signature.", 0, 400)
    token = call.params.get("input_token", "")
    if token != world.token:
        kind = {"EAAuser-short": "USER", "EAAuser-long": "USER"}.get(token)
        if kind is None:
            return {
                "data": {
                    "error": {"code": 190, "message": "Malformed access token"},
                    "is_valid": False,
                    "scopes": [],
                }
            }
        return {
            "data": {
                "app_id": APP_ID,
                "type": kind,
                "is_valid": True,
                "expires_at": 0,
                "scopes": world.scopes,
            }
        }
    return {
        "data": {
            "app_id": APP_ID, "type": "PAGE", "application": "Desk", "is_valid": True, "expires_at": 0,
            "data_access_expires_at": 1_900_000_000, "profile_id": PAGE_ID, "scopes": world.scopes,
        }
    }  # fmt: skip


def accounts(world: World, call: Any) -> dict[str, Any]:
    """Two answers of one page each."""
    page = {
        "id": PAGE_ID, "name": PAGE_NAME, "username": PAGE_HANDLE, "access_token": world.token,
        "tasks": ["MODERATE", "MESSAGING"], "instagram_business_account": {"id": IG_ID, "username": IG_HANDLE},
    }  # fmt: skip
    other = {
        "id": "104200000000999",
        "name": "Alvara Cargo",
        "access_token": "EAApage-other",
        "tasks": ["ANALYZE"],
    }
    known = {"id", "name", "username", "access_token", "tasks", "instagram_business_account"}
    wanted = asked(call.params.get("fields", "id,name,access_token"))
    second = call.params.get("after") == "MQ"
    paging: dict[str, Any] = {"cursors": {"after": "MQ"}}
    if not second:
        paging["next"] = (
            f"https://graph.facebook.com/v25.0/1/accounts?access_token={call.token}&limit=100&after=MQ"
        )
    return {"data": [shown(other if second else page, wanted, known)], "paging": paging}
