"""A collection's join with itself: it says how long it will take, and goes on where it was stopped.

What is found is kept in `joins/` beside the index that was asked, so it goes when that goes.
"""

import logging
import os
import shutil
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simsearch.collection.duplicates.durations import LONG, MEASURED, in_words
from simsearch.collection.duplicates.stored_vectors import StoredVectors
from simsearch.errors import StorageError
from simsearch.index.persist import FOLDER as BUILT
from simsearch.index.recipes import Vectors
from simsearch.index.vector_index import Ids
from simsearch.search.join import MOST_EACH, Found, gathered, nearest_pairs, pairs_over
from simsearch.search.pairs import Pairs, joined
from simsearch.search.tiles import searcher_of
from simsearch.store.files import write_durably
from simsearch.store.manifest import Manifest

FOLDER = "joins"
_OVER = "over"
_SECONDS_A_PART = 60.0  # what a kill may cost
_BYTES_A_PAIR = 100  # while they are sorted
_BYTES_OTHERWISE = 500e6  # libraries, and the blocks in hand

Blocks = Iterable[tuple[Ids, Vectors]]
Progress = Callable[[int, int], None]
_log = logging.getLogger(__name__)


def join_nearest(vectors: StoredVectors, k: int, lowest: float, progress: Progress) -> Pairs:
    """Return the pairs of positions of which one is among the other's `k` nearest.

    Args:
        lowest: cosine under which a pair is not wanted.
        progress: called with (vectors searched, all vectors) if it takes long.
    """
    join = partial(nearest_pairs, searcher_of(vectors.index), k=k, lowest=lowest)
    pairs, _ = _resumed(vectors, f"nearest-{k}-{lowest}", join, progress)
    return pairs


def join_over(vectors: StoredVectors, threshold: float, progress: Progress) -> tuple[Pairs, Ids]:
    """Return the pairs of positions over a threshold, scored exactly, and who is crowded.

    See `pairs_over` for those; `progress` is as for `join_nearest`.
    """
    lowest = threshold - vectors.index.recipe.SCORE_ERROR
    join = partial(pairs_over, searcher_of(vectors.index), threshold=lowest)
    near, crowded = _resumed(vectors, f"{_OVER}-{threshold}-{MOST_EACH}", join, progress)
    return vectors.scored(near.a, near.b, threshold), crowded


def _resumed(
    vectors: StoredVectors,
    name: str,
    join: Callable[[Blocks], Iterator[Found]],
    progress: Progress,
) -> tuple[Pairs, Ids]:
    """Return what a join finds (see `gathered`), going on with one of this name."""
    parts = _Parts(_place(vectors.folder, vectors.manifest), name)
    found = parts.read(vectors.index.size)
    done = np.zeros(vectors.index.size, bool)
    for part in found:
        done[part.asked] = True
    clock = _Clock(vectors, int(done.sum()), progress)
    try:
        for part in join(_left(vectors.blocks(), done)):
            found.append(part)
            parts.add(part)
            clock.tell(part)
    finally:
        parts.end()
    return gathered(found)


def forget_joins(folder: Path, manifest: Manifest) -> None:
    """Delete what joins over a threshold have kept, each of which is of its own threshold.

    The nearest of all vectors stay: a plan and a gallery ask for them again.
    """
    place = _place(folder, manifest)
    for kept in place.glob(f"{_OVER}-*") if place is not None else ():
        shutil.rmtree(kept, ignore_errors=True)


def _place(folder: Path, manifest: Manifest) -> Path | None:
    """Return where the joins of an index are kept; None for one that is in memory only."""
    return None if manifest.index is None else folder / BUILT / manifest.index.folder / FOLDER


def _left(blocks: Blocks, done: npt.NDArray[np.bool_]) -> Iterator[tuple[Ids, Vectors]]:
    for positions, vectors in blocks:
        left = ~done[positions]
        if left.any():
            yield positions[left], vectors[left]


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
                    part = Found(kept["asked"], pairs, kept["crowded"])
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

        def write(path: Path) -> None:
            with path.open("wb") as stream:
                np.savez(
                    stream, asked=asked, a=pairs.a, b=pairs.b, scores=pairs.scores, crowded=crowded
                )

        try:
            write_durably(self._folder / f"{time.time_ns()}-{os.getpid()}.npz", write)
        except StorageError as error:
            _log.warning("%s; the search goes on, and can't be resumed", error)
            self._folder = None
        self._pending = []
        self._written = time.monotonic()


class _Clock:
    """Says once how long the search will take, and then how far it is."""

    def __init__(self, vectors: StoredVectors, done: int, progress: Progress) -> None:
        self._vectors = vectors
        self._before = self._done = done
        self._pairs = 0
        self._progress = progress
        self._started = time.monotonic()
        self._measured = self._long = False
        if 0 < done < vectors.index.size:
            size = vectors.index.size
            _log.warning("going on with a search: %d of %d vectors are done", done, size)

    def tell(self, part: Found) -> None:
        """Take note of a block that was searched."""
        self._done += len(part.asked)
        self._pairs += len(part.pairs.a)
        passed = time.monotonic() - self._started
        if not self._measured and passed >= MEASURED:
            self._measured = True
            self._announce(passed)
        if self._long:
            self._progress(self._done, self._vectors.index.size)

    def _announce(self, passed: float) -> None:
        size, asked = self._vectors.index.size, self._done - self._before
        seconds = passed * (size - self._before) / asked
        self._long = seconds > LONG
        if self._long:
            index = self._vectors.manifest.index
            memory = (index.bytes if index else 0) + _BYTES_OTHERWISE
            memory += _BYTES_A_PAIR * self._pairs * size / asked
            _log.warning(
                "searching %s vectors for their nearest: about %s, up to %.1f GB of memory; "
                "if it is stopped, the next run goes on with it",
                f"{size - self._before:,}",
                in_words(seconds),
                memory / 1e9,
            )
