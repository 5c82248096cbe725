"""Runs that are killed with SIGKILL, and the runs after them."""

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from simsearch import Collection
from simsearch.errors import CollectionNotFoundError
from tests.collection.conftest import (
    Half,
    counts,
    hashes_of_files,
    hashes_of_rows,
    picture_bytes,
    put,
    rows,
    vectors_by_hash,
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")

PICTURES = 120
PART_ROWS = 20
RUN = f"""
import sys
from simsearch import Collection
from simsearch.collection import sync
from simsearch.store import writer

sync.PART_ROWS = writer.PART_ROWS = {PART_ROWS}
"""
# Prints each file that is done; the test kills it after one of them.
RUN_UNTIL_KILLED = f"""{RUN}
def progress(done, total):
    print(done, flush=True)

Collection("photos", home=sys.argv[1]).add(sys.argv[2], progress=progress)
"""
# Kills itself when it comes to the n-th call of a function.
RUN_UNTIL_CALL = f"""{RUN}
import itertools, os, signal
from importlib import import_module

place, name, last = import_module(sys.argv[3]), sys.argv[4], int(sys.argv[5])
real, calls = getattr(place, name), itertools.count(1)

def run(*args, **options):
    if next(calls) == last:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*args, **options)

setattr(place, name, run)
Collection("photos", home=sys.argv[1]).add(sys.argv[2])
"""
FIRST_RUN = [
    ("simsearch.store.files", "flush", 3),  # a second part is written, not yet renamed
    ("simsearch.store.writer", "file_digest", 3),  # a third part is renamed, not yet listed
    ("simsearch.index.persist", "file_digest", 1),  # the index is half written
    ("simsearch.collection.committing", "commit", 1),
    ("simsearch.collection.committing", "_clean", 1),
]
LATER_RUN = [
    ("simsearch.store.writer", "write_durably", 2),
    ("simsearch.collection.committing", "index_parts", 1),
    ("simsearch.collection.committing", "_clean", 1),
]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of pictures, three of them copies."""
    folder = tmp_path_factory.mktemp("photos")
    for number in range(PICTURES):
        put(folder / f"{number:03d}.jpg", picture_bytes(number % (PICTURES - 3)))
    return folder


@pytest.fixture(scope="module")
def true_vectors(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Half]:
    """Return the vector of each content, from a run that nothing disturbed."""
    collection = Collection("photos", home=tmp_path_factory.mktemp("undisturbed"))
    collection.add(photos)
    return vectors_by_hash(collection)


def run_until_killed(home: Path, folder: Path, done: int) -> None:
    """Index a folder in another process and kill it once it has done so many files."""
    with subprocess.Popen(
        [sys.executable, "-c", RUN_UNTIL_KILLED, home, folder], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if int(line) >= done:
                break
        child.send_signal(signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL


def run_until_call(home: Path, folder: Path, moment: tuple[str, str, int]) -> None:
    """Index a folder in another process that kills itself at a call of one of its functions."""
    child = subprocess.run(
        [sys.executable, "-c", RUN_UNTIL_CALL, home, folder, *map(str, moment)], check=False
    )
    assert child.returncode == -signal.SIGKILL


def finished_rows(home: Path) -> int:
    """Return how many rows are in the part files of a collection."""
    parts = home.glob("photos/embeddings/part-*.parquet")
    return sum(pq.ParquetFile(part).metadata.num_rows for part in parts)


def is_committed(home: Path) -> bool:
    return (home / "photos" / "manifest.json").exists()


def assert_next_run_completes(
    home: Path, folder: Path, true_vectors: dict[str, Half], embedded: list[str]
) -> None:
    """Index again: finished parts are taken over, and the end is as if nothing had happened."""
    committed, saved = is_committed(home), finished_rows(home)
    saved_contents = min(saved, PICTURES - 3)
    collection = Collection("photos", home=home)
    report = collection.add(folder)
    if committed:
        assert counts(report) == {"unchanged": PICTURES}
        assert embedded == []
    else:
        assert report.recovered == saved
        assert len(embedded) == PICTURES - 3 - saved_contents
    assert report.images == PICTURES
    assert hashes_of_rows(collection) == hashes_of_files(folder)
    found = rows(collection).values()
    assert all(row.vector.astype(float) @ true_vectors[row.hash] > 0.99 for row in found)
    assert collection.check().problems == []
    assert collection.check().notes == []
    assert collection.manifest.contents == PICTURES - 3


@pytest.mark.parametrize("done", [1, 60, PICTURES])
def test_first_run_killed_from_outside(
    photos: Path, tmp_path: Path, true_vectors: dict[str, Half], embedded: list[str], done: int
) -> None:
    run_until_killed(tmp_path, photos, done)
    if is_committed(tmp_path):
        assert Collection.open("photos", home=tmp_path).check().problems == []
    else:
        with pytest.raises(CollectionNotFoundError):
            Collection.open("photos", home=tmp_path)
    assert_next_run_completes(tmp_path, photos, true_vectors, embedded)


@pytest.mark.parametrize("moment", FIRST_RUN, ids=lambda moment: moment[1])
def test_first_run_killed_at_a_step(
    photos: Path,
    tmp_path: Path,
    true_vectors: dict[str, Half],
    embedded: list[str],
    moment: tuple[str, str, int],
) -> None:
    run_until_call(tmp_path, photos, moment)
    assert is_committed(tmp_path) == (moment[1] == "_clean")
    assert_next_run_completes(tmp_path, photos, true_vectors, embedded)


@pytest.mark.parametrize("moment", LATER_RUN, ids=lambda moment: moment[1])
def test_later_run_killed_at_a_step(
    tmp_path: Path, embedded: list[str], moment: tuple[str, str, int]
) -> None:
    home, folder = tmp_path / "indexes", tmp_path / "pictures"
    for seed in range(50):
        put(folder / f"{seed:03d}.jpg", picture_bytes(seed))
    collection = Collection("photos", home=home)
    collection.add(folder)
    before = rows(collection)
    (folder / "000.jpg").unlink()
    (folder / "001.jpg").rename(folder / "renamed.jpg")
    for seed in range(10, 40):
        put(folder / f"{seed:03d}.jpg", picture_bytes(100 + seed))

    run_until_call(home, folder, moment)

    committed = moment[1] == "_clean"
    assert collection.check().problems == []
    if not committed:
        assert hashes_of_rows(collection) == {path: row.hash for path, row in before.items()}
    embedded.clear()
    report = collection.add(folder)
    assert (report.images, report.generation) == (49, 2)
    assert hashes_of_rows(collection) == hashes_of_files(folder)
    assert collection.check().problems == []
    assert len(embedded) == (30 - PART_ROWS if moment[1] == "write_durably" else 0)
    after = rows(collection)
    assert after[folder / "renamed.jpg"].id == before[folder / "001.jpg"].id
    assert all(
        np.array_equal(after[path].vector, row.vector)
        for path, row in before.items()
        if path in after and after[path].hash == row.hash
    )
