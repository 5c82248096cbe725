"""A collection's join with itself: it says how long it will take, and goes on where it was stopped.

What is found is kept in `joins/` beside the index that was asked, so it goes when that goes.
"""

import logging
import os
import shutil
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simsearch.collection.duplicates.durations import LONG, in_words
from simsearch.collection.duplicates.stored_vectors import StoredVectors
from simsearch.errors import StorageError
from simsearch.index.meta import FOLDER as BUILT
from simsearch.index.recipes import Vectors
from simsearch.index.vector_index import Ids
from simsearch.search.crowds import AMONG
from simsearch.search.join import MOST_EACH, Found, gathered, nearest_with_crowds, pairs_over
from simsearch.search.pairs import Pairs, joined
from simsearch.search.searchers import SCORE_ERROR, Blocks, Searcher
from simsearch.search.searchers.choose import expected_seconds, searcher_of
from simsearch.store.files import write_durably
from simsearch.store.manifest import Manifest

FOLDER = "joins"
_OVER = "over"
_NEAREST = "nearest-crowds"
_SECONDS_A_PART = 60.0  # what a kill may cost
_AT_ONCE = 65_536  # vectors that are searched for
_BYTES_A_VECTOR = 500  # for its pairs, while they are sorted
_BYTES_OTHERWISE = 1.5e9  # libraries, and the vectors in hand

Progress = Callable[[int, int], None]
_log = logging.getLogger(__name__)


def join_nearest(
    vectors: StoredVectors, k: int, lowest: float, progress: Progress
) -> tuple[Pairs, Vectors]:
    """Return the pairs of positions of which one is among the other's `k` nearest, and crowding.

    Args:
        lowest: cosine under which a pair is not wanted.
        progress: called with (vectors searched, all vectors) if it takes long.

    Returns:
        The pairs; float32 [positions], the `crowding` around each.
    """
    join = partial(nearest_with_crowds, k=k, lowest=lowest)
    found = _resumed(vectors, f"{_NEAREST}-{k}-{AMONG}-{lowest}", join, progress)
    beside = np.empty(vectors.index.size, np.float32)
    for part in found:
        beside[part.asked] = part.beside
    return gathered(found)[0], beside


def join_over(vectors: StoredVectors, threshold: float, progress: Progress) -> tuple[Pairs, Ids]:
    """Return the pairs of positions over a threshold, scored exactly, and who is crowded.

    See `pairs_over` for those; `progress` is as for `join_nearest`.
    """
    join = partial(pairs_over, threshold=threshold - SCORE_ERROR)
    found = _resumed(vectors, f"{_OVER}-{threshold}-{MOST_EACH}", join, progress)
    near, crowded = gathered(found)
    return vectors.scored(near.a, near.b, threshold), crowded


def _resumed(
    vectors: StoredVectors,
    name: str,
    join: Callable[[Searcher, Blocks], Iterator[Found]],
    progress: Progress,
) -> list[Found]:
    """Return what a join finds, going on with one of this name."""
    size = vectors.index.size
    parts = _Parts(_place(vectors.folder, vectors.manifest), name)
    found = parts.read(size)
    done = np.zeros(size, bool)
    for part in found:
        done[part.asked] = True
    if not done.all():
        dim = vectors.manifest.encoder.dim
        long = _announced(size, dim, int(done.sum()))
        searcher = searcher_of(size, dim, vectors.blocks, vectors.folder)
        try:
            for part in join(searcher, _left(vectors.blocks(), done)):
                found.append(part)
                parts.add(part)
                done[part.asked] = True
                if long:
                    progress(int(done.sum()), size)
        finally:
            parts.end()
    return found


