"""An index on disk is what was written, or it is refused before FAISS sees it."""

import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import faiss
import numpy as np
import pytest

from simsearch.digest import file_digest
from simsearch.errors import CollectionDamagedError
from simsearch.index import persist
from simsearch.index.build import build_index
from simsearch.index.meta import FOLDER
from simsearch.index.persist import load_index, save_index
from simsearch.index.vector_index import VectorIndex
from simsearch.records import IndexInfo
from tests.index.vectors import clustered, one_row_each, source_of

N, DIM = 50, 8
VECTORS = clustered(N, DIM, seed=1)
KEYS = np.array([str(seed).encode() for seed in range(N)])
FILES = ["index.faiss", "ids.npy", "meta.json"]


@pytest.fixture
def index() -> VectorIndex:
    """Return an exact index."""
    return build_index("flat", source_of(VECTORS), one_row_each(N), gpus=0)


@pytest.fixture
def info(tmp_path: Path, index: VectorIndex) -> IndexInfo:
    """Return the record of that index, saved as 'one'."""
    return save_index(tmp_path, "one", "flat", index, KEYS, time.perf_counter())


@pytest.fixture
def _faiss_must_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*args: object) -> None:
        pytest.fail("FAISS was given a file that is not what was written")

    monkeypatch.setattr(faiss, "read_index", read)


def test_info_describes_the_files(tmp_path: Path, info: IndexInfo) -> None:
    folder = tmp_path / FOLDER / "one"
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [*FILES, "contents.npy", "verified.json"]
    )
    assert (info.recipe, info.folder) == ("flat", "one")
    assert info.digest == file_digest(folder / "index.faiss")
    assert info.ids_digest == file_digest(folder / "ids.npy")
    assert info.bytes == (folder / "index.faiss").stat().st_size
    assert info.seconds >= 0


def test_saving_again_replaces(tmp_path: Path, index: VectorIndex, info: IndexInfo) -> None:
    (tmp_path / FOLDER / "one" / "index.faiss").write_bytes(b"damaged")
    again = save_index(tmp_path, "one", "flat", index, KEYS, time.perf_counter())
    assert load_index(tmp_path, again).size == N
    assert [path.name for path in (tmp_path / FOLDER).iterdir()] == ["one"]


def test_others_may_read_what_the_umask_lets_them(tmp_path: Path, info: IndexInfo) -> None:
    (tmp_path / "usual").mkdir()
    usual = (tmp_path / "usual").stat().st_mode
    assert (tmp_path / FOLDER / "one").stat().st_mode == usual


@pytest.mark.usefixtures("_faiss_must_not_read")
@pytest.mark.parametrize("file", ["index.faiss", "ids.npy"])
@pytest.mark.parametrize("place", [0, 0.3, 0.6, 0.99])
def test_flipped_bit(tmp_path: Path, info: IndexInfo, file: str, place: float) -> None:
    path = tmp_path / FOLDER / "one" / file
    data = bytearray(path.read_bytes())
    data[int(place * len(data))] ^= 1
    path.write_bytes(data)
    with pytest.raises(CollectionDamagedError, match="not what was written"):
        load_index(tmp_path, info)


def test_unchanged_files_are_not_read_again(
    tmp_path: Path, info: IndexInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []

    def noted(path: Path) -> str:
        read.append(path)
        return file_digest(path)

    monkeypatch.setattr(persist, "file_digest", noted)
    load_index(tmp_path, info)
    assert read == []
    os.utime(tmp_path / FOLDER / "one" / "ids.npy")
    load_index(tmp_path, info)
    assert [path.name for path in read] == ["index.faiss", "ids.npy"]
    load_index(tmp_path, info)
    assert len(read) == 2
    load_index(tmp_path, info, afresh=True)
    assert len(read) == 4


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]"])
def test_without_a_mark_all_is_read(tmp_path: Path, info: IndexInfo, content: bytes | None) -> None:
    folder = tmp_path / FOLDER / "one"
    (folder / "verified.json").unlink()
    if content is not None:
        (folder / "verified.json").write_bytes(content)
    assert load_index(tmp_path, info).size == N
    (folder / "verified.json").unlink()
    (folder / "ids.npy").write_bytes(b"damaged")
    with pytest.raises(CollectionDamagedError, match="not what was written"):
        load_index(tmp_path, info)


