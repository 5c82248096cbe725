"""Random changes to a folder, run after run, against a walk of the folder."""

import hashlib
import itertools
import random
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simsearch import Collection, SyncReport
from simsearch.collection import committing, sync
from simsearch.index import choose
from simsearch.store import writer
from tests.collection.conftest import (
    Half,
    Library,
    counts,
    hashes_of_files,
    hashes_of_rows,
    picture_bytes,
    put,
    rows,
    touch,
    vectors_by_hash,
)

CONTENTS = 10
ROUNDS = 12
NAMES = [f"{folder}{name}.jpg" for folder in ("", "a/", "a/b/") for name in "pqrs"]


@pytest.fixture(scope="module")
def true_vectors(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Half]:
    """Return the vector of each content, from a collection that was never changed."""
    folder = tmp_path_factory.mktemp("contents")
    for seed in range(CONTENTS):
        put(folder / f"{seed}.jpg", picture_bytes(seed))
    collection = Collection("contents", home=tmp_path_factory.mktemp("home"))
    collection.add(folder)
    return vectors_by_hash(collection)


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "PART_ROWS", 4)
    monkeypatch.setattr(sync, "PART_ROWS", 4)
    monkeypatch.setattr(writer, "ROW_GROUP_ROWS", 2)


def write(folder: Path, rng: random.Random) -> None:
    put(folder / rng.choice(NAMES), picture_bytes(rng.randrange(CONTENTS)))


def break_one(folder: Path, rng: random.Random) -> None:
    put(folder / rng.choice(NAMES), picture_bytes(rng.randrange(CONTENTS))[:300])


def with_one(change: Callable[[Path, Path, random.Random], object]) -> Any:
    """Turn a change of one existing file into a change of the folder."""

    def apply(folder: Path, rng: random.Random) -> None:
        existing = sorted(path for path in folder.rglob("*.jpg") if path.name != "anchor.jpg")
        if existing:
            change(folder, rng.choice(existing), rng)

    return apply


@with_one
def delete(folder: Path, path: Path, rng: random.Random) -> None:
    path.unlink()


@with_one
def touch_one(folder: Path, path: Path, rng: random.Random) -> None:
    touch(path)


@with_one
def rename(folder: Path, path: Path, rng: random.Random) -> None:
    target = folder / rng.choice(NAMES)
    target.parent.mkdir(parents=True, exist_ok=True)
    path.replace(target)


@with_one
def copy(folder: Path, path: Path, rng: random.Random) -> None:
    target = folder / rng.choice(NAMES)
    if target != path:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        touch(target)


@with_one
def swap(folder: Path, path: Path, rng: random.Random) -> None:
    other = folder / rng.choice(NAMES)
    if other.is_file() and other != path:
        both = path.read_bytes(), other.read_bytes()
        put(path, both[1])
        put(other, both[0])


CHANGES = [write, write, break_one, delete, delete, touch_one, rename, rename, copy, copy, swap]


def readable(folder: Path) -> dict[Path, str]:
    """Return the SHA-256 of every file that holds one of the whole pictures."""
    whole = {hashlib.sha256(picture_bytes(seed)).hexdigest() for seed in range(CONTENTS)}
    return {path: digest for path, digest in hashes_of_files(folder).items() if digest in whole}


def states(folder: Path) -> dict[Path, tuple[int, int]]:
    return {p: (p.stat().st_size, p.stat().st_mtime_ns) for p in folder.rglob("*.jpg")}


def assert_rows_are_right(
    collection: Collection, folder: Path, true_vectors: dict[str, Half]
) -> None:
    assert hashes_of_rows(collection) == readable(folder)
    assert collection.check().problems == []
    known = rows(collection)
    for row in known.values():
        assert row.vector.astype(float) @ true_vectors[row.hash].astype(float) > 0.99
    found = collection.query(folder / "anchor.jpg", k=100, include_self=True)
    assert {Path(neighbor.path): neighbor.id for neighbor in found} == {
        path: row.id for path, row in known.items()
    }


