"""Verification figures against hand-worked cases, slow loops and scikit-learn."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from simsearch.metrics import (
    accuracy_at,
    carried_rates,
    eer,
    roc_auc,
    roc_figures,
    tar_at_far,
    threshold_at_far,
)
from simsearch.metrics.verification import Scores


def scores(*values: float) -> Scores:
    """Return float32 scores."""
    return np.array(values, np.float32)


def made(seed: int, levels: int = 12) -> tuple[Scores, Scores]:
    """Return scores of 90 same and 400 different pairs with many ties."""
    rng = np.random.default_rng(seed)
    same, different = rng.normal(0.6, 0.2, 90), rng.normal(0.4, 0.2, 400)
    return tuple(np.round(s * levels).astype(np.float32) / levels for s in (same, different))  # type: ignore[return-value]


def slow_eer(same: Scores, different: Scores) -> float:
    """Return the EER by walking over all cuts, from accepting all to accepting none."""
    cuts = [*sorted({*same.tolist(), *different.tolist()}), np.inf]
    points = [
        (sum(s >= cut for s in different) / len(different), sum(s < cut for s in same) / len(same))
        for cut in cuts
    ]
    for (far, frr), (next_far, next_frr) in pairwise(points):
        if next_frr >= next_far:
            step = (far - frr) / ((far - frr) + (next_frr - next_far))
            return float(frr + step * (next_frr - frr))
    raise AssertionError("the last point accepts nothing")


def test_auc_hand_worked() -> None:
    assert roc_auc(scores(0.9, 0.4), scores(0.5, 0.1)) == 3 / 4
    assert roc_auc(scores(0.5), scores(0.5)) == 1 / 2, "ties count half"
    assert roc_auc(scores(0.5, 0.9), scores(0.5, 0.1)) == 3.5 / 4
    assert roc_auc(scores(1), scores(0)) == 1
    assert roc_auc(scores(0), scores(1)) == 0


@pytest.mark.parametrize("seed", range(4))
def test_auc_agrees_with_scikit_learn(sklearn_metrics: Any, seed: int) -> None:
    same, different = made(seed)
    truth = np.repeat([1, 0], [len(same), len(different)])
    expected = sklearn_metrics.roc_auc_score(truth, np.concatenate([same, different]))
    assert roc_auc(same, different) == pytest.approx(expected)


def test_eer_hand_worked() -> None:
    assert eer(scores(0.9, 0.8), scores(0.1, 0.2)) == 0
    assert eer(scores(0.1), scores(0.9)) == 1
    assert eer(scores(0.5, 0.5), scores(0.5)) == 1 / 2, "all equal: half way between the ends"
    assert eer(scores(0.9, 0.6, 0.3), scores(0.5, 0.2, 0.1)) == pytest.approx(1 / 3)
    # FRR 0 at FAR 1/2, then FRR 1/1 at FAR 1/2: the line between them meets FAR = FRR at 1/2.
    assert eer(scores(0.5), scores(0.9, 0.1)) == 1 / 2


@pytest.mark.parametrize("seed", range(4))
def test_eer_agrees_with_a_loop(seed: int) -> None:
    same, different = made(seed)
    assert eer(same, different) == pytest.approx(slow_eer(same, different))
    assert eer(different, same) == pytest.approx(slow_eer(different, same))


def test_eer_agrees_with_the_roc_curve_of_scikit_learn(sklearn_metrics: Any) -> None:
    same, different = made(7, levels=10**6)
    truth = np.repeat([1, 0], [len(same), len(different)])
    far, tar, _ = sklearn_metrics.roc_curve(
        truth, np.concatenate([same, different]), drop_intermediate=False
    )
    brentq = pytest.importorskip("scipy.optimize").brentq
    expected = brentq(lambda share: 1 - share - np.interp(share, far, tar), 0, 1)
    assert eer(same, different) == pytest.approx(expected)


def test_histograms_give_the_same_figures() -> None:
    drawn = [made(seed) for seed in (1, 2)]
    edges = np.unique(np.concatenate([np.concatenate(kinds) for kinds in drawn]))
    counts = [
        np.stack([np.bincount(np.searchsorted(edges, kinds[k]), minlength=len(edges))
                  for kinds in drawn]).astype(np.float64)
        for k in (0, 1)
    ]  # fmt: skip
    auc, rates = roc_figures(counts[0], counts[1])
    assert auc == pytest.approx([roc_auc(*kinds) for kinds in drawn])
    assert rates == pytest.approx([eer(*kinds) for kinds in drawn])


def test_tar_at_far_hand_worked() -> None:
    same, different = scores(0.95, 0.85, 0.5, 0.1), scores(0.9, 0.8, *[0.3] * 8)
    assert tar_at_far(same, different, 0.1) == 2 / 4, "one accepted: the cut lies over 0.8"
    assert tar_at_far(same, different, 0.2) == 3 / 4, "two accepted: over 0.3"
    assert tar_at_far(same, different, 0.5) == 3 / 4, "accepting one 0.3 accepts them all"
    assert tar_at_far(same, different, 0.01) == 1 / 4, "none accepted"


@pytest.mark.parametrize("far", [0.01, 0.1, 0.3, 0.7])
@pytest.mark.parametrize("seed", range(3))
def test_tar_at_far_agrees_with_a_loop(far: float, seed: int) -> None:
    same, different = made(seed)
    cuts = [*np.unique(np.concatenate([same, different])), np.inf]
    allowed = [cut for cut in cuts if (different >= cut).mean() <= far]
    assert tar_at_far(same, different, far) == max((same >= cut).mean() for cut in allowed)
    threshold = threshold_at_far(different, far)
    for comparable in (different, different.astype(np.float64)):
        assert (comparable >= threshold).mean() <= far
    assert (same >= threshold).mean() == tar_at_far(same, different, far)


def test_rates_that_the_pairs_carry() -> None:
    assert carried_rates(9) == ()
    assert carried_rates(10) == (0.1,)
    assert carried_rates(9_999) == (0.1, 0.01, 0.001)
    assert carried_rates(10_000) == (0.1, 0.01, 0.001, 0.0001)


def test_accuracy_is_balanced() -> None:
    same, different = scores(0.5, 0.4), scores(*[0.1] * 97, 0.5, 0.6, 0.7)
    assert accuracy_at(same, different, 0.5) == pytest.approx((1 / 2 + 97 / 100) / 2)
    assert accuracy_at(same, different, 2) == 1 / 2, "calling none the same is worth nothing"