@pytest.mark.usefixtures("_faiss_must_not_read")
@pytest.mark.parametrize("file", FILES)
def test_missing_file(tmp_path: Path, info: IndexInfo, file: str) -> None:
    (tmp_path / FOLDER / "one" / file).unlink()
    with pytest.raises(CollectionDamagedError, match="one"):
        load_index(tmp_path, info)


@pytest.mark.usefixtures("_faiss_must_not_read")
@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]", b"null", b"{}", b'{"effort": "a"}'])
def test_garbage_in_meta(tmp_path: Path, info: IndexInfo, content: bytes) -> None:
    (tmp_path / FOLDER / "one" / "meta.json").write_bytes(content)
    with pytest.raises(CollectionDamagedError, match="can't be read"):
        load_index(tmp_path, info)


def test_file_that_faiss_refuses(tmp_path: Path, info: IndexInfo) -> None:
    path = tmp_path / FOLDER / "one" / "index.faiss"
    path.write_bytes(b"no index" * 20)
    with pytest.raises(CollectionDamagedError, match="can't be read"):
        load_index(tmp_path, replace(info, digest=file_digest(path)))


def test_recipe_of_another_version(tmp_path: Path, info: IndexInfo) -> None:
    with pytest.raises(CollectionDamagedError, match="later_recipe"):
        load_index(tmp_path, replace(info, recipe="later_recipe"))


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files")
@pytest.mark.parametrize("rows", [N, 200_000], ids=["all in a buffer", "many buffers"])
@pytest.mark.parametrize("share", [0.1, 0.999], ids=["early", "at the end"])
def test_file_that_can_not_grow(tmp_path: Path, info: IndexInfo, rows: int, share: float) -> None:
    import resource

    vectors = np.resize(VECTORS, (rows, DIM))
    index = build_index("flat", source_of(vectors), one_row_each(rows), gpus=0)
    whole = save_index(tmp_path, "whole", "flat", index, KEYS, time.perf_counter()).bytes
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(share * whole), limits[1]))
    try:
        for name in ("one", "two"):
            with pytest.raises(OSError, match="File too large"):
                save_index(tmp_path, name, "flat", index, KEYS, time.perf_counter())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert sorted(path.name for path in (tmp_path / FOLDER).iterdir()) == ["one", "whole"]
    assert load_index(tmp_path, info).size == N


def test_interrupted_write_leaves_what_was_there(
    tmp_path: Path, index: VectorIndex, info: IndexInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(path: Path, values: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "save", interrupt)
    for name in ("one", "two"):
        with pytest.raises(KeyboardInterrupt):
            save_index(tmp_path, name, "flat", index, KEYS, time.perf_counter())
    assert [path.name for path in (tmp_path / FOLDER).iterdir()] == ["one"]
    assert load_index(tmp_path, info).size == N


def test_left_over_of_a_killed_write_is_in_nobodys_way(tmp_path: Path, index: VectorIndex) -> None:
    left_over = tmp_path / FOLDER / "tmp-one"
    left_over.mkdir(parents=True)
    (left_over / "index.faiss").write_bytes(b"half")
    info = save_index(tmp_path, "one", "flat", index, KEYS, time.perf_counter())
    assert load_index(tmp_path, info).size == N
    assert not left_over.exists()


def test_empty_index(tmp_path: Path) -> None:
    empty = build_index("flat", source_of(VECTORS[:0]), one_row_each(0), gpus=0)
    loaded = load_index(
        tmp_path, save_index(tmp_path, "one", "flat", empty, KEYS[:0], time.perf_counter())
    )
    assert (loaded.size, loaded.postings.shape) == (0, (0, 2))
