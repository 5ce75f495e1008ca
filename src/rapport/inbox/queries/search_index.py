"""What search knows besides the index: the words that begin as somebody typed, and the texts that are not read yet."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection

from rapport.inbox.queries.search_parse import Words
from rapport.inbox.queries.search_terms import Endings
from rapport.inbox.words import SOURCES, Source, read
from rapport.lib.pg import array

# Texts not read yet that a search looks through; a long import may leave more.
UNREAD_LIMIT = 1000
# Words that the beginning of one may stand for.
ENDINGS = 64
_LAST_CHARACTER = "\U0010ffff"

_ENDINGS = """
    SELECT p.begun, array(
        SELECT k.word FROM inbox_knownword k
        WHERE k.word >= p.begun AND k.word < p.begun || %(last)s ORDER BY length(k.word), k.word LIMIT %(limit)s
    ) FROM unnest(%(begun)s::text[]) AS p(begun)
"""
_FITTING = """
    SELECT id FROM unnest(%(ids)s::bigint[], %(vectors)s::text[]) AS t(id, vector)
    WHERE vector::tsvector @@ %(query)s::tsquery ORDER BY id DESC
"""
_UNREAD = "SELECT message_id, identity_id, note_id FROM inbox_wordswanted ORDER BY id DESC LIMIT %s"


def endings(wanted: Iterable[Words]) -> Endings:
    """The words in use that begin as the ones that go on do, the shortest first, at most ``ENDINGS`` of each."""
    begun = sorted({one.terms[-1] for one in wanted if one.goes_on})
    if not begun:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_ENDINGS, {"begun": array(begun), "last": _LAST_CHARACTER, "limit": ENDINGS})
        return dict(cursor.fetchall())


class Unread:
    """The newest texts that are not read yet, by source. ``cut``: there are more."""

    def __init__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_UNREAD, [UNREAD_LIMIT])
            rows = cursor.fetchall()
        self.cut = len(rows) >= UNREAD_LIMIT
        self.ids: dict[Source, set[int]] = {
            source: {row[place] for row in rows} - {None} for place, source in enumerate(SOURCES)
        }

    def fitting(self, source: Source, query: str) -> list[int]:
        """Those that fit ``query``, newest first."""
        found = read(source, sorted(self.ids[source]))
        if not found.ids:
            return []
        with connection.cursor() as cursor:
            cursor.execute(
                _FITTING, {"ids": array(found.ids), "vectors": array(found.vectors), "query": query}
            )
            return [row[0] for row in cursor.fetchall()]
