"""All duplicates of a collection: join the index with itself, score from the store, name files."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from simsearch.collection.indexing import vector_blocks
from simsearch.config import KeepRules
from simsearch.errors import PictureError
from simsearch.images.decode import read_file
from simsearch.images.metadata import has_camera_metadata
from simsearch.index.recipes import Vectors
from simsearch.index.vector_index import Ids, VectorIndex
from simsearch.records import (
    DuplicateGroup,
    DuplicateMember,
    DuplicatePair,
    Duplicates,
    ImageRecord,
)
from simsearch.search.best import best_first
from simsearch.search.groups import star_groups
from simsearch.search.pairs import Pairs, expand, join, score_pairs
from simsearch.store.manifest import Manifest
from simsearch.store.reader import Contents, find_records, read_contents

_PAIRS_AT_ONCE = 200_000  # bounds the vectors held while scoring


def find_duplicates(
    folder: Path,
    manifest: Manifest,
    index: VectorIndex | None,
    threshold: float,
    rules: KeepRules,
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
    return _name_files(folder, manifest, exact, similar, threshold, rules)


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
    folder: Path,
    manifest: Manifest,
    exact: Pairs,
    similar: Pairs,
    threshold: float,
    rules: KeepRules,
) -> Duplicates:
    a: Ids = np.concatenate([exact.a, similar.a])
    b: Ids = np.concatenate([exact.b, similar.b])
    scores = np.concatenate([exact.scores, similar.scores])
    kinds = ["exact"] * len(exact.a) + ["similar"] * len(similar.a)
    records = find_records(folder, manifest.parts, {*a.tolist(), *b.tolist()})
    order = np.lexsort((b, a, -scores, np.arange(len(a)) >= len(exact.a))).tolist()
    pairs = [
        DuplicatePair(
            records[int(a[i])].full_path, records[int(b[i])].full_path, float(scores[i]), kinds[i]
        )
        for i in order
    ]
    ties = list(zip(a.tolist(), b.tolist(), scores.tolist(), strict=True))
    kind_of = {tie[:2]: kind for tie, kind in zip(ties, kinds, strict=True)}
    ranked = [record.id for record in best_first(list(records.values()), rules, _has_metadata)]
    groups = [
        DuplicateGroup(
            records[best],
            [
                DuplicateMember(records[id_], score, kind_of[min(best, id_), max(best, id_)])
                for _, id_, score in found
            ],
        )
        for best, found in star_groups(ties, ranked)
    ]
    return Duplicates(threshold=threshold, pairs=pairs, groups=groups)


def _has_metadata(record: ImageRecord) -> bool:
    try:
        return has_camera_metadata(read_file(record.full_path))
    except PictureError:
        return False
