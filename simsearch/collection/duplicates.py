"""All duplicates of a collection: join the index with itself, score from the store, name files."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from simsearch.collection.indexing import vector_blocks
from simsearch.index.recipes import Vectors
from simsearch.index.vector_index import Ids, VectorIndex
from simsearch.records import DuplicateGroup, DuplicatePair, Duplicates
from simsearch.search.groups import connected_groups
from simsearch.search.pairs import Pairs, expand, join, score_pairs
from simsearch.store.manifest import Manifest
from simsearch.store.reader import Contents, find_records, read_contents

_PAIRS_AT_ONCE = 200_000  # bounds the vectors held while scoring


def find_duplicates(
    folder: Path, manifest: Manifest, index: VectorIndex | None, threshold: float
) -> Duplicates:
    """Return the pairs of files at or over a cosine; without an index, only equal content."""
    contents, _ = read_contents(folder, manifest.parts)
    if index is None or index.size == 0:
        order = np.lexsort((contents.ids, contents.numbers))
        postings = np.stack([contents.numbers[order], contents.ids[order]], axis=1)
        nothing = np.empty(0, np.int64)
        exact, similar = expand(Pairs(nothing, nothing, np.empty(0)), postings)
    else:
        pairs = _similar(folder, manifest, contents, index, threshold)
        exact, similar = expand(pairs, index.postings)
    return _name_files(folder, manifest, exact, similar, threshold)


def _similar(
    folder: Path,
    manifest: Manifest,
    contents: Contents,
    index: VectorIndex,
    threshold: float,
) -> Pairs:
    """Return the pairs of positions at or over a cosine, scored from the store."""
    first = contents.first
    places = index.positions_of(contents.ids[first])

    def blocks() -> Iterator[tuple[Ids, Vectors]]:
        start = 0
        for ids, vectors in vector_blocks(folder, manifest, first):
            yield places[start : start + len(ids)], vectors
            start += len(ids)

    a, b = join(index, blocks(), threshold)
    found = []
    for start in range(0, len(a), _PAIRS_AT_ONCE):
        part = slice(start, start + _PAIRS_AT_ONCE)
        positions = np.unique(np.concatenate([a[part], b[part]]))
        vectors = np.empty((len(positions), manifest.encoder.dim), np.float32)
        for at, block in blocks():
            wanted = np.isin(at, positions)
            vectors[np.searchsorted(positions, at[wanted])] = block[wanted]
        rows_a, rows_b = np.searchsorted(positions, a[part]), np.searchsorted(positions, b[part])
        kept = score_pairs(rows_a, rows_b, vectors, threshold)
        found.append(Pairs(positions[kept.a], positions[kept.b], kept.scores))
    if not found:
        return Pairs(a, b, np.empty(0))
    return Pairs(
        np.concatenate([pairs.a for pairs in found]),
        np.concatenate([pairs.b for pairs in found]),
        np.concatenate([pairs.scores for pairs in found]),
    )


def _name_files(
    folder: Path, manifest: Manifest, exact: Pairs, similar: Pairs, threshold: float
) -> Duplicates:
    a: Ids = np.concatenate([exact.a, similar.a])
    b: Ids = np.concatenate([exact.b, similar.b])
    scores = np.concatenate([exact.scores, similar.scores])
    records = find_records(folder, manifest.parts, {*a.tolist(), *b.tolist()})
    paths = {id_: record.full_path for id_, record in records.items()}
    order = np.lexsort((b, a, -scores, np.arange(len(a)) >= len(exact.a)))
    pairs = [
        DuplicatePair(
            paths[int(a[i])],
            paths[int(b[i])],
            float(scores[i]),
            "exact" if i < len(exact.a) else "similar",
        )
        for i in order.tolist()
    ]
    groups = connected_groups(zip(a.tolist(), b.tolist(), scores.tolist(), strict=True))
    return Duplicates(
        threshold=threshold,
        pairs=pairs,
        groups=[
            DuplicateGroup(sorted(paths[id_] for id_ in members), weakest)
            for members, weakest in groups
        ],
    )
