"""Messages out of Rapport, in the canonical format that ``rapport import`` reads."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import IO, Any, Literal

from django.db import connection, transaction

from rapport.imports.canonical import COLUMNS
from rapport.imports.channels import NETWORK

ExportFormat = Literal["jsonl", "csv"]
_FETCH = 2000

# Ids of live networks get the network's name in front, so that ids of two networks cannot meet in one
# file; imported ones keep theirs, so that export, import and export again give the same file.
_QUERY = """
SELECT b.slug AS brand, b.name AS brand_name,
       CASE WHEN c.network = %(file)s THEN '' ELSE c.network || ':' END || c.external_id AS channel,
       c.handle AS channel_handle, NOT m.own AS inbound, account.slug AS author_brand,
       m.external_id AS id, m.parent_external_id AS parent_id, m.thread_key,
       CASE WHEN i.network = %(file)s THEN '' ELSE i.network || ':' END || i.external_id AS author_id,
       i.handle AS author_handle, i.name AS author_name, m.text, m.sent_at AS created_at, m.edited_at,
       m.deleted_at, m.visibility, m.automatic, m.lang, m.url, m.media
FROM inbox_message m
JOIN brands_brand b ON b.id = m.brand_id
JOIN brands_channel c ON c.id = m.channel_id
JOIN contacts_identity i ON i.id = m.identity_id
LEFT JOIN LATERAL (
    -- The author's own channel: this brand's first, if several brands share the account.
    SELECT ab.slug FROM brands_channel ac JOIN brands_brand ab ON ab.id = ac.brand_id
    WHERE m.from_brand AND ac.network = i.network AND ac.external_id = i.external_id
    ORDER BY ab.id <> m.brand_id, ab.id LIMIT 1
) account ON true
WHERE (%(brands)s::bigint[] IS NULL OR m.brand_id = ANY(%(brands)s))
  AND (%(since)s::timestamptz IS NULL OR m.sent_at >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR m.sent_at < %(until)s)
ORDER BY b.slug, c.external_id, m.sent_at, m.external_id
"""


def exported_rows(
    *, brand_ids: Sequence[int] | None, since: datetime | None = None, until: datetime | None = None
) -> Iterator[dict[str, Any]]:
    """Messages sent in [``since``, ``until``) as canonical rows, ordered by brand, channel and time.

    ``brand_ids`` None: of every brand. Fetched through a cursor, so any number fits in memory; what
    has nothing to say is left out of a row. The state is that of one moment.
    """
    params = {
        "file": NETWORK,
        "brands": None if brand_ids is None else list(brand_ids),
        "since": since,
        "until": until,
    }
    with transaction.atomic():
        connection.ensure_connection()
        with connection.connection.cursor(name="rapport_export") as cursor:
            cursor.itersize = _FETCH
            cursor.execute(_QUERY, params)
            names = [column.name for column in cursor.description]
            for values in cursor:
                yield _row(dict(zip(names, values, strict=True)))


def _row(values: dict[str, Any]) -> dict[str, Any]:
    for column in ("created_at", "edited_at", "deleted_at"):
        if values[column] is not None:
            values[column] = values[column].astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(values["media"], str):  # Django's connection leaves JSON as text
        values["media"] = json.loads(values["media"])
    row = {column: values[column] for column in COLUMNS if values[column] not in (None, "", [])}
    row["text"] = values["text"]
    if not row["automatic"]:
        del row["automatic"]
    return row


def write_export(*, rows: Iterator[dict[str, Any]], file: IO[str], file_format: ExportFormat) -> int:
    """Write ``rows`` to ``file`` (opened with ``newline=""``); returns how many."""
    count = 0
    if file_format == "jsonl":
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
        return count
    # Both characters of this line end make the writer quote a text that holds one of them.
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\r\n", restval="")
    writer.writeheader()
    for row in rows:
        writer.writerow({column: _csv_value(value) for column, value in row.items()})
        count += 1
    return count


def _csv_value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list) else str(value)
