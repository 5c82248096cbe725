"""Vectors as the field keeps them, and what is no such file."""

from pathlib import Path

import numpy as np
import pytest

from simsearch.bench.recall.dataset import Dataset
from simsearch.bench.recall.sources import Asked, open_source
from simsearch.bench.recall.truth import true_distances
from simsearch.errors import CollectionNotFoundError, InputError
from simsearch.index.recipes import Vectors

N, QUERIES, DIM, K = 300, 20, 8, 5
RNG = np.random.default_rng(1)
BASE = RNG.normal(size=(N, DIM)).astype(np.float32)
ASKED = RNG.normal(size=(QUERIES, DIM)).astype(np.float32)


def no_collection(name: str) -> Vectors:
    """Stand for a folder of collections that has none."""
    raise CollectionNotFoundError(f"no collection '{name}'")


def distances(
    base: Vectors, queries: Vectors
) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
    """Return the squared distances to the K nearest, by brute force."""
    differences = base[None].astype(np.float64) - queries[:, None].astype(np.float64)
    return np.sort((differences**2).sum(axis=2), axis=1)[:, :K]


def unit(vectors: Vectors) -> Vectors:
    scaled: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return scaled


def write_bin(path: Path, rows: "np.ndarray[tuple[int, int], np.dtype[np.generic]]") -> Path:
    """Write rows as big-ann-benchmarks keeps them."""
    with path.open("wb") as stream:
        np.array(rows.shape, np.uint32).tofile(stream)
        rows.tofile(stream)
    return path


def vectors_of(dataset: Dataset) -> Vectors:
    return np.concatenate(list(dataset.blocks()))


@pytest.mark.parametrize(
    ("suffix", "kind"), [("fbin", "f4"), ("f16bin", "f2"), ("u8bin", "u1"), ("i8bin", "i1")]
)
def test_binary_files(tmp_path: Path, suffix: str, kind: str) -> None:
    rows = (20 * np.abs(BASE)).astype(kind)
    path = write_bin(tmp_path / f"base.{suffix}", rows)
    queries = write_bin(tmp_path / f"queries.{suffix}", rows[:QUERIES])
    asked = Asked(str(path), queries, metric="euclidean")
    with open_source(asked, K, tmp_path / "home", no_collection) as dataset:
        assert np.array_equal(vectors_of(dataset), rows.astype(np.float32))
        assert (dataset.n, dataset.dim, dataset.queries) == (N, DIM, QUERIES)
        truth = true_distances(dataset, K)
    expected = distances(rows.astype(np.float32), rows[:QUERIES].astype(np.float32))
    assert np.allclose(truth, expected)


@pytest.mark.parametrize(("distance", "metric"), [("angular", "cosine"), ("euclidean",) * 2])
def test_hdf5_of_ann_benchmarks(tmp_path: Path, distance: str, metric: str) -> None:
    import h5py

    path = tmp_path / "some-8-angular.hdf5"
    with h5py.File(path, "w") as file:
        file["train"], file["test"] = BASE, ASKED
        file.attrs["distance"] = distance
    with open_source(Asked(str(path)), K, tmp_path / "home", no_collection) as dataset:
        assert (dataset.name, dataset.metric) == (path.name, metric)
        base, queries = (unit(BASE), unit(ASKED)) if metric == "cosine" else (BASE, ASKED)
        assert np.allclose(true_distances(dataset, K), distances(base, queries), atol=1e-6)


def test_the_truth_of_a_file_is_taken(tmp_path: Path) -> None:
    base, queries = write_bin(tmp_path / "b.fbin", BASE), write_bin(tmp_path / "q.fbin", ASKED)
    wrong = np.tile(np.arange(K, dtype=np.int32), (QUERIES, 1))
    truth = write_bin(tmp_path / "t.ibin", wrong)
    asked = Asked(str(base), queries, truth, "euclidean")
    with open_source(asked, K, tmp_path / "home", no_collection) as dataset:
        assert np.allclose(true_distances(dataset, K), distances(BASE[:K], ASKED))


def test_without_queries_some_are_held_out(tmp_path: Path) -> None:
    np.save(tmp_path / "base.npy", BASE)
    asked = Asked(str(tmp_path / "base.npy"), metric="euclidean", sample=30)
    with open_source(asked, K, tmp_path / "home", no_collection) as dataset:
        both = np.concatenate([vectors_of(dataset), dataset.query_vectors()])
        assert dataset.queries == 30
        assert sorted(map(tuple, both.tolist())) == sorted(map(tuple, BASE.tolist()))


def test_made_vectors_are_the_same_each_time_and_have_length_1(tmp_path: Path) -> None:
    digests = set()
    for _ in range(2):
        asked = Asked("synthetic:200,16", sample=10)
        with open_source(asked, K, tmp_path / "home", no_collection) as dataset:
            assert np.allclose(np.linalg.norm(vectors_of(dataset), axis=1), 1)
            digests.add(dataset.digest)
    assert len(digests) == 1


def test_only_the_truth_stays(tmp_path: Path) -> None:
    with open_source(Asked("synthetic:200,16"), K, tmp_path / "home", no_collection):
        pass
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["truth"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("photos", "no collection 'photos'"),
        ("photos.2024", "no collection 'photos.2024'"),
        ("no.npy", "can't read 'no.npy'"),
        ("vectors.csv", "'vectors.csv' is no file of vectors"),
        ("synthetic:10", "is not 'synthetic:N,D'"),
        ("synthetic:2,2", "is not 'synthetic:N,D'"),
    ],
)
def test_no_such_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("vectors.csv").write_text("1,2")
    with (
        pytest.raises((InputError, CollectionNotFoundError), match=message),
        open_source(Asked(source), K, tmp_path / "home", no_collection),
    ):
        pass


def test_a_file_that_is_cut_short(tmp_path: Path) -> None:
    path = write_bin(tmp_path / "base.fbin", BASE)
    path.write_bytes(path.read_bytes()[:-1])
    with (
        pytest.raises(InputError, match="it says 300 x 8 and is shorter"),
        open_source(Asked(str(path)), K, tmp_path / "home", no_collection),
    ):
        pass


def test_more_neighbours_than_vectors(tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match="k is 41, and 'synthetic:50,5' has 40 vectors"),
        open_source(Asked("synthetic:50,5"), 41, tmp_path / "home", no_collection),
    ):
        pass


def test_queries_of_another_length(tmp_path: Path) -> None:
    np.save(tmp_path / "base.npy", BASE)
    np.save(tmp_path / "queries.npy", ASKED[:, :3])
    asked = Asked(str(tmp_path / "base.npy"), tmp_path / "queries.npy")
    with (
        pytest.raises(InputError, match="give as many numbers to each"),
        open_source(asked, K, tmp_path / "home", no_collection),
    ):
        pass
