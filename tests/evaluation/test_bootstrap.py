"""Intervals against direct resampling."""

from dataclasses import asdict

import numpy as np
import pytest

from simsearch.encoder.embed import normalized
from simsearch.evaluation import bootstrap
from simsearch.evaluation.bootstrap import (
    interval_of_dir,
    interval_of_mean,
    intervals_of_pairs,
)
from simsearch.evaluation.episodes import OpenTrials
from simsearch.evaluation.pair_scores import PairScores, score_pairs
from simsearch.evaluation.verification import verification_figures
from simsearch.metrics import detection_and_identification_rate, eer, roc_auc, tar_at_far
from simsearch.records.labelled import Calibration

CALIBRATION = Calibration(6.0, -2.0, {}, 1, 1, 2)


def made(classes: int, each: int, spread: float, seed: int = 0) -> PairScores:
    """Return the pairs of clustered vectors."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), each)
    vectors = rng.normal(size=(classes, 6))[labels] + spread * rng.normal(size=(len(labels), 6))
    return score_pairs(normalized(vectors.astype(np.float32)), labels)


def test_mean_agrees_with_drawing_pictures_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "RESAMPLES", 40)
    rng = np.random.default_rng(0)
    labels, values = np.repeat([4, 7, 9], [2, 5, 3]), rng.random(10)
    means = []
    for draw in bootstrap._draws(3, 5).astype(int):
        drawn = [labels == label for label, times in zip([4, 7, 9], draw, strict=True)
                 for _ in range(times)]  # fmt: skip
        means.append(np.concatenate([values[rows] for rows in drawn]).mean())
    expected = np.quantile(means, [0.025, 0.975])
    assert interval_of_mean(values, labels, seed=5) == pytest.approx(tuple(expected))


def test_mean_is_as_wide_as_the_classes_vary_not_the_pictures() -> None:
    by_class = np.random.default_rng(1).normal(0, 1, 200)
    labels = np.repeat(np.arange(200), 50)
    low, high = interval_of_mean(by_class[labels], labels)
    expected = 2 * 1.96 * by_class.std() / np.sqrt(200)
    assert high - low == pytest.approx(expected, rel=0.1)
    assert low < by_class.mean() < high


def test_pairs_agree_with_drawing_classes_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "RESAMPLES", 40)
    pairs = made(6, 3, 0.8)
    drawn: list[dict[str, float]] = []
    for draw in bootstrap._draws(6, 3).astype(int):
        times_of = draw[np.random.default_rng(3).permutation(6)]  # as it orders the classes
        same = np.repeat(pairs.same, times_of[pairs.same_class])
        times = times_of[pairs.first_class] * times_of[pairs.second_class]
        different = np.repeat(pairs.different, times)
        figures = asdict(verification_figures(same, different, CALIBRATION, 1))
        tars = {f"tar_at_far_{far:g}": tar_at_far(same, different, far) for far in (0.1, 0.01)}
        drawn.append(figures | tars)
    found = intervals_of_pairs(pairs, 6, CALIBRATION, seed=3)
    assert set(found) == {
        "auc", "eer", "accuracy_at_half", "accuracy_at_calibrated", "brier", "ece", "cllr",
        "tar_at_far_0.1", "tar_at_far_0.01",
    }  # fmt: skip
    for name in found:
        ends = np.quantile([figures[name] for figures in drawn], [0.025, 0.975])
        assert found[name] == pytest.approx(tuple(ends), abs=1e-6), name
    monkeypatch.setattr(bootstrap, "_EXACT", 0)
    rounded = intervals_of_pairs(pairs, 6, CALIBRATION, seed=3)
    assert all(rounded[name] == pytest.approx(found[name], abs=0.06) for name in found)


def test_without_calibration_no_interval_of_probabilities() -> None:
    assert set(intervals_of_pairs(made(6, 3, 0.8), 6)) == {
        "auc", "eer", "accuracy_at_half", "tar_at_far_0.1", "tar_at_far_0.01",
    }  # fmt: skip


def test_dir_agrees_with_drawing_classes_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "RESAMPLES", 40)
    rng = np.random.default_rng(2)
    scores = rng.normal(0.7, 0.2, 60).astype(np.float32)
    scores[rng.choice(60, 9, replace=False)] = -np.inf
    strangers = rng.normal(0.2, 0.2, 80).astype(np.float32)
    labels, others = np.repeat(np.arange(6), 10), np.repeat(np.arange(6, 10), 20)
    rates = []
    for draw in bootstrap._draws(10, 5).astype(int):
        known, unknown = np.repeat(scores, draw[labels]), np.repeat(strangers, draw[others])
        if len(known) and len(unknown):
            right = np.isfinite(known)
            rates.append(detection_and_identification_rate(known, right, unknown, 0.05))
    expected = np.quantile(rates, [0.025, 0.975])
    trials = OpenTrials(scores, labels, strangers, others)
    assert interval_of_dir(trials, 0.05, seed=5) == pytest.approx(tuple(expected))


@pytest.mark.parametrize(("classes", "spread"), [(30, 0.7), (300, 0.7), (100, 0.25)])
def test_interval_holds_the_figure(classes: int, spread: float) -> None:
    pairs = made(classes, 4, spread)
    found = intervals_of_pairs(pairs, classes)
    auc, rate = roc_auc(pairs.same, pairs.different), eer(pairs.same, pairs.different)
    assert found["auc"][0] < auc < found["auc"][1]
    assert found["eer"][0] < rate < found["eer"][1]
    tar = tar_at_far(pairs.same, pairs.different, 0.01)
    assert found["tar_at_far_0.01"][0] <= tar <= found["tar_at_far_0.01"][1]


def test_interval_holds_a_tiny_error_rate() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 60, 300_000), rng.integers(1, 60, 300_000)
    pairs = PairScores(
        rng.normal(0.7, 0.1, 30_000).astype(np.float32),
        rng.normal(0.0, 0.1, 300_000).astype(np.float32),
        rng.integers(0, 60, 30_000).astype(np.int32),
        one.astype(np.int32),
        ((one + other) % 60).astype(np.int32),
        330_000,
    )
    rate = eer(pairs.same, pairs.different)
    low, high = intervals_of_pairs(pairs, 60)["eer"]
    assert low < rate < high < 0.0005


def test_groups_of_classes_are_as_wide_as_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = made(120, 4, 0.9)
    by_class = intervals_of_pairs(pairs, 120)["auc"]
    monkeypatch.setattr(bootstrap, "_GROUPS", 40)
    by_group = intervals_of_pairs(pairs, 120)["auc"]
    assert by_group[1] - by_group[0] == pytest.approx(by_class[1] - by_class[0], rel=0.35)


def test_resamples_without_a_same_pair_are_left_out() -> None:
    vectors = normalized(np.random.default_rng(0).normal(size=(41, 6)).astype(np.float32))
    pairs = score_pairs(vectors, np.minimum(np.arange(41), 39))  # one class of two pictures
    assert len(pairs.same) == 1
    found = intervals_of_pairs(pairs, 40)
    assert 0 <= found["auc"][0] < roc_auc(pairs.same, pairs.different) < found["auc"][1] <= 1
