"""Brier, ECE and Cllr, both kinds of pair weighing equally."""

from typing import Any

import numpy as np
import pytest

from simsearch.metrics import brier, cllr, ece
from simsearch.metrics.probability import Values


def made(seed: int = 0) -> tuple[Values, Values]:
    """Return probabilities of 50 same and 700 different pairs."""
    rng = np.random.default_rng(seed)
    return rng.beta(4, 2, 50), rng.beta(2, 5, 700)


def test_knowing_nothing() -> None:
    assert brier(np.full(3, 0.5), np.full(9, 0.5)) == 0.25
    assert ece(np.full(3, 0.5), np.full(9, 0.5)) == pytest.approx(0)
    assert cllr(np.zeros(3), np.zeros(9)) == pytest.approx(1)


def test_being_sure_and_right() -> None:
    assert brier(np.ones(3), np.zeros(9)) == 0
    assert ece(np.ones(3), np.zeros(9)) == 0
    assert cllr(np.full(3, 1e4), np.full(9, -1e4)) == 0


def test_being_sure_and_wrong() -> None:
    assert brier(np.zeros(3), np.ones(9)) == 1
    assert ece(np.zeros(3), np.ones(9)) == 1
    assert cllr(np.full(3, -1e4), np.full(9, 1e4)) == pytest.approx(1e4 / np.log(2))


def test_brier_hand_worked() -> None:
    assert brier(np.array([0.8, 0.6]), np.array([0.1])) == pytest.approx((0.1 + 0.01) / 2)


def test_brier_agrees_with_scikit_learn(sklearn_metrics: Any) -> None:
    same, different = made()
    truth = np.repeat([1, 0], [50, 700])
    weights = np.repeat([1 / 50, 1 / 700], [50, 700])
    expected = sklearn_metrics.brier_score_loss(
        truth, np.concatenate([same, different]), sample_weight=weights
    )
    assert brier(same, different) == pytest.approx(expected)


def test_cllr_is_the_log_loss_in_bits(sklearn_metrics: Any) -> None:
    same, different = made()
    truth = np.repeat([1, 0], [50, 700])
    weights = np.repeat([1 / 50, 1 / 700], [50, 700])
    loss = sklearn_metrics.log_loss(truth, np.concatenate([same, different]), sample_weight=weights)
    ratios = [np.log(p / (1 - p)) for p in (same, different)]
    assert cllr(*ratios) == pytest.approx(loss / np.log(2))


def test_cllr_hand_worked() -> None:
    # Ratios of 3 for a same pair and 1/7 for a different one: log2(4/3) and log2(8/7).
    expected = (np.log2(4 / 3) + np.log2(8 / 7)) / 2
    assert cllr(np.log([3.0]), np.log([1 / 7])) == pytest.approx(expected)


def test_ece_hand_worked() -> None:
    # Two bins. In 0.9's: weight 1/2 + 1/4, of which same 1/2. In 0.1's: weight 1/4, same 0.
    gaps = abs(0.9 * 0.75 - 0.5), abs(0.1 * 0.25)
    assert ece(np.array([0.9]), np.array([0.9, 0.1])) == pytest.approx(sum(gaps))


def test_ece_agrees_with_a_loop() -> None:
    same, different = made(3)
    pairs = [(p, 1, 1 / 100) for p in same] + [(p, 0, 1 / 1400) for p in different]
    total = 0.0
    for low in range(15):
        inside = [pair for pair in pairs if low <= pair[0] * 15 < low + 1]
        total += abs(sum(w * (p - is_same) for p, is_same, w in inside))
    assert ece(same, different) == pytest.approx(total)
