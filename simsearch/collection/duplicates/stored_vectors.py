"""The vectors of a generation by position in its index, read from Parquet as they are needed."""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simsearch.collection.indexing import vector_blocks
from simsearch.index.recipes import Vectors
from simsearch.index.vector_index import Ids, VectorIndex
from simsearch.records import ImageRecord
from simsearch.search.pairs import NO_PAIRS, Pairs, joined, score_pairs
from simsearch.store.manifest import Manifest
from simsearch.store.reader import Contents, find_records
from simsearch.store.schema import Half

_PAIRS_AT_ONCE = 200_000  # bounds the vectors held while scoring
_ROUNDING = 1e-4  # of a cosine in float32


@dataclass(frozen=True, slots=True)
class StoredVectors:
    """The vectors of a generation, one a distinct content, by position in the index."""

    folder: Path
    manifest: Manifest
    contents: Contents
    index: VectorIndex

    def blocks(self) -> Iterator[tuple[Ids, Vectors]]:
        """Yield (positions int64 [m], vectors float32 [m, dim])."""
        first = self.contents.first
        places = self.index.positions_of(self.contents.ids[first])
        start = 0
        for ids, vectors in vector_blocks(self.folder, self.manifest, first):
            yield places[start : start + len(ids)], vectors
            start += len(ids)

    def scored(self, a: Ids, b: Ids, threshold: float = -2.0) -> Pairs:
        """Return the pairs of positions at or over a cosine, scored exactly, in their order."""
        found = [NO_PAIRS]
        for start in range(0, len(a), _PAIRS_AT_ONCE):
            part = slice(start, start + _PAIRS_AT_ONCE)
            positions = np.unique(np.concatenate([a[part], b[part]]))
            vectors = self.at(positions)
            rows_a, rows_b = (np.searchsorted(positions, side[part]) for side in (a, b))
            kept = score_pairs(rows_a, rows_b, vectors, threshold)
            found.append(Pairs(positions[kept.a], positions[kept.b], kept.scores))
        return joined(*found)

    def all_over(self, positions: Ids, threshold: float) -> Pairs:
        """Return the pairs (a: one of `positions`, b: any other) at or over a cosine."""
        asking = np.unique(positions)
        vectors, found = self.at(asking).astype(np.float32), [NO_PAIRS]
        for at, block in self.blocks():
            rows, columns = np.nonzero(vectors @ block.T >= threshold - _ROUNDING)
            both = np.concatenate([vectors, block])
            kept = score_pairs(rows, columns + len(asking), both, threshold)
            a, b = asking[kept.a], at[kept.b - len(asking)]
            found.append(Pairs(a[a != b], b[a != b], kept.scores[a != b]))
        return joined(*found)

    def at(self, positions: Ids) -> Half:
        """Return the vectors at positions that ascend, as they lie in the store."""
        row = np.full(self.index.size, -1)
        row[positions] = np.arange(len(positions))
        vectors = np.empty((len(positions), self.manifest.encoder.dim), np.float16)
        for at, block in self.blocks():
            wanted = row[at] >= 0
            vectors[row[at[wanted]]] = block[wanted]
        return vectors

    def files(self, positions: Sequence[int]) -> dict[int, int]:
        """Return the position of each row that has the content of one of some positions."""
        return {
            int(id_): position for position in positions for id_ in self.index.rows_at(position)
        }

    def records(self, positions: Set[int]) -> dict[int, ImageRecord]:
        """Return one file of each position's content."""
        ids = {position: int(self.index.rows_at(position)[0]) for position in positions}
        found = find_records(self.folder, self.manifest.parts, set(ids.values()))
        return {position: found[id_] for position, id_ in ids.items()}
