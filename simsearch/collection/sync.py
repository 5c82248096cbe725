"""Bring a collection's rows in line with its folders: the run behind `simsearch index`.

Unchanged files are recognised by path, size and time and are not even opened. All others are read
and hashed once; content that is already known, from whatever path, is never embedded again.
"""

import os
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

import numpy as np

from simsearch.config import Preprocessing, Selection
from simsearch.digest import file_digest
from simsearch.encoder.embed import embed
from simsearch.encoder.runtimes import Pixels, Runtime
from simsearch.errors import CollectionDamagedError, FailureKind, FolderError, PictureError
from simsearch.images.decode import Picture, decode, read_file
from simsearch.images.discover import discover, is_candidate
from simsearch.images.fingerprint import content_hash
from simsearch.records import Failure, FoundFile, ImageRecord, is_below
from simsearch.store.manifest import Manifest, PartInfo
from simsearch.store.reader import inspect_part, read_part, read_records
from simsearch.store.writer import FOLDER, PART_ROWS, PartWriter, scan_parts

_SMALL_PARTS = 8  # this many parts under half size are merged into full ones
_WINDOW = 32  # files read ahead of the encoder; bounds memory


@dataclass(frozen=True, slots=True)
class Job:
    """What to bring in line.

    Attributes:
        folder: the collection's folder.
        manifest: its current generation.
        rebuild: know no vector from before; rows keep their ids, by path.
        roots: absolute folders to scan; rows of other folders are left alone.
        open_runtime: opens the encoder; called only if there is something to embed.
        workers: threads that read and decode.
        progress: called with (files done, files to do).
        should_stop: asked before each file; True ends the run early, keeping what is done.
    """

    folder: Path
    manifest: Manifest
    rebuild: bool
    roots: Sequence[str]
    selection: Selection
    open_runtime: Callable[[], Runtime]
    workers: int
    progress: Callable[[int, int], None]
    should_stop: Callable[[], bool]


@dataclass(slots=True)
class Counts:
    """Paths by what happened to them, as in SyncReport, and rows saved from a killed run."""

    new: int = 0
    duplicates_of_content: int = 0
    updated: int = 0
    moved: int = 0
    removed: int = 0
    other_files: int = 0
    recovered: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run leaves to be committed."""

    parts: tuple[PartInfo, ...]
    roots: tuple[str, ...]
    failures: list[Failure]
    next_id: int
    counts: Counts
    interrupted: bool
    examined: frozenset[str]  # full paths of the files that were read


@dataclass(frozen=True, slots=True)
class _Row:
    """A known row and where its vector is: a part, and a place in it."""

    record: ImageRecord
    part: PartInfo
    place: int


@dataclass(frozen=True, slots=True)
class _Examined:
    """A file that was read: its hash, and its picture unless the content was known already."""

    file: FoundFile
    hash: str = ""
    picture: Picture | None = None
    failure: Failure | None = None


@dataclass(slots=True)
class _State:
    """What is known of the rows while a run goes on."""

    next_id: int
    parts: list[PartInfo]
    ids: dict[str, int] = field(default_factory=dict)  # to be given again in a rebuild, by path
    rows: dict[str, _Row] = field(default_factory=dict)  # by full path
    by_hash: dict[str, list[_Row]] = field(default_factory=lambda: defaultdict(list))
    stale: set[tuple[str, int]] = field(default_factory=set)  # (part, place) to leave out
    changed: dict[tuple[str, int], ImageRecord] = field(default_factory=dict)  # to write anew
    embedded: dict[str, ImageRecord] = field(default_factory=dict)  # new content, by hash
    copies: list[_Examined] = field(default_factory=list)  # files with content known elsewhere
    gone: dict[str, _Row] = field(default_factory=dict)  # known paths that were not found
    failures: list[Failure] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)
    examined: int = 0  # of the files to read
    interrupted: bool = False

    def take_id(self, path: str) -> int:
        if path in self.ids:
            return self.ids.pop(path)
        self.next_id += 1
        return self.next_id - 1

    def drop(self, row: _Row) -> None:
        self.stale.add((row.part.file, row.place))

    def change(self, row: _Row, record: ImageRecord) -> None:
        self.changed[row.part.file, row.place] = record


def run(job: Job) -> Outcome:
    """Scan, read, embed and write parts of the next generation; nothing visible changes yet.

    Raises:
        FolderError: no picture at all in `roots`.
        StorageError: a part could not be written.
    """
    state = _load(job)
    todo = _scan(job, state)
    writer = PartWriter(job.folder, job.manifest.generation + 1, job.manifest.encoder)
    _embed_new(job, state, todo, writer)
    _settle_copies(job, state, writer)
    if not state.interrupted:  # else a gone file may yet turn up under another path
        for row in state.gone.values():
            state.drop(row)
        state.counts.removed = len(state.gone)
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


def _load(job: Job) -> _State:
    """Read all known rows: the manifest's, and those that a killed run had finished."""
    left_over = list(_left_over_parts(job))
    known = () if job.rebuild else job.manifest.parts
    state = _State(job.manifest.next_id, [*known, *left_over])
    by_id: dict[int, _Row] = {}
    for part in state.parts:
        for place, record in enumerate(read_records(job.folder, part)):
            for older in (by_id.get(record.id), state.rows.get(record.full_path)):
                if older is not None:  # a later part has the row, or the path, as it is now
                    state.drop(older)
                    by_id.pop(older.record.id, None)
                    state.rows.pop(older.record.full_path, None)
            by_id[record.id] = state.rows[record.full_path] = _Row(record, part, place)
    for row in by_id.values():
        state.by_hash[row.record.content_hash].append(row)
    state.next_id = max(state.next_id, max(by_id, default=-1) + 1)
    state.counts.recovered = sum(part.rows for part in left_over)
    if job.rebuild:
        state.ids = {path: id_ for path, id_ in _ids_by_path(job) if id_ not in by_id}
    return state


