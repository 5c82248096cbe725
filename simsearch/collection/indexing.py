"""From Parquet to a search index: build it, load it, build it again when it is damaged."""

import hashlib
import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from simsearch.errors import CollectionBusyError, CollectionDamagedError, StorageError
from simsearch.index.choose import choose_recipe
from simsearch.index.device import count_gpus, free_memory
from simsearch.index.meta import FOLDER as BUILT
from simsearch.index.meta import read_meta, write_meta
from simsearch.index.persist import load_index, save_index
from simsearch.index.recipes import Vectors, VectorSource
from simsearch.index.vector_index import Ids, VectorIndex
from simsearch.records import SearchTuning
from simsearch.store.files import storage_errors
from simsearch.store.lock import writer_lock
from simsearch.store.manifest import Manifest, commit, read_manifest
from simsearch.store.reader import Contents, iterate_vectors, read_contents

_log = logging.getLogger("simsearch")


def index_parts(folder: Path, manifest: Manifest, recipe: str | None = None) -> Manifest:
    """Build the index of the manifest's parts, unless it is there; return the completed manifest.

    Raises:
        StorageError: the index could not be written.
        CollectionDamagedError: a part can't be read.
    """
    contents, hashes = read_contents(folder, manifest.parts)
    manifest = replace(manifest, contents=contents.count)
    recipe = recipe or _choose(contents.count, manifest.encoder.dim)
    name = _name(recipe, manifest, contents, hashes)
    if manifest.index is not None and manifest.index.folder == name:
        return manifest
    started = time.perf_counter()
    index = _build(folder, manifest, contents, recipe)
    with storage_errors(folder):
        return replace(manifest, index=save_index(folder, name, recipe, index, started))


def without_building(folder: Path, manifest: Manifest) -> Manifest:
    """Return the manifest with its contents counted, and its index only if it is still theirs."""
    contents, hashes = read_contents(folder, manifest.parts)
    index = manifest.index
    if index is not None and index.folder != _name(index.recipe, manifest, contents, hashes):
        index = None
    return replace(manifest, contents=contents.count, index=index)


def open_index(folder: Path, manifest: Manifest) -> VectorIndex:
    """Load the manifest's index; build it, and say so, where it is missing or damaged.

    Raises:
        CollectionDamagedError: the parts can't be read either, or are of an older generation.
    """
    if manifest.index is not None:
        try:
            return load_index(folder, manifest.index)
        except CollectionDamagedError as error:
            if read_manifest(folder).index != manifest.index:
                raise  # replaced by a newer one meanwhile: the caller looks again
            _log.warning("%s; building it again from the vectors", error)
    else:
        _log.warning("the index of '%s' is not built yet; building it", manifest.name)
    return _rebuild(folder, manifest)


def _rebuild(folder: Path, manifest: Manifest) -> VectorIndex:
    """Build the index and keep it, if nobody else is writing and the place is writable."""
    try:
        with writer_lock(folder):
            if read_manifest(folder).generation == manifest.generation:
                indexed = index_parts(folder, replace(manifest, index=None))
                commit(folder, indexed)
                if indexed.index is not None:
                    return load_index(folder, indexed.index)
    except (CollectionBusyError, StorageError) as error:
        _log.warning("the index is built in memory only: %s", error)
    contents, _ = read_contents(folder, manifest.parts)
    return _build(folder, manifest, contents, _choose(contents.count, manifest.encoder.dim))


def tune_index(folder: Path, manifest: Manifest, recall: float, queries: int) -> SearchTuning:
    """Find the cheapest effort that keeps a recall, and keep it beside the index.

    Raises:
        StorageError: it could not be kept.
        CollectionDamagedError: the parts can't be read.
    """
    from simsearch.index.tuning import tune

    index = open_index(folder, manifest)
    if index.recipe.exact:
        return index.tuning
    contents, _ = read_contents(folder, manifest.parts)
    tuning = tune(index, _source(folder, manifest, contents), recall, queries)
    info = read_manifest(folder).index
    if info is not None:
        place = folder / BUILT / info.folder
        with storage_errors(folder):
            write_meta(place, read_meta(place), tuning)
    return tuning


def vector_blocks(
    folder: Path, manifest: Manifest, first: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> Iterator[tuple[Ids, Vectors]]:
    """Yield (row ids, float32 vectors) of the rows marked in `first`, in the order of the parts."""
    start = 0
    for ids, vectors in iterate_vectors(folder, manifest.parts):
        mask = first[start : start + len(ids)]
        start += len(ids)
        yield ids[mask], vectors[mask].astype(np.float32)


def _choose(n: int, dim: int) -> str:
    return choose_recipe(n, dim, free_memory(), count_gpus())


def _build(folder: Path, manifest: Manifest, contents: Contents, recipe: str) -> VectorIndex:
    from simsearch.index.build import build_index

    postings = np.stack([contents.numbers, contents.ids], axis=1)
    postings = postings[np.lexsort((contents.ids, contents.numbers))]
    return build_index(recipe, _source(folder, manifest, contents), postings, count_gpus())


def _source(folder: Path, manifest: Manifest, contents: Contents) -> VectorSource:
    def blocks() -> Iterator[Vectors]:
        return (vectors for _, vectors in vector_blocks(folder, manifest, contents.first))

    return VectorSource(contents.count, manifest.encoder.dim, blocks)


def _name(recipe: str, manifest: Manifest, contents: Contents, hashes: list[str]) -> str:
    """Name an index after what is in it: which row has which content, and whose vectors they are.

    The order of the rows does not count, so that rewritten parts keep their index.
    """
    digest = hashlib.sha256(manifest.encoder.fingerprint.encode())
    order = np.argsort(contents.ids)
    digest.update(contents.ids[order].tobytes())
    digest.update("".join(hashes[row] for row in order.tolist()).encode())
    return f"{recipe}-{digest.hexdigest()[:16]}"
