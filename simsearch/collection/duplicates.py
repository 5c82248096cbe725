"""All duplicates of a collection: pairs from the index, looked at again, grouped, named."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from simsearch.collection.copies import (
    LOWEST,
    NEAREST,
    NEITHER,
    find_copies,
    kinds_by_cosine,
    likeliest,
)
from simsearch.collection.ledger import HashPair, read_ledger
from simsearch.collection.stored_vectors import StoredVectors
from simsearch.config import DuplicateSearch
from simsearch.errors import PictureError
from simsearch.images.decode import read_file
from simsearch.images.facts import has_camera_metadata, has_colour
from simsearch.index.vector_index import VectorIndex
from simsearch.records import (
    DUPLICATE_KINDS,
    DuplicateGroup,
    DuplicateMember,
    DuplicatePair,
    Duplicates,
    ImageRecord,
)
from simsearch.search.best import best_first
from simsearch.search.groups import star_groups
from simsearch.search.pairs import NO_PAIRS, Pairs, expand, join, joined, nearest_pairs
from simsearch.store.manifest import Manifest
from simsearch.store.reader import find_records, read_contents

Progress = Callable[[int, int], None]


def find_duplicates(
    folder: Path,
    manifest: Manifest,
    index: VectorIndex | None,
    search: DuplicateSearch,
    progress: Progress,
) -> Duplicates:
    """Return what is there more than once; without an index, only equal content."""
    contents, _ = read_contents(folder, manifest.parts)
    kinds: list[str] = []
    if index is None or index.size == 0:
        order = np.lexsort((contents.ids, contents.numbers))
        postings = np.stack([contents.numbers[order], contents.ids[order]], axis=1)
        pairs = NO_PAIRS
    else:
        postings = index.postings
        vectors = StoredVectors(folder, manifest, contents, index)
        pairs, kinds = _tied(vectors, search, progress)
    exact, others, sources = expand(pairs, postings)
    all_kinds = ["exact"] * len(exact.a) + [kinds[source] for source in sources.tolist()]
    return _name_files(folder, manifest, joined(exact, others), all_kinds, search)


def _tied(
    vectors: StoredVectors, search: DuplicateSearch, progress: Progress
) -> tuple[Pairs, list[str]]:
    """Return the tied pairs of positions, and what ties them."""
    index = vectors.index
    if not search.recheck:
        return _alike(vectors, search)
    nearest = nearest_pairs(index, vectors.blocks(), NEAREST, LOWEST)
    asked = likeliest(nearest, index.size)
    records = vectors.records({*asked.a.tolist(), *asked.b.tolist()})
    order = partial(best_first, rules=search.rules, looks=_LOOKS)
    pairs, kinds = find_copies(asked, records, search.certain, order, vectors.scored, progress)
    if search.similar:
        alike, alike_kinds = _alike(vectors, search)
        known = set(zip(pairs.a.tolist(), pairs.b.tolist(), strict=True))
        new = [
            place
            for place, pair in enumerate(zip(alike.a.tolist(), alike.b.tolist(), strict=True))
            if pair not in known
        ]
        pairs = joined(pairs, Pairs(alike.a[new], alike.b[new], alike.scores[new]))
        kinds = kinds + [alike_kinds[place] for place in new]
    return pairs, kinds


def _alike(vectors: StoredVectors, search: DuplicateSearch) -> tuple[Pairs, list[str]]:
    """Return the pairs that their cosine alone ties."""
    found = vectors.scored(
        *join(vectors.index, vectors.blocks(), search.threshold), search.threshold
    )
    sides = list(zip(found.a.tolist(), found.b.tolist(), strict=True))
    records = vectors.records({position for pair in sides for position in pair})
    named = [(records[a], records[b]) for a, b in sides]
    kinds = kinds_by_cosine(named, found.scores.tolist(), search.alike)
    tied = [place for place, kind in enumerate(kinds) if kind != NEITHER]
    pairs = Pairs(found.a[tied], found.b[tied], found.scores[tied])
    return pairs, [kinds[place] for place in tied]


def _name_files(
    folder: Path, manifest: Manifest, found: Pairs, kinds: Sequence[str], search: DuplicateSearch
) -> Duplicates:
    records = find_records(folder, manifest.parts, {*found.a.tolist(), *found.b.tolist()})
    apart = read_ledger(folder)
    ties = [
        (a, b, score, kind)
        for a, b, score, kind in zip(
            found.a.tolist(), found.b.tolist(), found.scores.tolist(), kinds, strict=True
        )
        if not apart or _hashes(records[a], records[b]) not in apart
    ]
    ties.sort(key=lambda tie: (DUPLICATE_KINDS.index(tie[3]), -tie[2], tie[:2]))
    pairs = [
        DuplicatePair(records[a].full_path, records[b].full_path, score, kind)
        for a, b, score, kind in ties
    ]
    kind_of = {tie[:2]: tie[3] for tie in ties}
    tied = [records[id_] for id_ in sorted({id_ for pair in kind_of for id_ in pair})]
    ranked = [record.id for record in best_first(tied, search.rules, _LOOKS)]
    groups = [
        DuplicateGroup(
            records[best],
            [
                DuplicateMember(records[id_], score, kind_of[min(best, id_), max(best, id_)])
                for _, id_, score in members
            ],
        )
        for best, members in star_groups((tie[:3] for tie in ties), ranked)
    ]
    threshold = None if search.recheck else search.threshold
    return Duplicates(threshold, pairs, groups, search.precision)


def _hashes(a: ImageRecord, b: ImageRecord) -> HashPair:
    return min(a.content_hash, b.content_hash), max(a.content_hash, b.content_hash)


def _asking(has: Callable[[bytes], bool]) -> Callable[[ImageRecord], bool]:
    """Return a question about a file that is read for it; what can't be read has nothing."""

    def look(record: ImageRecord) -> bool:
        try:
            return has(read_file(record.full_path))
        except PictureError:
            return False

    return look


_LOOKS = {"colour": _asking(has_colour), "metadata": _asking(has_camera_metadata)}
