"""Which class a picture belongs to: by the classes' prototypes, or by a vote of neighbours.

A picture of none of the classes is near one of them all the same. How near is told by the stored
pictures, each of which is a stranger to all classes but its own.
"""

from collections import defaultdict
from collections.abc import Iterable, Set
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from simsearch.index.recipes import Vectors
from simsearch.index.vector_index import Ids, VectorIndex
from simsearch.records.labelled import Calibration, ClassScore, Identification
from simsearch.search.neighbors import Lookup

_FEWEST = 10  # classes, or pictures, that tell how near strangers come
_DEVIATION = 0.84  # quantile at one standard deviation
_LEAST = 1e-6  # distance; rounding leaves less, and none has a logarithm
_NO_DIRECTION = 1e-6  # length of a sum of unit vectors that cancel out
_AT_ONCE = 256  # pictures compared with all prototypes


@dataclass(frozen=True, slots=True)
class Ranking:
    """The classes of a picture, best first, and how many files of its own content were left out."""

    classes: list[ClassScore]
    left_out: int


class ClassSums:
    """Sums of the classes' unit vectors: their directions are the prototypes (Snell et al. 2017).

    Args:
        labels: names of the classes, in the order that breaks ties.
        dim: length of the vectors.
    """

    def __init__(self, labels: list[str], dim: int) -> None:
        self._labels = labels
        self._sums = np.zeros((len(labels), dim), np.float32)

    def add(self, classes: Ids, vectors: Vectors) -> None:
        """Take in vectors, float32 [n, dim], of classes int64 [n], places among the labels."""
        order = np.argsort(classes, kind="stable")
        present, starts = np.unique(classes[order], return_index=True)
        if len(present):
            self._sums[present] += np.add.reduceat(vectors[order], starts)

    def rank(self, query: Vectors, own_classes: Ids, own_vector: Vectors) -> list[ClassScore]:
        """Return the two classes whose prototypes are nearest to a picture, fewer if there are.

        Args:
            query: float32 [dim], unit length.
            own_classes: int64 [m], classes that the picture itself is in, each once.
            own_vector: float32 [dim], the stored vector that it is in them with; it is left out,
                and a class that it was alone in is no candidate.
        """
        cosines = _cosines(self._sums, query)
        # Of a class that holds nothing else exactly zero is left, which has no direction.
        cosines[own_classes] = _cosines(self._sums[own_classes] - own_vector, query)
        best = np.lexsort((np.arange(len(cosines)), -cosines))[:2]
        return [
            ClassScore(self._labels[place], min(float(cosines[place]), 1.0))
            for place in best.tolist()
            if cosines[place] > -np.inf
        ]

    def nearest_other(self, classes: Ids, vectors: Vectors) -> Vectors:
        """Return the cosine of pictures with the nearest prototype of a class not their own.

        Args:
            classes: int64 [n], the class of each.
            vectors: float32 [n, dim], unit length.

        Returns:
            float32 [n]; -inf where there is no other class.
        """
        lengths = np.linalg.norm(self._sums, axis=1, keepdims=True)
        sound = lengths[:, 0] > _NO_DIRECTION
        prototypes = self._sums / np.maximum(lengths, _NO_DIRECTION)
        best = np.empty(len(vectors), np.float32)
        for start in range(0, len(vectors), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            cosines = np.where(sound, vectors[part] @ prototypes.T, -np.inf)
            cosines[np.arange(len(cosines)), classes[part]] = -np.inf
            best[part] = cosines.max(axis=1)
        return best


def nearest_of_others(
    classes: Ids, vectors: Vectors, blocks: Iterable[tuple[Ids, Vectors]]
) -> Vectors:
    """Return the cosine of pictures with the nearest picture of a class not their own.

    Args:
        classes, vectors: as for `ClassSums.nearest_other`.
        blocks: (int64 [m], float32 [m, dim]) classes and unit vectors of all pictures.

    Returns:
        float32 [n]; -inf where there is no other class.
    """
    best = np.full(len(vectors), -np.inf, np.float32)
    for others, block in blocks:
        cosines = np.where(classes[:, None] == others, -np.inf, vectors @ block.T)
        best = np.maximum(best, cosines.max(axis=1, initial=-np.inf))
    return best


def cut_for_strangers(scores: Vectors, classes: int, far: float) -> float | None:
    """Return the score that a share `far` of pictures of unknown classes reaches.

    Distances, 1 - score, are taken as log-normal, so that a few pictures say enough. The deviation
    is that between quantiles, which a picture that lies in two classes does not change.

    Args:
        scores: float32 [n], of pictures with the nearest class not their own.
        classes: how many there are; under 10, or 10 pictures, nothing is known, and None returned.
        far: 0 to 1, both exclusive.
    """
    if min(len(scores), classes) < _FEWEST:
        return None
    distances = np.log(np.maximum(1 - scores.astype(np.float64), _LEAST))
    nearer, middle, further = np.quantile(distances, [1 - _DEVIATION, 0.5, _DEVIATION])
    deviation = max(middle - nearer, further - middle)
    return float(1 - np.exp(middle + NormalDist().inv_cdf(far) * deviation))


def vote(neighbors: Iterable[tuple[Set[str], float]]) -> list[ClassScore]:
    """Return the classes of a picture's neighbours by their votes, most first.

    A neighbour's vote weighs its cosine, and nothing if that is negative; equal votes go to the
    class with the better cosine, then to the first in the alphabet.

    Args:
        neighbors: (labels, cosine) of each; one with several labels votes for all of them.

    Returns:
        Each class with its best cosine.
    """
    votes: dict[str, float] = defaultdict(float)
    best: dict[str, float] = defaultdict(lambda: -np.inf)
    for labels, cosine in neighbors:
        for label in labels:
            votes[label] += max(cosine, 0.0)
            best[label] = max(best[label], cosine)
    order = sorted(votes, key=lambda label: (-votes[label], -best[label], label))
    return [ClassScore(label, best[label]) for label in order]


def rank_by_vote(
    index: VectorIndex, lookup: Lookup, hashes: list[str], vectors: Vectors, k: int
) -> list[Ranking]:
    """Let the `k` nearest contents of each picture vote; see `vote`.

    A content votes once however many copies of it a class has.

    Args:
        lookup: returns the records of row ids.
        hashes: content hash of each picture; its own content has no vote.
        vectors: float32 [pictures, dim], unit length.
    """
    # One more than asked for: the picture's own content may be among them.
    found = index.search(vectors, k + 1)
    hits = [
        [(index.rows_at(int(position)).tolist(), float(cosine)) for cosine, position in pairs]
        for pairs in (
            [pair for pair in zip(*row, strict=True) if pair[1] >= 0]
            for row in zip(*found, strict=True)
        )
    ]
    records = lookup({id_ for row in hits for ids, _ in row for id_ in ids})
    rankings = []
    for own, row in zip(hashes, hits, strict=True):
        others = [hit for hit in row if records[hit[0][0]].content_hash != own]
        voters = (
            ({records[id_].label for id_ in ids}, min(cosine, 1.0)) for ids, cosine in others[:k]
        )
        left_out = sum(len(ids) for ids, _ in row) - sum(len(ids) for ids, _ in others)
        rankings.append(Ranking(vote(voters), left_out))
    return rankings


def identify(
    photo: str,
    ranking: Ranking,
    method: str,
    calibration: Calibration | None,
    threshold: float | None,
) -> Identification:
    """Name a picture's class, or call it unknown where the nearest scores under `threshold`.

    Without a threshold nothing tells unknown pictures, and the nearest class is the label.
    """
    first, second = [*ranking.classes, None, None][:2]
    known = first is not None and (threshold is None or first.score >= threshold)
    return Identification(
        photo=photo,
        label=first.label if first and known else None,
        nearest=first.label if first else None,
        score=first.score if first else None,
        probability=calibration.probability(first.score) if calibration and first else None,
        runner_up=second,
        threshold=threshold,
        method=method,
        left_out=ranking.left_out,
    )


def _cosines(sums: Vectors, query: Vectors) -> Vectors:
    """Return the cosine of each row with a unit vector; -inf for a row without a direction."""
    lengths = np.linalg.norm(sums, axis=1)
    sound = lengths > _NO_DIRECTION
    cosines = np.full(len(sums), -np.inf, np.float32)
    cosines[sound] = sums[sound] @ query / lengths[sound]
    return cosines
