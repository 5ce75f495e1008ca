from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from rapport.networks.base import Account as ChannelAccount
from rapport.networks.base import OutgoingMessage
from rapport.networks.practice.accounts import ensure_account, issue_token
from rapport.networks.practice.connector import PracticeConnector
from rapport.networks.practice.models import Account, Token
from rapport.networks.tests import making

SECRET = "a secret of the webhook"


@pytest.fixture
def company(transactional_db: None) -> Account:
    return ensure_account(handle="alvara_help", name="Alvara Air Help", is_company=True)


@pytest.fixture
def customer(transactional_db: None) -> Account:
    return ensure_account(handle="ivana.k", name="Ivana K", lang="hr", followers=12)


@pytest.fixture
def base_url(live_server: Any) -> str:
    return f"{live_server.url}/practice"


@pytest.fixture
def connector(company: Account, base_url: str) -> PracticeConnector:
    """A connector for the company's channel, over real HTTP."""
    return PracticeConnector(
        ChannelAccount(
            external_id=str(company.pk),
            handle=company.handle,
            credentials={
                "base_url": base_url,
                "token": issue_token(account=company),
                "webhook_secret": SECRET,
            },
            settings={},
        )
    )


@pytest.fixture
def api(company: Account, base_url: str) -> Callable[..., httpx.Response]:
    """Calls the API as the network's operator."""
    token = issue_token(account=company, scope=Token.Scope.OPERATOR)

    def call(method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}", **options.pop("headers", {})}
        return httpx.request(
            method, f"{base_url}/api/v1/{path}", headers=headers, trust_env=False, timeout=20, **options
        )

    return call


@pytest.fixture
def outgoing() -> Callable[..., OutgoingMessage]:
    """An outgoing message; every call may change a part of it."""
    return making.outgoing
