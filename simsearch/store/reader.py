"""Read what a manifest lists: rows, vectors, failures."""

from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from simsearch.errors import CollectionDamagedError
from simsearch.records import Failure, ImageRecord
from simsearch.store.footer import footer_digest
from simsearch.store.manifest import PartInfo
from simsearch.store.paths import decode_path
from simsearch.store.schema import (
    EMBEDDING,
    ROW_COLUMNS,
    Half,
    part_schema,
    table_to_failures,
    table_to_records,
    table_to_vectors,
)
from simsearch.store.writer import FAILURES_FILE, FOLDER, describe_part

Ids = npt.NDArray[np.int64]
_UNLIKE_A_PART = (KeyError, ValueError, TypeError, AttributeError)  # columns or types differ


@dataclass(frozen=True, slots=True)
class Contents:
    """Which rows share their content.

    Attributes:
        ids: int64 [rows], in the order of the parts.
        numbers: int64 [rows], equal for equal content, counted from 0 in order of appearance.
        first: bool [rows], True where a content appears first.
    """

    ids: Ids
    numbers: Ids
    first: npt.NDArray[np.bool_]

    @property
    def count(self) -> int:
        """Number of distinct contents."""
        return int(self.first.sum())


def read_records(folder: Path, part: PartInfo) -> list[ImageRecord]:
    """Return a part's rows without their vectors, in order.

    Raises:
        CollectionDamagedError: the part is missing or can't be read.
    """
    with _open(folder, part) as file:
        return table_to_records(file.read(columns=list(ROW_COLUMNS)))


def read_part(folder: Path, part: PartInfo) -> tuple[list[ImageRecord], Half]:
    """Return a part's rows and their vectors, float16 [n, dim]; errors as `read_records`."""
    with _open(folder, part) as file:
        table = file.read()
        return table_to_records(table), table_to_vectors(table)


def read_table(folder: Path, parts: Sequence[PartInfo], dim: int) -> pa.Table:
    """Return all columns of all parts as one table of `part_schema`; errors as above."""
    tables = []
    for part in parts:
        with _open(folder, part) as file:
            tables.append(file.read().replace_schema_metadata(None))
    return pa.concat_tables(tables) if tables else part_schema(dim).empty_table()


def find_records(folder: Path, parts: Sequence[PartInfo], ids: Set[int]) -> dict[int, ImageRecord]:
    """Return the rows with the given ids, reading only the row groups that can hold them."""
    wanted = np.unique(np.fromiter(ids, np.int64, len(ids)))
    found: dict[int, ImageRecord] = {}
    for part in parts:
        if not _any_between(wanted, part.first_id, part.last_id):
            continue
        with _open(folder, part) as file:
            for group in range(file.num_row_groups):
                present = file.read_row_group(group, columns=["id"]).column("id").to_pylist()
                places = [place for place, id_ in enumerate(present) if id_ in ids]
                if places:
                    # Slices, not a filter: an Arrow mask imports pandas where it is installed.
                    table = file.read_row_group(group, columns=list(ROW_COLUMNS))
                    rows = (table_to_records(table.slice(place, 1))[0] for place in places)
                    found.update((row.id, row) for row in rows)
    return found


def read_contents(folder: Path, parts: Sequence[PartInfo]) -> tuple[Contents, list[str]]:
    """Return which rows share their content, and each row's content hash."""
    tables = []
    for part in parts:
        with _open(folder, part) as file:
            tables.append(file.read(columns=["id", "content_hash"]))
    if not tables:
        empty = np.empty(0, np.int64)
        return Contents(empty, empty, empty.astype(bool)), []
    table = pa.concat_tables(tables).combine_chunks()
    hashes = table.column("content_hash").combine_chunks()
    numbers = hashes.dictionary_encode().indices.to_numpy().astype(np.int64)
    first = np.zeros(len(numbers), bool)
    first[np.unique(numbers, return_index=True)[1]] = True
    return Contents(table.column("id").to_numpy(), numbers, first), hashes.to_pylist()


def read_labels(folder: Path, parts: Sequence[PartInfo]) -> tuple[list[str], Ids]:
    """Return the labels, sorted, and each row's place among them, int64 [rows], part by part."""
    tables = []
    for part in parts:
        with _open(folder, part) as file:
            tables.append(file.read(columns=["label"]))
    if not tables:
        return [], np.empty(0, np.int64)
    column = pa.concat_tables(tables).column("label").combine_chunks().dictionary_encode()
    labels = [decode_path(label) for label in column.dictionary.to_pylist()]
    order = np.array(sorted(range(len(labels)), key=labels.__getitem__))
    places = np.empty(len(labels), np.int64)
    places[order] = np.arange(len(labels))
    return sorted(labels), places[column.indices.to_numpy()]


def iterate_vectors(folder: Path, parts: Sequence[PartInfo]) -> Iterator[tuple[Ids, Half]]:
    """Yield (ids int64 [n], vectors float16 [n, dim]) of all rows, a row group at a time."""
    for part in parts:
        with _open(folder, part) as file:
            for group in range(file.num_row_groups):
                table = file.read_row_group(group, columns=["id", EMBEDDING])
                yield table.column("id").to_numpy(), table_to_vectors(table)


def read_failures(folder: Path) -> tuple[list[Failure], int]:
    """Return the skipped files and the generation that recorded them; none if there is no file."""
    path = folder / FAILURES_FILE
    if not path.is_file():
        return [], 0
    with _damage(path), pq.ParquetFile(path, page_checksum_verification=True) as file:
        table = file.read()
        return table_to_failures(table), int(table.schema.metadata[b"generation"])


def inspect_part(path: Path) -> tuple[str, PartInfo]:
    """Return an unlisted part file's encoder and its entry for a manifest, having read all of it.

    No manifest says what its footer should be, so only the file's end is checked before.

    Raises:
        CollectionDamagedError: something in it can't be read.
    """
    with _damage(path):
        footer_digest(path)
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            digest = (file.schema_arrow.metadata or {})[b"encoder"].decode()
            return digest, describe_part(path, file.read())


@contextmanager
def _open(folder: Path, part: PartInfo) -> Iterator[pq.ParquetFile]:
    path = folder / FOLDER / part.file
    with _damage(path):
        # A flipped bit in there can pass for another value, or end the process inside pyarrow.
        if footer_digest(path) != part.footer:
            raise ValueError("its footer is not what was written")
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            if file.schema_arrow.names != [*ROW_COLUMNS, EMBEDDING]:
                raise ValueError("it has other columns")
            if file.metadata.num_rows != part.rows:
                raise ValueError(f"it has {file.metadata.num_rows} rows, not {part.rows}")
            yield file


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException, *_UNLIKE_A_PART) as error:
        raise CollectionDamagedError(
            f"'{path}' is missing or damaged ({' '.join(str(error).split())}); "
            "restore it, or index again with --rebuild"
        ) from error


def _any_between(values: Ids, low: int, high: int) -> bool:
    return bool(np.searchsorted(values, low) < np.searchsorted(values, high, side="right"))
