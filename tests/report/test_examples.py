"""The pictures that a report shows are the ones that it says they are."""

import numpy as np
import numpy.typing as npt
import pytest

from simsearch.report.examples import (
    hardest_pairs,
    neighbours,
    sample_queries,
    sample_rows,
    sample_triplets,
)

Vectors = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]


def made(count: int = 40, classes: int = 5, seed: int = 0) -> tuple[Vectors, Integers]:
    """Return unit vectors [count, 8] that hang together by class, and their labels."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, count)
    vectors = rng.normal(size=(classes, 8))[labels] + rng.normal(size=(count, 8))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32), labels


def pairs_by_hand(vectors: Vectors, labels: Integers) -> tuple[list[float], list[float]]:
    """Return the cosines of all different pairs, highest first, and of all same, lowest first."""
    different: list[float] = []
    same: list[float] = []
    for first in range(len(labels)):
        for second in range(first + 1, len(labels)):
            score = float(vectors[first] @ vectors[second])
            (same if labels[first] == labels[second] else different).append(score)
    return sorted(different, reverse=True), sorted(same)


@pytest.mark.parametrize("seed", range(4))
def test_hardest_pairs_are_those_of_a_slow_search(seed: int) -> None:
    vectors, labels = made(seed=seed)
    different, same = pairs_by_hand(vectors, labels)
    found = hardest_pairs(vectors, labels, 10)
    assert [pair.same for pair in found] == [False] * 5 + [True] * 5
    assert [pair.score for pair in found] == pytest.approx(different[:5] + same[:5], abs=1e-6)
    for pair in found:
        assert pair.first < pair.second
        assert pair.score == pytest.approx(float(vectors[pair.first] @ vectors[pair.second]))
        assert pair.same == (labels[pair.first] == labels[pair.second])
    assert len({(pair.first, pair.second) for pair in found}) == 10


def test_too_few_pairs_of_one_kind_leave_room_for_the_other() -> None:
    vectors, _ = made(8)
    one_pair = np.array([0, 0, 1, 2, 3, 4, 5, 6])
    assert [pair.same for pair in hardest_pairs(vectors, one_pair, 10)] == [False] * 9 + [True]
    one_class = np.zeros(8, np.int64)
    assert [pair.same for pair in hardest_pairs(vectors, one_class, 10)] == [True] * 10
    assert len(hardest_pairs(vectors[:2], one_class[:2], 10)) == 1


@pytest.mark.parametrize("seed", range(4))
def test_triplets_are_the_hardest_of_their_anchors(seed: int) -> None:
    vectors, labels = made(seed=seed)
    triplets = sample_triplets(vectors, labels, 5, seed)
    assert sorted(labels[triplet.anchor] for triplet in triplets) == [0, 1, 2, 3, 4]
    for triplet in triplets:
        distances = np.linalg.norm(vectors - vectors[triplet.anchor], axis=1)
        same = labels == labels[triplet.anchor]
        assert triplet.positive != triplet.anchor
        assert same[triplet.positive]
        assert not same[triplet.negative]
        assert triplet.positive_distance == pytest.approx(distances[same].max(), abs=1e-3)
        assert triplet.negative_distance == pytest.approx(distances[~same].min(), abs=1e-3)


def test_triplets_are_seeded_and_need_two_classes_and_two_of_a_class() -> None:
    vectors, labels = made()
    assert sample_triplets(vectors, labels, 5, 1) == sample_triplets(vectors, labels, 5, 1)
    assert sample_triplets(vectors, labels, 5, 1) != sample_triplets(vectors, labels, 5, 2)
    assert sample_triplets(vectors, np.zeros(40, np.int64)) == []
    assert sample_triplets(vectors, np.arange(40)) == []


def test_queries_have_something_to_find() -> None:
    labels = np.array([0, 1, 1, 2, 3, 3, 3])
    assert sorted(labels[sample_queries(labels, 2)]) == [1, 3]
    assert sorted(sample_queries(labels, 10)) == [1, 2, 4, 5, 6]


def test_neighbours_are_the_nearest_others() -> None:
    vectors, labels = made()
    hits = neighbours(vectors, labels, 7, 6)
    by_hand = sorted(((-float(vectors[7] @ v), row) for row, v in enumerate(vectors) if row != 7))
    assert [hit.row for hit in hits] == [row for _, row in by_hand[:6]]
    assert [hit.right for hit in hits] == [labels[hit.row] == labels[7] for hit in hits]


def test_few_pictures_are_all_taken() -> None:
    assert sample_rows(np.array([1, 0, 1])).tolist() == [0, 1, 2]


@pytest.mark.parametrize(("classes", "each"), [(5_000, 4), (3, 5_000), (1, 5_000), (300, 30)])
def test_a_sample_keeps_classes_together(classes: int, each: int) -> None:
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(classes), each))
    rows = sample_rows(labels, 2_000)
    assert np.array_equal(rows, sample_rows(labels, 2_000))
    assert np.array_equal(rows, np.unique(rows))
    assert len(rows) <= 2_000
    assert len(rows) >= 1_000
    sizes = np.unique(labels[rows], return_counts=True)[1]
    assert len(sizes) >= min(classes, 2)
    assert np.median(sizes) >= min(each, 100)


def test_a_huge_class_does_not_crowd_out_the_others() -> None:
    labels = np.array([0] * 50_000 + [1] * 3 + [2] * 3)
    rows = sample_rows(labels, 2_000)
    assert np.bincount(labels[rows]).tolist() == [666, 3, 3]
