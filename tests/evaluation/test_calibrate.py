"""Calibration recovers what made the scores, and survives what no line fits."""

import logging

import numpy as np
import pytest

from simsearch.errors import InputError
from simsearch.evaluation.calibrate import Scores, fit_calibration
from simsearch.metrics import cllr


def gaussian(seed: int, same: int, different: int) -> tuple[Scores, Scores]:
    """Return scores whose log-likelihood ratio is 40 * score - 20."""
    rng = np.random.default_rng(seed)
    kinds = rng.normal(0.7, 0.1, same), rng.normal(0.3, 0.1, different)
    return kinds[0].astype(np.float32), kinds[1].astype(np.float32)


def test_recovers_the_ratio_of_gaussians_whatever_the_numbers_of_pairs() -> None:
    for same, different in ((20_000, 20_000), (5_000, 100_000)):
        fitted = fit_calibration(*gaussian(0, same, different), classes=7)
        assert fitted.slope == pytest.approx(40, rel=0.06)
        assert fitted.intercept == pytest.approx(-20, rel=0.06)
        assert (fitted.same_pairs, fitted.different_pairs) == (same, different)
        assert fitted.classes == 7


def test_recovers_a_known_logistic() -> None:
    rng = np.random.default_rng(1)
    scores = rng.uniform(-0.2, 1, 60_000)
    is_same = rng.random(len(scores)) < 1 / (1 + np.exp(-(9 * scores - 5)))
    fitted = fit_calibration(scores[is_same], scores[~is_same], classes=2)
    prior = np.log(is_same.sum() / (~is_same).sum())
    assert fitted.slope == pytest.approx(9, rel=0.05)
    assert fitted.intercept + prior == pytest.approx(-5, rel=0.05)


def test_agrees_with_scikit_learn() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    same, different = gaussian(2, 40, 300)
    high, low = 41 / 42, 1 / 42  # Platt's targets: each pair is in part the other kind
    scores = np.concatenate([same, same, different, different])[:, None].astype(float)
    truth = np.repeat([1, 0, 1, 0], [40, 40, 300, 300])
    weights = np.repeat([high / 40, low / 40, low / 300, high / 300], [40, 40, 300, 300]) * 340
    model = linear_model.LogisticRegression(C=1e12, tol=1e-12, max_iter=10_000, solver="newton-cg")
    model.fit(scores, truth, sample_weight=weights)
    fitted = fit_calibration(same, different, classes=2)
    assert fitted.slope == pytest.approx(model.coef_[0, 0], rel=1e-3)
    assert fitted.intercept == pytest.approx(model.intercept_[0], rel=1e-3)


@pytest.mark.parametrize("gap", [1e-5, 0.01, 1.0])
@pytest.mark.parametrize("count", [1, 30, 3000])
def test_separable_scores_give_a_steep_finite_line(gap: float, count: int) -> None:
    same = 0.9 + np.linspace(0, gap, count)
    different = 0.9 - gap - np.linspace(0, gap, 2 * count)
    fitted = fit_calibration(same, different, classes=2)
    assert np.isfinite([fitted.slope, fitted.intercept]).all()
    # With one pair of a kind, Platt's target for it is but 2/3.
    assert fitted.probability(float(same.max())) > 0.6
    assert fitted.probability(float(different.min())) < 0.4
    if count > 1:
        assert cllr(*(fitted.slope * s + fitted.intercept for s in (same, different))) < 0.3


def test_surer_with_more_separable_pairs() -> None:
    few, many = (
        fit_calibration(np.full(n, 0.8), np.full(n, 0.2), classes=2).probability(0.8)
        for n in (2, 200)
    )
    assert few == pytest.approx(3 / 4)
    assert many == pytest.approx(201 / 202)


def test_scores_that_say_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "simsearch"):
        fitted = fit_calibration(np.full(10, 0.5), np.full(1000, 0.5), classes=2)
    assert fitted.probability(0.5) == pytest.approx(0.5)
    assert "mean nothing" in caplog.text


def test_scores_the_wrong_way_round_are_told_honestly(caplog: pytest.LogCaptureFixture) -> None:
    same, different = gaussian(3, 500, 500)
    with caplog.at_level(logging.WARNING, "simsearch"):
        fitted = fit_calibration(different, same, classes=2)
    assert fitted.slope < -20
    assert "score no higher" in caplog.text


def test_good_scores_warn_of_nothing(caplog: pytest.LogCaptureFixture) -> None:
    fit_calibration(*gaussian(4, 100, 100), classes=2)
    assert caplog.text == ""


def test_thresholds_keep_their_rate_and_need_enough_pairs() -> None:
    same, different = gaussian(5, 50, 2_000)
    fitted = fit_calibration(same, different, classes=2)
    assert list(fitted.thresholds) == [0.1, 0.01, 0.001]
    for far, cut in fitted.thresholds.items():
        assert (different >= cut).sum() == pytest.approx(far * 2_000)
    assert fit_calibration(same, different[:9], classes=2).thresholds == {}


@pytest.mark.parametrize(
    ("same", "different", "mentions"),
    [
        ([], [0.1], "no pair of the same class"),
        ([0.9], [], "no pair of different classes"),
        ([0.9, np.nan], [0.1], "a score of the same class is not finite"),
        ([0.9], [np.inf], "a score of different classes is not finite"),
    ],
)
def test_bad_scores(same: list[float], different: list[float], mentions: str) -> None:
    with pytest.raises(InputError, match=mentions):
        fit_calibration(np.array(same), np.array(different), classes=2)
