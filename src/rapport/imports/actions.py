"""Importing a file: read, store batch by batch, process, and remember how far it came."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from django.db import transaction
from django.utils import timezone

from rapport.audit.actions import record
from rapport.brands.models import Brand
from rapport.imports.canonical import CanonicalSource, brand_names, default_target
from rapport.imports.channels import ensure_channels, known_handles, live_accounts
from rapport.imports.models import ImportRun
from rapport.imports.records import WrongHeader
from rapport.imports.rejects import Rejects
from rapport.imports.source import Progress, Row, Source, Target
from rapport.imports.twcs import TwcsSource
from rapport.inbox.models import Message
from rapport.ingest.actions import store_raw
from rapport.ingest.models import RawEvent, RawState
from rapport.ingest.process import process_channel
from rapport.lib.errors import Invalid
from rapport.networks.base import RawItem

FileFormat = Literal["twcs", "jsonl", "csv"]

# Rows held in memory before they are stored: many, because a file's rows are spread over many channels
# and each channel's share of a batch is stored by one COPY.
BATCH_ROWS = 20_000
# Stored events of a channel that are worth processing at once: a batch costs a dozen statements, however
# few events it has. What is left over is processed at the end (or by a worker, if one runs).
PROCESS_EVENTS = 1000


@dataclass
class Summary:
    """What an import did. Rows of the file: ``rows`` = new + duplicates + rejected + skipped.

    ``copies``: how often a row was stored a second time because its conversation belongs to several
    companies. ``resumed_at``: rows that an interrupted import of the same file had stored. ``parked``:
    events of these channels that could not be understood; see ``rapport events list``.
    """

    file: str
    format: str
    rows: int = 0
    new: int = 0
    duplicates: int = 0
    copies: int = 0
    skipped: int = 0
    rejected: int = 0
    rejected_file: str | None = None
    brands: int = 0
    channels: int = 0
    conversations: int = 0
    messages: int = 0
    parked: int = 0
    resumed_at: int = 0
    links: int | None = None


@dataclass
class _Stored:
    """Counts that are saved with the progress, because their rows are not stored again on resuming."""

    new: int = 0
    known: int = 0
    copies: int = 0


@dataclass
class _Batch:
    """Rows that wait to be stored, by channel; ``copies`` are rows another channel holds too."""

    rows: dict[int, list[RawItem]] = field(default_factory=dict)
    copies: dict[int, list[RawItem]] = field(default_factory=dict)
    size: int = 0

    def add(self, item: RawItem, channel_ids: list[int]) -> None:
        first, *others = channel_ids
        self.rows.setdefault(first, []).append(item)
        for channel_id in others:
            self.copies.setdefault(channel_id, []).append(item)
        self.size += len(channel_ids)


def import_file(
    *,
    path: Path,
    file_format: FileFormat,
    brand: str = "",
    rejects_fallback: Path | None = None,
    progress: Progress | None = None,
    batch_rows: int = BATCH_ROWS,
    process_events: int = PROCESS_EVENTS,
) -> Summary:
    """Import ``path``; twice is the same as once, and an interrupted import goes on where it stopped.

    Bad rows are never fatal: they are written, with line numbers and reasons, to
    ``<path>.rejected.jsonl``, or into ``rejects_fallback`` if that place cannot be written. Raises
    :class:`Invalid` when the file is not of this format or ``brand`` cannot be found or made.
    """
    tell = progress or (lambda doing, done, total: None)
    file_hash = _hash(path)
    source = _source(path, file_format, brand.strip())
    try:
        source.prepare(tell)
    except WrongHeader as error:
        raise Invalid(str(error)) from None
    channel_of = ensure_channels(source.targets())
    run, _created = ImportRun.objects.get_or_create(
        file_hash=file_hash, file_format=file_format, brand_option=brand.strip()[:120],
        defaults={"file_name": path.name[:255]},
    )  # fmt: skip
    if run.finished_at is not None:
        run.rows_done, run.counts, run.finished_at = 0, {}, None
    summary = Summary(file=str(path), format=file_format, resumed_at=run.rows_done)
    with Rejects(path, rejects_fallback) as rejects:
        _import_rows(source, channel_of, run, summary, rejects, tell, batch_rows, process_events)
    summary.rejected_file = str(rejects.written) if rejects.written else None
    _process(sorted(set(channel_of.values())), tell)
    _finish(run, summary, source.totals(), channel_of)
    return summary


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=32)).hexdigest()


def _source(path: Path, file_format: FileFormat, brand: str) -> Source:
    known = _find_brand(brand) if brand else None
    if file_format != "twcs":
        names = (known.slug, known.name) if known else brand_names(brand) if brand else None
        return CanonicalSource(path, file_format=file_format, brand=names, live=live_accounts())
    if not brand:
        return TwcsSource(path, known=known_handles())
    handles = known_handles(brand_id=known.id) if known else frozenset()
    # Used only when no company of the file is the brand.
    fallback = default_target(*((known.slug, known.name) if known else brand_names(brand)))
    return TwcsSource(path, brand=brand, known=known_handles(), brand_handles=handles, fallback=fallback)


def _find_brand(brand: str) -> Brand | None:
    return (
        Brand.objects.filter(slug=brand.lower()).first()
        or Brand.objects.filter(name__iexact=brand).order_by("id").first()
    )


def _import_rows(
    source: Source,
    channel_of: Mapping[Target, int],
    run: ImportRun,
    summary: Summary,
    rejects: Rejects,
    tell: Progress,
    batch_rows: int,
    process_events: int,
) -> None:
    stored = _Stored(**run.counts)
    batch = _Batch()
    pending: Counter[int] = Counter()
    repeated = 0
    for row in source.rows(tell):
        summary.rows += 1
        if row.rejected:
            summary.rejected += 1
            rejects.add(line=row.line, reason=row.rejected, excerpt=row.excerpt)
        elif row.repeated:
            repeated += 1
        elif row.skipped:
            summary.skipped += 1
        elif summary.rows > run.rows_done:
            batch.add(_item(row), [channel_of[target] for target in row.targets])
            if batch.size >= batch_rows:
                _store(run, batch, stored, summary.rows, pending)
                _process_full(pending, process_events)
                batch = _Batch()
    _store(run, batch, stored, max(summary.rows, run.rows_done), pending)
    summary.new, summary.copies = stored.new, stored.copies
    summary.duplicates = stored.known + repeated


def _item(row: Row) -> RawItem:
    assert row.item is not None
    return row.item


def _store(run: ImportRun, batch: _Batch, stored: _Stored, rows_done: int, pending: Counter[int]) -> None:
    """Store a batch and the progress in one transaction, and count what each channel has ``pending``."""
    with transaction.atomic():
        # Channels in one order, so that two imports at once cannot wait for each other in a circle.
        for channel_id in sorted({*batch.rows, *batch.copies}):
            rows, copies = batch.rows.get(channel_id, []), batch.copies.get(channel_id, [])
            new = store_raw(channel_id=channel_id, items=rows)
            new_copies = store_raw(channel_id=channel_id, items=copies)
            stored.new += new
            stored.known += len(rows) - new
            stored.copies += new_copies
            pending[channel_id] += new + new_copies
        run.rows_done, run.counts = rows_done, vars(stored)
        run.save(update_fields=["rows_done", "counts", "finished_at"])


def _process_full(pending: Counter[int], process_events: int) -> None:
    """Make messages of the events of those channels that have enough."""
    for channel_id, events in [*pending.items()]:
        if events >= process_events:
            process_channel(channel_id)
            del pending[channel_id]


def _process(channel_ids: list[int], tell: Progress) -> None:
    """What is still pending, also from an import that was killed."""
    for done, channel_id in enumerate(channel_ids):
        tell("finishing", done, len(channel_ids))
        process_channel(channel_id)


def _finish(
    run: ImportRun, summary: Summary, totals: Mapping[str, int], channel_of: Mapping[Target, int]
) -> None:
    channel_ids = sorted(set(channel_of.values()))
    messages = Message.objects.filter(channel_id__in=channel_ids)
    summary.channels = len(channel_ids)
    summary.brands = Brand.objects.filter(channels__in=channel_ids).distinct().count()
    summary.messages = messages.count()
    summary.parked = RawEvent.objects.filter(channel_id__in=channel_ids, state=RawState.PARKED).count()
    summary.links = totals.get("links")
    summary.conversations = totals.get("conversations") or messages.values("thread").distinct().count()
    with transaction.atomic():
        run.finished_at = timezone.now()
        run.save(update_fields=["finished_at"])
        counts: dict[str, Any] = {key: value for key, value in vars(summary).items() if key != "file"}
        record(action="import.finished", actor_id=None, object_type="import", object_id=run.pk, data=counts)