def _announced(size: int, dim: int, done: int) -> bool:
    """Say how long a join will take if that is long, and return whether it is."""
    if done:
        _log.warning("going on with a search: %d of %d vectors are done", done, size)
    seconds = expected_seconds(size, dim)
    if seconds < LONG:
        return False
    _log.warning(
        "searching %s vectors for their nearest: about %s, some %.1f GB of memory; "
        "if it is stopped, the next run goes on with it",
        f"{size - done:,}",
        in_words(seconds * (size - done) / size),
        (size * (2 * dim + _BYTES_A_VECTOR) + _BYTES_OTHERWISE) / 1e9,
    )
    return True


def forget_joins(folder: Path, manifest: Manifest) -> None:
    """Delete what joins have kept over a threshold, each of its own, or in an earlier form.

    The nearest of all vectors stay: a plan and a gallery ask for them again.
    """
    place = _place(folder, manifest)
    for kept in place.glob("*") if place is not None else ():
        if not kept.name.startswith(_NEAREST):
            shutil.rmtree(kept, ignore_errors=True)


def _place(folder: Path, manifest: Manifest) -> Path | None:
    """Return where the joins of an index are kept; None for one that is in memory only."""
    return None if manifest.index is None else folder / BUILT / manifest.index.folder / FOLDER


def _left(blocks: Blocks, done: npt.NDArray[np.bool_]) -> Iterator[tuple[Ids, Vectors]]:
    """Yield what is not done, so much at once that cells are visited by many together."""
    held: list[tuple[Ids, Vectors]] = []
    for positions, vectors in blocks:
        left = ~done[positions]
        held.append((positions[left], vectors[left]))
        if sum(len(at) for at, _ in held) >= _AT_ONCE:
            yield _together(held)
            held = []
    if any(len(at) for at, _ in held):
        yield _together(held)


def _together(held: Sequence[tuple[Ids, Vectors]]) -> tuple[Ids, Vectors]:
    positions, vectors = zip(*held, strict=True)
    return np.concatenate(positions), np.concatenate(vectors)


class _Parts:
    """Files of what was found; none of a search that is over at once."""

    def __init__(self, folder: Path | None, name: str) -> None:
        self._folder = None if folder is None else folder / name
        self._pending: list[Found] = []
        self._written = time.monotonic()

    def read(self, size: int) -> list[Found]:
        """Return what is there of an index of `size` positions; what can't be read is not."""
        found = []
        for path in sorted(self._folder.glob("*.npz")) if self._folder is not None else []:
            try:
                with path.open("rb") as stream, np.load(stream, allow_pickle=False) as kept:
                    pairs = Pairs(kept["a"], kept["b"], kept["scores"])
                    part = Found(kept["asked"], pairs, kept["crowded"], kept["beside"])
            except (OSError, ValueError, KeyError, zipfile.BadZipFile):
                continue
            if max(part.asked.max(initial=0), pairs.b.max(initial=0)) < size:
                found.append(part)
        return found

    def add(self, part: Found) -> None:
        """Take what a block has found."""
        self._pending.append(part)
        if time.monotonic() - self._written >= _SECONDS_A_PART:
            self._write()

    def end(self) -> None:
        """Keep the rest of a search that has lasted; what comes after it may be stopped, too."""
        lasted = time.monotonic() - self._written >= LONG
        if self._folder is not None and (lasted or self._folder.exists()):
            self._write()

    def _write(self) -> None:
        if self._folder is None or not self._pending:
            return
        pairs = joined(*(part.pairs for part in self._pending))
        asked = np.concatenate([part.asked for part in self._pending])
        crowded = np.concatenate([part.crowded for part in self._pending])
        beside = np.concatenate([part.beside for part in self._pending])
        a, b, scores = pairs.a, pairs.b, pairs.scores

        def write(path: Path) -> None:
            with path.open("wb") as stream:
                np.savez(
                    stream, asked=asked, crowded=crowded, beside=beside, a=a, b=b, scores=scores
                )

        try:
            write_durably(self._folder / f"{time.time_ns()}-{os.getpid()}.npz", write)
        except StorageError as error:
            _log.warning("%s; the search goes on, and can't be resumed", error)
            self._folder = None
        self._pending = []
        self._written = time.monotonic()
