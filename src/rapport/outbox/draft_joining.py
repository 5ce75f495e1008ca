"""Two cases become one, and somebody wrote in both: all their words are in the case that stays.

A person has one draft for each field of a case, so of two the other's words are put into the empty field, or offered
beside the draft. The draft of the case that went keeps a copy, so that only ids are written down of what to take
back; see ``inbox/hanging.py``.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from rapport.outbox.models import Draft, DraftAside


def joined(into: Mapping[int, int]) -> list[dict[str, Any]]:
    """Bring the words that could not move with their case, case (keys) by case (values) it became part of, and
    return what :func:`parted` needs. Locks the drafts. At most four statements."""
    rows = Draft.objects.select_for_update().filter(case_id__in={*into, *into.values()}).order_by("id")
    found = list(rows)
    kept = {(one.user_id, one.case_id, one.field): one for one in found if one.case_id not in into}
    filled: list[Draft] = []
    asides: list[tuple[Draft, DraftAside]] = []
    done: list[dict[str, Any]] = []
    for one in found:
        if one.case_id not in into or not one.text.strip():
            continue
        stays = kept[one.user_id, into[one.case_id], one.field]
        if not stays.text.strip():
            stays.text, stays.typed_at = one.text, one.typed_at
            stays.revision = max(time.time_ns() // 1000, stays.revision + 1)
            filled.append(stays)
            done.append({"draft": one.pk, "into": stays.pk, "revision": stays.revision})
        elif one.text.strip() not in stays.text:
            aside = DraftAside(user_id=one.user_id, case_id=stays.case_id, field=one.field, text=one.text)
            asides.append((one, aside))
    Draft.objects.bulk_update(filled, ["text", "typed_at", "revision"])
    DraftAside.objects.bulk_create([aside for _one, aside in asides])
    return done + [{"draft": one.pk, "aside": aside.pk} for one, aside in asides]


def parted(done: Sequence[Mapping[str, Any]]) -> None:
    """The case is out again, and so are the words that are as they were. What was changed, sent or thrown away in
    the meantime is not brought back; it stays where it went."""
    drafts = {
        one.pk: one
        for one in Draft.objects.select_for_update()
        .filter(id__in=[one[key] for one in done for key in ("draft", "into") if key in one])
        .order_by("id")
    }
    asides = DraftAside.objects.filter(
        id__in=[one["aside"] for one in done if "aside" in one], dropped_at=None
    )
    offered = dict(asides.values_list("id", "text"))
    changed: list[Draft] = []
    back: list[int] = []
    for one in done:
        mine = drafts.get(one["draft"])
        if mine is None:
            continue
        if one.get("aside") in offered and offered[one["aside"]] == mine.text:
            back.append(one["aside"])
            continue
        stays = drafts.get(one.get("into", 0))
        if stays is not None and (stays.revision, stays.text) == (one["revision"], mine.text):
            changed.append(_emptied(stays))
        else:
            changed.append(_emptied(mine))
    Draft.objects.bulk_update(changed, ["text", "revision"])
    DraftAside.objects.filter(id__in=back).delete()


def _emptied(draft: Draft) -> Draft:
    draft.text, draft.revision = "", max(time.time_ns() // 1000, draft.revision + 1)
    return draft