def assert_counts_are_right(
    report: SyncReport, folder: Path, before: dict[Path, str], after: dict[Path, str]
) -> None:
    """Compare a report with what a look at the two states of the folder says."""
    found = Counter(counts(report))
    both = before.keys() & after.keys()
    assert found["unchanged"] == sum(before[path] == after[path] for path in both)
    assert found["updated"] == sum(before[path] != after[path] for path in both)
    arrived = after.keys() - before.keys()
    gone = {path for path in before.keys() - after.keys() if not path.exists()}
    moves = Counter(after[p] for p in arrived) & Counter(before[p] for p in gone)
    assert found["removed"] == len(gone) - moves.total()
    assert found["moved"] >= moves.total()
    known = set(before.values()) | {after[path] for path in both}
    assert found["new"] == len({after[path] for path in arrived} - known)
    assert found["new"] + found["moved"] + found["duplicates_of_content"] == len(arrived)
    assert report.failed == sum(1 for path in folder.rglob("*.jpg") if path not in after)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("exact_up_to", [20_000, 2], ids=["scan", "graph"])
def test_every_run_ends_as_the_folder_is(
    library: Library,
    embedded: list[str],
    true_vectors: dict[str, Half],
    monkeypatch: pytest.MonkeyPatch,
    exact_up_to: int,
    seed: int,
) -> None:
    monkeypatch.setattr(choose, "EXACT_UP_TO", exact_up_to)
    rng = random.Random(seed)
    library.put("anchor.jpg", 0)
    before: dict[Path, str] = {}
    ids: dict[Path, int] = {}
    seen: dict[Path, tuple[int, int]] = {}
    generation = 0
    for _ in range(ROUNDS):
        for _ in range(rng.randrange(5)):
            rng.choice(CHANGES)(library.folder, rng)
        embedded.clear()
        report = library.collection.add(library.folder)
        after = readable(library.folder)
        assert_rows_are_right(library.collection, library.folder, true_vectors)
        assert_counts_are_right(report, library.folder, before, after)
        assert len(embedded) == len(set(after.values()) - set(before.values()))
        new_ids = {path: row.id for path, row in rows(library.collection).items()}
        assert all(new_ids[path] == ids[path] for path in before.keys() & after.keys())
        now = states(library.folder)
        if now == seen:
            assert report.generation == generation
        elif {path: now[path] for path in after} != {path: seen[path] for path in before}:
            assert report.generation == generation + 1
        before, ids, seen, generation = after, new_ids, now, report.generation


class Killed(BaseException):
    """Stands for a process that ends without a word."""


def killed_at(call: int, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that is killed before it does its n-th call's work."""
    calls = itertools.count(1)

    def run(*args: Any, **options: Any) -> Any:
        if next(calls) == call:
            raise Killed
        return function(*args, **options)

    return run


STEPS = [(committing, "index_parts", 1), (committing, "commit", 1), (writer, "write_durably", 6)]


@pytest.mark.parametrize("seed", range(4))
def test_runs_that_are_killed_in_between_leave_no_trace(
    library: Library,
    monkeypatch: pytest.MonkeyPatch,
    true_vectors: dict[str, Half],
    seed: int,
) -> None:
    rng = random.Random(seed)
    library.put("anchor.jpg", 0)
    library.sync()
    for _ in range(ROUNDS):
        for _ in range(rng.randrange(1, 5)):
            rng.choice(CHANGES)(library.folder, rng)
        answered = hashes_of_rows(library.collection)
        with monkeypatch.context() as patch:
            place, name, calls = rng.choice(STEPS)
            step = killed_at(rng.randint(1, calls), getattr(place, name))
            patch.setattr(place, name, step)
            try:
                library.collection.add(library.folder)
            except Killed:
                assert hashes_of_rows(library.collection) == answered
                assert library.collection.check().problems == []
        if rng.random() < 0.5:
            library.collection.add(library.folder)
            assert_rows_are_right(library.collection, library.folder, true_vectors)
    library.collection.add(library.folder)
    assert_rows_are_right(library.collection, library.folder, true_vectors)
