"""Nearest rows of a query: positions of contents expanded to the files that have them."""

from collections.abc import Callable, Set

from simsearch.index.recipes import Vectors
from simsearch.index.vector_index import VectorIndex
from simsearch.records import ImageRecord, Neighbor, QueryResult

Lookup = Callable[[Set[int]], dict[int, ImageRecord]]


def find_neighbors(
    index: VectorIndex,
    lookup: Lookup,
    queries: list[tuple[str, str]],
    vectors: Vectors,
    k: int,
    min_score: float | None = None,
    include_self: bool = False,
) -> list[QueryResult]:
    """Return the `k` nearest files of each query.

    Args:
        lookup: returns the records of row ids.
        queries: (path, content hash) of each query picture.
        vectors: float32 [queries, dim], unit length.
        min_score: cosine under which a neighbour is not wanted.
        include_self: also return files whose content is the query's own.
    """
    # One content more than asked for: the query's own may be among them.
    cosines, positions = index.search(vectors, k + 1)
    hits = [
        [
            (id_, min(float(score), 1.0))
            for score, position in zip(*pair, strict=True)
            if position >= 0 and (min_score is None or score >= min_score)
            for id_ in index.rows_at(int(position)).tolist()
        ]
        for pair in zip(cosines, positions, strict=True)
    ]
    records = lookup({id_ for row in hits for id_, _ in row})
    return [
        _rank(query, row, records, k, include_self)
        for query, row in zip(queries, hits, strict=True)
    ]


def _rank(
    query: tuple[str, str],
    hits: list[tuple[int, float]],
    records: dict[int, ImageRecord],
    k: int,
    include_self: bool,
) -> QueryResult:
    path, own_hash = query
    others = [hit for hit in hits if include_self or records[hit[0]].content_hash != own_hash]
    others.sort(key=lambda hit: (-hit[1], hit[0]))
    return QueryResult(
        query=path,
        neighbors=[
            Neighbor(rank, records[id_].full_path, score, id_)
            for rank, (id_, score) in enumerate(others[:k], start=1)
        ],
        left_out=len(hits) - len(others),
    )
