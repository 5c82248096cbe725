"""Pairs that may be copies, looked at again: copies are told from what is only alike."""

import logging
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from simsearch.collection.duplicates.looks import Look
from simsearch.collection.duplicates.twins import Twins, pixel_comparison
from simsearch.errors import PictureError
from simsearch.images.decode import read_file, shrink
from simsearch.images.facts import TINY, is_plain
from simsearch.index.vector_index import Ids
from simsearch.records import ImageRecord
from simsearch.search.crowds import Floats
from simsearch.search.pairs import Pairs, joined, picked

NEAREST = 5  # neighbours of each picture that may be its copies
LOWEST = 0.4  # cosine; hardly a copy lies lower
_LOOKS = 0.5  # pairs a picture that are looked at again, whatever is found
_FEW_LOOKS = 2000  # which take no long time, however few the pictures
_STEPS = 8  # an eighth as many more are looked at, and again,
_PAYS = 0.03  # while so large a share of the last are copies
_LEAST = 256  # pixels a side in which a picture is asked whether it is plain
NEITHER = ""  # of the kinds: only alike

Progress = Callable[[int, int], None]
Named = Sequence[tuple[ImageRecord, ImageRecord]]  # the files of pairs
_log = logging.getLogger(__name__)


class Verdict(NamedTuple):
    """What a second look tells of a pair.

    Attributes:
        kind: 'same-pixels', 'copy', or '' for what is neither.
        edit, back: what makes the second of the first, and the first of the second, in words.
    """

    kind: str
    edit: str = ""
    back: str = ""


Judge = Callable[[Pairs, Progress], list[Verdict]]  # called with (pairs judged, pairs to judge)


