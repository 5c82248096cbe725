"""What of one collection is also in another."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simsearch.collection.duplicates.copies import (
    LOWEST,
    NEAREST,
    NEITHER,
    Verdict,
    judge_likeliest,
    plain_files,
    verdicts_by_cosine,
    verdicts_by_crowds,
    verdicts_of,
)
from simsearch.collection.duplicates.looks import kept_looks
from simsearch.collection.duplicates.stored_vectors import StoredVectors
from simsearch.collection.duplicates.twins import ALMOST_ONE
from simsearch.collection.indexing import Mask, vector_blocks
from simsearch.config import DuplicateSearch
from simsearch.errors import EncoderMismatchError
from simsearch.index.recipes import Vectors
from simsearch.index.vector_index import Ids, VectorIndex
from simsearch.records import DUPLICATE_KINDS, DuplicatePair, ImageRecord
from simsearch.search.crowds import (
    AMONG,
    Floats,
    crowding,
    crowding_of_found,
    gaps,
    ratios,
    without,
)
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


@dataclass(frozen=True, slots=True)
class _Near:
    """Pairs that may be a match.

    Attributes:
        pairs: of a row here and a row there.
        places: int64 [pairs], positions of the latter in the index.
        beside: float32 [pairs], `crowding` there around the row here.
        asked: rows here that asked.
    """

    pairs: Pairs
    places: Ids
    beside: Vectors
    asked: int


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
    near = _nearest(mine, new, index, search, searching)
    kinds = [NEITHER] * len(near.pairs.a)
    if search.precision is not None:
        vectors = StoredVectors(theirs.folder, theirs.manifest, their_contents, index)
        places, verdicts = _copies(mine, theirs, near, vectors, search, progress)
        for place, verdict in zip(places.tolist(), verdicts, strict=True):
            kinds[place] = verdict.kind
    surest = _surest(mine, theirs, near.pairs, kinds, search)
    representative = dict(
        zip(contents.numbers[new].tolist(), contents.ids[new].tolist(), strict=True)
    )
    for id_, number in zip(contents.ids.tolist(), contents.numbers.tolist(), strict=True):
        match = surest.get(representative.get(number, -1))
        if match is not None:
            found[id_] = match
    return _named(mine, theirs, found)


def _nearest(
    mine: Side,
    new: Mask,
    index: VectorIndex,
    search: DuplicateSearch,
    report: Progress,
) -> _Near:
    """Return what may be a match of the rows here that are marked in `new`."""
    parts, places, beside, count = [NO_PAIRS], [], [], 0
    lowest = search.threshold if search.precision is None else LOWEST
    for ids, vectors in vector_blocks(mine.folder, mine.manifest, new):
        cosines, positions = index.search(vectors, AMONG)
        crowds = crowding(without(cosines, positions, np.full(len(ids), -1)), lowest)
        cosines, positions = cosines[:, :NEAREST], positions[:, :NEAREST]
        rows, columns = np.nonzero((cosines >= lowest) & (positions >= 0))
        found = positions[rows, columns]
        there = np.array([index.rows_at(place)[0] for place in found.tolist()], np.int64)
        scores = np.minimum(cosines[rows, columns].astype(np.float64), 1.0)
        parts.append(Pairs(ids[rows], there, scores))
        places.append(found)
        beside.append(crowds[rows])
        count += len(ids)
        report(count, int(new.sum()))
    none = np.empty(0, np.int64), np.empty(0, np.float32)
    return _Near(
        joined(*parts),
        np.concatenate([none[0], *places]),
        np.concatenate([none[1], *beside]),
        count,
    )


def _copies(
    mine: Side,
    theirs: Side,
    near: _Near,
    vectors: StoredVectors,
    search: DuplicateSearch,
    progress: Progress,
) -> tuple[Ids, list[Verdict]]:
    """Return the places of the pairs that may be copies, and what each is."""
    scores = near.pairs.scores
    if search.recheck:
        ahead = gaps(scores, near.beside, near.beside, search.reach)
        with kept_looks(mine.folder, theirs.folder.name) as look:

            def judge(pairs: Pairs, progress: Progress) -> list[Verdict]:
                named = _files(mine, theirs, pairs)
                return verdicts_of(named, pairs.scores.tolist(), search.certain, look, progress)

            return judge_likeliest(near.pairs, ahead, 2 * near.asked, judge, progress)
    stand_out = _ratios(near, vectors, search) >= search.ratio
    asked = np.flatnonzero(stand_out | (scores >= ALMOST_ONE))
    named = _files(mine, theirs, picked(near.pairs, asked))
    verdicts = verdicts_by_crowds(named, scores[asked].tolist(), stand_out[asked].tolist())
    return asked, verdicts


def _ratios(near: _Near, vectors: StoredVectors, search: DuplicateSearch) -> Floats:
    """Return `ratios` of pairs to the crowds there, around what asks and what was found."""
    scores = near.pairs.scores
    beside = np.full(len(scores), LOWEST, np.float32)
    # None lies further off than that, and most pairs don't stand out enough even so.
    may_be = ratios(scores, near.beside, beside, search.reach) >= search.ratio
    guests = scores[may_be].astype(np.float32)
    beside[may_be] = crowding_of_found(
        near.places[may_be], guests, vectors.at, vectors.index.search, LOWEST
    )
    return ratios(scores, near.beside, beside, search.reach)


def _files(mine: Side, theirs: Side, pairs: Pairs) -> list[tuple[ImageRecord, ImageRecord]]:
    here, there = mine.records(pairs.a), theirs.records(pairs.b)
    return [(here[a], there[b]) for a, b in zip(pairs.a.tolist(), pairs.b.tolist(), strict=True)]


def _surest(
    mine: Side, theirs: Side, near: Pairs, kinds: list[str], search: DuplicateSearch
) -> dict[int, Match]:
    """Return, by row here, the row there with the surest kind, then the highest cosine.

    Args:
        kinds: what each pair was judged to be; the cosine tells of the rest.
    """
    kinds, scores = list(kinds), near.scores.tolist()
    if search.similar or search.precision is None:
        left = [
            place
            for place, (kind, score) in enumerate(zip(kinds, scores, strict=True))
            if kind == NEITHER and score >= search.threshold
        ]
        asked = picked(near, left)
        named = _files(mine, theirs, asked)
        plain = plain_files({r.full_path: r for pair in named for r in pair}.values())
        alike = verdicts_by_cosine(named, asked.scores.tolist(), plain)
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
