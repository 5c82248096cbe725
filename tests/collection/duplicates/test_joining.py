"""A join that was stopped goes on, and ends as if nothing had happened."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from simsearch import Collection
from simsearch.collection.duplicates import joining
from simsearch.errors import StorageError
from simsearch.index.recipes import Vectors
from simsearch.index.vector_index import Ids
from simsearch.search.searchers.matrix import Matrix
from tests.collection.conftest import picture_bytes, put

PICTURES = 48
BLOCK = 8


class Killed(BaseException):
    """Ends a search as Ctrl-C does."""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for seed in range(PICTURES):
        put(folder / f"{seed:02d}.jpg", picture_bytes(seed))
    return folder


@pytest.fixture
def collection(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Collection:
    """Return a collection that is searched in blocks of 8, of which each takes an hour."""
    made = Collection("pictures", home=tmp_path)
    made.add(pictures)
    blocks = joining._left

    def small(*arguments: object) -> Iterator[tuple[Ids, Vectors]]:
        for positions, vectors in blocks(*arguments):  # type: ignore[arg-type]
            for start in range(0, len(positions), BLOCK):
                yield positions[start : start + BLOCK], vectors[start : start + BLOCK]

    monkeypatch.setattr(joining, "_left", small)
    hours = iter(range(0, 10**7, 3600))
    monkeypatch.setattr(
        "simsearch.collection.duplicates.joining.time.monotonic", lambda: float(next(hours))
    )
    return made


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that grows by the vectors that are searched for; -1 in it ends the search."""
    sizes: list[int] = []
    search = Matrix.search

    def counted(self: Matrix, vectors: Vectors, k: int) -> tuple[Vectors, Ids]:
        if -1 in sizes and sum(sizes) > PICTURES // 2:
            raise Killed
        sizes.append(len(vectors))
        return search(self, vectors, k)

    monkeypatch.setattr(Matrix, "search", counted)
    return sizes


def kept(collection: Collection) -> list[Path]:
    return sorted(collection.folder.glob("built/*/joins/*/*"))


def forget(collection: Collection) -> None:
    for path in kept(collection):
        path.unlink()


@pytest.mark.parametrize("threshold", [None, 0.5, 0.9])
def test_resumed_equals_straight(
    collection: Collection, asked: list[int], threshold: float | None
) -> None:
    straight = collection.duplicates(threshold)
    full = sum(asked)
    forget(collection)
    asked[:] = [-1]
    with pytest.raises(Killed):
        collection.duplicates(threshold)
    assert kept(collection)
    before = sum(asked) + 1
    asked.clear()
    assert collection.duplicates(threshold) == straight
    assert 0 < sum(asked) <= full - before + BLOCK
    asked.clear()
    # Nearest neighbours are asked for again, for a plan or a gallery; a threshold hardly is.
    assert bool(kept(collection)) == (threshold is None)
    assert collection.duplicates(threshold) == straight
    assert bool(asked) == (threshold is not None)


def test_joins_of_an_earlier_form_are_deleted(collection: Collection) -> None:
    (earlier,) = collection.folder.glob("built/*")
    earlier = earlier / "joins" / "nearest-5-0.4"
    earlier.mkdir(parents=True)
    (earlier / "1-1.npz").touch()
    collection.duplicates()
    assert not earlier.exists()


def test_killed_after_the_search_nothing_is_searched_again(
    collection: Collection, asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    straight = collection.duplicates()
    forget(collection)
    with monkeypatch.context() as patched:
        patched.setattr("simsearch.collection.duplicates.find.find_copies", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            collection.duplicates()
    asked.clear()
    assert collection.duplicates() == straight
    assert asked == []


def test_other_settings_and_other_pictures_start_afresh(
    collection: Collection, asked: list[int], pictures: Path
) -> None:
    asked.append(-1)
    with pytest.raises(Killed):
        collection.duplicates(0.5)
    asked.clear()
    collection.duplicates(0.6)
    assert sum(asked) >= PICTURES
    asked[:] = [-1]
    with pytest.raises(Killed):
        collection.duplicates(0.5)
    (pictures / "00.jpg").rename(pictures.parent / "00.jpg")
    try:
        collection.add(pictures)
    finally:
        (pictures.parent / "00.jpg").rename(pictures / "00.jpg")
    assert kept(collection) == []
    asked.clear()
    collection.duplicates(0.5)
    assert sum(asked) >= PICTURES - 1


def test_damaged_parts_are_searched_again(collection: Collection, asked: list[int]) -> None:
    straight = collection.duplicates()
    forget(collection)
    asked[:] = [-1]
    with pytest.raises(Killed):
        collection.duplicates()
    first, second, *_ = kept(collection)
    first.write_bytes(first.read_bytes()[:-40])
    second.write_bytes(b"nothing")
    asked.clear()
    assert collection.duplicates() == straight


def test_where_nothing_can_be_written_the_search_goes_on(
    collection: Collection,
    asked: list[int],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    straight = collection.duplicates(0.5)

    def refused(*_: object) -> None:
        raise StorageError("no space")

    monkeypatch.setattr(joining, "write_durably", refused)
    assert collection.duplicates(0.5) == straight
    assert caplog.text.count("no space; the search goes on, and can't be resumed") == 1


def test_a_long_search_is_announced_and_shows_how_far_it_is(
    collection: Collection, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shown: list[tuple[int, int]] = []
    monkeypatch.setattr(joining, "expected_seconds", lambda *_: 7200.0)
    with caplog.at_level(logging.WARNING, "simsearch"):
        collection.duplicates(0.5, searching=lambda done, of: shown.append((done, of)))
    (note,) = [record.message for record in caplog.records if "searching" in record.message]
    assert note.startswith(f"searching {PICTURES} vectors for their nearest: about ")
    assert "about 2.0 h, some 1.5 GB of memory; if it is stopped, the next run" in note
    assert shown == [(min(d, PICTURES), PICTURES) for d in range(BLOCK, PICTURES + BLOCK, BLOCK)]


def test_a_short_search_says_and_keeps_nothing(
    collection: Collection,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("simsearch.collection.duplicates.joining.time.monotonic", lambda: 0.0)
    shown: list[int] = []
    monkeypatch.setattr("simsearch.collection.duplicates.find.forget_joins", lambda *_: None)
    collection.duplicates(0.5, searching=lambda done, _: shown.append(done))
    assert (shown, kept(collection), caplog.text) == ([], [], "")