def judge_likeliest(
    pairs: Pairs, ahead: Floats, pictures: int, judge: Judge, progress: Progress
) -> tuple[Ids, list[Verdict]]:
    """Judge the pairs that stand out most: half a pair a picture, and more while that pays.

    It pays while one in thirty is a copy: where all is there three times, half a pair a picture is
    little.

    Args:
        ahead: how far each pair stands out; see `search.crowds.gaps`.
        progress: called with (pairs judged, pairs to judge so far).

    Returns:
        The places of the pairs that were judged, ascending, and what those are.
    """
    order = np.argsort(-ahead, kind="stable")
    start, end = 0, min(max(round(_LOOKS * pictures), _FEW_LOOKS), len(order))
    step = max(end // _STEPS, 1)
    verdicts: dict[int, Verdict] = {}
    while start < end:
        part = np.sort(order[start:end])
        judged = judge(picked(pairs, part), _from(start, progress))
        verdicts.update(zip(part.tolist(), judged, strict=True))
        last = order[end - step : end].tolist()
        pays = sum(verdicts[place].kind != NEITHER for place in last) >= _PAYS * step
        start, end = end, min(end + step, len(order)) if pays else end
    places = np.array(sorted(verdicts), np.int64)
    return places, [verdicts[place] for place in places.tolist()]


def find_copies(
    pairs: Pairs,
    verdicts: Sequence[Verdict],
    twins: Twins,
    judge: Judge,
    best_first: Callable[[Sequence[int]], Sequence[int]],
    score: Callable[[Ids, Ids], Pairs],
) -> tuple[Pairs, list[Verdict]]:
    """Return the pairs of positions that are 'same-pixels' or 'copy', and which.

    What is tied to others of a group is also judged beside the group's best.

    Args:
        pairs: none has a position with a better twin.
        verdicts: what they are.
        twins: they are judged through the best of them.
        best_first: orders positions.
        score: gives pairs of positions their cosines.
    """
    same = score(*_in_order(twins))
    pairs = joined(pairs, same)
    verdicts = [*verdicts, *[Verdict("same-pixels")] * len(same.a)]
    tied = [place for place, found in enumerate(verdicts) if found.kind != NEITHER]
    members = sorted({*pairs.a[tied].tolist(), *pairs.b[tied].tolist()})
    more = score(*_to_the_best(pairs, verdicts, best_first(members)))
    verdicts += judge(more, lambda *_: None)
    pairs = joined(pairs, more)
    found = [place for place, verdict in enumerate(verdicts) if verdict.kind != NEITHER]
    return picked(pairs, found), [verdicts[place] for place in found]


def verdicts_of(
    pairs: Named,
    scores: Sequence[float],
    certain: float,
    look: Look,
    progress: Progress,
) -> list[Verdict]:
    """Look at pairs of files again.

    Args:
        scores: their cosines.
        certain: log-odds from which a pair is a copy.
        look: looks at pairs of files.
        progress: called with (pairs looked at, pairs to look at).
    """
    same_pixels = pixel_comparison()
    verdicts, unread = [], 0
    for (a, b), score, seen in zip(pairs, scores, look(pairs, progress), strict=True):
        unread += seen is None
        if same_pixels(a, b, score):
            verdicts.append(Verdict("same-pixels"))
        elif seen is not None and seen.log_odds >= certain:
            verdicts.append(Verdict("copy", seen.edit, seen.back))
        else:
            verdicts.append(Verdict(NEITHER))
    if unread:
        _log.warning("left out %d of the pairs: a picture of theirs can't be read any more", unread)
    return verdicts


def plain_files(records: Iterable[ImageRecord]) -> set[str]:
    """Return the paths of what is flat, nearly blank, tiny or unreadable."""
    asked = list(records)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        answers = list(pool.map(_is_plain, asked))
    return {record.full_path for record, plain in zip(asked, answers, strict=True) if plain}


def verdicts_by_cosine(pairs: Named, scores: Sequence[float], plain: Set[str]) -> list[Verdict]:
    """Tell pairs of a high cosine: 'same-pixels', 'similar', or '' where a picture is plain.

    Plain pictures all look the same to an encoder.

    Args:
        plain: their paths, see `plain_files`.
    """
    return _unless_plain(pairs, scores, plain, [Verdict("similar")] * len(pairs))


def verdicts_by_crowds(
    pairs: Named, scores: Sequence[float], stand_out: Sequence[bool]
) -> list[Verdict]:
    """Tell pairs that stand out from the crowds around them: 'same-pixels', 'copy' or ''.

    Args:
        scores: their cosines.
        stand_out: which of them do so by enough.
    """
    plain = plain_files({file.full_path: file for pair in pairs for file in pair}.values())
    taken = [Verdict("copy" if out else NEITHER) for out in stand_out]
    return _unless_plain(pairs, scores, plain, taken)


def _unless_plain(
    pairs: Named, scores: Sequence[float], plain: Set[str], otherwise: Sequence[Verdict]
) -> list[Verdict]:
    same_pixels = pixel_comparison()
    verdicts, left_out = [], 0
    for (a, b), score, verdict in zip(pairs, scores, otherwise, strict=True):
        if same_pixels(a, b, score):
            verdicts.append(Verdict("same-pixels"))
        elif verdict.kind != NEITHER and (a.full_path in plain or b.full_path in plain):
            verdicts.append(Verdict(NEITHER))
            left_out += 1
        else:
            verdicts.append(verdict)
    if left_out:
        _log.warning(
            "left out %d of the pairs: one of the two is flat, nearly blank, tiny or can't be "
            "read, and a cosine says nothing of it",
            left_out,
        )
    return verdicts


def _from(start: int, progress: Progress) -> Progress:
    return lambda done, total: progress(start + done, start + total)


def _in_order(twins: Twins) -> tuple[Ids, Ids]:
    pairs = sorted((min(pair), max(pair)) for pair in twins.items())
    columns = np.array(pairs, np.int64).reshape(-1, 2)
    return columns[:, 0], columns[:, 1]


def _to_the_best(
    pairs: Pairs, verdicts: Sequence[Verdict], best_first: Sequence[int]
) -> tuple[Ids, Ids]:
    """Return the pairs of whoever is tied to a group's best only through others, and that best."""
    edges = list(zip(pairs.a.tolist(), pairs.b.tolist(), strict=True))
    ties: dict[int, list[int]] = defaultdict(list)
    for (a, b), verdict in zip(edges, verdicts, strict=True):
        if verdict.kind != NEITHER:
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


def _is_plain(record: ImageRecord) -> bool:
    if min(record.width, record.height) < TINY:
        return True
    try:
        return is_plain(shrink(read_file(record.full_path), _LEAST))
    except PictureError:
        return True
