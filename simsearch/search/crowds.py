"""How far a pair stands out from what else lies near its pictures.

In a crowd of look-alikes, products or portraits, all cosines are high; a copy lies nearer to its
original than the crowd does. The margin of Artetxe and Schwenk, 2019
(https://arxiv.org/abs/1811.01136), as a difference or a ratio of distances; but for where a crowd
begins: a picture may have many copies, and those are parted from it by the largest step down.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from simsearch.index.recipes import Vectors
from simsearch.index.vector_index import Ids

MISSING = -2.0  # in place of a cosine
AMONG = 16  # so many neighbours tell how crowded it is around a picture
_NEAREST = 0.005  # distance; float16 and copying leave as much between the same pictures
_AT_ONCE = 65_536  # bounds the vectors in hand
Floats = npt.NDArray[np.float64]
Half = npt.NDArray[np.float16]


def crowding(cosines: Vectors, lowest: float) -> Vectors:
    """Return how near the crowd around pictures lies: the middle between its first and its last.

    Args:
        cosines: float32 [n, m] of each to its nearest others, in any order, `MISSING` for what is
            none; of more than `AMONG`, the highest count.
        lowest: cosine that those have at least.

    Returns:
        Cosines, float32 [n]; 1 for who has fewer others, of whom nobody knows how near is near.
    """
    near = -np.sort(-cosines, axis=1)[:, :AMONG]
    if near.shape[1] < AMONG:
        return np.ones(len(near), np.float32)
    few = near[:, -1] <= MISSING
    near = np.maximum(near, np.float32(lowest))
    first = (near[:, :-1] - near[:, 1:]).argmax(axis=1) + 1
    middle = (near[np.arange(len(near)), first] + near[:, -1]) / 2
    return np.where(few, np.float32(1), middle)


def gaps(cosines: Floats, beside_a: Vectors, beside_b: Vectors, reach: float) -> Floats:
    """Return how far pairs are ahead of the crowds around their pictures, -2 to 2.

    The pairs it puts first hold many copies, both of photographs and of products within a crowd.

    Args:
        cosines: float64 [pairs].
        beside_a, beside_b: float32 [pairs], `crowding` of either picture.
        reach: cosine that what is only alike hardly comes over; what lies nearer is no crowd.

    Returns:
        float64 [pairs], differences of Euclidean distances; 0 is as far as the crowds.
    """
    return np.sqrt(2 * _crowds(beside_a, beside_b, reach)) - np.sqrt(2 * _distances(cosines))


def ratios(cosines: Floats, beside_a: Vectors, beside_b: Vectors, reach: float) -> Floats:
    """Return the logarithm of how many times nearer pairs are than the crowds, float64 [pairs].

    By distances of 1 - cosine; 0 is as far as the crowds. Of cuts that a sample is calibrated for,
    those by it find the most copies at a precision. Arguments as of `gaps`.
    """
    return np.log(_crowds(beside_a, beside_b, reach) / _distances(cosines))


def _crowds(beside_a: Vectors, beside_b: Vectors, reach: float) -> Floats:
    crowds = (np.minimum(beside_a, reach) + np.minimum(beside_b, reach)) / 2
    return _distances(crowds.astype(np.float64))


def _distances(cosines: Floats) -> Floats:
    return np.maximum(1 - cosines, _NEAREST)


def without(cosines: Vectors, found: Ids, itself: Ids) -> Vectors:
    """Return cosines of what was found, `MISSING` where nothing was, or the picture that asked.

    Args:
        cosines, found: float32 and int64 [n, m], the results of a search.
        itself: int64 [n], the position of who asked; -1 for one from outside.
    """
    return np.where((found < 0) | (found == itself[:, None]), np.float32(MISSING), cosines)


def crowding_of_found(
    places: Ids,
    guests: Vectors,
    vectors: Callable[[Ids], Vectors | Half],
    search: Callable[[Vectors, int], tuple[Vectors, Ids]],
    lowest: float,
) -> Vectors:
    """Return the `crowding` around what a picture from outside has found, were it there, too.

    Args:
        places: int64 [n], the positions that were found.
        guests: float32 [n], the cosine of who asked; `MISSING` for one that is no guest.
        vectors: gives those of positions that ascend, float16 or float32 [m, dim].
        search: as `VectorIndex.search`.
        lowest: as for `crowding`.
    """
    asking, rows = np.unique(places, return_inverse=True)
    others = []
    for start in range(0, len(asking), _AT_ONCE):
        part = asking[start : start + _AT_ONCE]
        found = search(np.asarray(vectors(part), np.float32), AMONG + 1)
        others.append(without(*found, part))
    if not others:
        return np.empty(0, np.float32)
    cosines = np.concatenate(others)
    return crowding(np.column_stack([cosines[rows], guests]), lowest)
