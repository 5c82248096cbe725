"""Write parts: append new rows, rewrite parts whose rows changed."""

import re
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simsearch.config import EncoderSpec
from simsearch.digest import file_digest
from simsearch.records import Failure, ImageRecord
from simsearch.store.files import write_durably
from simsearch.store.footer import footer_digest
from simsearch.store.manifest import PartInfo
from simsearch.store.schema import EMBEDDING, Half, failures_to_table, rows_to_table

FOLDER = "embeddings"
FAILURES_FILE = "failures.parquet"
PART_ROWS = 4096
ROW_GROUP_ROWS = 1024
_FLUSH_SECONDS = 60.0
_PART_NAME = re.compile(r"part-(\d{6,})-(\d{5,})\.parquet")


class PartWriter:
    """Collects rows and writes them as parts of one generation.

    A part is finished when PART_ROWS rows or a minute's work are in hand, so that a killed run
    loses no more than that.

    Args:
        folder: the collection's folder.
        generation: the generation that the parts will belong to; it is in their names.
        encoder: recorded in every part, so that a left-over part can be told from a foreign one.
    """

    def __init__(self, folder: Path, generation: int, encoder: EncoderSpec) -> None:
        self.parts: list[PartInfo] = []
        self._folder = folder / FOLDER
        self._generation = generation
        self._encoder = encoder
        self._pending: list[tuple[ImageRecord, Half]] = []
        self._started = time.monotonic()

    def add(self, record: ImageRecord, vector: Half) -> None:
        """Take one row, vector float16 [dim]; write a part when it is full."""
        self._pending.append((record, vector))
        overdue = time.monotonic() - self._started > _FLUSH_SECONDS
        if len(self._pending) >= PART_ROWS or overdue:
            self.flush()

    def flush(self) -> None:
        """Write the rows in hand, if any, as a part.

        Raises:
            StorageError: the part could not be written.
        """
        pending, self._pending = self._pending, []
        if pending:
            records, vectors = zip(*pending, strict=True)
            self._write(rows_to_table(records, np.stack(vectors)))
        self._started = time.monotonic()

    def _write(self, table: pa.Table) -> None:
        path = self._folder / self._next_name()
        table = table.replace_schema_metadata({"encoder": self._encoder.fingerprint})
        plain = [name for name in table.column_names if name != EMBEDDING]
        write_durably(
            path,
            lambda temporary: pq.write_table(
                table,
                temporary,
                row_group_size=ROW_GROUP_ROWS,
                use_dictionary=["root", "format", "label"],
                compression=dict.fromkeys(plain, "zstd") | {_leaf(): "none"},
                write_page_checksum=True,
            ),
        )
        self.parts.append(describe_part(path, table))

    def _next_name(self) -> str:
        taken = [
            sequence
            for generation, sequence, _ in scan_parts(self._folder)
            if generation == self._generation
        ]
        return f"part-{self._generation:06d}-{max(taken, default=-1) + 1:05d}.parquet"


def describe_part(path: Path, table: pa.Table) -> PartInfo:
    """Return what a manifest is to say of a part file that holds `table`.

    Raises:
        OSError: the file can't be read.
        ValueError: it is no Parquet file.
    """
    ids = table.column("id").to_pylist()
    return PartInfo(
        file=path.name,
        rows=len(ids),
        digest=file_digest(path),
        footer=footer_digest(path),
        first_id=min(ids),
        last_id=max(ids),
    )


def write_failures(folder: Path, failures: Iterable[Failure], generation: int) -> None:
    """Replace failures.parquet; the generation that it belongs to is in its metadata."""
    table = failures_to_table(list(failures))
    table = table.replace_schema_metadata({"generation": str(generation)})
    write_durably(
        folder / FAILURES_FILE, lambda path: pq.write_table(table, path, write_page_checksum=True)
    )


def scan_parts(folder: Path) -> Iterator[tuple[int, int, Path]]:
    """Yield (generation, sequence, path) of every part file in an `embeddings` folder."""
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if match := _PART_NAME.fullmatch(path.name):
            yield int(match[1]), int(match[2]), path


def latest_generation(folder: Path) -> int:
    """Return the highest generation that a part file of a collection names, 0 without parts."""
    return max((generation for generation, _, _ in scan_parts(folder / FOLDER)), default=0)


def _leaf() -> str:
    return f"{EMBEDDING}.list.element"
