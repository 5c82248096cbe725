"""What the scores of pairs are worth: histograms, ROC and reliability, from calibration pairs."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from simsearch.metrics import ece, eer
from simsearch.records.labelled import Calibration
from simsearch.report.plots import FIRST, INK, MARK, QUIET, SECOND, plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Scores = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

_MOST_SCORES = 1_000_000  # of a kind; a plot shows no more
_HISTOGRAM_BINS = 60
_RELIABILITY_BINS = 15  # those of the expected calibration error
_ROC_POINTS = 200


@dataclass(frozen=True, slots=True)
class Reliability:
    """Pairs by calibrated probability, both kinds weighted equally; a value a bin that has any.

    Attributes:
        probability: mean of the calibrated probability, 0 to 1.
        observed: share of same pairs, 0 to 1.
        weight: share of all pairs; they add up to 1.
    """

    probability: Floats
    observed: Floats
    weight: Floats


def score_plots(same: Scores, different: Scores, calibration: Calibration) -> list[str]:
    """Return the plots as HTML, of float32 [n] and [m] cosines; empty without pairs of a kind."""
    if not len(same) or not len(different):
        return []
    same, different = bounded(same), bounded(different)
    probabilities = [probability(scores, calibration) for scores in (same, different)]
    return [
        plot(
            "Cosines of pairs",
            "Share of the pairs of each kind. The less they overlap, the better; from the line on, "
            "a pair is more probably the same than not, if both are as likely beforehand.",
            lambda axes: _histograms(axes, same, different, calibration),
        ),
        plot(
            "ROC",
            "Same pairs accepted (TAR) at each share of different pairs accepted (FAR); higher is "
            "better. The dot is the equal error rate, the grey line is guessing.",
            lambda axes: _roc(axes, same, different),
        ),
        plot(
            "Reliability",
            f"Calibrated probability against what was so; on the line, it can be taken at its "
            f"word. Larger dots are more pairs. Mean gap (ECE): {ece(*probabilities):.3f}.",
            lambda axes: _reliability(axes, reliability(*probabilities)),
        ),
    ]


def bounded(scores: Scores, limit: int = _MOST_SCORES, seed: int = 0) -> Scores:
    """Return the scores, or a seeded sample (with repetition) of `limit` of them."""
    if len(scores) <= limit:
        return scores
    return scores[np.random.default_rng(seed).integers(0, len(scores), limit)]


def probability(scores: Scores, calibration: Calibration) -> Floats:
    """Return the calibrated probability of the same class at a prior of 0.5, float64 [n]."""
    ratio = calibration.slope * scores.astype(np.float64) + calibration.intercept
    result: Floats = np.exp(-np.logaddexp(0, -ratio))
    return result


def reliability(same: Floats, different: Floats) -> Reliability:
    """Put the probabilities of both kinds of pair into 15 bins of equal width."""
    pairs, expected, observed = np.zeros((3, _RELIABILITY_BINS))
    for values, is_same in ((same, 1.0), (different, 0.0)):
        bins = np.minimum((values * _RELIABILITY_BINS).astype(np.int64), _RELIABILITY_BINS - 1)
        share = np.bincount(bins, minlength=_RELIABILITY_BINS) / (2 * len(values))
        pairs += share
        observed += share * is_same
        expected += np.bincount(bins, values, _RELIABILITY_BINS) / (2 * len(values))
    held = pairs > 0
    return Reliability(expected[held] / pairs[held], observed[held] / pairs[held], pairs[held])


def roc_points(same: Scores, different: Scores) -> tuple[Floats, Floats]:
    """Return FAR and TAR, float64 [points], at up to 200 cuts at scores of different pairs."""
    same, different = np.sort(same), np.sort(different)
    accepted = np.geomspace(1, len(different), _ROC_POINTS).round().astype(np.int64)
    cuts = different[len(different) - np.unique(accepted)]
    far = 1 - np.searchsorted(different, cuts) / len(different)
    tar = 1 - np.searchsorted(same, cuts) / len(same)
    return far, tar


def _histograms(axes: "Axes", same: Scores, different: Scores, calibration: Calibration) -> None:
    low = float(min(same.min(), different.min()))
    high = max(float(max(same.max(), different.max())), low + 1e-3)
    kinds: Any = (
        (different, "different classes", SECOND, "--"),
        (same, "same class", FIRST, "-"),
    )
    for scores, label, colour, line in kinds:
        counts, edges = np.histogram(scores, _HISTOGRAM_BINS, (low, high))
        shares = counts / len(scores)
        axes.stairs(shares, edges, fill=True, color=colour, alpha=0.2, linewidth=0)
        axes.stairs(shares, edges, color=colour, linestyle=line, linewidth=1.6, label=label)
    if calibration.slope > 0 and low < -calibration.intercept / calibration.slope < high:
        axes.axvline(-calibration.intercept / calibration.slope, color=QUIET, linewidth=1.2)
    axes.set_xlabel("cosine")
    axes.set_ylabel("share of pairs")
    axes.yaxis.set_major_formatter(_percent)
    axes.legend(loc="best")


def _roc(axes: "Axes", same: Scores, different: Scores) -> None:
    far, tar = roc_points(same, different)
    error = eer(same, different)
    axes.plot(far, far, color=QUIET, linewidth=1)
    axes.plot(far, tar, color=FIRST, label="TAR")
    _mark_eer(axes, error, float(far.min()))
    axes.set_xscale("log")
    axes.set_ylim(0, 1.03)
    axes.set_xlabel("FAR: different pairs accepted")
    axes.set_ylabel("TAR: same pairs accepted")
    axes.xaxis.set_major_formatter(_percent)
    axes.yaxis.set_major_formatter(_percent)


def _mark_eer(axes: "Axes", error: float, least_far: float) -> None:
    """Mark the equal error rate, unless it is too low to lie on the curve."""
    if error < least_far:
        return
    axes.plot([error], [1 - error], "o", color=MARK, markersize=7)
    on_the_left = error < least_far**0.5  # on a logarithmic axis that ends at 1
    axes.annotate(
        f"EER {error:.1%}",
        (error, 1 - error),
        (7, -14) if on_the_left else (-7, 5),
        textcoords="offset points",
        horizontalalignment="left" if on_the_left else "right",
        color=INK,
    )


def _reliability(axes: "Axes", found: Reliability) -> None:
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1)
    axes.plot(found.probability, found.observed, color=FIRST, linewidth=1.2)
    axes.scatter(found.probability, found.observed, 16 + 240 * found.weight, color=FIRST)
    axes.set_xlim(-0.03, 1.03)
    axes.set_ylim(-0.03, 1.03)
    axes.set_xlabel("calibrated probability of the same class")
    axes.set_ylabel("share that was the same")
    axes.xaxis.set_major_formatter(_percent)
    axes.yaxis.set_major_formatter(_percent)


def _percent(value: float, _position: float = 0.0) -> str:
    return f"{100 * value:.6g} %"
