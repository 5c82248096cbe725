"""An index takes additions and leaves tombstones; it is built again only where that pays."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simsearch import Collection
from simsearch.index import build, choose
from simsearch.index.persist import load_index
from simsearch.index.vector_index import VectorIndex
from simsearch.store.manifest import read_manifest
from tests.collection.conftest import Library, hashes_of_files, picture_bytes, put, rows

N = 12


@pytest.fixture(autouse=True)
def _graphs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose, "EXACT_UP_TO", 3)


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that grows with the size of every index that is built from nothing."""
    sizes: list[int] = []
    whole = build.build_index

    def noted(recipe: str, source: Any, *args: Any) -> VectorIndex:
        sizes.append(source.n)
        return whole(recipe, source, *args)

    monkeypatch.setattr(build, "build_index", noted)
    return sizes


@pytest.fixture
def many(library: Library, built: list[int]) -> Library:
    """Return a library of N pictures, indexed once."""
    for seed in range(N):
        library.put(f"{seed}.jpg", seed)
    library.sync()
    assert built == [N]
    return library


def stored(collection: Collection) -> VectorIndex:
    """Return the index as it lies on disk."""
    info = read_manifest(collection.folder).index
    assert info is not None
    return load_index(collection.folder, info, afresh=True)


def assert_all_is_found(library: Library) -> None:
    """Compare the answers to every picture with brute force over the rows."""
    known = {
        str(path): row.vector.astype(np.float32) for path, row in rows(library.collection).items()
    }
    assert set(known) == {str(path) for path in hashes_of_files(library.folder)}
    for path, vector in known.items():
        found = library.collection.query(path, k=100, include_self=True)
        assert {n.path: n.score for n in found} == pytest.approx(
            {other: float(vector @ theirs) for other, theirs in known.items()}, abs=2e-3
        )


def test_additions_go_to_the_index_that_is_there(many: Library, built: list[int]) -> None:
    many.put("new/one.jpg", 100)
    many.put("new/two.jpg", 101)
    many.put("new/copy.jpg", 0)
    assert many.sync() == {"new": 2, "duplicates_of_content": 1, "unchanged": N}
    assert built == [N]
    assert stored(many.collection).size == N + 2
    assert_all_is_found(many)


def test_what_is_removed_is_not_found_and_takes_its_place_again(
    many: Library, built: list[int]
) -> None:
    (many.folder / "3.jpg").unlink()
    (many.folder / "7.jpg").unlink()
    assert many.sync() == {"removed": 2, "unchanged": N - 2}
    assert_all_is_found(many)
    index = stored(many.collection)
    assert (index.size, index.faiss_index.ntotal) == (N - 2, N)
    many.put("again.jpg", 7)
    many.put("new.jpg", 100)
    many.sync()
    assert_all_is_found(many)
    index = stored(many.collection)
    assert (index.size, index.faiss_index.ntotal) == (N, N + 1)
    assert built == [N]


def test_changed_file_has_its_new_content_only(many: Library, built: list[int]) -> None:
    many.put("5.jpg", 100)
    assert many.sync() == {"updated": 1, "unchanged": N - 1}
    assert built == [N]
    assert_all_is_found(many)


def test_duplicates_are_those_of_the_folder(many: Library, built: list[int]) -> None:
    (many.folder / "3.jpg").unlink()
    many.put("copy.jpg", 5)
    many.sync()
    pairs = many.collection.duplicates(threshold=0.9999).pairs
    assert {frozenset(Path(p).name for p in (pair.a, pair.b)) for pair in pairs} == {
        frozenset({"5.jpg", "copy.jpg"})
    }
    assert built == [N]


def test_too_many_tombstones_are_cleared(many: Library, built: list[int]) -> None:
    for seed in range(4):
        (many.folder / f"{seed}.jpg").unlink()
    many.sync()
    assert built == [N, N - 4]
    assert stored(many.collection).faiss_index.ntotal == N - 4
    assert_all_is_found(many)


def test_few_that_are_left_are_scanned(many: Library, built: list[int]) -> None:
    for seed in range(N - 3):
        (many.folder / f"{seed}.jpg").unlink()
    many.sync()
    assert built == [N, 3]
    assert stored(many.collection).recipe.exact


def test_rebuild_takes_nothing_over(many: Library, built: list[int]) -> None:
    many.put("new.jpg", 100)
    many.sync(rebuild=True)
    assert built == [N, N + 1]


def test_a_stopped_run_leaves_the_index_to_be_extended(many: Library, built: list[int]) -> None:
    many.put("new/one.jpg", 100)
    many.put("new/two.jpg", 101)
    left = iter([False])
    report = many.collection.add(many.folder, should_stop=lambda: next(left, True))
    assert report.interrupted
    assert report.index is None
    found = many.collection.query(many.folder / "0.jpg", k=100, include_self=True)
    assert len(found) == report.images > N
    assert built == [N]
    many.sync()
    assert_all_is_found(many)
    assert built == [N]


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"no keys")])
@pytest.mark.parametrize("file", ["contents.npy", "index.faiss", "meta.json"])
def test_damaged_index_is_built_anew(
    many: Library,
    built: list[int],
    file: str,
    damage: Callable[[Path], object],
    caplog: pytest.LogCaptureFixture,
) -> None:
    (path,) = many.collection.folder.glob(f"built/*/{file}")
    damage(path)
    many.put("new.jpg", 100)
    many.sync()
    assert built == [N, N + 1]
    assert "building the index anew" in caplog.text
    assert_all_is_found(many)


def test_effort_is_measured_again_when_the_index_has_grown(many: Library) -> None:
    def tuned_at() -> int:
        tuning = many.collection.info().tuning
        assert tuning is not None
        return tuning.vectors

    assert tuned_at() == N
    many.put("100.jpg", 100)
    many.sync()
    assert tuned_at() == N
    many.put("101.jpg", 101)
    many.sync()
    assert tuned_at() == N + 2


def test_recall_is_measured_on_the_right_vectors(many: Library) -> None:
    put(many.folder / "0.jpg", picture_bytes(0))  # its row is written anew, behind the others
    (many.folder / "1.jpg").unlink()
    many.sync()
    measured = many.collection.tune(1.0).measured
    assert measured == 1
