"""The known rows, what a run makes of them, and those that a killed run left over."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from simsearch.collection.examining import Examined
from simsearch.collection.job import Counts, Job
from simsearch.errors import CollectionDamagedError, FailureKind
from simsearch.records import Failure, FoundFile, ImageRecord
from simsearch.store.manifest import PartInfo
from simsearch.store.reader import inspect_part, read_records
from simsearch.store.writer import FOLDER, scan_parts


@dataclass(frozen=True, slots=True)
class KnownRow:
    """A known row and where its vector is: a part, and a place in it."""

    record: ImageRecord
    part: PartInfo
    place: int

    @property
    def key(self) -> tuple[str, int]:
        """The name of the part and the place in it, which no other row has."""
        return self.part.file, self.place


@dataclass(slots=True)
class RunState:
    """What is known of the rows while a run goes on."""

    next_id: int
    parts: list[PartInfo]
    ids: dict[str, int] = field(default_factory=dict)  # to be given again in a rebuild, by path
    rows: dict[str, KnownRow] = field(default_factory=dict)  # by full path
    by_hash: dict[str, list[KnownRow]] = field(default_factory=lambda: defaultdict(list))
    stale: set[tuple[str, int]] = field(default_factory=set)  # keys of rows to leave out
    changed: dict[tuple[str, int], ImageRecord] = field(default_factory=dict)  # to write anew
    embedded: dict[str, ImageRecord] = field(default_factory=dict)  # new content, by hash
    copies: list[Examined] = field(default_factory=list)  # files with content known elsewhere
    gone: dict[str, KnownRow] = field(default_factory=dict)  # known paths that were not found
    failures: list[Failure] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)
    examined: int = 0  # of the files to read
    interrupted: bool = False

    def take_id(self, path: str) -> int:
        """Return the id of a new row: the one that its path had before a rebuild, or a new one."""
        if path in self.ids:
            return self.ids.pop(path)
        self.next_id += 1
        return self.next_id - 1

    def drop(self, row: KnownRow) -> None:
        """Leave a row out of what is written."""
        self.stale.add(row.key)

    def change(self, row: KnownRow, record: ImageRecord) -> None:
        """Write a row anew with its old vector."""
        self.changed[row.key] = record

    def fail_without_vector(self, file: FoundFile | ImageRecord) -> None:
        """Note a file for whose content the encoder gave no usable vector."""
        message = "the encoder gave no finite vector"
        self.failures.append(Failure(file.root, file.path, FailureKind.CORRUPT, message))


def load_rows(job: Job) -> RunState:
    """Read all known rows: the manifest's, and those that a killed run had finished.

    Raises:
        CollectionDamagedError: a part of the manifest is missing or can't be read.
    """
    left_over = list(_left_over_parts(job))
    known = () if job.rebuild else job.manifest.parts
    state = RunState(job.manifest.next_id, [*known, *left_over])
    by_id: dict[int, KnownRow] = {}
    for part in state.parts:
        for place, record in enumerate(read_records(job.folder, part)):
            for older in (by_id.get(record.id), state.rows.get(record.full_path)):
                if older is not None:  # a later part has the row, or the path, as it is now
                    state.drop(older)
                    by_id.pop(older.record.id, None)
                    state.rows.pop(older.record.full_path, None)
            by_id[record.id] = state.rows[record.full_path] = KnownRow(record, part, place)
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
            digest, part = inspect_part(path)
        except CollectionDamagedError:
            continue  # not renamed by us: nothing in it is promised
        if digest == job.manifest.encoder.fingerprint:
            yield part
