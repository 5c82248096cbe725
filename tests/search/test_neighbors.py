"""Neighbours of a query equal those of a scan over all files."""

from collections.abc import Set

import numpy as np
import pytest

from simsearch.index.build import build_index
from simsearch.index.recipes import Vectors
from simsearch.index.vector_index import Ids, VectorIndex
from simsearch.records import ImageRecord, QueryResult
from simsearch.search.neighbors import find_neighbors
from tests.index.vectors import clustered, one_row_each, source_of, unit

CONTENTS, FILES, DIM = 40, 90, 16
VECTORS = clustered(CONTENTS, DIM, seed=1)


def random_postings(seed: int) -> Ids:
    """Give every content a file, and some of them many."""
    rng = np.random.default_rng(seed)
    content = np.concatenate([np.arange(CONTENTS), rng.integers(10, size=FILES - CONTENTS)])
    ids = rng.permutation(1000)[:FILES]
    return np.array(sorted(zip(content.tolist(), ids.tolist(), strict=True)))


POSTINGS = random_postings(seed=2)


def record(id_: int, position: int) -> ImageRecord:
    """Return the record of a file with the content at a position."""
    return ImageRecord(id_, f"{id_}.jpg", "/pictures", f"hash-{position}", 1, 1, 1, 1, "JPEG")


def records_of(postings: Ids) -> dict[int, ImageRecord]:
    """Return the records of all files by id."""
    return {id_: record(id_, position) for position, id_ in postings.tolist()}


def index_of(vectors: Vectors, postings: Ids) -> VectorIndex:
    """Return an exact index."""
    return build_index("flat", source_of(vectors), postings, gpus=0)


def ask(
    vectors: Vectors,
    postings: Ids,
    query: Vectors,
    own_hash: str,
    k: int,
    min_score: float | None = None,
    include_self: bool = False,
) -> QueryResult:
    """Return the answer to one query."""
    records = records_of(postings)

    def lookup(ids: Set[int]) -> dict[int, ImageRecord]:
        return {id_: records[id_] for id_ in ids}

    (result,) = find_neighbors(
        index_of(vectors, postings),
        lookup,
        [("query.jpg", own_hash)],
        query[None],
        k,
        min_score,
        include_self,
    )
    assert result.query == "query.jpg"
    assert [n.rank for n in result.neighbors] == list(range(1, len(result.neighbors) + 1))
    assert all(n.path == f"/pictures/{n.id}.jpg" for n in result.neighbors)
    return result


def scan(
    vectors: Vectors,
    postings: Ids,
    query: Vectors,
    own_hash: str,
    k: int,
    min_score: float | None = None,
    include_self: bool = False,
) -> list[tuple[int, float]]:
    """Return (id, score) of the answer by looking at every file."""
    hits = []
    for position, id_ in postings.tolist():
        score = min(float(vectors[position] @ query), 1.0)
        own = f"hash-{position}" == own_hash and not include_self
        if not own and (min_score is None or score >= min_score):
            hits.append((id_, score))
    return sorted(hits, key=lambda hit: (-hit[1], hit[0]))[:k]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("k", [1, 10, 10**6])
@pytest.mark.parametrize("min_score", [None, 0.3, 0.999, -1])
@pytest.mark.parametrize("include_self", [False, True])
@pytest.mark.parametrize("own", [None, 3, 30])
def test_answers_equal_a_scan(
    seed: int, k: int, min_score: float | None, include_self: bool, own: int | None
) -> None:
    query = clustered(1, DIM, seed=100 + seed)[0] if own is None else VECTORS[own]
    options = (VECTORS, POSTINGS, query, f"hash-{own}", k, min_score, include_self)
    found = [(n.id, n.score) for n in ask(*options).neighbors]
    expected = scan(*options)
    assert [id_ for id_, _ in found] == [id_ for id_, _ in expected]
    assert [score for _, score in found] == pytest.approx(
        [score for _, score in expected], abs=1e-6
    )


def test_own_content_is_left_out_wherever_it_ranks() -> None:
    """The query's own file is known by its content, though others are as near or nearer."""
    twin, own, far = VECTORS[:1], VECTORS[1:2], VECTORS[2:3]
    vectors = np.concatenate([twin, twin, own, far])
    postings = np.array([[0, 10], [1, 11], [2, 12], [2, 13], [3, 14]])
    result = ask(vectors, postings, twin[0], "hash-2", k=10)
    assert {n.id for n in result.neighbors} == {10, 11, 14}
    assert result.left_out == 2
    assert ask(vectors, postings, twin[0], "hash-2", 10, include_self=True).left_out == 0


def test_identical_vector_of_another_content_stays() -> None:
    postings = np.array([[0, 1], [1, 0]])
    result = ask(np.concatenate([VECTORS[:1]] * 2), postings, VECTORS[0], "hash-0", k=1)
    assert [n.id for n in result.neighbors] == [0]


def test_equal_scores_are_ordered_by_id() -> None:
    postings = np.stack([np.arange(30), np.random.default_rng(3).permutation(30)], axis=1)
    result = ask(np.repeat(VECTORS[:1], 30, axis=0), postings, VECTORS[0], "none", k=30)
    assert [n.id for n in result.neighbors] == list(range(30))


def test_all_files_of_a_content_are_answers() -> None:
    postings = np.array([[0, id_] for id_ in range(20)] + [[1, 20]])
    vectors = unit(np.array([[1.0, 0.0], [0.8, 0.6]]))
    result = ask(vectors, postings, vectors[1], "hash-1", k=5)
    assert [n.id for n in result.neighbors] == [0, 1, 2, 3, 4]
    assert [n.score for n in result.neighbors] == pytest.approx([0.8] * 5, abs=1e-3)


def test_no_score_is_over_1() -> None:
    result = ask(VECTORS, POSTINGS, 1.01 * VECTORS[5], "none", k=1)
    assert result.neighbors[0].score == 1.0


def test_batch_equals_single_queries() -> None:
    records = records_of(POSTINGS)
    queries = clustered(7, DIM, seed=9)
    batch = find_neighbors(
        index_of(VECTORS, POSTINGS),
        lambda ids: {id_: records[id_] for id_ in ids},
        [("query.jpg", f"hash-{n}") for n in range(7)],
        queries,
        k=6,
    )
    single = [ask(VECTORS, POSTINGS, query, f"hash-{n}", 6) for n, query in enumerate(queries)]
    assert [[n.id for n in result.neighbors] for result in batch] == [
        [n.id for n in result.neighbors] for result in single
    ]


def test_no_queries() -> None:
    index = index_of(VECTORS, POSTINGS)
    assert find_neighbors(index, lambda _: {}, [], VECTORS[:0], k=5) == []


def test_empty_collection() -> None:
    result = ask(VECTORS[:0], one_row_each(0), VECTORS[0], "none", k=5)
    assert (result.neighbors, result.left_out) == ([], 0)
