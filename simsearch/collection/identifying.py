"""Identify pictures: the classes come from the store, the neighbours from the index."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simsearch.collection.indexing import vector_blocks
from simsearch.collection.pictures import Key
from simsearch.config import IDENTIFY_METHODS
from simsearch.encoder.runtimes import Vectors
from simsearch.errors import InputError
from simsearch.index.vector_index import Ids, VectorIndex
from simsearch.records.labelled import Calibration, Identification
from simsearch.search.identify import ClassSums, Ranking, identify, rank_by_vote
from simsearch.search.verify import threshold_at
from simsearch.store.manifest import Manifest
from simsearch.store.reader import Contents, find_records, read_contents, read_labels


@dataclass(frozen=True, slots=True)
class Settings:
    """How to identify; see Collection.identify."""

    method: str
    k: int
    far: float | None
    threshold: float | None

    def cut(self, calibration: Calibration | None) -> float | None:
        """Return the cosine under which a picture is unknown, None where nothing tells one.

        Raises:
            InputError: a setting is out of range, or the calibration has no threshold at `far`.
        """
        if self.method not in IDENTIFY_METHODS:
            known = ", ".join(IDENTIFY_METHODS)
            raise InputError(f"method is '{self.method}'; it must be one of {known}")
        if self.k < 1:
            raise InputError(f"k is {self.k}; it must be 1 or more")
        if self.threshold is not None and not -1 <= self.threshold <= 1:
            raise InputError(f"threshold is {self.threshold}; a cosine lies between -1 and 1")
        if self.threshold is not None or calibration is None:
            return self.threshold
        decision = threshold_at(calibration, self.far)
        return None if decision is None else decision[1]


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
    """
    hashes = [digest for _, digest in keys]
    if index is None:
        rankings = _rank_by_prototypes(folder, manifest, hashes, vectors)
    else:
        rankings = rank_by_vote(
            index,
            lambda ids: find_records(folder, manifest.parts, ids),
            hashes,
            vectors,
            settings.k,
        )
    cut = settings.cut(calibration)
    return [
        identify(path, ranking, settings.method, calibration, cut)
        for (path, _), ranking in zip(keys, rankings, strict=True)
    ]


def _rank_by_prototypes(
    folder: Path, manifest: Manifest, hashes: list[str], vectors: Vectors
) -> list[Ranking]:
    """Rank the classes by their prototypes, in one pass over the stored vectors."""
    contents, stored = read_contents(folder, manifest.parts)
    labels, classes = read_labels(folder, manifest.parts)
    first = _once_a_class(classes, contents)
    own: dict[str, list[int]] = defaultdict(list)
    wanted = set(hashes)
    for row, digest in enumerate(stored):
        if digest in wanted:
            own[digest].append(row)

    sums = ClassSums(labels, manifest.encoder.dim)
    own_vectors: dict[str, Vectors] = {}
    own_rows = np.array(sorted(row for rows in own.values() for row in rows), np.int64)
    kept: Ids = np.flatnonzero(first)
    start = 0
    for _, block in vector_blocks(folder, manifest, first):
        rows = kept[start : start + len(block)]
        start += len(block)
        sums.add(classes[rows], block)
        for place in np.flatnonzero(np.isin(rows, own_rows)).tolist():
            own_vectors[stored[rows[place]]] = block[place]
    nothing = np.zeros(manifest.encoder.dim, np.float32)
    return [
        Ranking(
            sums.rank(
                vector,
                np.unique(classes[np.array(own[digest], np.int64)]),
                own_vectors.get(digest, nothing),
            ),
            left_out=len(own[digest]),
        )
        for digest, vector in zip(hashes, vectors, strict=True)
    ]


def _once_a_class(classes: Ids, contents: Contents) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Mark the rows where a content appears first in a class, bool [rows]."""
    cells = classes * max(contents.count, 1) + contents.numbers
    first = np.zeros(len(cells), bool)
    first[np.unique(cells, return_index=True)[1]] = True
    return first
