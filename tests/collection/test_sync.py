"""What one run of `add` makes of changes in a folder."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simsearch import Collection, Selection
from simsearch.encoder import embed as embedding
from simsearch.errors import FolderError, InputError
from simsearch.records import ImageRecord
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


@pytest.fixture
def three(library: Library) -> Library:
    """Return a library of a/one.jpg, a/two.jpg and b/three.jpg, indexed once."""
    for seed, name in enumerate(("a/one.jpg", "a/two.jpg", "b/three.jpg")):
        library.put(name, seed)
    assert library.sync() == {"new": 3}
    return library


def test_first_run_reports_what_it_found(library: Library) -> None:
    library.put("a/one.jpg", 1)
    library.put("two.jpg", 2)
    (library.folder / "notes.txt").write_text("no picture")
    report = library.collection.add(library.folder)
    assert counts(report) == {"new": 2}
    assert (report.name, report.root) == ("pictures", [str(library.folder)])
    assert (report.images, report.failed, report.other_files) == (2, 0, 1)
    assert (report.encoder, report.dim) == ("tf_efficientnet_lite0", 1280)
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


def test_new_file_is_the_only_one_embedded(three: Library, embedded: list[str]) -> None:
    before = rows(three.collection)
    three.put("b/four.jpg", 4)
    assert three.sync() == {"new": 1, "unchanged": 3}
    assert embedded == ["b/four.jpg"]
    after = rows(three.collection)
    assert all(after[path].id == row.id for path, row in before.items())
    assert three.collection.manifest.generation == 2


def test_changed_content_gets_a_new_vector_and_keeps_the_id(
    three: Library, embedded: list[str]
) -> None:
    path = three.folder / "a/one.jpg"
    before = rows(three.collection)[path]
    three.put("a/one.jpg", 9)
    assert three.sync() == {"updated": 1, "unchanged": 2}
    after = rows(three.collection)[path]
    assert embedded == ["a/one.jpg"]
    assert after.id == before.id
    assert after.vector.astype(float) @ before.vector.astype(float) < 0.99


def test_touched_file_is_read_once_and_not_embedded(
    three: Library, embedded: list[str], opened: list[str]
) -> None:
    path = touch(three.folder / "a/one.jpg")
    assert three.sync() == {"unchanged": 3}
    assert opened == ["one.jpg"]
    assert rows(three.collection)[path].mtime_ns == path.stat().st_mtime_ns
    assert three.sync() == {"unchanged": 3}
    assert (opened, embedded) == (["one.jpg"], [])


@pytest.mark.parametrize("target", ["a/renamed.jpg", "b/one.jpg", "c/d/one.jpg", "one.jpg"])
def test_rename_keeps_id_and_vector(three: Library, embedded: list[str], target: str) -> None:
    old, new = three.folder / "a/one.jpg", three.folder / target
    before = rows(three.collection)[old]
    new.parent.mkdir(parents=True, exist_ok=True)
    old.rename(new)
    assert three.sync() == {"moved": 1, "unchanged": 2}
    after = rows(three.collection)[new]
    assert embedded == []
    assert after.id == before.id
    assert np.array_equal(after.vector, before.vector)


def test_removed_file_loses_its_row_and_its_id_is_not_used_again(three: Library) -> None:
    ids = {row.id for row in rows(three.collection).values()}
    (three.folder / "b/three.jpg").unlink()
    assert three.sync() == {"removed": 1, "unchanged": 2}
    three.put("b/four.jpg", 4)
    assert three.sync() == {"new": 1, "unchanged": 2}
    assert three.id("b/four.jpg") not in ids


def test_equal_content_is_embedded_once_and_every_path_is_kept(
    library: Library, embedded: list[str]
) -> None:
    for name in ("one.jpg", "copy.jpg", "folder/copy.jpg"):
        library.put(name, 1)
    assert library.sync() == {"new": 1, "duplicates_of_content": 2}
    assert len(embedded) == 1
    assert library.collection.manifest.contents == 1
    assert len({row.vector.tobytes() for row in rows(library.collection).values()}) == 1


def test_later_copy_takes_the_known_vector(three: Library, embedded: list[str]) -> None:
    three.put("b/copy.jpg", 0)
    assert three.sync() == {"duplicates_of_content": 1, "unchanged": 3}
    assert embedded == []
    found = rows(three.collection)
    one, copy = found[three.folder / "a/one.jpg"], found[three.folder / "b/copy.jpg"]
    assert np.array_equal(one.vector, copy.vector)


def test_removing_one_of_two_copies_keeps_the_other(three: Library, embedded: list[str]) -> None:
    three.put("b/copy.jpg", 0)
    three.sync()
    (three.folder / "a/one.jpg").unlink()
    assert three.sync() == {"removed": 1, "unchanged": 3}
    assert embedded == []


def test_swapped_contents_are_updates_and_not_embedded(three: Library, embedded: list[str]) -> None:
    before = rows(three.collection)
    one, two = three.folder / "a/one.jpg", three.folder / "a/two.jpg"
    three.put("a/one.jpg", 1)
    three.put("a/two.jpg", 0)
    assert three.sync() == {"updated": 2, "unchanged": 1}
    assert embedded == []
    after = rows(three.collection)
    assert (after[one].id, after[two].id) == (before[one].id, before[two].id)
    assert np.array_equal(after[one].vector, before[two].vector)
    assert np.array_equal(after[two].vector, before[one].vector)


def test_moved_and_copied_at_once(three: Library, embedded: list[str]) -> None:
    old = three.id("a/one.jpg")
    (three.folder / "a/one.jpg").unlink()
    three.put("b/first.jpg", 0)
    three.put("b/second.jpg", 0)
    assert three.sync() == {"moved": 1, "duplicates_of_content": 1, "unchanged": 2}
    assert embedded == []
    assert old in {three.id("b/first.jpg"), three.id("b/second.jpg")}


def test_file_replaced_after_a_rename(three: Library, embedded: list[str]) -> None:
    (three.folder / "a/one.jpg").rename(three.folder / "a/kept.jpg")
    three.put("a/one.jpg", 9)
    assert three.sync() == {"updated": 1, "moved": 1, "unchanged": 2}
    assert embedded == ["a/one.jpg"]


def test_file_changed_to_known_content(three: Library, embedded: list[str]) -> None:
    three.put("a/one.jpg", 1)
    assert three.sync() == {"updated": 1, "unchanged": 2}
    assert embedded == []


def test_new_content_in_a_known_and_a_new_path(three: Library, embedded: list[str]) -> None:
    three.put("a/one.jpg", 9)
    three.put("a/z.jpg", 9)
    assert three.sync() == {"updated": 1, "duplicates_of_content": 1, "unchanged": 2}
    assert len(embedded) == 1


@pytest.mark.parametrize(
    ("selection", "kept"),
    [
        (Selection(exclude=("b",)), {"a/one.jpg", "a/two.jpg"}),
        (Selection(include=("t*.jpg",)), {"a/two.jpg", "b/three.jpg"}),
        (Selection(include=("a/*",), exclude=("two.*",)), {"a/one.jpg"}),
    ],
)
def test_globs_drop_what_they_leave_out_and_a_later_run_brings_it_back(
    three: Library, selection: Selection, kept: set[str]
) -> None:
    left_out = 3 - len(kept)
    report = three.collection.add(three.folder, selection=selection)
    assert counts(report) == {"removed": left_out, "unchanged": len(kept)}
    assert set(rows(three.collection)) == {three.folder / name for name in kept}
    assert three.sync() == {"new": left_out, "unchanged": len(kept)}


def test_hidden_files_are_left_out_unless_asked_for(three: Library) -> None:
    hidden = [three.put(name, 8) for name in (".hidden.jpg", ".cache/one.jpg")]
    assert counts(three.collection.add(three.folder)) == {"unchanged": 3}
    report = three.collection.add(three.folder, selection=Selection(hidden=True))
    assert counts(report) == {"new": 1, "duplicates_of_content": 1, "unchanged": 3}
    assert set(hidden) < set(rows(three.collection))


def test_several_folders_at_once(library: Library, tmp_path: Path) -> None:
    other = tmp_path / "other"
    library.put("one.jpg", 1)
    put(other / "one.jpg", picture_bytes(1))
    put(other / "two.jpg", picture_bytes(2))
    report = library.collection.add(library.folder, other, library.folder)
    assert counts(report) == {"new": 2, "duplicates_of_content": 1}
    assert report.root == [str(library.folder), str(other)]
    assert hashes_of_rows(library.collection) == hashes_of_files(library.folder, other)


def test_adding_another_folder_leaves_the_first_alone(three: Library, tmp_path: Path) -> None:
    before = hashes_of_rows(three.collection)
    (three.folder / "a/one.jpg").unlink()
    three.put("a/two.jpg", 9)
    other = put(tmp_path / "other" / "four.jpg", picture_bytes(4)).parent
    assert counts(three.collection.add(other)) == {"new": 1, "unchanged": 3}
    assert hashes_of_rows(three.collection) == before | hashes_of_files(other)
    assert set(three.collection.info().roots) == {str(three.folder), str(other)}


def test_move_from_one_folder_to_another(
    three: Library, tmp_path: Path, embedded: list[str]
) -> None:
    old = three.id("a/one.jpg")
    other = put(tmp_path / "other" / "two.jpg", picture_bytes(7)).parent
    three.collection.add(other)
    (three.folder / "a/one.jpg").rename(other / "one.jpg")
    report = three.collection.add(three.folder, other)
    assert counts(report) == {"moved": 1, "unchanged": 3}
    row = rows(three.collection)[other / "one.jpg"]
    assert (row.id, row.root) == (old, str(other))
    assert embedded == ["two.jpg"]


@pytest.mark.parametrize("order", [("", "a"), ("a", "")])
def test_nested_folders_give_each_path_once(library: Library, order: tuple[str, ...]) -> None:
    library.put("a/one.jpg", 1)
    library.put("two.jpg", 2)
    report = library.collection.add(*(library.folder / name for name in order))
    assert counts(report) == {"new": 2}
    ids = {path: row.id for path, row in rows(library.collection).items()}
    for name in order:
        report = library.collection.add(library.folder / name)
        assert counts(report) == {"unchanged": 2}
    assert {path: row.id for path, row in rows(library.collection).items()} == ids


def test_every_root_of_a_row_is_listed(library: Library) -> None:
    library.put("a/one.jpg", 1)
    library.sync()
    touch(library.folder / "a/one.jpg")
    library.collection.add(library.folder / "a")
    roots = {row.root for row in rows(library.collection).values()}
    assert roots <= set(library.collection.info().roots)


def test_broken_files_are_listed_and_the_run_goes_on(three: Library) -> None:
    put(three.folder / "cut.jpg", picture_bytes(5)[:400])
    put(three.folder / "empty.jpg", b"")
    put(three.folder / "text.jpg", b"this is no picture")
    report = three.collection.add(three.folder)
    assert counts(report) == {"unchanged": 3}
    assert (report.images, report.failed) == (3, 3)
    found = {Path(f.full_path).name: f.kind for f in three.collection.failures()}
    assert found == {"cut.jpg": "truncated", "empty.jpg": "empty", "text.jpg": "not-a-picture"}
    assert three.collection.check().problems == []


def test_failures_are_tried_again_and_do_not_grow_the_generation(
    three: Library, opened: list[str]
) -> None:
    put(three.folder / "cut.jpg", picture_bytes(5)[:400])
    first = three.collection.add(three.folder)
    again = three.collection.add(three.folder)
    assert (again.failed, again.generation) == (1, first.generation)
    assert opened == ["cut.jpg", "cut.jpg"]
    three.put("cut.jpg", 5)
    assert three.sync() == {"new": 1, "unchanged": 3}
    assert three.collection.failures() == []
    assert three.collection.info().failures == 0


def test_known_file_that_breaks_loses_its_row(three: Library) -> None:
    put(three.folder / "a/one.jpg", b"")
    report = three.collection.add(three.folder)
    assert (report.images, report.unchanged, report.failed) == (2, 2, 1)
    assert three.folder / "a/one.jpg" not in rows(three.collection)


def test_link_whose_target_is_gone_loses_its_row(three: Library, tmp_path: Path) -> None:
    target = put(tmp_path / "elsewhere" / "target.jpg", picture_bytes(8))
    link = three.folder / "link.jpg"
    link.symlink_to(target)
    three.sync()
    target.unlink()
    report = three.collection.add(three.folder)
    assert (report.images, report.failed) == (3, 1)
    assert link not in rows(three.collection)


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


def unreadable(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let the system refuse to list a folder."""
    real: Callable[[Any], Any] = os.scandir

    def scandir(path: Any = ".") -> Any:
        if Path(path) == folder:
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)


