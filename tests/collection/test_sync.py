"""What one run of `add` reports, keeps and leaves alone."""

import os
from pathlib import Path

import numpy as np
import pytest

from simsearch import Collection
from simsearch.config import DEFAULT_ENCODER
from simsearch.errors import InputError
from tests.collection.conftest import (
    Library,
    counts,
    hashes_of_files,
    hashes_of_rows,
    picture_bytes,
    put,
    rows,
    touch,
)


def test_first_run_reports_what_it_found(library: Library) -> None:
    library.put("a/one.jpg", 1)
    library.put("two.jpg", 2)
    (library.folder / "notes.txt").write_text("no picture")
    report = library.collection.add(library.folder)
    assert counts(report) == {"new": 2}
    assert (report.name, report.root) == ("pictures", [str(library.folder)])
    assert (report.images, report.failed, report.other_files) == (2, 0, 1)
    assert (report.encoder, report.dim) == (DEFAULT_ENCODER, 512)
    assert (report.generation, report.interrupted, report.recovered) == (1, False, 0)
    assert report.index is not None
    assert report.index.recipe == "flat"


def test_rows_hold_what_the_files_are(library: Library) -> None:
    path = library.put("cats/one.jpg", 1)
    library.sync()
    (row,) = library.collection.embeddings().to_pylist()
    status = path.stat()
    assert (row["path"], row["root"]) == ("cats/one.jpg", str(library.folder))
    assert (row["size"], row["mtime_ns"]) == (status.st_size, status.st_mtime_ns)
    assert (row["width"], row["height"], row["format"]) == (96, 72, "JPEG")
    assert row["label"] == "cats"
    assert np.linalg.norm(row["embedding"]) == pytest.approx(1, abs=1e-3)


def test_unchanged_folder_opens_no_file_and_writes_nothing(
    three: Library, opened: list[str]
) -> None:
    files = [path for path in three.collection.folder.rglob("*.*") if path.is_file()]
    before = {path: path.stat().st_mtime_ns for path in files}
    assert three.sync() == {"unchanged": 3}
    assert opened == []
    assert three.collection.manifest.generation == 1
    assert {path: path.stat().st_mtime_ns for path in files} == before


def test_removed_file_loses_its_row_and_its_id_is_not_used_again(three: Library) -> None:
    ids = {row.id for row in rows(three.collection).values()}
    (three.folder / "b/three.jpg").unlink()
    assert three.sync() == {"removed": 1, "unchanged": 2}
    three.put("b/four.jpg", 4)
    assert three.sync() == {"new": 1, "unchanged": 2}
    assert three.id("b/four.jpg") not in ids


def test_adding_another_folder_leaves_the_first_alone(three: Library, tmp_path: Path) -> None:
    before = hashes_of_rows(three.collection)
    (three.folder / "a/one.jpg").unlink()
    three.put("a/two.jpg", 9)
    other = put(tmp_path / "other" / "four.jpg", picture_bytes(4)).parent
    assert counts(three.collection.add(other)) == {"new": 1, "unchanged": 3}
    assert hashes_of_rows(three.collection) == before | hashes_of_files(other)
    assert set(three.collection.info().roots) == {str(three.folder), str(other)}


def test_every_root_of_a_row_is_listed(library: Library) -> None:
    library.put("a/one.jpg", 1)
    library.sync()
    touch(library.folder / "a/one.jpg")
    library.collection.add(library.folder / "a")
    roots = {row.root for row in rows(library.collection).values()}
    assert roots <= set(library.collection.info().roots)


def test_no_folder_given(library: Library) -> None:
    with pytest.raises(InputError, match="no folder"):
        library.collection.add()


def test_failures_of_other_folders_are_kept(three: Library, tmp_path: Path) -> None:
    put(three.folder / "empty.jpg", b"")
    three.collection.add(three.folder)
    other = put(tmp_path / "other" / "four.jpg", picture_bytes(4)).parent
    put(other / "cut.jpg", picture_bytes(5)[:400])
    three.collection.add(other)
    names = [Path(failure.path).name for failure in three.collection.failures()]
    assert sorted(names) == ["cut.jpg", "empty.jpg"]
    assert three.collection.check().problems == []


def test_mended_file_is_no_failure_after_a_run_that_was_stopped(three: Library) -> None:
    path = put(three.folder / "a/broken.jpg", b"")
    three.collection.add(three.folder)
    put(path, picture_bytes(6))
    three.put("z/last.jpg", 7)
    asked = iter([False, True])
    report = three.collection.add(three.folder, should_stop=lambda: next(asked))
    assert report.interrupted
    assert path in rows(three.collection)
    assert three.collection.failures() == []


def test_many_small_runs_do_not_leave_many_parts(library: Library) -> None:
    for seed in range(12):
        library.put(f"{seed}.jpg", seed)
        library.sync()
    assert len(library.collection.manifest.parts) <= 8


def test_name_can_be_any_picture_file_name(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "odd"
    names = ["two words.jpg", "Füße 猫.jpg", "new\nline.jpg", "[red]x[/red].jpg", "%s{}.jpg"]
    for seed, name in enumerate(names):
        put(folder / name, picture_bytes(seed))
    strange = Path(os.fsdecode(os.fsencode(folder) + b"/latin-\xe9.jpg"))
    put(strange, picture_bytes(9))
    collection = Collection("odd", home=home)
    assert counts(collection.add(folder)) == {"new": 6}
    assert counts(collection.add(folder)) == {"unchanged": 6}
    answers = {answer.path for answer in collection.query(strange, k=10, include_self=True)}
    assert answers == {*(str(folder / name) for name in names), str(strange)}