def _ids_by_path(job: Job) -> Iterator[tuple[str, int]]:
    """Yield (path, id) of all rows that can still be read."""
    for part in job.manifest.parts:
        with suppress(CollectionDamagedError):
            for record in read_records(job.folder, part):
                yield record.full_path, record.id


def _left_over_parts(job: Job) -> Iterator[PartInfo]:
    """Yield the parts that a killed run of the same generation and encoder finished."""
    for generation, _, path in scan_parts(job.folder / FOLDER):
        if generation != job.manifest.generation + 1:
            continue
        try:
            digest, rows, first_id, last_id = inspect_part(path)
        except CollectionDamagedError:
            continue  # not renamed by us: nothing in it is promised
        if digest == job.manifest.encoder.fingerprint:
            yield PartInfo(path.name, rows, file_digest(path), first_id, last_id)


def _scan(job: Job, state: _State) -> list[FoundFile]:
    """Return the files to read; note the failures and the known paths that are gone."""
    todo: list[FoundFile] = []
    present: set[str] = set()
    unreadable: list[str] = []
    for found in discover(job.roots, job.selection):
        path = found.full_path
        if isinstance(found, Failure):
            state.failures.append(found)
            unreadable.append(path)
            continue
        row = state.rows.get(path)
        if row is None and not is_candidate(found):
            state.counts.other_files += 1
            continue
        present.add(path)
        if row is None or (row.record.size, row.record.mtime_ns) != (found.size, found.mtime_ns):
            todo.append(found)
    if not present:
        shown = "', '".join(job.roots)
        first = (
            f"; {state.failures[0].full_path}: {state.failures[0].message}" if unreadable else ""
        )
        raise FolderError(
            f"no picture found in '{shown}'{first}; check the folder and the globs "
            "(nothing was changed)"
        )
    for path, row in sorted(state.rows.items()):
        if path in present or not any(is_below(path, root) for root in job.roots):
            continue
        # A link that leads nowhere is itself unreadable, and gone; a folder may hold what it held.
        if not any(path != place and is_below(path, place) for place in unreadable):
            state.gone[path] = row
    return todo


def _embed_new(job: Job, state: _State, todo: list[FoundFile], writer: PartWriter) -> None:
    pictures = _new_pictures(job, state, todo)
    first = next(pictures, None)
    if first is None:
        return
    for record, vector in embed(job.open_runtime(), chain([first], pictures)):
        half = vector.astype(np.float16)
        if np.isfinite(half).all():
            writer.add(record, half)
            updated = record.full_path in state.rows
            state.counts.updated += updated
            state.counts.new += not updated
        else:
            del state.embedded[record.content_hash]
            message = "the encoder gave no finite vector"
            state.failures.append(Failure(record.root, record.path, FailureKind.CORRUPT, message))
    writer.flush()


def _new_pictures(
    job: Job, state: _State, todo: list[FoundFile]
) -> Iterator[tuple[ImageRecord, Pixels]]:
    """Yield the pictures whose content is not known yet; note everything else in the state."""
    for done, examined in enumerate(_examine_all(job, state, todo), start=1):
        fresh = _classify(state, examined)
        state.examined = done
        job.progress(done, len(todo))
        if fresh is not None:
            yield fresh


