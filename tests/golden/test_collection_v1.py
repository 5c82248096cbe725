"""A collection as version 1 wrote it, which every later version must open."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from simsearch import Collection, Failure
from simsearch.index.persist import load_index
from simsearch.store.manifest import FORMAT_VERSION, Manifest
from simsearch.store.schema import part_schema

GOLDEN = Path(__file__).parent / "collection-v1"
ONE = "ed7b5e44d903f5dce5c9cef0f29e0c7f70a2d3b8076a7f28b3f00b7f6c3d36b5"
ROWS = [
    {
        "id": 0,
        "path": "copy of one.png",
        "root": "/pictures",
        "content_hash": ONE,
        "size": 1659,
        "mtime_ns": 1_700_000_001_000_000_000,
        "width": 32,
        "height": 24,
        "format": "PNG",
        "label": "pictures",
    },
    {
        "id": 1,
        "path": "Füße/two.jpg",
        "root": "/pictures",
        "content_hash": "77d2af128a0c1271dc5d319cd8bb5d2c257f17ea03d57e70f608e21cbc5186c7",
        "size": 839,
        "mtime_ns": 1_700_000_000_000_000_000,
        "width": 24,
        "height": 32,
        "format": "JPEG",
        "label": "Füße",
    },
    {
        "id": 2,
        "path": "one.png",
        "root": "/pictures",
        "content_hash": ONE,
        "size": 1659,
        "mtime_ns": 1_700_000_003_000_000_000,
        "width": 32,
        "height": 24,
        "format": "PNG",
        "label": "pictures",
    },
]


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    """Return a copy of the golden collection."""
    shutil.copytree(GOLDEN, tmp_path / GOLDEN.name)
    return Collection.open(GOLDEN.name, home=tmp_path)


def test_manifest_says_what_it_said() -> None:
    manifest = Manifest.parse((GOLDEN / "manifest.json").read_text(encoding="utf-8"))
    assert FORMAT_VERSION == 1
    assert (manifest.name, manifest.generation, manifest.next_id) == ("collection-v1", 1, 3)
    assert (manifest.images, manifest.contents, manifest.failures) == (3, 2, 1)
    assert manifest.roots == ("/pictures",)
    assert (manifest.encoder.name, manifest.encoder.dim) == ("tf_efficientnet_lite0", 1280)
    assert manifest.encoder.digest.startswith("579344248a93e230")
    assert manifest.encoder.preprocessing.size == 224


def test_check_finds_no_problem(collection: Collection) -> None:
    report = collection.check()
    assert report.problems == []
    assert report.notes == []


def test_rows_are_what_was_recorded(collection: Collection) -> None:
    table = collection.embeddings()
    assert table.schema == part_schema(1280)
    assert table.drop_columns(["embedding"]).to_pylist() == ROWS
    vectors = np.array(table.column("embedding").to_pylist(), np.float64)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-3)
    assert np.array_equal(vectors[0], vectors[2])


def test_failures_are_what_was_recorded(collection: Collection) -> None:
    expected = Failure("/pictures", "empty.jpg", "empty", "the file has no bytes")
    assert collection.failures() == [expected]


def test_stored_vector_finds_itself_through_the_stored_index(collection: Collection) -> None:
    manifest = collection.manifest
    assert manifest.index is not None
    index = load_index(collection.folder, manifest.index)
    vectors = np.array(collection.embeddings().column("embedding").to_pylist(), np.float32)
    cosines, positions = index.search(vectors, 1)
    assert cosines[:, 0] == pytest.approx(1, abs=1e-3)
    found = [index.rows_at(int(position)).tolist() for position in positions[:, 0]]
    assert found == [[0, 2], [1], [0, 2]]


def test_duplicates_are_found(collection: Collection) -> None:
    (pair,) = collection.duplicates(threshold=0.999).pairs
    assert (pair.a, pair.b, pair.kind) == (
        "/pictures/copy of one.png",
        "/pictures/one.png",
        "exact",
    )
