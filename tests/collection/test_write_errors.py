"""A disk that is full or not writable: a clear error, and what was there before stays."""

import errno
import itertools
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from simsearch import Collection
from simsearch.errors import (
    CollectionError,
    EncoderError,
    FolderError,
    SimsearchError,
    StorageError,
)
from tests.collection.conftest import Library, hashes_of_rows, put, touch

FULL = OSError(errno.ENOSPC, "No space left on device")
REFUSED = PermissionError(errno.EACCES, "Permission denied")
Fault = tuple[str, Exception, str]
FAULTS: list[Fault] = [
    ("os.fsync", FULL, "the disk is full"),
    ("simsearch.store.writer.pq.write_table", FULL, "the disk is full"),
    ("simsearch.store.writer.pq.write_table", REFUSED, "no write permission"),
    ("simsearch.index.persist.np.save", FULL, "the disk is full"),
    ("simsearch.index.persist.faiss.write_index", RuntimeError("write error"), "can't write"),
    ("pathlib.Path.replace", REFUSED, "no write permission"),
]


def raising(error: Exception) -> Callable[..., Any]:
    """Return a function that always raises an error like this one."""

    def fail(*args: object, **options: object) -> Any:
        raise type(error)(*error.args)

    return fail


@pytest.fixture
def changed(library: Library) -> Library:
    """Return a library that was indexed once and has new, changed and removed files since."""
    for seed in range(4):
        library.put(f"{seed}.jpg", seed)
    put(library.folder / "empty.jpg", b"")
    library.collection.add(library.folder)
    library.put("0.jpg", 10)
    library.put("new.jpg", 11)
    touch(library.folder / "1.jpg")
    (library.folder / "2.jpg").unlink()
    (library.folder / "empty.jpg").unlink()
    return library


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault[0]} {fault[2]}")
def test_failed_write_leaves_the_last_generation(
    changed: Library, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    place, error, message = fault
    before = hashes_of_rows(changed.collection)
    with monkeypatch.context() as patch:
        patch.setattr(place, raising(error))
        with pytest.raises(StorageError, match=message):
            changed.collection.add(changed.folder)
    assert hashes_of_rows(changed.collection) == before
    assert len(changed.collection.query(changed.folder / "3.jpg", k=9)) == 3
    assert changed.collection.check().problems == []
    changed.sync()


def fail_at(call: int, function: Callable[..., Any]) -> tuple[Callable[..., Any], list[int]]:
    """Return a function whose n-th and later calls find the disk full, and its list of calls."""
    calls: list[int] = []

    def run(*args: Any, **options: Any) -> Any:
        calls.append(len(calls) + 1)
        if len(calls) >= call:
            raise FULL
        return function(*args, **options)

    return run, calls


def test_disk_that_fills_up_at_any_flush(
    changed: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = hashes_of_rows(changed.collection)
    for call in itertools.count(1):
        home = tmp_path / str(call)
        shutil.copytree(changed.collection.folder, home / "pictures")
        collection = Collection("pictures", home=home)
        fsync, calls = fail_at(call, os.fsync)
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", fsync)
            with suppress(StorageError):
                collection.add(changed.folder)
        if len(calls) < call:
            break
        if collection.manifest.generation == 1:
            assert hashes_of_rows(collection) == before
        assert collection.check().problems == []
        collection.add(changed.folder)
        assert hashes_of_rows(collection) == hashes_of_rows_after(changed)
        assert collection.check().problems == []
    assert call > 6


def hashes_of_rows_after(changed: Library) -> dict[Path, str]:
    fresh = Collection("fresh", home=changed.collection.folder.parent)
    if not fresh.folder.exists():
        fresh.add(changed.folder)
    return hashes_of_rows(fresh)


@pytest.mark.parametrize(
    ("place", "error"),
    [
        ("os.fsync", FULL),
        ("simsearch.store.writer.pq.write_table", FULL),
        ("simsearch.collection.api.open_runtime", EncoderError("no such encoder")),
    ],
)
def test_failed_first_run_leaves_no_folder(
    library: Library, monkeypatch: pytest.MonkeyPatch, place: str, error: Exception
) -> None:
    library.put("0.jpg", 0)
    with monkeypatch.context() as patch:
        patch.setattr(place, raising(error))
        with pytest.raises(SimsearchError):
            library.collection.add(library.folder)
    assert not library.collection.folder.exists()
    assert library.sync() == {"new": 1}


def test_first_run_of_a_folder_without_pictures_leaves_no_folder(library: Library) -> None:
    (library.folder / "notes.txt").write_text("no picture")
    with pytest.raises(FolderError, match="no picture found"):
        library.collection.add(library.folder)
    assert not library.collection.folder.exists()


def test_unknown_encoder_leaves_no_folder(library: Library) -> None:
    library.put("0.jpg", 0)
    with pytest.raises(EncoderError, match="unknown encoder 'magic'"):
        library.collection.add(library.folder, encoder="magic")
    assert not library.collection.folder.exists()


def test_first_run_that_fails_at_the_index_keeps_its_parts(
    library: Library, monkeypatch: pytest.MonkeyPatch, embedded: list[str]
) -> None:
    library.put("0.jpg", 0)
    with monkeypatch.context() as patch:
        patch.setattr("simsearch.index.persist.np.save", raising(FULL))
        with pytest.raises(StorageError, match="the disk is full"):
            library.collection.add(library.folder)
    embedded.clear()
    assert library.sync() == {"unchanged": 1}
    assert embedded == []


def test_home_that_is_a_file(tmp_path: Path, library: Library) -> None:
    library.put("0.jpg", 0)
    home = put(tmp_path / "home", b"text")
    with pytest.raises(StorageError, match="can't write"):
        Collection("pictures", home=home).add(library.folder)
    assert home.read_bytes() == b"text"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_home_without_write_permission(tmp_path: Path, library: Library) -> None:
    library.put("0.jpg", 0)
    home = tmp_path / "home"
    home.mkdir(mode=0o555)
    with pytest.raises(StorageError, match="no write permission"):
        Collection("pictures", home=home).add(library.folder)


def test_refused_removal_is_a_storage_error(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.put("0.jpg", 0)
    library.sync()
    with monkeypatch.context() as patch:
        patch.setattr("os.unlink", raising(REFUSED))
        with pytest.raises(CollectionError):
            library.collection.remove()


def test_index_that_cannot_be_written_is_built_in_memory(
    library: Library, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for seed in range(4):
        library.put(f"{seed}.jpg", seed)
    library.sync()
    reader = Collection.open("pictures", home=library.collection.folder.parent)
    expected = library.collection.query(library.folder / "0.jpg")
    shutil.rmtree(library.collection.folder / "built")
    monkeypatch.setattr("simsearch.index.persist.np.save", raising(FULL))
    assert reader.query(library.folder / "0.jpg") == expected
    assert "in memory only" in caplog.text
