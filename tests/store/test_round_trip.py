"""What is written in parts is read back, bit for bit."""

import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simsearch.records import Failure, ImageRecord
from simsearch.store import writer as writer_module
from simsearch.store.manifest import PartInfo
from simsearch.store.paths import encode_path
from simsearch.store.reader import (
    find_records,
    inspect_part,
    iterate_vectors,
    read_failures,
    read_part,
    read_records,
    read_table,
)
from simsearch.store.schema import Half, part_schema
from simsearch.store.writer import PartWriter, write_failures
from tests.store import strategies
from tests.store.strategies import DIM, SPEC

Row = tuple[ImageRecord, Half]
ROW_GROUP = 4

writes_files = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(autouse=True)
def _small_row_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "ROW_GROUP_ROWS", ROW_GROUP)


def write_parts(folder: Path, parts: list[list[Row]]) -> list[PartInfo]:
    """Write each list of rows as a part of its own."""
    writer = PartWriter(folder, 1, SPEC)
    for rows in parts:
        for record, vector in rows:
            writer.add(record, vector)
        writer.flush()
    return writer.parts


@writes_files
@given(first=strategies.rows, second=strategies.rows)
def test_rows_come_back(
    tmp_path_factory: pytest.TempPathFactory, first: list[Row], second: list[Row]
) -> None:
    folder = tmp_path_factory.mktemp("collection")
    written = [rows for rows in (first, second) if rows]
    parts = write_parts(folder, written)
    assert [part.rows for part in parts] == [len(rows) for rows in written]
    for part, rows in zip(parts, written, strict=True):
        records, vectors = read_part(folder, part)
        assert records == read_records(folder, part) == [record for record, _ in rows]
        assert vectors.dtype == np.float16
        assert np.array_equal(vectors, np.stack([vector for _, vector in rows]))
        ids = [record.id for record, _ in rows]
        assert (part.first_id, part.last_id) == (min(ids), max(ids))
        assert inspect_part(folder / "embeddings" / part.file) == (SPEC.fingerprint, part)


@writes_files
@given(rows=strategies.rows)
def test_vectors_come_by_row_group(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row]
) -> None:
    folder = tmp_path_factory.mktemp("collection")
    groups = list(iterate_vectors(folder, write_parts(folder, [rows])))
    assert len(groups) == math.ceil(len(rows) / ROW_GROUP)
    assert [id_ for ids, _ in groups for id_ in ids.tolist()] == [record.id for record, _ in rows]
    read = [vector for _, vectors in groups for vector in vectors]
    assert all(np.array_equal(a, b) for a, (_, b) in zip(read, rows, strict=True))


@writes_files
@given(rows=strategies.rows)
def test_table_has_all_columns(tmp_path_factory: pytest.TempPathFactory, rows: list[Row]) -> None:
    folder = tmp_path_factory.mktemp("collection")
    table = read_table(folder, write_parts(folder, [rows]), DIM)
    assert table.schema == part_schema(DIM)
    assert table.schema.metadata is None
    assert table.column("path").to_pylist() == [encode_path(record.path) for record, _ in rows]
    assert table.column("label").to_pylist() == [encode_path(record.label) for record, _ in rows]
    assert table.column("embedding").to_pylist() == [vector.tolist() for _, vector in rows]


@writes_files
@given(rows=strategies.rows, more=strategies.rows, data=st.data())
def test_records_are_found_by_id(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row], more: list[Row], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("collection")
    known = {record.id: record for record, _ in rows}
    more = [row for row in more if row[0].id not in known]
    known |= {record.id: record for record, _ in more}
    parts = write_parts(folder, [rows, more])
    wanted = data.draw(st.sets(st.sampled_from(sorted(known)) if known else strategies.INT64))
    wanted |= data.draw(st.sets(strategies.INT64, max_size=3))
    found = find_records(folder, parts, wanted)
    assert found == {id_: known[id_] for id_ in wanted if id_ in known}


@writes_files
@given(failures=strategies.failures, generation=st.integers(1, 10**9))
def test_failures_come_back(
    tmp_path_factory: pytest.TempPathFactory, failures: list[Failure], generation: int
) -> None:
    folder = tmp_path_factory.mktemp("collection")
    write_failures(folder, failures, generation)
    assert read_failures(folder) == (failures, generation)


def test_message_that_is_no_utf8_is_spelled_out(tmp_path: Path) -> None:
    write_failures(tmp_path, [Failure("/r", "a", "corrupt", "bad name \udcff")], 1)
    assert read_failures(tmp_path)[0][0].message == r"bad name \udcff"


def test_nothing_written_is_nothing_read(tmp_path: Path) -> None:
    assert read_failures(tmp_path) == ([], 0)
    assert read_table(tmp_path, [], DIM).schema == part_schema(DIM)
    assert find_records(tmp_path, [], {1}) == {}
    assert list(iterate_vectors(tmp_path, [])) == []


def test_embedding_is_a_fixed_size_list() -> None:
    assert part_schema(7).field("embedding").type == pa.list_(pa.float16(), 7)
