"""A library of made pictures with a collection over it, and what a folder's rows should be."""

import hashlib
import io
import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from simsearch import Collection, SyncReport
from simsearch.collection import api
from simsearch.encoder import embed as embedding
from simsearch.encoder.runtimes import open_runtime
from simsearch.images import decode
from tests.conftest import picture

Half = npt.NDArray[np.float16]

COUNTS = ("new", "duplicates_of_content", "updated", "moved", "removed", "unchanged")
_open_once = cache(open_runtime)
_seconds = itertools.count(1_700_000_000)


@dataclass(frozen=True)
class Row:
    """What a test wants to know of a row."""

    id: int
    hash: str
    mtime_ns: int
    root: str
    vector: Half


@dataclass(frozen=True)
class Library:
    """A folder of pictures and the collection that is to follow it."""

    folder: Path
    collection: Collection

    def put(self, name: str, seed: int) -> Path:
        """Write the made picture of a seed below the folder."""
        return put(self.folder / name, picture_bytes(seed))

    def sync(self, **options: Any) -> dict[str, int]:
        """Index the folder and return the counts that are not 0; rows must then be as files."""
        report = self.collection.add(self.folder, **options)
        assert hashes_of_rows(self.collection) == hashes_of_files(self.folder)
        assert self.collection.check().problems == []
        return counts(report)

    def id(self, name: str) -> int:
        """Return the id of a file below the folder."""
        return rows(self.collection)[self.folder / name].id


@pytest.fixture(autouse=True)
def _one_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile an encoder once a session, not once a collection."""
    monkeypatch.setattr(api, "open_runtime", _open_once)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a folder for collections."""
    return tmp_path / "indexes"


@pytest.fixture
def library(tmp_path: Path, home: Path) -> Library:
    """Return an empty folder and a collection for it."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    return Library(folder, Collection("pictures", home=home))


@pytest.fixture
def three(library: Library) -> Library:
    """Return a library of a/one.jpg, a/two.jpg and b/three.jpg, indexed once."""
    for seed, name in enumerate(("a/one.jpg", "a/two.jpg", "b/three.jpg")):
        library.put(name, seed)
    assert library.sync() == {"new": 3}
    return library


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that grows with the path of every picture that goes through the encoder."""
    seen: list[str] = []

    def embed(*args: Any) -> Iterator[Any]:
        for record, vector in embedding.embed(*args):
            seen.append(record.path)
            yield record, vector

    monkeypatch.setattr("simsearch.collection.embedding.embed", embed)
    return seen


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that grows with the name of every picture that is read."""
    seen: list[str] = []

    def read_file(path: str) -> bytes:
        seen.append(Path(path).name)
        return decode.read_file(path)

    monkeypatch.setattr("simsearch.collection.examining.read_file", read_file)
    return seen


@cache
def picture_bytes(seed: int) -> bytes:
    """Return a made picture as the bytes of a JPEG file."""
    buffer = io.BytesIO()
    picture(seed).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def put(path: Path, data: bytes) -> Path:
    """Write a file with a time of change that no file had before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return touch(path)


def touch(path: Path) -> Path:
    """Give a file a time of change that no file had before."""
    second = next(_seconds)
    os.utime(path, (second, second))
    return path


def counts(report: SyncReport) -> dict[str, int]:
    """Return the counts of paths that are not 0, which must add up to the images."""
    found = {name: getattr(report, name) for name in COUNTS}
    assert sum(found.values()) - found["removed"] == report.images
    assert min(found.values()) >= 0
    return {name: count for name, count in found.items() if count}


def rows(collection: Collection) -> dict[Path, Row]:
    """Return the rows of a collection by full path."""
    table = collection.embeddings().to_pylist()
    found = {
        Path(row["root"], row["path"]): Row(
            row["id"],
            row["content_hash"],
            row["mtime_ns"],
            row["root"],
            np.array(row["embedding"], np.float16),
        )
        for row in table
    }
    assert len(found) == len(table)
    assert len({row.id for row in found.values()}) == len(table)
    return found


def hashes_of_rows(collection: Collection) -> dict[Path, str]:
    """Return the content hash of each row by full path."""
    return {path: row.hash for path, row in rows(collection).items()}


def hashes_of_files(*folders: Path) -> dict[Path, str]:
    """Return the SHA-256 of each JPEG below folders."""
    files = {path for folder in folders for path in folder.rglob("*.jpg")}
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def vectors_by_hash(collection: Collection) -> dict[str, Half]:
    """Return the vector of each content."""
    return {row.hash: row.vector for row in rows(collection).values()}
