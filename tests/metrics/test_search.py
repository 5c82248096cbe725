"""Recall is judged by score, so that ties are no misses."""

import numpy as np
import pytest

from simsearch.metrics import recall_at_k


def recall(found: list[list[float]], truth: list[list[float]]) -> float:
    """Return recall_at_k of lists."""
    return recall_at_k(np.array(found, np.float32), np.array(truth, np.float32))


def test_all_found() -> None:
    assert recall([[0.9, 0.8, 0.7]], [[0.9, 0.8, 0.7]]) == 1


def test_none_found() -> None:
    assert recall([[0.5, 0.4]], [[0.9, 0.8]]) == 0


def test_nothing_found_at_all() -> None:
    lowest = float(np.finfo(np.float32).min)
    assert recall([[-np.inf, lowest]], [[0.9, 0.8]]) == 0


def test_share_over_all_queries() -> None:
    found = [[0.9, 0.1, 0.0, 0.0], [0.5, 0.4, 0.3, 0.0]]
    truth = [[0.9, 0.8, 0.7, 0.6], [0.5, 0.4, 0.3, 0.2]]
    assert recall(found, truth) == pytest.approx((1 + 3) / 8)


def test_another_of_equal_score_is_a_hit() -> None:
    truth = [[0.9, 0.8, 0.8]]  # the fourth and fifth score 0.8 too, and may take the places
    assert recall([[0.9, 0.8, 0.8]], truth) == 1
    assert recall([[0.8, 0.8, 0.8]], truth) == 1, "the third best and its equals, but not the best"


@pytest.mark.parametrize(("lower_by", "expected"), [(0.5e-4, 1), (2e-4, 0)])
def test_tolerance(lower_by: float, expected: float) -> None:
    assert recall([[0.8 - lower_by]], [[0.8]]) == expected


def test_tolerance_can_be_set() -> None:
    found, truth = np.array([[0.7]], np.float32), np.array([[0.8]], np.float32)
    assert recall_at_k(found, truth, tolerance=0.2) == 1
    assert recall_at_k(found, truth, tolerance=0.05) == 0
