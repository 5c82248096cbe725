"""All duplicates of a collection: pairs from the index, looked at again, grouped, named."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from simsearch.collection.copies import LOWEST, NEAREST, find_copies, likeliest
from simsearch.collection.naming import Ties, name_files, ranked
from simsearch.collection.stored_vectors import StoredVectors
from simsearch.config import DuplicateSearch
from simsearch.index.vector_index import VectorIndex
from simsearch.records import Duplicates
from simsearch.search.join import gathered, nearest_pairs, pairs_over
from simsearch.search.pairs import Pairs, joined
from simsearch.search.tiles import Searcher, searcher_of
from simsearch.store.manifest import Manifest
from simsearch.store.reader import read_contents

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
    if index is None or index.size == 0:
        order = np.lexsort((contents.ids, contents.numbers))
        postings = np.stack([contents.numbers[order], contents.ids[order]], axis=1)
        ties = Ties()
    else:
        postings = index.postings
        ties = _tied(StoredVectors(folder, manifest, contents, index), search, progress)
    pairs, groups = name_files(folder, manifest, postings, ties, search.rules)
    return Duplicates(None if search.recheck else search.threshold, pairs, groups)


def _tied(vectors: StoredVectors, search: DuplicateSearch, progress: Progress) -> Ties:
    """Return the tied positions, and what ties them."""
    searcher = searcher_of(vectors.index)
    if not search.recheck:
        return _alike(vectors, searcher, search.threshold)
    nearest, _ = gathered(nearest_pairs(searcher, vectors.blocks(), NEAREST, LOWEST))
    asked = likeliest(nearest, vectors.index.size)
    records = vectors.records({*asked.a.tolist(), *asked.b.tolist()})
    order = partial(ranked, rules=search.rules)
    copies, kinds = find_copies(asked, records, order, vectors.scored, progress)
    if not search.similar:
        return Ties(copies, kinds)
    return _with_copies(_alike(vectors, searcher, search.threshold), copies, kinds)


def _alike(vectors: StoredVectors, searcher: Searcher, threshold: float) -> Ties:
    """Return the pairs of positions over a threshold."""
    lowest = threshold - vectors.index.recipe.SCORE_ERROR
    near, crowded = gathered(pairs_over(searcher, vectors.blocks(), lowest))
    pairs = vectors.scored(near.a, near.b, threshold)
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
