"""Pairs of picture files, looked at again: their local features are found once and kept a while."""

import os
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from simsearch.errors import PictureError
from simsearch.images.decode import read_file, shrink
from simsearch.local.alignment import Alignment, align
from simsearch.local.features import SIDE, LocalFeatures, describe

Progress = Callable[[int, int], None]
_KEPT = 1024  # pictures whose features are kept, up to 0.4 MB each
_CHUNK = 64


def look_again(
    pairs: Sequence[tuple[str, str]], progress: Progress = lambda *_: None
) -> Iterator[Alignment | None]:
    """Yield how the two pictures of each pair lie on each other; None where one can't be read.

    Args:
        pairs: paths; those that share a picture best stand together.
        progress: called with (pairs done, pairs to do).
    """
    kept: OrderedDict[str, LocalFeatures | None] = OrderedDict()

    def look(pair: tuple[str, str]) -> Alignment | None:
        first, second = kept[pair[0]], kept[pair[1]]
        return None if first is None or second is None else align(first, second)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(pairs), _CHUNK):
            part = pairs[start : start + _CHUNK]
            wanted = list(dict.fromkeys(path for pair in part for path in pair))
            missing = [path for path in wanted if path not in kept]
            kept.update(zip(missing, pool.map(_features, missing), strict=True))
            for path in wanted:
                kept.move_to_end(path)
            while len(kept) > _KEPT:
                kept.popitem(last=False)
            yield from pool.map(look, part)
            progress(start + len(part), len(pairs))


def _features(path: str) -> LocalFeatures | None:
    try:
        return describe(np.asarray(shrink(read_file(path), SIDE).convert("L")))
    except PictureError:
        return None
