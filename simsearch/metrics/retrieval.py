"""Retrieval among labelled pictures: does a picture find its class?"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simsearch.errors import InputError

Vectors = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

RECALL_AT = (1, 2, 4, 8)
_BLOCK = 4_000_000  # scores held at once; bounds memory to some 150 MB


@dataclass(frozen=True, slots=True)
class Retrieval:
    """How well each query found the pictures of its class; R is how many of them there are.

    Attributes:
        queries: int64 [q], rows of the pictures that were queries: those with R over 0.
        first_rank: int64 [q], rank of the nearest picture of the class, from 1.
        r_precision: float64 [q], 0 to 1, share of the class among the R nearest.
        map_at_r: float64 [q], 0 to 1, (1/R) sum over i <= R of precision@i where the i-th nearest
            is of the class (Musgrave, Belongie, Lim 2020); higher is better.
    """

    queries: Integers
    first_rank: Integers
    r_precision: Floats
    map_at_r: Floats

    def per_query(self) -> dict[str, Floats]:
        """Return each figure by name, float64 [q], 0 to 1, higher is better."""
        figures = {f"recall_at_{k}": (self.first_rank <= k).astype(np.float64) for k in RECALL_AT}
        return {
            **figures,
            "precision_at_1": figures["recall_at_1"],
            "r_precision": self.r_precision,
            "map_at_r": self.map_at_r,
        }

    def means(self) -> dict[str, float]:
        """Return the mean over the queries of each figure, by name."""
        return {name: float(values.mean()) for name, values in self.per_query().items()}


def retrieve(
    vectors: Vectors,
    labels: Integers,
    gallery: Vectors | None = None,
    gallery_labels: Integers | None = None,
) -> Retrieval:
    """Search for each picture among all others, or in a gallery of its own.

    Queries whose class has no other picture are left out, but others may find them. Among equal
    scores the picture of the lower row is taken as nearer.

    Args:
        vectors: float32 [n, dim], unit vectors.
        labels: int64 [n], their classes.
        gallery, gallery_labels: the same for the pictures to find, [m, dim] and [m]; None searches
            `vectors`, where no picture finds itself.

    Raises:
        InputError: no query has a picture to find.
    """
    own = gallery is None or gallery_labels is None
    stock, classes = (
        (vectors, labels)
        if gallery is None or gallery_labels is None
        else (gallery, gallery_labels)
    )
    wanted = _occurrences(labels, classes) - int(own)
    queries = np.flatnonzero(wanted > 0)
    if not len(queries):
        raise InputError("no class has two pictures, so none can be found; add pictures")
    # Queries with about as many pictures to find share a block, which sorts as few as it can.
    order = queries[np.argsort(wanted[queries], kind="stable")]
    parts = []
    for rows in np.array_split(order, -(-len(order) * len(stock) // _BLOCK)):
        keys = _keys(vectors[rows] @ stock.T, rows if own else None)
        parts.append(_judge(keys, classes == labels[rows, None], wanted[rows]))
    first, r_precision, map_at_r = map(np.concatenate, zip(*parts, strict=True))
    back = np.argsort(order, kind="stable")
    return Retrieval(queries, first[back], r_precision[back], map_at_r[back])


def _occurrences(labels: Integers, classes: Integers) -> Integers:
    """Return how often each of `labels` stands in `classes`."""
    ordered = np.sort(classes)
    return np.searchsorted(ordered, labels, "right") - np.searchsorted(ordered, labels, "left")


def _keys(scores: Vectors, left_out: Integers | None) -> Integers:
    """Return int64 keys that sort as (score, lower column first), without ties."""
    if left_out is not None:
        scores[np.arange(len(scores)), left_out] = -np.inf
    # The bits of a float sort like an integer, once those of negative numbers are turned round.
    bits = (scores + np.float32(0)).view(np.int32).astype(np.int64)
    bits = np.where(bits < 0, bits ^ 0x7FFFFFFF, bits)
    keys: Integers = (bits << 32) | (scores.shape[1] - 1 - np.arange(scores.shape[1]))
    return keys


def _judge(
    keys: Integers, same: npt.NDArray[np.bool_], wanted: Integers
) -> tuple[Integers, Floats, Floats]:
    """Return first rank, R-precision and MAP@R of a block of queries."""
    lowest = np.iinfo(np.int64).min
    columns, depth = keys.shape[1], int(wanted.max())
    # A query's own column is of its class, but -inf: never the best, and never among the R nearest.
    best = np.where(same, keys, lowest).max(axis=1, keepdims=True)
    first = (keys > best).sum(axis=1, dtype=np.int64) + 1
    top = np.sort(np.partition(keys, columns - depth, axis=1)[:, columns - depth :], axis=1)
    found = columns - 1 - (top[:, ::-1] & 0xFFFFFFFF)
    ranks = np.arange(1, depth + 1)
    right = np.take_along_axis(same, found, axis=1) & (ranks <= wanted[:, None])
    precision = np.cumsum(right, axis=1) / ranks
    return first, right.sum(axis=1) / wanted, (precision * right).sum(axis=1) / wanted
