"""When a part is written, and what it is called."""

import sys
import time
from pathlib import Path

import pytest

from simsearch.digest import file_digest
from simsearch.errors import StorageError
from simsearch.store import writer as writer_module
from simsearch.store.writer import FOLDER, PartWriter, latest_generation, scan_parts
from tests.store.made import SPEC, record, vector, write_rows


def test_full_part_is_written_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "PART_ROWS", 3)
    writer = PartWriter(tmp_path, 1, SPEC)
    for id_ in range(7):
        writer.add(record(id_), vector(id_))
    assert [part.rows for part in writer.parts] == [3, 3]
    writer.flush()
    assert [part.rows for part in writer.parts] == [3, 3, 1]
    assert [(part.first_id, part.last_id) for part in writer.parts] == [(0, 2), (3, 5), (6, 6)]


def test_a_minutes_work_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    writer = PartWriter(tmp_path, 1, SPEC)
    writer.add(record(0), vector(0))
    assert not writer.parts
    now += 61
    writer.add(record(1), vector(1))
    assert [part.rows for part in writer.parts] == [2]
    writer.add(record(2), vector(2))
    assert len(writer.parts) == 1, "the minute starts again with each part"


def test_flush_of_nothing_writes_nothing(tmp_path: Path) -> None:
    PartWriter(tmp_path, 1, SPEC).flush()
    assert list(tmp_path.iterdir()) == []


def test_part_is_listed_with_its_digest(tmp_path: Path) -> None:
    (part,) = write_rows(tmp_path, [record(1)])
    assert part.digest == file_digest(tmp_path / FOLDER / part.file)


def test_names_are_never_taken_twice(tmp_path: Path) -> None:
    names = [write_rows(tmp_path, [record(id_)], 7)[0].file for id_ in range(3)]
    assert len(set(names)) == 3
    (tmp_path / FOLDER / names[0]).unlink()
    assert write_rows(tmp_path, [record(9)], 7)[0].file not in names


def test_parts_are_found_by_generation(tmp_path: Path) -> None:
    assert latest_generation(tmp_path) == 0
    write_rows(tmp_path, [record(0)], 2)
    write_rows(tmp_path, [record(1)], 10)
    write_rows(tmp_path, [record(2)], 10)
    (tmp_path / FOLDER / "part-000099-00000.parquet.tmp").touch()
    (tmp_path / FOLDER / "notes.txt").touch()
    found = [(generation, sequence) for generation, sequence, _ in scan_parts(tmp_path / FOLDER)]
    assert found == [(2, 0), (10, 0), (10, 1)]
    assert latest_generation(tmp_path) == 10


def test_missing_folder_has_no_parts(tmp_path: Path) -> None:
    assert list(scan_parts(tmp_path / "nowhere")) == []


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files")
@pytest.mark.parametrize("limit", [10, 4000])
def test_part_that_can_not_grow(tmp_path: Path, limit: int) -> None:
    import resource

    (before,) = write_rows(tmp_path, [record(1)])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limits[1]))
    try:
        with pytest.raises(StorageError, match="disk is full"):
            write_rows(tmp_path, [record(id_) for id_ in range(2, 200)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [path.name for path in (tmp_path / FOLDER).iterdir()] == [before.file]
