"""What of one collection is also in another."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simsearch.collection.duplicates.copies import (
    LOWEST,
    NEAREST,
    NEITHER,
    likeliest,
    plain_files,
    verdicts_by_cosine,
    verdicts_of,
)
from simsearch.collection.duplicates.crowds import AMONG, margins
from simsearch.collection.duplicates.looks import kept_looks
from simsearch.collection.indexing import vector_blocks
from simsearch.config import DuplicateSearch
from simsearch.errors import EncoderMismatchError
from simsearch.index.recipes import Vectors
from simsearch.index.vector_index import Ids, VectorIndex
from simsearch.records import DUPLICATE_KINDS, DuplicatePair, ImageRecord
from simsearch.search.join import last_cosines
from simsearch.search.pairs import NO_PAIRS, Pairs, joined, picked
from simsearch.store.manifest import Manifest
from simsearch.store.reader import find_records, read_contents

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Side:
    """A collection's folder, and a generation of it."""

    folder: Path
    manifest: Manifest

    def records(self, ids: Ids) -> dict[int, ImageRecord]:
        """Return rows by id."""
        return find_records(self.folder, self.manifest.parts, set(ids.tolist()))


@dataclass(frozen=True, slots=True)
class Match:
    """A row of the other side, its cosine, and one of `DUPLICATE_KINDS`."""

    row: int
    score: float
    kind: str

    @property
    def order(self) -> tuple[int, float]:
        """What sorts the surest match first."""
        return DUPLICATE_KINDS.index(self.kind), -self.score


def compare_sides(
    mine: Side,
    theirs: Side,
    index: VectorIndex,
    search: DuplicateSearch,
    progress: Progress,
    searching: Progress,
) -> list[DuplicatePair]:
    """Return the surest match in another collection of each file that is in it, by path.

    Args:
        index: the other's.
        progress: called with (pairs looked at, pairs to look at).
        searching: called with (vectors searched, all vectors) before.

    Raises:
        EncoderMismatchError: the two have vectors of different encoders.
    """
    if mine.manifest.encoder.fingerprint != theirs.manifest.encoder.fingerprint:
        raise EncoderMismatchError(
            f"'{mine.folder.name}' is embedded by '{mine.manifest.encoder.name}', "
            f"'{theirs.folder.name}' by '{theirs.manifest.encoder.name}'; index both with one"
        )
    contents, hashes = read_contents(mine.folder, mine.manifest.parts)
    their_contents, their_hashes = read_contents(theirs.folder, theirs.manifest.parts)
    row_of = dict(zip(reversed(their_hashes), reversed(their_contents.ids.tolist()), strict=True))
    found = {
        id_: Match(row_of[digest], 1.0, "exact")
        for id_, digest in zip(contents.ids.tolist(), hashes, strict=True)
        if digest in row_of
    }
    new = contents.first & ~np.isin(contents.ids, list(found))
    blocks = vector_blocks(mine.folder, mine.manifest, new)
    near, beside = _nearest(blocks, index, search, int(new.sum()), searching)
    kinds = [NEITHER] * len(near.a)
    if search.recheck:
        looked = likeliest(margins(near.scores, beside, beside), 2 * int(new.sum()))
        seen = _look_again(mine, theirs, picked(near, looked), search, progress)
        for place, kind in zip(looked.tolist(), seen, strict=True):
            kinds[place] = kind
    surest = _surest(mine, theirs, near, kinds, search)
    representative = dict(
        zip(contents.numbers[new].tolist(), contents.ids[new].tolist(), strict=True)
    )
    for id_, number in zip(contents.ids.tolist(), contents.numbers.tolist(), strict=True):
        match = surest.get(representative.get(number, -1))
        if match is not None:
            found[id_] = match
    return _named(mine, theirs, found)


def _nearest(
    blocks: Iterator[tuple[Ids, Vectors]],
    index: VectorIndex,
    search: DuplicateSearch,
    total: int,
    searching: Progress,
) -> tuple[Pairs, Vectors]:
    """Return pairs of a row here and a row there that may be a match.

    Returns:
        The pairs; float32 [pairs], cosine of the `AMONG`-th there to the row here.
    """
    parts, beside, count = [NO_PAIRS], [np.empty(0, np.float32)], 0
    lowest = LOWEST if search.recheck else search.threshold
    for ids, vectors in blocks:
        cosines, positions = index.search(vectors, AMONG)
        crowds = last_cosines(cosines, positions, lowest)
        cosines, positions = cosines[:, :NEAREST], positions[:, :NEAREST]
        rows, columns = np.nonzero((cosines >= lowest) & (positions >= 0))
        beside.append(crowds[rows])
        there = [int(index.rows_at(p)[0]) for p in positions[rows, columns].tolist()]
        scores = np.minimum(cosines[rows, columns].astype(np.float64), 1.0)
        parts.append(Pairs(ids[rows], np.array(there, np.int64), scores))
        count += len(ids)
        searching(count, total)
    return joined(*parts), np.concatenate(beside)


def _look_again(
    mine: Side, theirs: Side, asked: Pairs, search: DuplicateSearch, progress: Progress
) -> list[str]:
    """Return what kind of duplicates pairs of a row here and a row there are."""
    named, scores = _files(mine, theirs, asked), asked.scores.tolist()
    with kept_looks(mine.folder, theirs.folder.name) as look:
        verdicts = verdicts_of(named, scores, search.certain, look, progress)
    return [verdict.kind for verdict in verdicts]


def _files(mine: Side, theirs: Side, pairs: Pairs) -> list[tuple[ImageRecord, ImageRecord]]:
    here, there = mine.records(pairs.a), theirs.records(pairs.b)
    return [(here[a], there[b]) for a, b in zip(pairs.a.tolist(), pairs.b.tolist(), strict=True)]


def _surest(
    mine: Side, theirs: Side, near: Pairs, kinds: list[str], search: DuplicateSearch
) -> dict[int, Match]:
    """Return, by row here, the row there with the surest kind, then the highest cosine.

    Args:
        kinds: what a second look took each pair for; the cosine tells of the rest.
    """
    kinds, scores = list(kinds), near.scores.tolist()
    if search.similar or not search.recheck:
        left = [
            place
            for place, (kind, score) in enumerate(zip(kinds, scores, strict=True))
            if kind == NEITHER and score >= search.threshold
        ]
        asked = picked(near, left)
        named = _files(mine, theirs, asked)
        plain = plain_files({r.full_path: r for pair in named for r in pair}.values())
        alike = verdicts_by_cosine(named, asked.scores.tolist(), plain, search.alike)
        for place, verdict in zip(left, alike, strict=True):
            kinds[place] = verdict.kind
    best: dict[int, Match] = {}
    for a, b, score, kind in zip(near.a.tolist(), near.b.tolist(), scores, kinds, strict=True):
        match = Match(b, score, kind)
        if match.kind != NEITHER and (a not in best or match.order < best[a].order):
            best[a] = match
    return best


def _named(mine: Side, theirs: Side, found: dict[int, Match]) -> list[DuplicatePair]:
    here = mine.records(np.array(list(found), np.int64))
    there = theirs.records(np.array([match.row for match in found.values()], np.int64))
    return [
        DuplicatePair(here[a].full_path, there[match.row].full_path, match.score, match.kind)
        for a, match in sorted(found.items(), key=lambda item: (item[1].order, item[0]))
    ]
