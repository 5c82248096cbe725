"""Retrieval figures against hand-worked cases and a slow loop."""

from typing import Any

import numpy as np
import pytest

from simsearch.errors import InputError
from simsearch.metrics import retrieval, retrieve
from simsearch.metrics.retrieval import Integers, Vectors


def on_circle(*degrees: float) -> Vectors:
    """Return unit vectors float32 [n, 2] at angles, so that nearness can be read off."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def made(seed: int, count: int = 60, classes: int = 7) -> tuple[Vectors, Integers]:
    """Return few-valued vectors, so that many scores are equal, and labels."""
    rng = np.random.default_rng(seed)
    return (
        rng.integers(-1, 2, (count, 3)).astype(np.float32),
        rng.integers(0, classes, count),
    )


def slowly(
    vectors: Vectors, labels: Integers, gallery: Vectors, classes: Integers, own: bool
) -> dict[int, tuple[int, float, float]]:
    """Return first rank, R-precision and MAP@R by query, by sorting lists."""
    figures = {}
    for query in range(len(labels)):
        others = [row for row in range(len(classes)) if not (own and row == query)]
        others.sort(key=lambda row: (-float(vectors[query] @ gallery[row]), row))
        right = [bool(classes[row] == labels[query]) for row in others]
        wanted = sum(right)
        if wanted:
            precisions = [sum(right[: i + 1]) / (i + 1) * right[i] for i in range(wanted)]
            figures[query] = (
                right.index(True) + 1,
                sum(right[:wanted]) / wanted,
                sum(precisions) / wanted,
            )
    return figures


def test_hand_worked() -> None:
    # From 0 and 50 degrees, R is 2: the nearest is of class 1, then one of class 0. From 22: 10 and
    # 40, then 0. From 10 and 40, R is 1: the other comes third.
    vectors, labels = on_circle(0, 10, 22, 40, 50), np.array([0, 1, 0, 1, 0])
    found = retrieve(vectors, labels)
    assert found.queries.tolist() == [0, 1, 2, 3, 4]
    assert found.first_rank.tolist() == [2, 3, 3, 3, 2]
    assert found.r_precision == pytest.approx([1 / 2, 0, 0, 0, 1 / 2])
    assert found.map_at_r == pytest.approx([1 / 4, 0, 0, 0, 1 / 4])
    means = found.means()
    assert means["recall_at_1"] == means["precision_at_1"] == 0
    assert means["recall_at_2"] == pytest.approx(2 / 5)
    assert means["recall_at_4"] == means["recall_at_8"] == 1
    assert means["r_precision"] == pytest.approx(1 / 5)
    assert means["map_at_r"] == pytest.approx(1 / 10)


def test_single_pictures_ask_nothing_but_can_be_found() -> None:
    found = retrieve(on_circle(0, 1, 5), np.array([0, 7, 0]))
    assert found.queries.tolist() == [0, 2]
    assert found.first_rank.tolist() == [2, 2]


def test_perfect() -> None:
    found = retrieve(on_circle(0, 1, 90, 91, 92), np.array([3, 3, 1, 1, 1]))
    assert set(found.means().values()) == {1.0}


def test_equal_scores_go_to_the_lower_row() -> None:
    same_place = np.tile(on_circle(0), (4, 1))
    assert retrieve(same_place, np.array([0, 0, 1, 1])).first_rank.tolist() == [1, 1, 3, 3]


def test_gallery_of_its_own() -> None:
    found = retrieve(on_circle(0, 90), np.array([0, 9]), on_circle(0, 3), np.array([1, 0]))
    assert found.queries.tolist() == [0], "class 9 is not in the gallery"
    assert found.first_rank.tolist() == [2]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("own", [True, False])
def test_agrees_with_a_loop(monkeypatch: pytest.MonkeyPatch, seed: int, own: bool) -> None:
    monkeypatch.setattr(retrieval, "_BLOCK", 500)  # several blocks
    vectors, labels = made(seed)
    gallery, classes = (vectors, labels) if own else made(seed + 100, 45)
    found = retrieve(vectors, labels) if own else retrieve(vectors, labels, gallery, classes)
    expected = slowly(vectors, labels, gallery, classes, own)
    assert found.queries.tolist() == list(expected)
    assert found.first_rank.tolist() == [row[0] for row in expected.values()]
    assert found.r_precision == pytest.approx([row[1] for row in expected.values()])
    assert found.map_at_r == pytest.approx([row[2] for row in expected.values()])


def test_agrees_with_label_ranking(sklearn_metrics: Any) -> None:
    """With two pictures a class, 1 / first rank is sklearn's label ranking average precision."""
    vectors = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
    labels = np.arange(40) // 2
    scores = vectors @ vectors.T
    np.fill_diagonal(scores, -1e9)
    truth = (labels[:, None] == labels) & ~np.eye(40, dtype=bool)
    expected = sklearn_metrics.label_ranking_average_precision_score(truth, scores)
    assert (1 / retrieve(vectors, labels).first_rank).mean() == pytest.approx(expected)


def test_nothing_to_find() -> None:
    with pytest.raises(InputError, match="no class has two pictures"):
        retrieve(on_circle(0, 10, 20), np.array([0, 1, 2]))
