"""An account on the double, and one customer of it."""

from __future__ import annotations

from typing import ClassVar

from rapport.networks.meta.tests.place import MetaPlace
from rapport.networks.meta.tests.world import IG_ID


class InstagramPlace(MetaPlace):
    network = "instagram"
    platform = "instagram"
    own_id = IG_ID
    cannot: ClassVar[dict[str, str]] = {
        "customer_deletes": "Instagram does not tell that a comment was deleted",
        "customer_edits": "comments on Instagram cannot be changed",
    }

    def customer_says(
        self, text: str, *, to: str | None = None, private: bool = False, image: bool = False
    ) -> str:
        with self.world.lock:
            if private:
                return self.private_says(text, to=to, image=image)
            if image:
                raise NotImplementedError("comments on Instagram carry no pictures")
            return self.world.ig_comment(text, to=to).id

    def customer_reads(self, external_id: str, *, private: bool = False) -> list[str]:
        with self.world.lock:
            if private:
                return self.private_reads()
            said = self.world.things.get(external_id)
            near = {external_id} | ({said.parent} if said and said.parent != said.root else set())
            return [
                one.text
                for one in self.world.things.values()
                if one.kind == "ig_comment" and one.parent in near and (one.author or {}).get("id") == IG_ID
            ]

    def customer_sees_images(self, external_id: str) -> list[str]:
        """Pictures in our direct messages, which have no descriptions."""
        with self.world.lock:
            found = self.world.conversation(self.platform).messages
            ours = [one for one in found if one["from"]["id"] == IG_ID]
            return ["" for one in ours for file in one["attachments"] if file["type"] == "image"]


PLACE = InstagramPlace
