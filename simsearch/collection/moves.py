"""Files with known content: copies, which take the known vector, and files that were moved."""

import os
from collections import defaultdict
from dataclasses import replace

from simsearch.collection.examining import Examined
from simsearch.collection.job import Job
from simsearch.collection.rows import KnownRow, RunState
from simsearch.records import ImageRecord, is_below
from simsearch.store.manifest import PartInfo
from simsearch.store.reader import read_part, read_records
from simsearch.store.writer import PartWriter


def settle_copies(job: Job, state: RunState, writer: PartWriter) -> None:
    """Give files with known content their rows: moved ones keep theirs, others get the vector.

    Raises:
        CollectionDamagedError: a part with a vector is missing or can't be read.
        StorageError: a part could not be written.
    """
    gone_by_hash: dict[str, list[KnownRow]] = defaultdict(list)
    for row in state.gone.values():
        gone_by_hash[row.record.content_hash].append(row)
    settled = (_settle(job, state, copy, gone_by_hash[copy.hash]) for copy in state.copies)
    _write_copies(job, state, writer, [record for record in settled if record is not None])


def _settle(
    job: Job, state: RunState, examined: Examined, gone: list[KnownRow]
) -> ImageRecord | None:
    """Note what a file with known content is; return its row if that needs the vector copied."""
    file, known = examined.file, state.by_hash.get(examined.hash, [])
    twin = state.embedded.get(examined.hash) or (known[0].record if known else None)
    own = state.rows.get(file.full_path)
    if own is not None:
        state.drop(own)
    if twin is None:  # its only source turned out to have no vector
        state.fail_without_vector(file)
        return None
    record = replace(twin, path=file.path, root=file.root, size=file.size, mtime_ns=file.mtime_ns)
    if own is not None:
        state.counts.updated += 1
        return replace(record, id=own.record.id)
    old = _vacated(job, state, gone, known)
    if old is not None:
        state.gone.pop(old.record.full_path, None)
        state.change(old, replace(record, id=old.record.id))
        state.counts.moved += 1
        return None
    still_there = examined.hash in state.embedded or any(
        row.key not in state.stale for row in known
    )
    state.counts.duplicates_of_content += still_there
    state.counts.moved += not still_there
    return replace(record, id=state.take_id(file.full_path))


def _vacated(
    job: Job, state: RunState, gone: list[KnownRow], known: list[KnownRow]
) -> KnownRow | None:
    """Return a row of this content whose file is no longer at its path, if there is one."""
    if gone:
        return gone.pop(0)
    for row in known:
        path = row.record.full_path
        outside = not any(is_below(path, root) for root in job.roots)
        free = row.key not in state.stale and row.key not in state.changed
        if outside and free and not os.path.lexists(path):
            return row
    return None


def _write_copies(
    job: Job, state: RunState, writer: PartWriter, records: list[ImageRecord]
) -> None:
    """Write rows whose vectors lie in parts already: the old ones, or those of this run."""
    if not records:
        return
    wanted = {record.content_hash for record in records}
    sources = {
        digest: (state.by_hash[digest][0].part, state.by_hash[digest][0].place)
        for digest in wanted & state.by_hash.keys()
    }
    if len(sources) < len(wanted):
        for part in writer.parts:
            for place, record in enumerate(read_records(job.folder, part)):
                if record.content_hash in wanted:
                    sources.setdefault(record.content_hash, (part, place))
    by_part: dict[PartInfo, list[ImageRecord]] = defaultdict(list)
    for record in records:
        by_part[sources[record.content_hash][0]].append(record)
    for part, members in by_part.items():
        _, vectors = read_part(job.folder, part)
        for record in members:
            writer.add(record, vectors[sources[record.content_hash][1]])
    writer.flush()