def test_unreadable_sub_folder_keeps_its_rows(
    three: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        unreadable(patch, three.folder / "b")
        report = three.collection.add(three.folder)
    assert counts(report) == {"unchanged": 3}
    (failure,) = three.collection.failures()
    assert (failure.path, failure.kind) == ("b", "unreadable")
    assert three.sync() == {"unchanged": 3}
    assert three.collection.failures() == []


def test_unreadable_folder_changes_nothing(three: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    unreadable(monkeypatch, three.folder)
    with pytest.raises(FolderError, match="Permission denied"):
        three.collection.add(three.folder)
    assert three.collection.manifest.generation == 1


def test_folder_without_a_picture_changes_nothing(three: Library) -> None:
    for path in hashes_of_files(three.folder):
        path.unlink()
    with pytest.raises(FolderError, match="no picture found"):
        three.collection.add(three.folder)
    assert len(rows(three.collection)) == 3


def test_no_folder_given(library: Library) -> None:
    with pytest.raises(InputError, match="no folder"):
        library.collection.add()


def test_picture_without_a_finite_vector_is_a_failure(
    three: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def embed(*args: Any) -> Iterator[tuple[ImageRecord, Any]]:
        for record, vector in embedding.embed(*args):
            yield record, vector * np.nan if record.path.startswith("bad") else vector

    monkeypatch.setattr("simsearch.collection.sync.embed", embed)
    three.put("bad.jpg", 5)
    three.put("bad copy.jpg", 5)
    three.put("good.jpg", 6)
    report = three.collection.add(three.folder)
    assert report.images == 4
    assert report.failed == 2
    assert counts(report) == {"new": 1, "unchanged": 3}


def test_rebuild_embeds_everything_again(three: Library, embedded: list[str]) -> None:
    before = rows(three.collection)
    assert three.sync(rebuild=True) == {"new": 3}
    assert len(embedded) == 3
    assert three.collection.manifest.generation == 2
    after = rows(three.collection)
    assert all(np.array_equal(after[path].vector, row.vector) for path, row in before.items())


def test_rebuild_embeds_the_other_folders_again_too(
    three: Library, tmp_path: Path, embedded: list[str]
) -> None:
    other = put(tmp_path / "other" / "four.jpg", picture_bytes(4)).parent
    report = three.collection.add(other, rebuild=True)
    assert counts(report) == {"new": 4}
    assert len(embedded) == 4


def test_rebuild_drops_a_folder_that_is_gone(three: Library, tmp_path: Path) -> None:
    other = put(tmp_path / "other" / "four.jpg", picture_bytes(4))
    three.collection.add(other.parent)
    other.unlink()
    other.parent.rmdir()
    assert three.sync(rebuild=True) == {"new": 3}


def test_many_small_runs_do_not_leave_many_parts(library: Library) -> None:
    for seed in range(12):
        library.put(f"{seed}.jpg", seed)
        library.sync()
    assert len(library.collection.manifest.parts) <= 8


def test_progress_ends_with_all_that_was_to_do(library: Library) -> None:
    for seed in range(5):
        library.put(f"{seed}.jpg", seed)
    seen: list[tuple[int, int]] = []
    library.sync(progress=lambda done, total: seen.append((done, total)))
    assert seen == [(done, 5) for done in range(1, 6)]


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
