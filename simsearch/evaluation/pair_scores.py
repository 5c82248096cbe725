"""The cosines of all pairs of labelled pictures, or of a fair sample of them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simsearch.encoder.runtimes import Vectors
from simsearch.evaluation.labelled import Labels

MAX_PAIRS = 20_000_000
_BLOCK = 4_000_000  # scores computed at once; bounds memory

Rows = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]
_Block = tuple[Vectors, Codes, Codes]


@dataclass(frozen=True, slots=True)
class PairScores:
    """Cosines of pairs of pictures.

    Attributes:
        same, different: float32 [n] and [m], of pairs of one class and of two classes.
        same_class: int32 [n], the class of each pair.
        first_class, second_class: int32 [m], the classes of each pair.
        all_pairs: how many pairs there are; more than n + m where they were sampled.
    """

    same: Vectors
    different: Vectors
    same_class: Codes
    first_class: Codes
    second_class: Codes
    all_pairs: int


def score_pairs(
    vectors: Vectors, labels: Labels, seed: int = 0, limit: int = MAX_PAIRS
) -> PairScores:
    """Score every pair of pictures, or, over `limit` pairs, a seeded sample.

    The sample compares each picture with the others of its random group of pictures, which gives
    every picture, and every class, its due share. Pairs of the same class are rare, so all of them
    are taken, unless they alone are over the limit.

    Args:
        vectors: float32 [n, dim], unit vectors.
        labels: int64 [n], 0 or more.
    """
    count = len(labels)
    all_pairs = count * (count - 1) // 2
    codes = labels.astype(np.int32)
    sizes = np.bincount(labels)
    all_same = int((sizes * (sizes - 1) // 2).sum())
    blocks: Iterable[_Block]
    if all_pairs <= limit:
        blocks = _blocks(vectors, codes, [np.arange(count)], same=True, different=True)
    else:
        groups = _groups(count, limit, seed)
        alike = [np.flatnonzero(labels == label) for label in np.flatnonzero(sizes > 1)]
        blocks = [
            *_blocks(vectors, codes, groups, same=False, different=True),
            *_blocks(
                vectors, codes, alike if all_same <= limit else groups, same=True, different=False
            ),
        ]
    scores, first, second = map(np.concatenate, zip(*blocks, strict=True))
    same = first == second
    return PairScores(
        scores[same], scores[~same], first[same], first[~same], second[~same], all_pairs
    )


def _groups(count: int, limit: int, seed: int) -> list[Rows]:
    """Cut the pictures, shuffled, into groups with at most `limit` pairs in all."""
    # Groups of s have count * (s - 1) / 2 pairs; array_split makes none larger than s.
    size = max(2, 2 * limit // count + 1)
    return np.array_split(np.random.default_rng(seed).permutation(count), -(-count // size))


def _blocks(
    vectors: Vectors,
    codes: Codes,
    groups: list[Rows],
    same: bool,
    different: bool,
) -> Iterator[_Block]:
    """Yield (scores, classes, classes) of the pairs within groups, of the kinds asked for."""
    for group in groups:
        step = max(1, _BLOCK // len(group))
        for start in range(0, len(group), step):
            rows, others = group[start : start + step], group[start:]
            later = np.arange(len(others)) > np.arange(len(rows))[:, None]
            alike = codes[rows, None] == codes[others]
            left, right = np.nonzero(later & ((alike & same) | (~alike & different)))
            scores = vectors[rows] @ vectors[others].T
            yield scores[left, right], codes[rows[left]], codes[others[right]]
