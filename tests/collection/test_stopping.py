"""Runs that are asked to stop, and the runs after them."""

from collections.abc import Callable, Iterator
from itertools import chain, repeat

import pytest

from simsearch.errors import CollectionNotFoundError
from tests.collection.conftest import Library, counts, hashes_of_files, hashes_of_rows


def after(files: int) -> Callable[[], bool]:
    """Return a `should_stop` that lets so many files through."""
    asked: Iterator[bool] = chain(repeat(False, files), repeat(True))
    return lambda: next(asked)


def test_stopped_first_run_keeps_what_is_done_and_the_next_goes_on(
    library: Library, embedded: list[str]
) -> None:
    for seed in range(10):
        library.put(f"{seed}.jpg", seed)
    report = library.collection.add(library.folder, should_stop=after(4))
    assert report.interrupted
    assert counts(report) == {"new": 4}
    kept = hashes_of_rows(library.collection)
    assert kept.items() < hashes_of_files(library.folder).items()
    assert library.collection.check().problems == []
    assert len(library.collection.query(library.folder / "9.jpg")) == 4
    embedded.clear()
    assert library.sync() == {"new": 6, "unchanged": 4}
    assert len(embedded) == 6


def test_stopped_run_forgets_nothing(library: Library, embedded: list[str]) -> None:
    for seed in range(4):
        library.put(f"{seed}.jpg", seed)
    library.sync()
    old = library.id("0.jpg")
    embedded.clear()
    (library.folder / "0.jpg").rename(library.folder / "renamed.jpg")
    (library.folder / "1.jpg").unlink()
    library.put("2.jpg", 12)
    report = library.collection.add(library.folder, should_stop=after(0))
    assert report.interrupted
    assert counts(report) == {"unchanged": 4}
    assert library.sync() == {"moved": 1, "removed": 1, "updated": 1, "unchanged": 1}
    assert library.id("renamed.jpg") == old
    assert embedded == ["2.jpg"]


def test_first_run_stopped_at_once_can_be_run_again(library: Library) -> None:
    library.put("0.jpg", 0)
    report = library.collection.add(library.folder, should_stop=after(0))
    assert (report.interrupted, report.images) == (True, 0)
    try:
        assert library.collection.query(library.folder / "0.jpg") == []
    except CollectionNotFoundError:
        assert not library.collection.folder.exists()
    assert library.sync() == {"new": 1}


def test_stopped_rebuild_keeps_the_old_vectors(library: Library) -> None:
    for seed in range(4):
        library.put(f"{seed}.jpg", seed)
    library.sync()
    library.collection.add(library.folder, rebuild=True, should_stop=after(1))
    assert hashes_of_rows(library.collection) == hashes_of_files(library.folder)


@pytest.mark.parametrize("files", [0, 1, 2, 3])
def test_repeated_stops_come_to_an_end(library: Library, files: int) -> None:
    for seed in range(6):
        library.put(f"{seed}.jpg", seed % 5)
    for _ in range(4):
        library.collection.add(library.folder, should_stop=after(files))
        if files:
            assert library.collection.check().problems == []
            contents = set(hashes_of_rows(library.collection).values())
            assert library.collection.info().contents == len(contents)
        else:  # nothing was done: nothing is left behind
            assert not library.collection.folder.exists()
    library.sync()
