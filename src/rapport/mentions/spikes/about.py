"""What an event is about: languages, leading posts, authors, links, people we know, and terms that are new."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from rapport.listening.text import links
from rapport.mentions.spikes.terms import new_terms

_BEFORE = timedelta(days=14)
# Texts that are read for terms and links, the newest.
_MOST_TEXTS = 2000
_POSTS, _AUTHORS, _LINKS, _LANGUAGES, _CONTACTS = 5, 5, 5, 6, 50

_EVENT = """
WITH event AS MATERIALIZED (
    SELECT n.id, p.id AS post_id, p.network, p.lang, p.author, p.author_name, p.author_id_there,
           coalesce(p.followers, 0) AS followers, coalesce(n.folded_into_id, n.id) AS told_by, n.brand_id, n.reach,
           n.sent_at
    FROM mentions_match m
    JOIN mentions_mention n ON n.id = m.mention_id AND n.state NOT IN ('spam', 'muted')
    JOIN mentions_post p ON p.id = n.post_id AND p.deleted_at IS NULL
    WHERE m.query_id = %(query)s AND m.sent_at >= %(since)s AND m.sent_at < %(until)s
)
"""
_SUMS = """{event}
(SELECT 'lang' AS what, lang AS a, '' AS b, count(*) AS n, 0::bigint AS more FROM event GROUP BY lang
 ORDER BY 4 DESC LIMIT %(languages)s)
UNION ALL
(SELECT 'post', told_by::text, '', count(*), max(reach) FROM event GROUP BY told_by
 ORDER BY 4 DESC, 5 DESC, told_by LIMIT %(posts)s)
UNION ALL
(SELECT 'author', network, author, count(*), max(followers) FROM event WHERE author <> ''
 GROUP BY network, author ORDER BY 5 DESC, 4 DESC, author LIMIT %(authors)s)
UNION ALL
(SELECT 'contact', i.contact_id::text, '', count(*), 0 FROM event e
 JOIN contacts_identity i ON i.network = e.network AND i.external_id = e.author_id_there AND NOT i.is_brand
 WHERE e.author_id_there <> ''
   AND EXISTS (SELECT FROM inbox_case c WHERE c.contact_id = i.contact_id AND c.brand_id = e.brand_id)
 GROUP BY i.contact_id ORDER BY 4 DESC, i.contact_id LIMIT %(contacts)s)
""".replace("{event}", _EVENT)
# Matches first, so that only so many texts are read however much was said; fenced, as tables that are new or grow
# fast are planned by old statistics.
_TEXTS = """
SELECT p.text
FROM (SELECT mention_id FROM mentions_match
      WHERE query_id = %(query)s AND sent_at >= %(since)s AND sent_at < %(until)s
      ORDER BY sent_at DESC LIMIT %(texts)s) m
CROSS JOIN LATERAL (SELECT post_id FROM mentions_mention
                    WHERE id = m.mention_id AND state NOT IN ('spam', 'muted') OFFSET 0) n
CROSS JOIN LATERAL (SELECT text FROM mentions_post WHERE id = n.post_id AND deleted_at IS NULL OFFSET 0) p
"""


def about(*, query_id: int, since: datetime, until: datetime) -> dict[str, Any]:
    """Of the query's mentions in that time. ``posts`` are ids of mentions, ``contacts`` of contacts who have a case with the brand: whom
    another brand knows is not told here. Three queries."""
    given: dict[str, Any] = {
        "query": query_id,
        "since": since,
        "until": until,
        "languages": _LANGUAGES,
        "posts": _POSTS,
        "authors": _AUTHORS,
        "contacts": _CONTACTS,
        "texts": _MOST_TEXTS,
    }
    found: dict[str, list[list[Any]]] = {"lang": [], "post": [], "author": [], "contact": []}
    with connection.cursor() as cursor:
        cursor.execute(_SUMS, given)
        for what, a, b, count, more in cursor.fetchall():
            found[what].append([a, b, count, more])
        cursor.execute(_TEXTS, given)
        texts = cursor.fetchall()
        cursor.execute(_TEXTS, given | {"since": since - _BEFORE, "until": since})
        before = cursor.fetchall()
    shared: dict[str, int] = {}
    for (text,) in texts:
        for link in set(links(text)):
            shared[link] = shared.get(link, 0) + 1
    leading = sorted(shared.items(), key=lambda one: (-one[1], one[0]))[:_LINKS]
    return {
        "languages": [[lang, count] for lang, _b, count, _more in found["lang"]],
        "posts": [[int(mention), count] for mention, _b, count, _more in found["post"]],
        "authors": [[network, author, count, more] for network, author, count, more in found["author"]],
        "links": [[link[:500], count] for link, count in leading],
        "contacts": [int(contact) for contact, _b, _count, _more in found["contact"]],
        "terms": [list(one) for one in new_terms((row[0] for row in texts), (row[0] for row in before))],
    }
