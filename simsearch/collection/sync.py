"""Bring a collection's rows in line with its folders: the run behind `simsearch index`.

Unchanged files are recognised by path, size and time and are not even opened. All others are read
and hashed once; content that is already known, from whatever path, is never embedded again.
"""

from simsearch.collection.embedding import embed_new
from simsearch.collection.job import Job, Outcome
from simsearch.collection.moves import settle_copies
from simsearch.collection.rows import RunState, load_rows
from simsearch.collection.scanning import scan
from simsearch.store.manifest import PartInfo
from simsearch.store.reader import read_part
from simsearch.store.writer import PART_ROWS, PartWriter

_SMALL_PARTS = 8  # this many parts under half size are merged into full ones


def run(job: Job) -> Outcome:
    """Scan, read, embed and write parts of the next generation; nothing visible changes yet.

    Raises:
        FolderError: no picture at all in `roots`.
        CollectionDamagedError: a part of the manifest is missing or can't be read.
        StorageError: a part could not be written.
    """
    state = load_rows(job)
    todo = scan(job, state)
    writer = PartWriter(job.folder, job.manifest.generation + 1, job.manifest.encoder)
    embed_new(job, state, todo, writer)
    settle_copies(job, state, writer)
    if not state.interrupted:  # else a gone file may yet turn up under another path
        for row in state.gone.values():
            state.drop(row)
        # In a rebuild, what still waits for its id was not met again.
        state.counts.removed = len(state.gone) + len(state.ids)
    kept = _rewrite(job, state, writer)
    return Outcome(
        parts=(*kept, *writer.parts),
        roots=_roots_in_use(job, state),
        failures=state.failures,
        next_id=state.next_id,
        counts=state.counts,
        interrupted=state.interrupted,
        examined=frozenset(file.full_path for file in todo[: state.examined]),
    )


def _rewrite(job: Job, state: RunState, writer: PartWriter) -> list[PartInfo]:
    """Write anew the parts with rows that changed or go; return the parts that stay."""
    touched = {file for file, _ in state.stale | state.changed.keys()}
    small = {part.file for part in state.parts if part.rows < PART_ROWS // 2}
    if (touched or writer.parts) and len(small) >= _SMALL_PARTS:
        touched |= small
    for part in state.parts:
        if part.file not in touched:
            continue
        records, vectors = read_part(job.folder, part)
        for place, (record, vector) in enumerate(zip(records, vectors, strict=True)):
            key = (part.file, place)
            if key not in state.stale:
                writer.add(state.changed.get(key, record), vector)
    writer.flush()
    return [part for part in state.parts if part.file not in touched]


def _roots_in_use(job: Job, state: RunState) -> tuple[str, ...]:
    """Return the roots of this run, if they must hold pictures, and those that rows have."""
    in_use = {
        state.changed.get(row.key, row.record).root
        for row in state.rows.values()
        if row.key not in state.stale
    }
    if job.may_be_empty:
        in_use |= {record.root for record in state.embedded.values()}
        in_use |= {examined.file.root for examined in state.copies}
        return tuple(sorted(in_use))
    return tuple(sorted({*job.roots, *in_use}))
