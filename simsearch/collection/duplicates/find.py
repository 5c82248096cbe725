"""All duplicates of a collection: pairs from the index, looked at again, grouped, named."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from simsearch.collection.duplicates.copies import (
    LOWEST,
    NEAREST,
    NEITHER,
    Named,
    Verdict,
    find_copies,
    judge_likeliest,
    plain_files,
    verdicts_by_cosine,
    verdicts_by_crowds,
    verdicts_of,
)
from simsearch.collection.duplicates.joining import forget_joins, join_nearest, join_over
from simsearch.collection.duplicates.looks import Look, kept_looks
from simsearch.collection.duplicates.naming import Ties, name_files, ranked
from simsearch.collection.duplicates.stored_vectors import StoredVectors
from simsearch.collection.duplicates.twins import ALMOST_ONE, Twins, through_best, twins_of
from simsearch.collection.indexing import Mask
from simsearch.config import DuplicateSearch
from simsearch.index.recipes import Vectors
from simsearch.index.vector_index import Ids, VectorIndex
from simsearch.records import Duplicates, ImageRecord
from simsearch.search.crowds import Floats, gaps, ratios
from simsearch.search.pairs import Pairs, joined, over, picked
from simsearch.store.manifest import Manifest
from simsearch.store.reader import find_records, read_contents

Progress = Callable[[int, int], None]


def find_duplicates(
    folder: Path,
    manifest: Manifest,
    index: VectorIndex | None,
    search: DuplicateSearch,
    progress: Progress,
    searching: Progress,
) -> Duplicates:
    """Return what is there more than once; without an index, only equal content.

    Args:
        progress: called with (pairs looked at, pairs to look at).
        searching: called with (vectors searched, all vectors), if that takes long.
    """
    contents, _ = read_contents(folder, manifest.parts)
    if index is None or index.size == 0:
        order = np.lexsort((contents.ids, contents.numbers))
        postings = np.stack([contents.numbers[order], contents.ids[order]], axis=1)
        ties = Ties()
    else:
        postings = index.postings
        vectors = StoredVectors(folder, manifest, contents, index)
        ties = _tied(vectors, search, progress, searching)
    pairs, groups = name_files(folder, manifest, postings, ties, search.rules)
    if index is not None:
        forget_joins(folder, manifest)
    threshold = None if search.precision is not None else search.threshold
    return Duplicates(threshold, pairs, groups, search.precision)


def _tied(
    vectors: StoredVectors, search: DuplicateSearch, progress: Progress, searching: Progress
) -> Ties:
    """Return the tied positions, and what ties them."""
    if search.precision is None:
        return _alike(vectors, search, searching)
    nearest, beside = join_nearest(vectors, NEAREST, LOWEST, searching)

    def best_first(positions: Sequence[int]) -> list[int]:
        position = vectors.files(positions)
        rows = find_records(vectors.folder, vectors.manifest.parts, position.keys())
        files = ranked([rows[id_] for id_ in sorted(rows)], search.rules)
        return list(dict.fromkeys(position[record.id] for record in files))

    equal = over(nearest, ALMOST_ONE)
    files = vectors.records({*equal.a.tolist(), *equal.b.tolist()})
    twins = twins_of(equal, files, best_first, NEAREST)
    near = through_best(nearest, twins)
    with kept_looks(vectors.folder) as look:
        court = _Court(vectors, search, beside, twins, look)
        judged, verdicts = court.judge_likely(near, progress)
        copies, verdicts = find_copies(
            judged, verdicts, twins, court.judge, best_first, vectors.scored
        )
    if not search.similar:
        return Ties(copies, verdicts)
    return _with_copies(_alike(vectors, search, searching), copies, verdicts)


@dataclass(frozen=True, slots=True)
class _Court:
    """Tells which pairs of positions are copies.

    Attributes:
        beside: float32 [positions], `crowding` around each.
        shown: files that were read, by position.
    """

    vectors: StoredVectors
    search: DuplicateSearch
    beside: Vectors
    twins: Twins
    look: Look
    shown: dict[int, ImageRecord] = field(default_factory=dict)

    def judge_likely(self, near: Pairs, progress: Progress) -> tuple[Pairs, list[Verdict]]:
        """Return the pairs that were judged, and what they are; the others are no copies."""
        if self.search.recheck:
            ahead = gaps(*self._crowds(near))
            size = self.vectors.index.size
            places, verdicts = judge_likeliest(near, ahead, size, self.judge, progress)
            return picked(near, places), verdicts
        asked = picked(near, self._stand_out(near) | (near.scores >= ALMOST_ONE))
        return asked, self.judge(asked, progress)

    def judge(self, pairs: Pairs, progress: Progress) -> list[Verdict]:
        """Look at pairs again, or ask only how far they stand out, as the search wants."""
        named, scores = self._named(pairs), pairs.scores.tolist()
        if self.search.recheck:
            return verdicts_of(named, scores, self.search.certain, self.look, progress)
        return verdicts_by_crowds(named, scores, self._stand_out(pairs).tolist())

    def _stand_out(self, pairs: Pairs) -> Mask:
        return ratios(*self._crowds(pairs)) >= self.search.ratio

    def _crowds(self, pairs: Pairs) -> tuple[Floats, Vectors, Vectors, float]:
        return pairs.scores, self.beside[pairs.a], self.beside[pairs.b], self.search.reach

    def _named(self, pairs: Pairs) -> Named:
        sides = [
            (self.twins.get(a, a), self.twins.get(b, b))
            for a, b in zip(pairs.a.tolist(), pairs.b.tolist(), strict=True)
        ]
        wanted = {side for pair in sides for side in pair}
        self.shown.update(self.vectors.records(wanted - self.shown.keys()))
        return [(self.shown[a], self.shown[b]) for a, b in sides]


def _alike(vectors: StoredVectors, search: DuplicateSearch, searching: Progress) -> Ties:
    """Return the pairs of positions over the threshold, but those that say nothing."""
    pairs, crowded = join_over(vectors, search.threshold, searching)
    sides = list(zip(pairs.a.tolist(), pairs.b.tolist(), strict=True))
    records = vectors.records({*crowded.tolist(), *(side for pair in sides for side in pair)})
    files = plain_files(records.values())
    named = [(records[a], records[b]) for a, b in sides]
    verdicts = verdicts_by_cosine(named, pairs.scores.tolist(), files)
    plain = [position for position, record in records.items() if record.full_path in files]

    def all_over(positions: Ids) -> Pairs:
        found = vectors.all_over(positions, search.threshold)
        kept = ~np.isin(found.a, plain) & ~np.isin(found.b, plain)
        return picked(found, kept)

    tied = [place for place, verdict in enumerate(verdicts) if verdict.kind != NEITHER]
    return Ties(
        picked(pairs, tied),
        [verdicts[place] for place in tied],
        frozenset(crowded.tolist()) - set(plain),
        all_over,
    )


def _with_copies(alike: Ties, copies: Pairs, verdicts: list[Verdict]) -> Ties:
    """Return copies, and what is alike and no copy."""
    known = set(zip(copies.a.tolist(), copies.b.tolist(), strict=True))
    pairs = alike.pairs
    new = [
        place
        for place, pair in enumerate(zip(pairs.a.tolist(), pairs.b.tolist(), strict=True))
        if pair not in known
    ]
    both = joined(copies, picked(pairs, new))
    more = [alike.verdicts[place] for place in new]
    return Ties(both, [*verdicts, *more], alike.crowded, alike.all_over)
