"""Pairs that may be copies, looked at again: copies are told from what is only alike."""

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import numpy as np

from simsearch.collection.second_look import look_again
from simsearch.errors import PictureError
from simsearch.images.decode import pixel_digest, read_file
from simsearch.index.vector_index import Ids
from simsearch.local.verdict import certainty
from simsearch.records import ImageRecord
from simsearch.search.pairs import Pairs

NEAREST = 5  # neighbours of each picture that may be its copies
LOWEST = 0.4  # cosine; hardly a copy lies lower
_LOOKS = 0.5  # pairs a picture that are looked at again, those of the highest cosine
_FEW_LOOKS = 2000  # which take no long time, however few the pictures
_CUT = 0.5  # certainty of a copy
_ALMOST_ONE = 0.995  # cosine over which pixels may be the same
_NEITHER = ""

Progress = Callable[[int, int], None]
Records = Mapping[int, ImageRecord]
_log = logging.getLogger(__name__)


def find_copies(
    nearest: Pairs,
    records: Records,
    best_first: Sequence[int],
    score: Callable[[Ids, Ids], Pairs],
    progress: Progress,
) -> tuple[Pairs, list[str]]:
    """Return the pairs of positions that are 'same-pixels' or 'copy', and which.

    Args:
        nearest: pairs of positions, of which those of the highest cosine are looked at.
        records: a file of each position that stands in a pair.
        best_first: positions, the best file first; what is tied to others of a group is also
            looked at beside the group's best.
        score: gives pairs of positions their cosines.
        progress: called with (pairs looked at, pairs to look at).
    """
    count = max(round(_LOOKS * len(best_first)), _FEW_LOOKS)
    kept = np.sort(np.argsort(-nearest.scores, kind="stable")[:count])
    pairs = Pairs(nearest.a[kept], nearest.b[kept], nearest.scores[kept])
    kinds = _kinds(pairs, records, progress)
    more = score(*_to_the_best(pairs, kinds, best_first))
    kinds += _kinds(more, records, lambda *_: None)
    found = [place for place, kind in enumerate(kinds) if kind != _NEITHER]
    a, b, scores = (
        np.concatenate([getattr(pairs, name), getattr(more, name)])[found]
        for name in ("a", "b", "scores")
    )
    return Pairs(a, b, scores), [kinds[place] for place in found]


def _kinds(pairs: Pairs, records: Records, progress: Progress) -> list[str]:
    named = [
        (records[a], records[b]) for a, b in zip(pairs.a.tolist(), pairs.b.tolist(), strict=True)
    ]
    looks = look_again([(a.full_path, b.full_path) for a, b in named], progress)
    digest = lru_cache(_FEW_LOOKS)(_pixels)
    kinds, unread = [], 0
    for (a, b), score, look in zip(named, pairs.scores.tolist(), looks, strict=True):
        unread += look is None
        if score >= _ALMOST_ONE and _same_size(a, b) and digest(a) == digest(b) != _NEITHER:
            kinds.append("same-pixels")
        else:
            kinds.append("copy" if look is not None and certainty(look) >= _CUT else _NEITHER)
    if unread:
        _log.warning("%d pairs left out: a picture of theirs can't be read any more", unread)
    return kinds


def _to_the_best(pairs: Pairs, kinds: Sequence[str], best_first: Sequence[int]) -> tuple[Ids, Ids]:
    """Return the pairs of whoever is tied to a group's best only through others, and that best."""
    edges = list(zip(pairs.a.tolist(), pairs.b.tolist(), strict=True))
    ties: dict[int, list[int]] = defaultdict(list)
    for (a, b), kind in zip(edges, kinds, strict=True):
        if kind != _NEITHER:
            ties[a].append(b)
            ties[b].append(a)
    wanted: set[tuple[int, int]] = set()
    seen: set[int] = set()
    for best in best_first:
        reached = [best] if best not in seen else []
        seen.update(reached)
        for node in reached:  # it grows while it is walked
            fresh = [other for other in dict.fromkeys(ties[node]) if other not in seen]
            seen.update(fresh)
            reached += fresh
        wanted.update((min(best, node), max(best, node)) for node in reached[1:])
    missing = np.array(sorted(wanted - set(edges)), np.int64).reshape(-1, 2)
    return missing[:, 0], missing[:, 1]


def _same_size(a: ImageRecord, b: ImageRecord) -> bool:
    return {a.width, a.height} == {b.width, b.height}  # one may be turned by its EXIF orientation


def _pixels(record: ImageRecord) -> str:
    try:
        return pixel_digest(read_file(record.full_path))
    except PictureError:
        return _NEITHER
