"""Renames, moves and copies: known content keeps its vector, and a moved file its id."""

from pathlib import Path

import numpy as np
import pytest

from tests.collection.conftest import Library, counts, picture_bytes, put, rows


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
