"""One writer at a time, and readers that see one whole generation whatever a writer does."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simsearch import Collection
from simsearch.collection import api
from simsearch.config import KeepRules
from simsearch.errors import CollectionBusyError, CollectionNotFoundError
from simsearch.records import Duplicates, Neighbor
from simsearch.store import manifest as manifests
from simsearch.store.lock import writer_lock
from tests.collection.conftest import Library, hashes_of_rows, picture_bytes, put
from tests.conftest import CliResult


@pytest.fixture
def indexed(library: Library) -> Library:
    """Return a library of five pictures and two copies, indexed once."""
    for seed in range(5):
        library.put(f"{seed}.jpg", seed)
    library.put("copy.jpg", 0)
    library.put("other copy.jpg", 0)
    library.sync()
    return library


def change(library: Library) -> None:
    """Change every picture, and add and take away some."""
    for seed in range(1, 5):
        library.put(f"{seed}.jpg", 10 + seed)
    library.put("more.jpg", 20)
    library.put("more copies.jpg", 20)
    (library.folder / "copy.jpg").unlink()


def answers(
    collection: Collection, query: Path
) -> tuple[list[Neighbor], Duplicates, dict[Path, str]]:
    """Return what a collection says to every kind of question."""
    neighbors = collection.query(query, k=20, include_self=True)
    rules = KeepRules(("pixels", "path"))  # the others look at the files as they are now
    return neighbors, collection.duplicates(0.5, rules=rules), hashes_of_rows(collection)


@pytest.mark.parametrize("act", [lambda c, folder: c.add(folder), lambda c, _: c.remove()])
def test_second_writer_is_told_who_holds_the_lock(
    indexed: Library, act: Callable[[Collection, Path], Any]
) -> None:
    named = f"process {os.getpid()} on "
    with (
        writer_lock(indexed.collection.folder),
        pytest.raises(CollectionBusyError, match=named),
    ):
        act(indexed.collection, indexed.folder)
    assert indexed.sync() == {"unchanged": 7}


def test_second_process_is_told_who_holds_the_lock(
    indexed: Library, run_cli: Callable[..., CliResult]
) -> None:
    home = indexed.collection.folder.parent
    with writer_lock(indexed.collection.folder):
        result = run_cli("index", indexed.folder, "--home", home)
    assert result.code == 1
    assert result.err.startswith("error: collection 'pictures' is being written by process ")
    assert str(os.getpid()) in result.err
    assert result.err.count("\n") == 1


def test_lock_of_a_killed_process_is_free(indexed: Library) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from simsearch.store.lock import writer_lock\n"
        "with writer_lock(Path(sys.argv[1])): os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, indexed.collection.folder], check=False)
    assert indexed.sync() == {"unchanged": 7}


def test_reader_sees_the_old_generation_until_the_commit(
    indexed: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Collection.open("pictures", home=indexed.collection.folder.parent)
    query = put(indexed.folder.parent / "query.jpg", picture_bytes(0))
    before = answers(reader, query)
    seen = []

    def look_and_commit(*args: Any) -> Any:
        seen.append(answers(reader, query))
        fresh = Collection.open("pictures", home=indexed.collection.folder.parent)
        seen.append(answers(fresh, query))
        return manifests.commit(*args)

    monkeypatch.setattr("simsearch.collection.committing.commit", look_and_commit)
    change(indexed)
    indexed.sync(progress=lambda *_: seen.append(answers(reader, query)))
    assert len(seen) >= 8
    assert all(answer == before for answer in seen)
    after = answers(reader, query)
    assert after == answers(Collection.open("pictures", home=reader.folder.parent), query)
    assert after != before


def test_long_lived_reader_follows_the_generations(indexed: Library) -> None:
    reader = Collection.open("pictures", home=indexed.collection.folder.parent)
    query = indexed.folder / "0.jpg"
    for seed in range(30, 34):
        answers(reader, query)
        indexed.put("1.jpg", seed)
        indexed.sync()
        fresh = Collection.open("pictures", home=reader.folder.parent)
        assert answers(reader, query) == answers(fresh, query)


@pytest.mark.parametrize(
    "ask",
    [
        lambda c, query: c.query(query, k=20),
        lambda c, _: c.duplicates(0.5),
        lambda c, _: c.duplicates(exact=True),
        lambda c, _: hashes_of_rows(c),
        lambda c, _: c.check(),
    ],
    ids=["query", "duplicates", "exact", "embeddings", "check"],
)
def test_reader_that_looked_just_before_the_commit_looks_again(
    indexed: Library, monkeypatch: pytest.MonkeyPatch, ask: Callable[[Collection, Path], Any]
) -> None:
    query = indexed.folder / "0.jpg"
    old = indexed.collection.manifest
    change(indexed)
    indexed.sync()
    expected = ask(indexed.collection, query)
    once = iter([old])
    monkeypatch.setattr(
        api, "read_manifest", lambda folder: next(once, None) or manifests.read_manifest(folder)
    )
    reader = Collection("pictures", home=indexed.collection.folder.parent)
    assert ask(reader, query) == expected
    assert next(once, None) is None


def test_file_that_a_writer_deletes_while_its_size_is_taken(
    indexed: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    part, *_ = indexed.collection.folder.glob("embeddings/*.parquet")
    looks = iter([False, True])
    stat = os.stat

    def stat_once(path: Any, **options: Any) -> os.stat_result:
        if str(path) == str(part) and next(looks, True):
            raise FileNotFoundError(2, "No such file or directory", str(path))
        return stat(path, **options)

    monkeypatch.setattr(os, "stat", stat_once)
    assert indexed.collection.info().images == 7


def test_collection_made_again_under_the_same_name(indexed: Library, tmp_path: Path) -> None:
    other = tmp_path / "other"
    for seed in range(40, 43):
        put(other / f"{seed}.jpg", picture_bytes(seed))
    query = other / "40.jpg"
    indexed.collection.query(query)
    indexed.collection.remove()
    indexed.collection.add(other)
    found = indexed.collection.query(query, include_self=True)
    assert {neighbor.path for neighbor in found} == {str(path) for path in other.iterdir()}


def test_removed_collection_is_gone_and_its_pictures_stay(indexed: Library) -> None:
    indexed.collection.remove()
    assert not indexed.collection.folder.exists()
    assert len(list(indexed.folder.iterdir())) == 7
    with pytest.raises(CollectionNotFoundError):
        indexed.collection.query(indexed.folder / "0.jpg")
    with pytest.raises(CollectionNotFoundError):
        indexed.collection.remove()
