"""Many files of one decoded picture: one picture to a second look, given through the best of them.

Where there are few, each finds the others among its nearest. Where there are more, they would find
nothing else, in thousands of pairs.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np

from simsearch.errors import PictureError
from simsearch.images.decode import pixel_digest, read_file
from simsearch.index.vector_index import Ids
from simsearch.records import ImageRecord
from simsearch.search.pairs import Pairs, distinct

ALMOST_ONE = 0.995  # cosine over which pixels may be the same
_KEPT = 2000  # digests that are remembered
_UNREAD = ""
Twins = dict[int, int]  # position of a file's content: that of the best with the same pixels


def twins_of(
    pairs: Pairs,
    records: Mapping[int, ImageRecord],
    best_first: Callable[[Sequence[int]], Sequence[int]],
    few: int,
) -> Twins:
    """Return which positions have the pixels of a better one; those are not among the keys.

    Args:
        pairs: those of a cosine near 1.
        records: a file of each of their positions.
        best_first: orders positions.
        few: as many others of the same pixels are left as they are.
    """
    sides = zip(pairs.a.tolist(), pairs.b.tolist(), strict=True)
    may_be = [pair for pair in sides if same_size(records[pair[0]], records[pair[1]])]
    others = Counter(side for pair in may_be for side in pair)
    asked = sorted(position for position, count in others.items() if count >= few)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        digests = pool.map(pixels, map(records.__getitem__, asked))
        digest_of = dict(zip(asked, digests, strict=True))
    alike: dict[str, list[int]] = defaultdict(list)
    for position, digest in digest_of.items():
        if digest != _UNREAD:
            alike[digest].append(position)
    several = [same for same in alike.values() if len(same) > few]
    rank = {
        position: place
        for place, position in enumerate(best_first([p for same in several for p in same]))
    }
    twins: Twins = {}
    for same in several:
        best = min(same, key=rank.__getitem__)
        twins.update((position, best) for position in same if position != best)
    return twins


def through_best(pairs: Pairs, twins: Twins) -> Pairs:
    """Return pairs with the best of its twins instead of each position, each pair once."""
    if not twins:
        return pairs
    keys = np.array(sorted(twins), np.int64)
    values = np.array([twins[key] for key in keys.tolist()], np.int64)

    def best(positions: Ids) -> Ids:
        place = np.minimum(np.searchsorted(keys, positions), len(keys) - 1)
        return np.where(keys[place] == positions, values[place], positions)

    a, b = best(pairs.a), best(pairs.b)
    apart = a != b
    low, high = np.minimum(a, b)[apart], np.maximum(a, b)[apart]
    return distinct([Pairs(low, high, pairs.scores[apart])])


def pixel_comparison() -> Callable[[ImageRecord, ImageRecord, float], bool]:
    """Return what tells whether two files of a cosine have the same pixels."""
    digest = lru_cache(_KEPT)(pixels)

    def same(a: ImageRecord, b: ImageRecord, score: float) -> bool:
        return score >= ALMOST_ONE and same_size(a, b) and digest(a) == digest(b) != _UNREAD

    return same


def same_size(a: ImageRecord, b: ImageRecord) -> bool:
    """Tell whether two files may have the same pixels; one may be turned by its EXIF data."""
    return {a.width, a.height} == {b.width, b.height}


def pixels(record: ImageRecord) -> str:
    """Return the digest of a file's pixels, '' for one that can't be read."""
    try:
        return pixel_digest(read_file(record.full_path))
    except PictureError:
        return _UNREAD
