"""From Parquet to a search index: build it, load it, build it again when it is damaged."""

import hashlib
import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simsearch.errors import CollectionBusyError, CollectionDamagedError, StorageError
from simsearch.index.choose import is_extended
from simsearch.index.device import free_memory
from simsearch.index.extension import Keys, extend_index, plan_extension
from simsearch.index.meta import FOLDER as BUILT
from simsearch.index.meta import read_meta, write_meta
from simsearch.index.persist import load_index, load_keys, save_index
from simsearch.index.recipes import Vectors, VectorSource
from simsearch.index.vector_index import Ids, VectorIndex
from simsearch.records import SearchTuning
from simsearch.store.files import storage_errors
from simsearch.store.lock import writer_lock
from simsearch.store.manifest import Manifest, commit, read_manifest
from simsearch.store.reader import Contents, iterate_vectors, read_contents

_log = logging.getLogger("simsearch")
Mask = npt.NDArray[np.bool_]
_KEY_DIGITS = 32  # of a content's hash, enough to tell it from any other
_DRIFT = 0.1  # of the vectors, after which the search is tuned anew


def index_parts(folder: Path, manifest: Manifest) -> Manifest:
    """Index the manifest's parts, unless that is done; return the completed manifest.

    An earlier index that takes additions is given what it lacks; else all is built.

    Raises:
        StorageError: the index could not be written.
        CollectionDamagedError: a part can't be read.
    """
    contents, hashes = read_contents(folder, manifest.parts)
    manifest = replace(manifest, contents=contents.count)
    identity = _identity(manifest, contents, hashes)
    if manifest.index and manifest.index.folder == _name(manifest.index.recipe, identity):
        return replace(manifest, outdated=None)
    started = time.perf_counter()
    wanted = _keys(contents, hashes)
    filled = _extended(folder, manifest, contents, wanted)
    if filled is None:
        filled = *_build(folder, manifest, contents), wanted
    recipe, index, keys = filled
    with storage_errors(folder):
        info = save_index(folder, _name(recipe, identity), recipe, index, keys, started)
    return replace(manifest, index=info, outdated=None)


def without_building(folder: Path, manifest: Manifest) -> Manifest:
    """Return the manifest with its contents counted, and its index only if it is still theirs."""
    contents, hashes = read_contents(folder, manifest.parts)
    manifest = replace(manifest, contents=contents.count)
    index = manifest.index
    identity = _identity(manifest, contents, hashes)
    if index is None or index.folder == _name(index.recipe, identity):
        return manifest
    return replace(manifest, index=None, outdated=index)


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
    return _build(folder, manifest, contents)[1]


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
    order = index.positions_of(contents.ids[contents.first])
    tuning = tune(index, _source(folder, manifest, contents), recall, queries, order)
    info = read_manifest(folder).index
    if info is not None:
        place = folder / BUILT / info.folder
        with storage_errors(folder):
            write_meta(place, read_meta(place), tuning)
    return tuning


def vector_blocks(folder: Path, manifest: Manifest, first: Mask) -> Iterator[tuple[Ids, Vectors]]:
    """Yield (row ids, float32 vectors) of the rows marked in `first`, in the order of the parts."""
    start = 0
    for ids, vectors in iterate_vectors(folder, manifest.parts):
        mask = first[start : start + len(ids)]
        start += len(ids)
        yield ids[mask], vectors[mask].astype(np.float32)


def _build(folder: Path, manifest: Manifest, contents: Contents) -> tuple[str, VectorIndex]:
    from simsearch.index.build import build_fitting_index

    postings = _postings(contents, np.arange(contents.count))
    return build_fitting_index(_source(folder, manifest, contents), postings)


def _extended(
    folder: Path, manifest: Manifest, contents: Contents, wanted: Keys
) -> tuple[str, VectorIndex, Keys] | None:
    """Return (recipe, index, keys by place) of the earlier index with what it lacks, or None."""
    from simsearch.index.tuning import tune

    before = manifest.index or manifest.outdated
    if before is None:
        return None
    try:
        keys, trained = load_keys(folder, before)
        change = plan_extension(keys, wanted)
        size = contents.count, manifest.encoder.dim
        if not is_extended(before.recipe, *size, free_memory(), trained, change.tombstones):
            return None
        index = load_index(folder, before, to_extend=True)
    except CollectionDamagedError as error:
        _log.warning("%s; building the index anew", error)
        return None
    order = np.argsort(np.argsort(change.places))
    added = _source(folder, manifest, contents, change.missing)
    index = extend_index(index, change, added, _postings(contents, order))
    if abs(contents.count - index.tuning.vectors) > _DRIFT * contents.count:
        source = _source(folder, manifest, contents)
        index = replace(index, tuning=tune(index, source, index.tuning.promised, order=order))
    return before.recipe, index, np.concatenate([keys, wanted[change.missing]])


def _postings(contents: Contents, positions: Ids) -> Ids:
    """Return the postings of an index that has each content at its position."""
    postings = np.stack([positions[contents.numbers], contents.ids], axis=1)
    return postings[np.lexsort((postings[:, 1], postings[:, 0]))]


def _source(
    folder: Path, manifest: Manifest, contents: Contents, chosen: Mask | None = None
) -> VectorSource:
    """Return the vectors of all contents, or of the chosen ones, in the order of the parts."""
    wanted = contents.first if chosen is None else contents.first & chosen[contents.numbers]

    def blocks() -> Iterator[Vectors]:
        return (vectors for _, vectors in vector_blocks(folder, manifest, wanted))

    return VectorSource(int(wanted.sum()), manifest.encoder.dim, blocks)


def _keys(contents: Contents, hashes: list[str]) -> Keys:
    """Return the first 16 bytes of each content's hash, by number."""
    rows = np.flatnonzero(contents.first)
    hexadecimal = "".join(hashes[row][:_KEY_DIGITS] for row in rows.tolist())
    return np.frombuffer(bytes.fromhex(hexadecimal), f"S{_KEY_DIGITS // 2}")


def _identity(manifest: Manifest, contents: Contents, hashes: list[str]) -> str:
    """Return a digest of what is indexed: which row has which content, and whose vectors they are.

    The order of the rows does not count, so that rewritten parts keep their index.
    """
    digest = hashlib.sha256(manifest.encoder.fingerprint.encode())
    order = np.argsort(contents.ids)
    digest.update(contents.ids[order].tobytes())
    digest.update("".join(hashes[row] for row in order.tolist()).encode())
    return digest.hexdigest()[:16]


def _name(recipe: str, identity: str) -> str:
    return f"{recipe}-{identity}"