def _examine_all(job: Job, state: _State, todo: list[FoundFile]) -> Iterator[_Examined]:
    """Read and decode files in threads, a bounded number ahead, and yield them in order."""

    def known(digest: str) -> bool:
        return digest in state.by_hash or digest in state.embedded

    preprocessing = job.manifest.encoder.preprocessing
    window: deque[Future[_Examined]] = deque()
    pool = ThreadPoolExecutor(job.workers, "decode")
    try:
        for file in todo:
            if job.should_stop():
                state.interrupted = True
                break
            window.append(pool.submit(_examine, file, preprocessing, known))
            if len(window) >= max(_WINDOW, 2 * job.workers):
                yield window.popleft().result()
        while window:
            yield window.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _examine(
    file: FoundFile, preprocessing: Preprocessing, known: Callable[[str], bool]
) -> _Examined:
    try:
        data = read_file(file.full_path)
        digest = content_hash(data)
        picture = None if known(digest) else decode(data, preprocessing)
    except PictureError as error:
        failure = Failure(file.root, file.path, error.kind, str(error))
        return _Examined(file, failure=failure)
    return _Examined(file, digest, picture)


def _classify(state: _State, examined: _Examined) -> tuple[ImageRecord, Pixels] | None:
    """Note what became of a file; return what is to be embedded, if anything."""
    file, row = examined.file, state.rows.get(examined.file.full_path)
    if examined.failure is not None:
        state.failures.append(examined.failure)
        if row is not None:
            state.drop(row)
        return None
    if row is not None and row.record.content_hash == examined.hash:
        state.change(row, replace(row.record, size=file.size, mtime_ns=file.mtime_ns))
        return None
    picture = examined.picture
    if picture is None or examined.hash in state.embedded:
        state.copies.append(examined)
        return None
    if row is None:
        identity = state.take_id(file.full_path)
    else:
        identity = row.record.id
        state.drop(row)
    record = ImageRecord(
        id=identity,
        path=file.path,
        root=file.root,
        content_hash=examined.hash,
        size=file.size,
        mtime_ns=file.mtime_ns,
        width=picture.width,
        height=picture.height,
        format=picture.format,
    )
    state.embedded[examined.hash] = record
    return record, picture.pixels


def _settle_copies(job: Job, state: _State, writer: PartWriter) -> None:
    """Give files with known content their rows: moved ones keep theirs, others get the vector."""
    gone_by_hash: dict[str, list[_Row]] = defaultdict(list)
    for row in state.gone.values():
        gone_by_hash[row.record.content_hash].append(row)
    to_write: list[ImageRecord] = []
    for examined in state.copies:
        known = state.by_hash.get(examined.hash, [])
        twin = state.embedded.get(examined.hash) or (known[0].record if known else None)
        file = examined.file
        own = state.rows.get(file.full_path)
        if twin is None:  # its only source turned out to have no vector
            message = "the encoder gave no finite vector"
            state.failures.append(Failure(file.root, file.path, FailureKind.CORRUPT, message))
            if own is not None:
                state.drop(own)
            continue
        record = replace(
            twin, path=file.path, root=file.root, size=file.size, mtime_ns=file.mtime_ns
        )
        if own is not None:
            state.drop(own)
            state.counts.updated += 1
            to_write.append(replace(record, id=own.record.id))
            continue
        old = _vacated(job, state, gone_by_hash[examined.hash], known)
        if old is not None:
            state.gone.pop(old.record.full_path, None)
            state.change(old, replace(record, id=old.record.id))
            state.counts.moved += 1
            continue
        still_there = examined.hash in state.embedded or any(
            (row.part.file, row.place) not in state.stale for row in known
        )
        state.counts.duplicates_of_content += still_there
        state.counts.moved += not still_there
        to_write.append(replace(record, id=state.take_id(file.full_path)))
    _write_copies(job, state, writer, to_write)


def _vacated(job: Job, state: _State, gone: list[_Row], known: list[_Row]) -> _Row | None:
    """Return a row of this content whose file is no longer at its path, if there is one."""
    if gone:
        return gone.pop(0)
    for row in known:
        key, path = (row.part.file, row.place), row.record.full_path
        outside = not any(is_below(path, root) for root in job.roots)
        free = key not in state.stale and key not in state.changed
        if outside and free and not os.path.lexists(path):
            return row
    return None


def _write_copies(job: Job, state: _State, writer: PartWriter, records: list[ImageRecord]) -> None:
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


def _rewrite(job: Job, state: _State, writer: PartWriter) -> list[PartInfo]:
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


def _roots_in_use(job: Job, state: _State) -> tuple[str, ...]:
    """Return the roots of this run and those that other rows still have."""
    others = {
        state.changed.get(key, row.record).root
        for row in state.rows.values()
        if (key := (row.part.file, row.place)) not in state.stale
    }
    return tuple(sorted({*job.roots, *others}))
