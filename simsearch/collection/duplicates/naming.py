"""From tied contents to files: pairs and groups are given through the best file of each content."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from simsearch.collection.duplicates.copies import Verdict
from simsearch.collection.duplicates.ledger import HashPair, read_ledger
from simsearch.collection.duplicates.twins import pixel_comparison
from simsearch.config import KeepRules
from simsearch.errors import PictureError
from simsearch.images.decode import read_file
from simsearch.images.facts import has_camera_metadata, has_colour
from simsearch.index.vector_index import Ids
from simsearch.records import (
    DUPLICATE_KINDS,
    DuplicateGroup,
    DuplicateMember,
    DuplicatePair,
    ImageRecord,
)
from simsearch.search.best import best_first
from simsearch.search.groups import Pair, star_groups
from simsearch.search.pairs import NO_PAIRS, Pairs
from simsearch.store.manifest import Manifest
from simsearch.store.reader import find_records

_Files = dict[int, list[ImageRecord]]  # of each content, the best first; contents likewise
_Kinds = dict[tuple[int, int], tuple[Verdict, float]]  # and scores, by position


@dataclass(frozen=True, slots=True)
class Ties:
    """Which contents are tied, by position.

    Attributes:
        pairs: pairs of positions.
        verdicts: what ties each of them.
        crowded: positions of which only some pairs are there; all others would be 'similar'.
        all_over: returns those of some positions (a: theirs, b: any other).
    """

    pairs: Pairs = NO_PAIRS
    verdicts: Sequence[Verdict] = ()
    crowded: Set[int] = frozenset()
    all_over: Callable[[Ids], Pairs] = field(default=lambda _: NO_PAIRS)


def ranked(records: Sequence[ImageRecord], rules: KeepRules) -> list[ImageRecord]:
    """Order files, the one to keep first; files with the same bytes are looked into once."""
    looks = {"colour": _asking(has_colour), "metadata": _asking(has_camera_metadata)}
    return best_first(records, rules, looks)


def name_files(
    folder: Path, manifest: Manifest, postings: Ids, ties: Ties, rules: KeepRules
) -> tuple[list[DuplicatePair], list[DuplicateGroup]]:
    """Return pairs of files and groups of files.

    The files of one content are each in a pair with the best of them, and two tied contents give
    the pair of their best files. A group has all files of its contents, each tied to the best
    file as its content is. Contents that a person told apart are not tied.

    Args:
        postings: int64 [rows, 2], (position, row id), sorted.
    """
    files = _files(folder, manifest, postings, ties, rules)
    apart = _apart(files, read_ledger(folder))
    kinds = {
        (a, b): (verdict, score)
        for a, b, score, verdict in zip(*_columns(ties.pairs), ties.verdicts, strict=True)
        if not apart(a, b)
    }

    def all_ties(positions: Sequence[int]) -> Iterator[Pair]:
        found = ties.all_over(np.array(positions, np.int64))
        return (pair for pair in zip(*_columns(found), strict=True) if not apart(*pair[:2]))

    known = ((a, b, score) for (a, b), (_, score) in kinds.items())
    same_pixels = pixel_comparison()
    stars = star_groups(known, list(files), ties.crowded, all_ties)
    for best, members in stars:
        for _, member, score in members:
            pair = min(best, member), max(best, member)
            if pair not in kinds:
                same = same_pixels(files[best][0], files[member][0], score)
                kinds[pair] = Verdict("same-pixels" if same else "similar"), score
    return _pairs(files, kinds), _groups(files, stars, kinds)


def _files(folder: Path, manifest: Manifest, postings: Ids, ties: Ties, rules: KeepRules) -> _Files:
    """Return the files of all contents that are tied or have more than one."""
    several = np.bincount(postings[:, 0])[postings[:, 0]] > 1
    tied = np.concatenate([ties.pairs.a, ties.pairs.b, np.array([*ties.crowded], np.int64)])
    rows = postings[several | np.isin(postings[:, 0], tied)]
    position = dict(zip(rows[:, 1].tolist(), rows[:, 0].tolist(), strict=True))
    records = find_records(folder, manifest.parts, position.keys())
    files: _Files = defaultdict(list)
    for record in ranked([records[id_] for id_ in sorted(records)], rules):
        files[position[record.id]].append(record)
    return files


def _apart(files: _Files, ledger: Set[HashPair]) -> Callable[[int, int], bool]:
    """Return whether a person told two positions apart."""

    def apart(a: int, b: int) -> bool:
        if not ledger or a not in files or b not in files:
            return False
        hashes = files[a][0].content_hash, files[b][0].content_hash
        return (min(hashes), max(hashes)) in ledger

    return apart


def _columns(pairs: Pairs) -> tuple[list[int], list[int], list[float]]:
    return pairs.a.tolist(), pairs.b.tolist(), pairs.scores.tolist()


def _pairs(files: _Files, kinds: _Kinds) -> list[DuplicatePair]:
    """Return the surest kind first, then the highest score, then in the order of the row ids."""
    ties = [
        (files[a][0], files[b][0], score, verdict.kind)
        for (a, b), (verdict, score) in kinds.items()
    ]
    ties += [(best, other, 1.0, "exact") for best, *same in files.values() for other in same]
    found = [
        (a, b, score, kind) if a.id < b.id else (b, a, score, kind) for a, b, score, kind in ties
    ]
    found.sort(key=lambda tie: (DUPLICATE_KINDS.index(tie[3]), -tie[2], tie[0].id, tie[1].id))
    return [DuplicatePair(a.full_path, b.full_path, score, kind) for a, b, score, kind in found]


def _groups(
    files: _Files, stars: Sequence[tuple[int, list[Pair]]], kinds: _Kinds
) -> list[DuplicateGroup]:
    """Return the stars as groups of files, and the files of each content that is in none."""
    left = {position for position, same in files.items() if len(same) > 1}
    for best, members in stars:
        left.difference_update((best, *(member for _, member, _ in members)))
    groups = []
    for best, members in [*stars, *((position, []) for position in files if position in left)]:
        first, *same = files[best]
        others = [DuplicateMember(record, 1.0, "exact") for record in same]
        for _, member, score in members:
            verdict, _ = kinds[min(best, member), max(best, member)]
            edit = verdict.edit if best < member else verdict.back
            others += [
                DuplicateMember(record, score, verdict.kind, edit) for record in files[member]
            ]
        others.sort(key=lambda other: -other.score)
        groups.append((best, DuplicateGroup(first, others)))
    rank = {position: place for place, position in enumerate(files)}
    groups.sort(key=lambda group: (-len(group[1].others), rank[group[0]]))
    return [group for _, group in groups]


def _asking(has: Callable[[bytes], bool]) -> Callable[[ImageRecord], bool]:
    """Return a question about a file that is read for it; what can't be read has nothing."""
    known: dict[str, bool] = {}

    def look(record: ImageRecord) -> bool:
        if record.content_hash not in known:
            try:
                known[record.content_hash] = has(read_file(record.full_path))
            except PictureError:
                return False
        return known[record.content_hash]

    return look
