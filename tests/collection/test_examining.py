"""Files that are read: the broken ones are listed, and the run goes on."""

from pathlib import Path

from tests.collection.conftest import Library, counts, picture_bytes, put, rows


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
