"""Which pictures a report shows: the hardest pairs, sample triplets, sample queries.

Rows count into the arrays that were passed. Vectors are float32 [n, dim] of length 1, labels int64
[n]; a few thousand pictures at most, since all their pairs are looked at. Use `sample_rows` first.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]

_LEAST_OF_A_CLASS = 100


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pictures, by row, with their cosine; `same` tells whether they are of one class."""

    first: int
    second: int
    score: float
    same: bool


@dataclass(frozen=True, slots=True)
class Triplet:
    """An anchor with its farthest positive and nearest negative: rows, distances 0 to 2."""

    anchor: int
    positive: int
    negative: int
    positive_distance: float
    negative_distance: float


@dataclass(frozen=True, slots=True)
class Hit:
    """A neighbour: its row, its cosine, and whether it is of the query's class."""

    row: int
    score: float
    right: bool


def sample_rows(labels: Integers, limit: int = 2000, seed: int = 0) -> Integers:
    """Return at most `limit` rows, ascending: all of them, or some classes as whole as can be.

    Pictures drawn one by one from many small classes would hardly leave a pair of the same class.
    """
    if len(labels) <= limit:
        return np.arange(len(labels))
    rng = np.random.default_rng(seed)
    classes = rng.permutation(np.unique(labels))
    most = max(_LEAST_OF_A_CLASS, limit // len(classes))
    if len(classes) > 1:
        most = min(most, limit // 2)
    shuffled = rng.permutation(len(labels))
    place = np.empty(int(labels.max()) + 1, np.int64)
    place[classes] = np.arange(len(classes))
    nth = _occurrence(labels[shuffled])
    kept = shuffled[nth < most]
    chosen: Integers = kept[np.argsort(place[labels[kept]], kind="stable")][:limit]
    return np.sort(chosen)


def hardest_pairs(vectors: Vectors, labels: Integers, count: int = 10) -> list[Pair]:
    """Return the different pairs of highest and the same pairs of lowest cosine, half of each.

    Where there are too few of one kind, there are more of the other. Different ones come first,
    the hardest of each kind first.
    """
    scores = vectors @ vectors.T
    later = np.triu(np.ones(scores.shape, bool), 1)
    same = labels[:, None] == labels
    different = _extreme(-scores, later & ~same, count)
    alike = _extreme(scores, later & same, count)
    taken = max(count // 2, count - len(alike))
    pairs = [*different[:taken], *alike[: count - min(taken, len(different))]]
    return [
        Pair(first, second, float(scores[first, second]), bool(same[first, second]))
        for first, second in pairs
    ]


def sample_triplets(
    vectors: Vectors, labels: Integers, count: int = 6, seed: int = 0
) -> list[Triplet]:
    """Return the hardest triplet of each of a few random anchors, of different classes if it can.

    Empty where no class has two pictures, or there is only one class.
    """
    triplets = []
    for anchor in _anchors(labels, count, seed):
        scores, same = vectors @ vectors[anchor], labels == labels[anchor]
        if same.all():
            break
        positive = int(np.where(same & (np.arange(len(labels)) != anchor), scores, np.inf).argmin())
        negative = int(np.where(same, -np.inf, scores).argmax())
        triplets.append(
            Triplet(
                anchor, positive, negative, _distance(scores[positive]), _distance(scores[negative])
            )
        )
    return triplets


def sample_queries(labels: Integers, count: int = 4, seed: int = 0) -> list[int]:
    """Return random rows with another picture of their class, of different classes if it can."""
    return _anchors(labels, count, seed)


def neighbours(vectors: Vectors, labels: Integers, query: int, count: int = 6) -> list[Hit]:
    """Return the nearest other pictures, nearest first; equal scores by row."""
    scores = vectors @ vectors[query]
    order = np.argsort(-scores, kind="stable")
    nearest = order[order != query][:count]
    return [
        Hit(int(row), float(scores[row]), bool(labels[row] == labels[query])) for row in nearest
    ]


def _extreme(keys: Vectors, allowed: npt.NDArray[np.bool_], count: int) -> list[tuple[int, int]]:
    """Return (row, column) of the `count` lowest keys that are allowed, lowest first."""
    places = np.flatnonzero(allowed)
    if len(places) > count:
        values = keys.ravel()[places]
        places = places[values <= np.partition(values, count - 1)[count - 1]]
    ordered = places[np.argsort(keys.ravel()[places], kind="stable")][:count]
    return [divmod(int(place), keys.shape[1]) for place in ordered]


def _anchors(labels: Integers, count: int, seed: int) -> list[int]:
    """Return random rows of classes with two pictures; a class twice once all were drawn."""
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    sizes = np.bincount(labels)
    eligible = shuffled[sizes[labels[shuffled]] > 1]
    order = np.argsort(_occurrence(labels[eligible]), kind="stable")
    return [int(row) for row in eligible[order][:count]]


def _occurrence(labels: Integers) -> Integers:
    """Return how often each label stands before its place, int64 [n]."""
    order = np.argsort(labels, kind="stable")
    ordered = labels[order]
    starts = np.searchsorted(ordered, ordered, "left")
    result = np.empty(len(labels), np.int64)
    result[order] = np.arange(len(labels)) - starts
    return result


def _distance(cosine: np.float32) -> float:
    return float(np.sqrt(max(0.0, 2 - 2 * float(cosine))))
