"""Keep a built index on disk, and load it only if it is what was written."""

import errno
import json
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path

import faiss
import numpy as np

from simsearch.digest import file_digest
from simsearch.errors import CollectionDamagedError
from simsearch.index.extension import Keys
from simsearch.index.meta import FOLDER, Meta, read_meta, read_tuning, write_meta
from simsearch.index.recipes import load_recipe
from simsearch.index.vector_index import Living, VectorIndex
from simsearch.records import IndexInfo

_INDEX_FILE = "index.faiss"
_IDS_FILE = "ids.npy"
_KEYS_FILE = "contents.npy"
_MARK_FILE = "verified.json"


def save_index(
    home: Path, name: str, recipe: str, index: VectorIndex, keys: Keys, started: float
) -> IndexInfo:
    """Write an index to `home/built/name`, whole or not at all.

    Args:
        keys: [places] of the faiss index, what tells their contents apart.
        started: time.perf_counter() from before the index was built.

    Raises:
        OSError: the system refused.
    """
    target = home / FOLDER / name
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = target.with_name(f"tmp-{name}")
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir()
        # Not by name: where the disk is full at the end of the file, faiss would not say so.
        with (folder / _INDEX_FILE).open("wb") as stream:
            try:
                faiss.write_index(index.faiss_index, faiss.PyCallbackIOWriter(stream.write))
            except RuntimeError as error:
                raise OSError(errno.EIO, str(error)) from error
        postings = index.postings
        if index.living is not None:
            postings = np.stack([index.living.places[postings[:, 0]], postings[:, 1]], axis=1)
        np.save(folder / _IDS_FILE, postings)
        np.save(folder / _KEYS_FILE, keys)
        seconds = time.perf_counter() - started
        info = IndexInfo(
            recipe=recipe,
            folder=name,
            digest=file_digest(folder / _INDEX_FILE),
            ids_digest=file_digest(folder / _IDS_FILE),
            bytes=(folder / _INDEX_FILE).stat().st_size,
            seconds=round(seconds, 3),
        )
        meta: Meta = {
            "recipe": recipe,
            "vectors": index.size,
            "trained": index.trained,
            "keys": file_digest(folder / _KEYS_FILE),
            "dim": index.faiss_index.d,
            "faiss": faiss.__version__,
        }
        write_meta(folder, meta, index.tuning)
        _mark_verified(folder, info)
        if target.exists():
            shutil.rmtree(target)
        folder.rename(target)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return info


def load_index(
    home: Path, info: IndexInfo, afresh: bool = False, to_extend: bool = False
) -> VectorIndex:
    """Load an index whose files have the digests in `info`.

    The index is mapped into memory, not read, where FAISS can do that. To read gigabytes for every
    query, only to compare them with a digest, would cost more than the search: files that are
    unchanged since that was done, by size, time and inode, are trusted.

    Args:
        afresh: trust nothing.
        to_extend: read it into memory, where it can be added to.

    Raises:
        CollectionDamagedError: a file is missing or is not what was written.
    """
    folder = home / FOLDER / info.folder
    try:
        marked = _read_mark(folder) == _mark_of(folder, info)
        if afresh or not marked:
            _verify(folder, info)
        if not marked:
            with suppress(OSError):  # a place that can't be written is verified each time
                _mark_verified(folder, info)
        tuning = read_tuning(folder)
        meta = read_meta(folder)
        inverted = info.recipe.startswith("ivf")
        mapped = faiss.IO_FLAG_MMAP if inverted else faiss.IO_FLAG_MMAP_IFC
        filled = faiss.read_index(str(folder / _INDEX_FILE), 0 if to_extend else mapped)
        postings = np.load(folder / _IDS_FILE, mmap_mode="r", allow_pickle=False)
        living = None
        if meta["vectors"] < filled.ntotal:
            places = np.unique(postings[:, 0])
            living = Living.among(filled.ntotal, places)
            positions = np.searchsorted(places, postings[:, 0])
            postings = np.stack([positions, postings[:, 1]], axis=1)
        return VectorIndex(
            filled, load_recipe(info.recipe), tuning, postings, meta.get("trained", 0), living
        )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, ModuleNotFoundError) as error:
        message = " ".join(str(error).split())
        raise CollectionDamagedError(f"the index in '{folder}' can't be read: {message}") from error


def load_keys(home: Path, info: IndexInfo) -> tuple[Keys, int]:
    """Return what tells the contents apart, by place, and how many the index was built with.

    Raises:
        CollectionDamagedError: a file is missing or is not what was written.
    """
    folder = home / FOLDER / info.folder
    try:
        meta = read_meta(folder)
        if file_digest(folder / _KEYS_FILE) != meta["keys"]:
            raise CollectionDamagedError(f"'{folder / _KEYS_FILE}' is not what was written")
        return np.load(folder / _KEYS_FILE, allow_pickle=False), int(meta["trained"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CollectionDamagedError(f"the index in '{folder}' can't be read: {error}") from error


def _verify(folder: Path, info: IndexInfo) -> None:
    """Refuse files that are not what was written."""
    for file, digest in ((_INDEX_FILE, info.digest), (_IDS_FILE, info.ids_digest)):
        if file_digest(folder / file) != digest:
            raise CollectionDamagedError(f"'{folder / file}' is not what was written")


def _mark_verified(folder: Path, info: IndexInfo) -> None:
    temporary = folder / f"{_MARK_FILE}.{os.getpid()}"
    temporary.write_text(json.dumps(_mark_of(folder, info)) + "\n", encoding="utf-8")
    temporary.replace(folder / _MARK_FILE)


def _mark_of(folder: Path, info: IndexInfo) -> list[list[object]]:
    digests = {_INDEX_FILE: info.digest, _IDS_FILE: info.ids_digest}
    stats = ((name, digest, (folder / name).stat()) for name, digest in digests.items())
    return [[name, digest, s.st_size, s.st_mtime_ns, s.st_ino] for name, digest, s in stats]


def _read_mark(folder: Path) -> object:
    try:
        return json.loads((folder / _MARK_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
