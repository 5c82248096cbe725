"""Cuts for a precision, against pairs whose distribution is known."""

import numpy as np
import pytest

from simsearch.search.precision import PrecisionCurve

RATE = 2.0
CUTS = [0.9, 0.99, 0.999, 0.9999]


def exponential(count: int, rate: float = RATE, seed: int = 0) -> np.ndarray[tuple[int], np.dtype]:
    return np.random.default_rng(seed).exponential(1 / rate, count)


def fitted(end: float = np.inf) -> PrecisionCurve:
    """Return the curve of 1,000 true pairs at 20 and one false pair for each, exponential."""
    false = exponential(20_000)
    return PrecisionCurve.fit(
        np.full(1000, 20.0), 1000, false, np.full(20_000, 1 / 20_000), 0.0, end
    )


@pytest.mark.parametrize("end", [np.inf, 3.0])
def test_a_known_tail_is_recovered(end: float) -> None:
    curve = fitted(end)
    assert curve.rate == pytest.approx(RATE, rel=0.1)
    assert curve.above == pytest.approx(0.05, rel=0.1)
    assert curve.start == pytest.approx(np.log(20) / RATE, rel=0.1)


@pytest.mark.parametrize("precision", CUTS)
def test_the_cut_is_where_false_pairs_are_as_rare_as_asked(precision: float) -> None:
    curve = fitted()
    cut = curve.cut(precision)
    # One false pair for each true one, exp(-rate * cut) of them over the cut.
    wanted = -np.log((1 - precision) / precision) / RATE
    assert cut == pytest.approx(max(wanted, curve.start), rel=0.1)
    assert curve.precision(cut) >= precision


def test_duplicates_that_were_there_before_do_not_count() -> None:
    """Without an end they would look like false pairs that no cut can leave out."""
    planted = np.concatenate([exponential(20_000), np.full(4000, 19.0)])
    true, weights = np.full(1000, 20.0), np.full(24_000, 1 / 24_000)
    assert PrecisionCurve.fit(true, 1000, planted, weights, 0.0, end=5.0).cut(0.999) < 5
    assert PrecisionCurve.fit(true, 1000, planted, weights, 0.0).cut(0.999) > 15


def test_a_higher_precision_never_finds_more() -> None:
    true = exponential(500, rate=0.2, seed=1)
    curve = PrecisionCurve.fit(true, 600, exponential(5000), np.full(5000, 1 / 1000), 0.0)
    cuts = [curve.cut(precision) for precision in CUTS]
    assert cuts == sorted(cuts)
    recalls = [curve.recall(cut) for cut in cuts]
    assert recalls == sorted(recalls, reverse=True)
    assert curve.recall(-1) == pytest.approx(500 / 600)


def test_what_is_out_of_reach_gives_the_most_precise_cut() -> None:
    true = exponential(500, rate=1.5, seed=2)
    curve = PrecisionCurve.fit(true, 500, exponential(5000), np.full(5000, 1 / 500), 0.0)
    cut = curve.cut(0.999)
    assert curve.precision(cut) < 0.999
    assert all(
        curve.precision(score) <= curve.precision(cut) + 1e-9 for score in true[true > curve.start]
    )


def test_no_fewer_false_pairs_are_expected_than_were_met() -> None:
    """One pair of look-alikes lies far over a smooth tail."""
    false = np.append(exponential(4000), 9.0)
    weights = np.append(np.full(4000, 1 / 4000), 0.01)
    curve = PrecisionCurve.fit(np.linspace(5, 20, 1000), 1000, false, weights, 0.0)
    assert curve.precision(9.0) < 0.99
    assert 9 < curve.cut(0.999) < 10
    without = PrecisionCurve.fit(np.linspace(5, 20, 1000), 1000, false[:-1], weights[:-1], 0.0)
    assert without.cut(0.999) < 6


def test_weights_stand_for_pairs() -> None:
    false = exponential(4000)
    one = PrecisionCurve.fit(false, 10, false, np.full(4000, 1.0), 0.0)
    many = PrecisionCurve.fit(false, 10, np.repeat(false, 3), np.full(12_000, 1 / 3), 0.0)
    assert many.rate == pytest.approx(one.rate, rel=0.01)
    assert many.above == pytest.approx(one.above, rel=0.01)


def test_no_cut_lies_under_the_least() -> None:
    false = exponential(20_000)
    curve = PrecisionCurve.fit(
        np.full(1000, 20.0), 1000, false, np.full(20_000, 1 / 20_000), least=4.0
    )
    assert curve.cut(0.9) == 4
    assert curve.cut(0.99999) > 4
