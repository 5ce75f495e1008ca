"""Letters have no server: an agent types what the post brought, on the desk's own page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import uuid4

from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from rapport.networks.testing import Place

_PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


class LettersPlace(Place):
    """Josip, who writes by post to the brand of the newest letters channel."""

    network: ClassVar[str] = "letters"
    public: ClassVar[bool] = False
    cannot: ClassVar[Mapping[str, str]] = {
        "customer_reads": "an answer is read on paper, or heard",
        "customer_sees_images": "an answer is read on paper, or heard",
        "customer_edits": "what is written is written",
        "customer_deletes": "what is written is written",
        "outage": "the page is Rapport's own",
        "break_after_posting": "recording an answer is all there is to sending it",
        "revoke": "there are no credentials",
        "renew": "there are no credentials",
        "deliveries": "the page stores what is entered itself",
    }

    def __enter__(self) -> LettersPlace:
        return self

    def __exit__(self, *exc: object) -> None:
        """Nothing was started."""

    def values(self) -> dict[str, Any]:
        return {"name": "Letters and calls"}

    def customer_says(
        self, text: str, *, to: str | None = None, private: bool = False, image: bool = False
    ) -> str:
        channel = apps.get_model("brands", "Channel").objects.filter(network="letters").latest("id")
        membership = apps.get_model("staff", "Membership").objects.filter(brand=channel.brand).first()
        browser = Client()
        browser.force_login(membership.user, backend="django.contrib.auth.backends.ModelBackend")
        key = str(uuid4())
        typed: dict[str, Any] = {
            "key": key,
            "brand": channel.brand.slug,
            "way": "letter",
            "name": "Josip Horvat",
            "address": "Ilica 1, Zagreb",
            "date": timezone.localdate().isoformat(),
            "text": text,
        }
        if image:
            typed["files"] = SimpleUploadedFile("letter.png", _PICTURE)
        query = ""
        if to:
            message = apps.get_model("inbox", "Message").objects.get(external_id=to, channel=channel)
            query = f"?case={message.thread.case_threads.latest('id').case_id}"
        answer = browser.post(f"/desk/new/{query}", typed)
        assert answer.status_code == 302, answer.content.decode()
        return key

    def customer_reads(self, external_id: str, *, private: bool = False) -> list[str]:
        raise NotImplementedError(self.cannot["customer_reads"])


PLACE = LettersPlace
