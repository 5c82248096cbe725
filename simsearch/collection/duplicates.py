"""All duplicates of a collection: pairs from the index, looked at again, grouped, named."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from simsearch.collection.copies import LOWEST, NEAREST, find_copies, likeliest
from simsearch.collection.joining import forget_joins, join_nearest, join_over
from simsearch.collection.naming import Ties, name_files, ranked
from simsearch.collection.stored_vectors import StoredVectors
from simsearch.config import DuplicateSearch
from simsearch.index.vector_index import VectorIndex
from simsearch.records import Duplicates
from simsearch.search.pairs import Pairs, joined
from simsearch.store.manifest import Manifest
from simsearch.store.reader import read_contents

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
    return Duplicates(None if search.recheck else search.threshold, pairs, groups)


def _tied(
    vectors: StoredVectors, search: DuplicateSearch, progress: Progress, searching: Progress
) -> Ties:
    """Return the tied positions, and what ties them."""
    if not search.recheck:
        return _alike(vectors, search.threshold, searching)
    nearest = join_nearest(vectors, NEAREST, LOWEST, searching)
    asked = likeliest(nearest, vectors.index.size)
    records = vectors.records({*asked.a.tolist(), *asked.b.tolist()})
    order = partial(ranked, rules=search.rules)
    copies, kinds = find_copies(asked, records, order, vectors.scored, progress)
    if not search.similar:
        return Ties(copies, kinds)
    return _with_copies(_alike(vectors, search.threshold, searching), copies, kinds)


def _alike(vectors: StoredVectors, threshold: float, searching: Progress) -> Ties:
    """Return the pairs of positions over a threshold."""
    pairs, crowded = join_over(vectors, threshold, searching)
    all_over = partial(vectors.all_over, threshold=threshold)
    return Ties(pairs, ["similar"] * len(pairs.a), frozenset(crowded.tolist()), all_over)


def _with_copies(alike: Ties, copies: Pairs, kinds: list[str]) -> Ties:
    """Return copies, and what is alike and no copy."""
    known = set(zip(copies.a.tolist(), copies.b.tolist(), strict=True))
    pairs = alike.pairs
    new = [
        place
        for place, pair in enumerate(zip(pairs.a.tolist(), pairs.b.tolist(), strict=True))
        if pair not in known
    ]
    both = joined(copies, Pairs(pairs.a[new], pairs.b[new], pairs.scores[new]))
    return Ties(both, [*kinds, *["similar"] * len(new)], alike.crowded, alike.all_over)
