"""The practice network as the common tests drive it: its own code behind a web server, with our database.

It lives in the tables that every test begins without, so its accounts are made when they are needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import Thread
from typing import Any
from uuid import uuid4
from wsgiref.simple_server import WSGIRequestHandler

from django.core.servers.basehttp import ThreadedWSGIServer
from django.core.wsgi import get_wsgi_application
from django.db import connections

from rapport.networks.client import Api
from rapport.networks.practice import accounts
from rapport.networks.practice.models import Account
from rapport.networks.practice.tests.images import PNG, sent
from rapport.networks.testing import Place

US, CUSTOMER = "alvara_help", "ivana.k"


class _Server(ThreadedWSGIServer):
    """Its threads give back their connections to the database, so that the tests can drop it."""

    daemon_threads = False
    block_on_close = True

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            connections.close_all()


class _Handler(WSGIRequestHandler):
    """One request per connection, and nothing printed."""

    def log_message(self, *_args: Any) -> None:
        """Tests have their own words."""


class PracticePlace(Place):
    network = "practice"

    def __enter__(self) -> PracticePlace:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.set_app(get_wsgi_application())
        self._url = f"http://127.0.0.1:{self._server.server_port}/practice"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def values(self) -> dict[str, Any]:
        return {"base_url": self._url, "token": accounts.issue_token(account=self._us())}

    def customer_says(
        self, text: str, *, to: str | None = None, private: bool = False, image: bool = False
    ) -> str:
        body = {
            "text": text if private else f"@{US} {text}",
            "visibility": "private" if private else "public",
            "in_reply_to": to,
            "recipient_id": str(self._us().pk) if private else None,
            "media": [sent(PNG)] if image else [],
        }
        return str(self._customer("POST", "posts", json_body=body)["id"])

    def customer_reads(self, external_id: str, *, private: bool = False) -> list[str]:
        return [one["text"] for one in self._answers(external_id)]

    def customer_opens(self, external_id: str) -> None:
        newest = self._answers(external_id)[-1]
        self._customer("POST", f"posts/{newest['id']}/read")

    def customer_sees_images(self, external_id: str) -> list[str]:
        return [media["alt"] for one in self._answers(external_id) for media in one["media"]]

    def customer_deletes(self, external_id: str) -> None:
        self._customer("DELETE", f"posts/{external_id}")

    def customer_edits(self, external_id: str, text: str) -> None:
        self._customer("PATCH", f"posts/{external_id}", json_body={"text": f"@{US} {text}"})

    def outage(self) -> AbstractContextManager[None]:
        return self._weather(outage=True)

    def break_after_posting(self) -> AbstractContextManager[None]:
        # Without keys the network would take a second post for another one: only asking first can help.
        return self._weather(lost_response_rate=1.0, ignore_idempotency=True)

    def revoke(self) -> None:
        accounts.revoke_tokens(account=self._us())

    def renew(self) -> None:
        """A new token is given whenever :meth:`values` is asked."""

    @staticmethod
    @contextmanager
    def _weather(**bad: Any) -> Iterator[None]:
        calm = accounts.weather_of(None)
        accounts.set_chaos(**bad)
        try:
            yield
        finally:
            accounts.set_chaos(**calm)

    @staticmethod
    def _us() -> Account:
        return accounts.ensure_account(handle=US, name="Alvara Air Help", is_company=True)

    def _customer(self, method: str, path: str, **more: Any) -> Any:
        person = accounts.ensure_account(handle=CUSTOMER, name="Ivana K", lang="hr", followers=12)
        token = accounts.issue_token(account=person, label=uuid4().hex)
        headers = {"Authorization": f"Bearer {token}"}
        return Api(f"{self._url}/api/v1", headers=headers, private_ok=True).json(method, path, **more)

    def _answers(self, external_id: str) -> list[dict[str, Any]]:
        posts = self._customer("GET", f"posts/{external_id}/thread")["posts"]
        return [one for one in posts if one["author"]["handle"] == US]


PLACE = PracticePlace
