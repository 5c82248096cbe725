"""Copy detection figures against hand-worked cases and scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from simsearch.metrics.copy_detection import (
    micro_average_precision,
    nister_stewenius,
    recall_at_precision,
)

SCORES = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
TRUE = np.array([True, True, False, True, False])


def test_recall_at_precision_of_a_worked_case() -> None:
    assert recall_at_precision(SCORES, TRUE, 4, 1.0) == (0.5, 0.8)
    assert recall_at_precision(SCORES, TRUE, 4, 0.75) == (0.75, 0.6)
    assert recall_at_precision(SCORES, TRUE, 3, 0.5) == (1.0, 0.5)


def test_no_cut_is_precise_enough() -> None:
    recall, cut = recall_at_precision(SCORES, ~TRUE, 2, 0.9)
    assert recall == 0
    assert cut == np.inf
    assert recall_at_precision(SCORES[:0], TRUE[:0], 3, 0.9) == (0.0, np.inf)


def test_equal_scores_are_taken_together() -> None:
    assert recall_at_precision(np.ones(4), np.array([True] * 3 + [False]), 3, 0.8)[0] == 0
    assert micro_average_precision(np.ones(4), np.array([True] * 3 + [False]), 3) == 0.75


def test_what_was_not_found_counts_against_it() -> None:
    assert micro_average_precision(SCORES[:2], TRUE[:2], 2) == 1
    assert micro_average_precision(SCORES[:2], TRUE[:2], 4) == 0.5


@pytest.mark.parametrize("seed", range(5))
def test_micro_average_precision_is_scikit_learns(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores, true = rng.integers(0, 20, 300) / 20, rng.random(300) < 0.3
    expected = average_precision_score(true, scores)
    assert micro_average_precision(scores, true, int(true.sum())) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(5))
def test_recall_at_precision_is_the_best_of_all_cuts(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores, true = rng.integers(0, 30, 200) / 30, rng.random(200) < 0.5
    cuts = [
        (float(true[scores >= cut].sum() / true.sum()), float(cut))
        for cut in set(scores.tolist())
        if true[scores >= cut].mean() >= 0.55
    ]
    assert recall_at_precision(scores, true, int(true.sum()), 0.55) == pytest.approx(
        max(cuts, default=(0.0, np.inf))
    )


def test_the_ns_score_counts_the_group_among_the_four_nearest() -> None:
    groups = np.repeat([0, 1], 4)
    perfect = (groups[:, None] == groups).astype(np.float32)
    assert nister_stewenius(perfect, groups) == 4
    assert nister_stewenius(-perfect, groups) == 1  # itself alone
    one_lost = perfect.copy()
    one_lost[0, 4] = 2  # a stranger before all others: one of the group is the fifth
    assert nister_stewenius(one_lost, groups) == 4 - 1 / 8
    one_lost[0, 4] = np.nan
    assert nister_stewenius(one_lost, groups) == 4


def test_the_ns_score_is_for_groups_of_four() -> None:
    assert nister_stewenius(np.eye(5), np.array([0, 0, 0, 0, 1])) is None
