"""What is heard is matched and stored once, whatever comes again."""

from __future__ import annotations

import pytest

from rapport.inbox.tests.making import make_brand
from rapport.mentions.hearing import hear
from rapport.mentions.models import Denominator, Match, Mention, Post
from rapport.mentions.tests.making import heard, make_query

pytestmark = pytest.mark.django_db


def test_what_matches_is_stored_with_why_and_the_rest_is_counted() -> None:
    brand = make_brand()
    query = make_query(brand, "aero lounge")
    batch = [
        heard("1", "The Aero lounge is closed", lang="en", followers=7),
        heard("2", "Nothing to do with it", lang="en"),
    ]
    assert hear(batch, source_key="source:1") == 1
    assert hear(batch, source_key="source:1") == 1

    mention = Mention.objects.select_related("post").get()
    assert (mention.brand_id, mention.post.external_id, mention.state) == (brand.id, "1", "new")
    assert (mention.kinds, mention.reach, mention.copies) == (["brand"], 7, 0)
    match = Match.objects.get()
    assert (match.mention_id, match.query_id, match.version_id) == (mention.id, query.id, query.version_id)
    assert match.why == [["text", 4, 8, "aero"], ["text", 9, 15, "lounge"]]
    assert Post.objects.count() == 1
    counted = Denominator.objects.get()
    assert (counted.source_key, counted.lang, counted.heard, counted.matched) == ("source:1", "en", 3, 1)
