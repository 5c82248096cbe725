"""Curves are made of the right points."""

import numpy as np
import numpy.typing as npt
import pytest

from simsearch.metrics import ece
from simsearch.records.labelled import Calibration
from simsearch.report.score_plots import (
    bounded,
    probability,
    reliability,
    roc_points,
    score_plots,
)

Scores = npt.NDArray[np.float32]
CALIBRATION = Calibration(8.0, -4.0, {0.1: 0.6}, 300, 1_000, 5)


def scores(seed: int = 0) -> tuple[Scores, Scores]:
    """Return cosines of 300 same and 1,000 different pairs, rounded so that some are equal."""
    rng = np.random.default_rng(seed)
    same, different = rng.normal(0.7, 0.2, 300), rng.normal(0.3, 0.2, 1_000)
    return same.round(2).astype(np.float32), different.round(2).astype(np.float32)


def test_roc_points_are_shares_at_a_cut() -> None:
    same, different = scores()
    far, tar = roc_points(same, different)
    possible = {
        (float((different >= cut).mean()), float((same >= cut).mean())) for cut in different
    }
    assert set(zip(far.round(9), tar.round(9), strict=True)) <= {
        (round(a, 9), round(b, 9)) for a, b in possible
    }
    assert far.max() == 1
    assert far.min() == pytest.approx((different == different.max()).mean())


def test_probability_is_the_calibrations() -> None:
    same, _ = scores()
    expected = [CALIBRATION.probability(float(score)) for score in same]
    assert probability(same, CALIBRATION) == pytest.approx(expected)


def test_reliability_weighs_both_kinds_equally() -> None:
    # Ten same pairs, two of them at 0.1, against one different pair at 0.1: in that bin, same pairs
    # weigh 0.2 of their kind, and the different pair all of its own.
    found = reliability(np.array([0.1] * 2 + [0.99] * 8), np.array([0.1]))
    assert found.probability == pytest.approx([0.1, 0.99])
    assert found.observed == pytest.approx([0.2 / 1.2, 1])
    assert found.weight == pytest.approx([0.6, 0.4])


def test_reliability_shows_what_the_calibration_error_measures() -> None:
    values = [probability(kind, CALIBRATION) for kind in scores()]
    found = reliability(*values)
    gap = (found.weight * np.abs(found.probability - found.observed)).sum()
    assert gap == pytest.approx(ece(*values))
    assert found.weight.sum() == pytest.approx(1)


def test_reliability_of_certainty() -> None:
    found = reliability(np.ones(3), np.zeros(3))
    assert found.observed.tolist() == [0, 1]


def test_many_scores_are_sampled() -> None:
    same, different = scores()
    assert bounded(same) is same
    few = bounded(different, 100)
    assert len(few) == 100
    assert np.isin(few, different).all()
    assert np.array_equal(few, bounded(different, 100))


@pytest.mark.parametrize(
    ("same", "different"),
    [([0.9], [0.1]), ([0.5], [0.5]), ([0.1], [0.9]), ([1.0] * 50, [-1.0] * 50)],
)
def test_odd_scores_can_be_drawn(same: list[float], different: list[float]) -> None:
    kinds = np.array(same, np.float32), np.array(different, np.float32)
    assert len(score_plots(*kinds, CALIBRATION)) == 3


def test_nothing_is_drawn_without_both_kinds() -> None:
    nothing = np.empty(0, np.float32)
    assert score_plots(nothing, scores()[1], CALIBRATION) == []
    assert score_plots(scores()[0], nothing, CALIBRATION) == []
