"""A page on the double, and one customer of it."""

from __future__ import annotations

from rapport.networks.meta.tests.place import MetaPlace
from rapport.networks.meta.tests.world import PAGE_ID, Thing


class FacebookPlace(MetaPlace):
    network = "facebook"
    platform = "messenger"
    own_id = PAGE_ID

    def customer_says(
        self, text: str, *, to: str | None = None, private: bool = False, image: bool = False
    ) -> str:
        with self.world.lock:
            if private:
                return self.private_says(text, to=to, image=image)
            return self.world.comment(text, to=to, image=image).id

    def customer_reads(self, external_id: str, *, private: bool = False) -> list[str]:
        with self.world.lock:
            if private:
                return self.private_reads()
            return [one.text for one in self._answers(external_id)]

    def customer_sees_images(self, external_id: str) -> list[str]:
        with self.world.lock:
            return [alt for one in self._answers(external_id) for alt in one.alts]

    def customer_deletes(self, external_id: str) -> None:
        with self.world.lock:
            self.world.tell_comment(self.world.things.pop(external_id), "remove")

    def customer_edits(self, external_id: str, text: str) -> None:
        with self.world.lock:
            thing = self.world.things[external_id]
            thing.text = text
            self.world.tell_comment(thing, "edited")

    def _answers(self, external_id: str) -> list[Thing]:
        """Ours beside or below a comment: answers nest one deep, so one to an answer stands beside it."""
        said = self.world.things.get(external_id)
        near = {external_id} | ({said.parent} if said and said.parent != said.root else set())
        return [
            one
            for one in self.world.things.values()
            if one.kind == "comment" and one.parent in near and (one.author or {}).get("id") == PAGE_ID
        ]


PLACE = FacebookPlace
