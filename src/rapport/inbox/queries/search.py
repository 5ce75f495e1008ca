"""Finding cases by words: in messages, and in contacts' names and handles.

Words are the ones of PostgreSQL's ``simple`` configuration. Scripts that are written without spaces
(Thai, Lao, Khmer, Myanmar, Chinese, Japanese) are cut into single characters first, by
``rapport_search_words`` in the database, and looked for as a phrase of them; so any piece of such a
text is found, and by the same index as everything else. Texts that ``inbox/words.py`` has not read
yet are looked through directly, so a message is found as soon as it is there.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection
from django.utils.translation import gettext as _

from rapport.lib.errors import Invalid
from rapport.lib.text import storable

# A search reads at most this many of the newest matching messages, so that a word found everywhere
# costs no more than a rare one.
MESSAGE_LIMIT = 5000
_LONGEST_QUERY = 200
_MOST_TERMS = 12


@dataclass(frozen=True, kw_only=True)
class Matches:
    """Cases that match, in no order. ``cut``: more messages matched, or wait to be read, than
    were looked at."""

    case_ids: tuple[int, ...]
    cut: bool


# Each term becomes a phrase of its pieces; the last piece matches as a beginning, so that a word is
# found while it is being typed, unless the term ends as "100%" does. Quoting is PostgreSQL's own: a
# query's text form is a valid query.
_QUERY = """
    SELECT string_agg('(' || phrase || CASE WHEN goes_on THEN ':*)' ELSE ')' END, ' & ')
    FROM unnest(%(terms)s::text[], %(goes_on)s::boolean[]) AS t(term, goes_on),
         LATERAL (SELECT phraseto_tsquery('simple', rapport_search_words(term))::text) AS p(phrase)
    WHERE phrase <> ''
"""

# Texts not read yet that a search looks through; a long import may leave more.
UNREAD_LIMIT = 2000

_SEARCH = """
    WITH unread AS MATERIALIZED (
        SELECT message_id, identity_id FROM inbox_wordswanted ORDER BY id DESC LIMIT %(unread)s
    ), spoken AS MATERIALIZED (
        SELECT w.message_id AS id FROM inbox_messagewords w
        WHERE w.words @@ %(query)s::tsquery AND w.brand_id = ANY(%(brands)s)
        ORDER BY w.message_id DESC LIMIT %(limit)s
    ), hit AS MATERIALIZED (
        SELECT m.thread_id, m.identity_id, m.from_brand FROM inbox_message m
        WHERE m.id IN (SELECT id FROM spoken) AND m.deleted_at IS NULL
        UNION
        SELECT m.thread_id, m.identity_id, m.from_brand FROM inbox_message m
        WHERE m.id IN (SELECT message_id FROM unread) AND m.deleted_at IS NULL
          AND m.brand_id = ANY(%(brands)s)
          AND to_tsvector('simple', rapport_search_words(m.text)) @@ %(query)s::tsquery
    ), person AS MATERIALIZED (
        SELECT i.contact_id FROM contacts_identity i
        WHERE i.id IN (SELECT identity_id FROM inbox_identitywords WHERE words @@ %(query)s::tsquery)
          AND NOT i.is_brand
        UNION
        SELECT i.contact_id FROM contacts_identity i
        WHERE i.id IN (SELECT identity_id FROM unread) AND NOT i.is_brand
          AND to_tsvector('simple', rapport_search_words(i.handle || ' ' || i.name)) @@ %(query)s::tsquery
    ), found AS (
        SELECT ct.case_id FROM hit
        JOIN contacts_identity i ON i.id = hit.identity_id
        JOIN inbox_casethread ct ON ct.thread_id = hit.thread_id
             AND (hit.from_brand OR ct.contact_id = i.contact_id)
        UNION
        SELECT c.id FROM person JOIN inbox_case c ON c.contact_id = person.contact_id
        WHERE c.brand_id = ANY(%(brands)s)
    )
    SELECT array(SELECT case_id FROM found),
           (SELECT count(*) FROM spoken) >= %(limit)s OR (SELECT count(*) FROM unread) >= %(unread)s
"""


def matching_cases(*, text: str, brand_ids: Sequence[int]) -> Matches:
    """Cases of these brands in which one message, or the contact's name and handles, has every term.

    Terms are separated by spaces; letter case does not matter. Raises Invalid for a query that is too
    long; one without a single letter or digit matches nothing.
    """
    text = storable(text)
    terms = text.split()
    if len(text) > _LONGEST_QUERY or len(terms) > _MOST_TERMS:
        raise Invalid(_("Search for fewer words."))
    with connection.cursor() as cursor:
        cursor.execute(_QUERY, {"terms": terms, "goes_on": [_goes_on(term) for term in terms]})
        query = cursor.fetchone()[0]
        if query is None or not brand_ids:
            return Matches(case_ids=(), cut=False)
        cursor.execute(
            _SEARCH,
            {
                "query": query,
                "brands": list(brand_ids),
                "limit": MESSAGE_LIMIT,
                "unread": UNREAD_LIMIT,
            },
        )
        case_ids, cut = cursor.fetchone()
    return Matches(case_ids=tuple(case_ids), cut=cut)


def _goes_on(term: str) -> bool:
    """Whether the term ends within a word: in a letter, a digit or a mark."""
    return unicodedata.category(term[-1])[0] in "LNM"
