"""A part that is not what was written is an error, never a wrong answer."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from simsearch.errors import CollectionDamagedError
from simsearch.records import Failure
from simsearch.store.footer import footer_digest
from simsearch.store.manifest import PartInfo
from simsearch.store.reader import (
    find_records,
    inspect_part,
    iterate_vectors,
    read_contents,
    read_failures,
    read_part,
    read_records,
    read_table,
)
from simsearch.store.writer import FAILURES_FILE, FOLDER, write_failures
from tests.store.made import DIM, record, vector, write_rows

Read = Callable[[Path, PartInfo], object]
READERS: dict[str, Read] = {
    "read_records": read_records,
    "read_part": read_part,
    "read_table": lambda folder, part: read_table(folder, [part], DIM),
    "find_records": lambda folder, part: find_records(folder, [part], {3}),
    "read_contents": lambda folder, part: read_contents(folder, [part]),
    "iterate_vectors": lambda folder, part: list(iterate_vectors(folder, [part])),
}
READ_VECTORS = ["read_part", "read_table", "iterate_vectors"]
every_reader = pytest.mark.parametrize("name", READERS)


@pytest.fixture
def part(tmp_path: Path) -> PartInfo:
    """Return a part of ten rows."""
    return write_rows(tmp_path, [record(id_) for id_ in range(10)])[0]


@pytest.fixture
def path(tmp_path: Path, part: PartInfo) -> Path:
    """Return the part's file."""
    return tmp_path / FOLDER / part.file


@pytest.mark.parametrize("name", READ_VECTORS)
def test_flipped_bit_in_a_vector(tmp_path: Path, part: PartInfo, path: Path, name: str) -> None:
    data = bytearray(path.read_bytes())
    at = data.index(vector(5).tobytes())
    data[at] ^= 1
    path.write_bytes(data)
    with pytest.raises(CollectionDamagedError, match=part.file):
        READERS[name](tmp_path, part)


@every_reader
def test_missing_file(tmp_path: Path, part: PartInfo, path: Path, name: str) -> None:
    path.unlink()
    with pytest.raises(CollectionDamagedError, match="--rebuild"):
        READERS[name](tmp_path, part)


@every_reader
@pytest.mark.parametrize("left", [0, 3, 200, -1])
def test_shortened_file(tmp_path: Path, part: PartInfo, path: Path, name: str, left: int) -> None:
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(CollectionDamagedError):
        READERS[name](tmp_path, part)


def test_flipped_byte_anywhere_in_the_footer(tmp_path: Path, part: PartInfo, path: Path) -> None:
    whole = path.read_bytes()
    start = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    assert 0 < start < len(whole) - 1000
    for at in range(start, len(whole)):
        data = bytearray(whole)
        data[at] ^= 0xFF
        path.write_bytes(data)
        with pytest.raises(CollectionDamagedError, match=f"{part.file}.*--rebuild"):
            read_part(tmp_path, part)
    path.write_bytes(whole)
    assert len(read_part(tmp_path, part)[0]) == part.rows


@every_reader
@pytest.mark.parametrize("at", [-1, -5, -8, -9, -500])
def test_every_reader_checks_the_footer(
    tmp_path: Path, part: PartInfo, path: Path, name: str, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    monkeypatch.delattr(pq, "ParquetFile")  # what could end the process must not see the file
    with pytest.raises(CollectionDamagedError, match=r"its footer|does not end as"):
        READERS[name](tmp_path, part)


@every_reader
def test_part_with_other_rows(tmp_path: Path, part: PartInfo, path: Path, name: str) -> None:
    other = write_rows(tmp_path, [record(3)])[0]
    shutil.copy(tmp_path / FOLDER / other.file, path)
    with pytest.raises(CollectionDamagedError, match="footer is not what was written"):
        READERS[name](tmp_path, part)
    with pytest.raises(CollectionDamagedError, match="1 rows, not 10"):
        READERS[name](tmp_path, replace(part, footer=other.footer))


@every_reader
def test_foreign_parquet_file(tmp_path: Path, part: PartInfo, path: Path, name: str) -> None:
    pq.write_table(pa.table({"id": list(range(10)), "text": ["a"] * 10}), path)
    with pytest.raises(CollectionDamagedError, match="other columns"):
        READERS[name](tmp_path, replace(part, footer=footer_digest(path)))


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no parquet at all" * 40])
def test_left_over_part_that_is_none(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(CollectionDamagedError):
        inspect_part(path)


def test_left_over_part_of_something_else(path: Path) -> None:
    pq.write_table(pa.table({"id": [1]}), path)
    with pytest.raises(CollectionDamagedError):
        inspect_part(path)


@pytest.mark.parametrize("content", [b"", b"no parquet at all" * 40])
def test_damaged_failures(tmp_path: Path, content: bytes) -> None:
    write_failures(tmp_path, [Failure("/r", "a", "empty", "no bytes")], 1)
    (tmp_path / FAILURES_FILE).write_bytes(content)
    with pytest.raises(CollectionDamagedError, match=FAILURES_FILE):
        read_failures(tmp_path)


def test_failures_of_something_else(tmp_path: Path) -> None:
    table = pa.table({name: ["a"] for name in ("root", "path", "kind", "message")})
    pq.write_table(table, tmp_path / FAILURES_FILE)
    with pytest.raises(CollectionDamagedError, match=FAILURES_FILE):
        read_failures(tmp_path)
