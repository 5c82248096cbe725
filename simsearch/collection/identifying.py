"""Identify pictures: the classes come from the store, the neighbours from the index."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simsearch.collection.indexing import Mask, vector_blocks
from simsearch.collection.pictures import Key
from simsearch.config import IDENTIFY_METHODS
from simsearch.encoder.runtimes import Vectors
from simsearch.errors import InputError
from simsearch.index.vector_index import Ids, VectorIndex
from simsearch.records.labelled import Calibration, Identification
from simsearch.search.identify import (
    ClassSums,
    Ranking,
    cut_for_strangers,
    identify,
    nearest_of_others,
    rank_by_vote,
)
from simsearch.search.verify import USUAL_FAR, threshold_at
from simsearch.store.manifest import Manifest
from simsearch.store.reader import Contents, find_records, read_contents, read_labels

_STRANGERS = 2000  # stored pictures that are compared with classes not their own
_COMPARISONS = 200_000_000  # of vectors, which take about a second, at most
_FEW = 200  # pictures that are compared however many others there are
_SEED = 0


@dataclass(frozen=True, slots=True)
class Settings:
    """How to identify; see Collection.identify."""

    method: str
    k: int
    far: float | None
    threshold: float | None

    def check(self) -> None:
        """Refuse what no picture can be identified with, before any is read.

        Raises:
            InputError: a setting is out of range.
        """
        if self.method not in IDENTIFY_METHODS:
            known = ", ".join(IDENTIFY_METHODS)
            raise InputError(f"method is '{self.method}'; it must be one of {known}")
        if self.k < 1:
            raise InputError(f"k is {self.k}; it must be 1 or more")
        if self.threshold is not None and not -1 <= self.threshold <= 1:
            raise InputError(f"threshold is {self.threshold}; a cosine lies between -1 and 1")

    def cut(
        self, calibration: Calibration | None, own: Callable[[float], float | None]
    ) -> float | None:
        """Return the cosine under which a picture is unknown, None where nothing tells one.

        Args:
            own: gives the collection's own at a false acceptance rate, None if it has too few
                classes; it counts more than the calibration's, which is of pairs, and of other
                pictures.

        Raises:
            InputError: the calibration is asked, and has no threshold at `far`.
        """
        if self.threshold is not None:
            return self.threshold
        cut = own(USUAL_FAR if self.far is None else self.far)
        if cut is not None or calibration is None:
            return cut
        decision = threshold_at(calibration, self.far)
        return None if decision is None else decision[1]


@dataclass(frozen=True, slots=True)
class _Classes:
    """The labelled pictures of a generation, each content once a class.

    Attributes:
        labels: names of the classes.
        hashes: content hash of each row.
        classes: int64 [rows], places among the labels.
        first: bool [rows], True where a content appears first in a class.
        alone: bool [rows], True for those of them whose content is in no other class.
    """

    folder: Path
    manifest: Manifest
    labels: list[str]
    hashes: list[str]
    classes: Ids
    first: Mask
    alone: Mask

    @classmethod
    def read(cls, folder: Path, manifest: Manifest) -> "_Classes":
        contents, hashes = read_contents(folder, manifest.parts)
        labels, classes = read_labels(folder, manifest.parts)
        first = _once_a_class(classes, contents)
        times = np.bincount(contents.numbers[first], minlength=contents.count)
        alone = first & (times[contents.numbers] == 1)
        return cls(folder, manifest, labels, hashes, classes, first, alone)

    def blocks(self) -> Iterator[tuple[Ids, Vectors]]:
        """Yield (rows int64 [m], vectors float32 [m, dim]) of each content once a class."""
        kept: Ids = np.flatnonzero(self.first)
        start = 0
        for _, block in vector_blocks(self.folder, self.manifest, self.first):
            yield kept[start : start + len(block)], block
            start += len(block)

    def vectors_at(self, rows: Ids) -> Vectors:
        """Return float32 [n, dim] of rows that ascend, each marked in `first`."""
        nothing = np.empty((0, self.manifest.encoder.dim), np.float32)
        return np.concatenate([nothing, *(block[np.isin(at, rows)] for at, block in self.blocks())])

    def sample(self, others: int) -> Ids:
        """Return rows to compare with so many others, drawn at random, ascending."""
        drawn = np.random.default_rng(_SEED).permutation(np.flatnonzero(self.alone))
        return np.sort(drawn[: min(_STRANGERS, max(_COMPARISONS // max(others, 1), _FEW))])


def identify_pictures(
    folder: Path,
    manifest: Manifest,
    index: VectorIndex | None,
    keys: list[Key],
    vectors: Vectors,
    calibration: Calibration | None,
    settings: Settings,
) -> list[Identification]:
    """Name the class of each picture.

    Args:
        index: needed for the method 'knn' only.
        keys: (path, content hash) of each picture.
        vectors: float32 [pictures, dim], unit length.

    Raises:
        InputError: the calibration is asked, and has no threshold at that rate.
    """
    known = _Classes.read(folder, manifest)
    hashes = [digest for _, digest in keys]
    if index is None:
        sums = _sums(known)
        rankings = _rank_by_prototypes(known, sums, hashes, vectors)
    else:
        sums = None
        rankings = rank_by_vote(
            index,
            lambda ids: find_records(folder, manifest.parts, ids),
            hashes,
            vectors,
            settings.k,
        )
    cut = settings.cut(calibration, lambda far: _own_cut(known, sums, far))
    return [
        identify(path, ranking, settings.method, calibration, cut)
        for (path, _), ranking in zip(keys, rankings, strict=True)
    ]


def _sums(known: _Classes) -> ClassSums:
    sums = ClassSums(known.labels, known.manifest.encoder.dim)
    for rows, block in known.blocks():
        sums.add(known.classes[rows], block)
    return sums


def _rank_by_prototypes(
    known: _Classes, sums: ClassSums, hashes: list[str], vectors: Vectors
) -> list[Ranking]:
    """Rank the classes by their prototypes."""
    own: dict[str, list[int]] = {digest: [] for digest in hashes}
    for row, digest in enumerate(known.hashes):
        if digest in own:
            own[digest].append(row)
    own_rows = np.array(sorted(row for rows in own.values() for row in rows), np.int64)
    own_rows = own_rows[known.first[own_rows]]
    stored = known.vectors_at(own_rows) if len(own_rows) else ()  # mostly new ones are asked
    own_vectors = {
        known.hashes[row]: vector for row, vector in zip(own_rows.tolist(), stored, strict=True)
    }
    nothing = np.zeros(known.manifest.encoder.dim, np.float32)
    return [
        Ranking(
            sums.rank(
                vector,
                np.unique(known.classes[np.array(own[digest], np.int64)]),
                own_vectors.get(digest, nothing),
            ),
            left_out=len(own[digest]),
        )
        for digest, vector in zip(hashes, vectors, strict=True)
    ]


def _own_cut(known: _Classes, sums: ClassSums | None, far: float) -> float | None:
    """Return the collection's own threshold: of prototypes, or without their sums of pictures."""
    others = int(known.first.sum()) if sums is None else len(known.labels)
    rows = known.sample(others)
    classes, vectors = known.classes[rows], known.vectors_at(rows)
    if sums is None:
        blocks = ((known.classes[at], block) for at, block in known.blocks())
        scores = nearest_of_others(classes, vectors, blocks)
    else:
        scores = sums.nearest_other(classes, vectors)
    return cut_for_strangers(scores[np.isfinite(scores)], len(known.labels), far)


def _once_a_class(classes: Ids, contents: Contents) -> Mask:
    """Mark the rows where a content appears first in a class, bool [rows]."""
    cells = classes * max(contents.count, 1) + contents.numbers
    first = np.zeros(len(cells), bool)
    first[np.unique(cells, return_index=True)[1]] = True
    return first
