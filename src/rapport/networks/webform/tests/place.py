"""The form as a customer's browser sees it, with a real mail server behind it.

The network is Rapport itself, so customers are plain HTTP requests to its pages; nothing of the rooms above
is imported.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from html import unescape
from typing import Any, ClassVar

from django.apps import apps
from django.core import signing
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from rapport.networks.email.tests.place import DOT, HELP, IVANA, EmailPlace
from rapport.networks.testing import Place
from rapport.networks.webform import tokens

_ANSWER = re.compile(r'<li class="ours" data-answer>(.*?)</li>\s*(?=<li class=|</ol>)', re.S)
_WORDS = re.compile(r'<div class="words" dir="auto">(.*?)</div>', re.S)


class WebformPlace(Place):
    """One customer, Ivana, who gives her e-mail address."""

    network: ClassVar[str] = "webform"
    public: ClassVar[bool] = False
    patience_s: ClassVar[float] = 15.0
    cannot: ClassVar[Mapping[str, str]] = {
        "outage": "the form is a page of Rapport's own: while it is away, so are we",
        "revoke": "nothing needs credentials to be heard",
        "renew": "nothing needs credentials to be heard",
        "customer_edits": "what is sent is sent",
        "customer_deletes": "what is sent is sent",
        "deliveries": "the page stores what is sent itself",
    }

    def __enter__(self) -> WebformPlace:
        self.mail = EmailPlace().__enter__()
        self._pages: dict[str, str] = {}
        return self

    def __exit__(self, *exc: object) -> None:
        self.mail.__exit__()

    def values(self) -> dict[str, Any]:
        given = self.mail.values()
        return {
            "name": "Alvara Help",
            "intro": "We answer within an hour.",
            "sites": ["https://www.alvara.example"],
            "email": "required",
            "attachments": True,
            "consent": "",
            "smtp_host": given["smtp_host"],
            "smtp_port": given["smtp_port"],
            "smtp_security": given["smtp_security"],
            "smtp_username": HELP,
            "from_address": HELP,
            "smtp_password": given["password"],
            "certificates": given["certificates"],
        }

    def customer_says(
        self, text: str, *, to: str | None = None, private: bool = False, image: bool = False
    ) -> str:
        page = self._page_of(to) if to else f"/webform/{self._channel_id()}/"
        browser = Client()
        typed = {
            "name": "Ivana Kovačević",
            "email": IVANA,
            "subject": "A question",
            "message": text,
            "token": _aged(_token(browser.get(page).content.decode())),
        }
        if image:
            typed["files"] = SimpleUploadedFile("box.png", DOT)
        answer = browser.post(page, typed)
        assert answer.status_code == 303, answer.content.decode()
        event = apps.get_model("ingest", "RawEvent").objects.filter(channel__network="webform").latest("id")
        external_id = str(event.payload["id"])
        self._pages[external_id] = answer.url.partition("?")[0]
        return external_id

    def customer_reads(self, external_id: str, *, private: bool = False) -> list[str]:
        answers = _ANSWER.findall(self._read(external_id))
        return [unescape(re.sub(r"<[^>]+>", "", words)) for one in answers for words in _WORDS.findall(one)]

    def customer_sees_images(self, external_id: str) -> list[str]:
        found = []
        for answer in _ANSWER.findall(self._read(external_id)):
            for source, alt in re.findall(r'<img src="([^"]+)" alt="([^"]*)"', answer):
                picture = Client().get(source)
                assert picture["Content-Type"].startswith("image/"), picture.status_code
                found.append(unescape(alt))
        return found

    def break_after_posting(self) -> AbstractContextManager[None]:
        return self.mail.break_after_posting()

    def _read(self, external_id: str) -> str:
        answer = Client().get(self._page_of(external_id))
        assert answer.status_code == 200
        return answer.content.decode()

    def _page_of(self, external_id: str) -> str:
        """The conversation's page; an answer's address is in its thread."""
        if external_id not in self._pages:
            message = apps.get_model("inbox", "Message").objects.get(external_id=external_id)
            return tokens.thread_path(message.thread_key)
        return self._pages[external_id]

    def _channel_id(self) -> int:
        return int(apps.get_model("brands", "Channel").objects.filter(network="webform").latest("id").pk)


def _token(html: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', html)
    assert found
    return found.group(1)


def _aged(token: str) -> str:
    """The token as if the page had been open for a minute: nobody writes as fast as a test."""
    made = signing.loads(token, salt="webform.form")
    return signing.dumps({**made, "t": made["t"] - 60}, salt="webform.form")


PLACE = WebformPlace
