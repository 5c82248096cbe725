"""Verification of a pair against the textbook formulas, and its refusals."""

import math

import numpy as np
import pytest

from simsearch.errors import InputError
from simsearch.records.labelled import Calibration
from simsearch.search.verify import check_settings, compare, threshold_at, verify_pair

CALIBRATION = Calibration(10.0, -6.0, {0.1: 0.5, 0.01: 0.8}, 50, 500, 10)
PATHS = ("a.jpg", "b.jpg")


def at_cosine(cosine: float) -> tuple[np.ndarray, np.ndarray]:
    """Return two unit vectors, float32 [2], with a cosine."""
    return np.array([1, 0], np.float32), np.array(
        [cosine, math.sqrt(1 - cosine**2)], dtype=np.float32
    )


@pytest.mark.parametrize("seed", range(20))
def test_compare_equals_loops(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = (rng.normal(size=7) * rng.uniform(0.1, 9) for _ in range(2))
    length_a, length_b = (math.sqrt(sum(x * x for x in v)) for v in (a, b))
    cosine = sum(x * y for x, y in zip(a, b, strict=True)) / (length_a * length_b)
    distance = math.sqrt(sum((x / length_a - y / length_b) ** 2 for x, y in zip(a, b, strict=True)))
    assert compare(a, b) == pytest.approx((cosine, distance), abs=1e-12)
    assert compare(a, b) == pytest.approx(compare(b, a), abs=1e-15)


@pytest.mark.parametrize("seed", range(20))
def test_equal_and_opposite_vectors_are_exact(seed: int) -> None:
    vector = np.random.default_rng(seed).normal(size=33).astype(np.float32)
    assert compare(vector, vector.copy()) == (1.0, 0.0)
    similarity, distance = compare(vector, -vector)
    assert -1.0 <= similarity < -1 + 1e-12
    assert 2 - 1e-12 < distance <= 2.0


@pytest.mark.parametrize(
    ("cosine", "prior", "probability"),
    [
        (0.6, 0.5, 0.5),  # the ratio is 1: nothing but the prior speaks
        (0.6, 0.2, 0.2),
        (0.8, 0.5, math.exp(2) / (1 + math.exp(2))),
        (0.8, 0.1, math.exp(2) * 0.1 / (math.exp(2) * 0.1 + 0.9)),
        (0.4, 0.5, math.exp(-2) / (1 + math.exp(-2))),
    ],
)
def test_probability_is_bayes_rule(cosine: float, prior: float, probability: float) -> None:
    found = verify_pair(PATHS, at_cosine(cosine), "e", CALIBRATION, prior)
    assert found.similarity == pytest.approx(cosine, abs=1e-6)
    assert found.log_likelihood_ratio == pytest.approx(10 * cosine - 6, abs=1e-5)
    assert found.probability == pytest.approx(probability, abs=1e-6)
    assert (found.a, found.b, found.encoder, found.prior) == ("a.jpg", "b.jpg", "e", prior)


@pytest.mark.parametrize(
    ("cosine", "far", "same"),
    [(0.49, 0.1, False), (0.51, 0.1, True), (0.79, 0.01, False), (0.81, 0.01, True)],
)
def test_decision_is_made_at_the_threshold_of_the_rate(
    cosine: float, far: float, same: bool
) -> None:
    found = verify_pair(PATHS, at_cosine(cosine), "e", CALIBRATION, far=far)
    assert (found.same, found.far, found.threshold) == (same, far, CALIBRATION.thresholds[far])
    assert found.calibrated


def test_score_on_the_threshold_is_the_same() -> None:
    cut = Calibration(1, 0, {0.01: 1.0}, 1, 1, 2)
    vector = np.array([0.6, 0.8])
    assert verify_pair(PATHS, (vector, vector), "e", cut).same is True


def test_without_calibration_only_the_similarity() -> None:
    found = verify_pair(PATHS, at_cosine(0.8), "e", None, far=0.123)
    assert found.similarity == pytest.approx(0.8, abs=1e-6)
    assert found.distance == pytest.approx(math.sqrt(0.4), abs=1e-6)
    assert (found.probability, found.log_likelihood_ratio) == (None, None)
    assert (found.threshold, found.same, found.far) == (None, None, None)
    assert not found.calibrated


@pytest.mark.parametrize("far", [0.001, 0.05, 0.0, 1.0])
def test_rate_without_a_threshold_lists_those_there_are(far: float) -> None:
    with pytest.raises(InputError, match=rf"FAR of {far:g}; take one of 0\.1, 0\.01$"):
        threshold_at(CALIBRATION, far)
    with pytest.raises(InputError, match=r"take one of"):
        verify_pair(PATHS, at_cosine(0.5), "e", CALIBRATION, far=far)


@pytest.mark.parametrize(
    ("thresholds", "decision"),
    [
        ({0.1: 0.5, 0.01: 0.8, 0.001: 0.9}, (0.01, 0.8)),
        ({0.1: 0.5}, (0.1, 0.5)),
        ({}, None),
    ],
)
def test_usual_rate_is_one_that_the_pairs_carry(
    thresholds: dict[float, float], decision: tuple[float, float] | None
) -> None:
    calibration = Calibration(10.0, -6.0, thresholds, 50, 500, 10)
    assert threshold_at(calibration, None) == decision
    found = verify_pair(PATHS, at_cosine(0.7), "e", calibration)
    assert found.probability == pytest.approx(1 / (1 + math.exp(-1)), abs=1e-5)
    assert (found.far, found.threshold) == (decision or (None, None))
    assert found.same is (None if decision is None else decision[1] <= 0.7)
    assert found.calibrated
    assert found.different_pairs == 500


def test_calibration_without_any_threshold() -> None:
    with pytest.raises(InputError, match="too few pairs; train on more"):
        threshold_at(Calibration(1, 0, {}, 1, 1, 2), 0.01)


@pytest.mark.parametrize("prior", [0, 1, -0.1, 1.5, math.nan])
@pytest.mark.parametrize("calibration", [None, CALIBRATION])
def test_prior_out_of_range(prior: float, calibration: Calibration | None) -> None:
    with pytest.raises(InputError, match="prior is"):
        check_settings(calibration, prior, 0.01)
