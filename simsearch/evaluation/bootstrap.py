"""Confidence intervals from resampling the classes (Efron 1979).

Pictures of a class are alike, so it is classes that a figure varies with: each resample draws as
many classes as there are, with replacement, and an interval holds the middle 95 % of what they
give. What the pictures are searched among stays as it is.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from simsearch.encoder.runtimes import Vectors
from simsearch.evaluation.episodes import OpenTrials
from simsearch.evaluation.labelled import Labels
from simsearch.evaluation.pair_scores import PairScores
from simsearch.metrics import ECE_BINS, carried_rates, roc_figures, tar_figures
from simsearch.records.labelled import Calibration

RESAMPLES = 1000
_GROUPS = 128  # beyond this many classes, groups of them are resampled: their pairs are too many
_LEVELS = 128  # quantiles of each kind of pair that scores are rounded to; as many for the tails

_EXACT = 1000  # distinct scores up to which they are not rounded
_HALF = 0.5

Floats = npt.NDArray[np.float64]
Interval = tuple[float, float]


def interval_of_mean(values: Floats, labels: Labels, seed: int = 0) -> Interval:
    """Return the interval of a mean over pictures.

    Args:
        values: float64 [n], a figure of each picture.
        labels: int64 [n], their classes.
    """
    classes, codes = np.unique(labels, return_inverse=True)
    draws = _draws(len(classes), seed)
    return _middle(draws @ np.bincount(codes, values) / (draws @ np.bincount(codes)))


def intervals_of_pairs(
    pairs: PairScores, classes: int, calibration: Calibration | None = None, seed: int = 0
) -> dict[str, Interval]:
    """Return the intervals of the figures of verification, by name: 'tar_at_far_0.1' and so on.

    Those of probabilities need a calibration. A class drawn twice counts twice, in pairs with
    others, too; pairs of it with its own copy are left out. Many scores are rounded to quantiles of
    each kind of pair, close in the tails, and over 128 classes it is 128 random groups of classes
    that are drawn: both move the ends by less than resampling does. Resamples without a pair of one
    kind, where few classes have two pictures, are left out.
    """
    groups = min(classes, _GROUPS)
    group_of = np.random.default_rng(seed).permutation(classes) % groups
    cuts = [_HALF]
    if calibration is not None and calibration.slope > 0:
        cuts.append(-calibration.intercept / calibration.slope)
    edges = _edges(pairs, cuts)
    same, different, first, second = _histograms(pairs, edges, group_of, groups)
    draws = _draws(groups, seed)
    # Pairs within a group come with it, once a draw; pairs across come once for both draws.
    weights = np.where(first == second, draws[:, first], draws[:, first] * draws[:, second])
    same_counts, different_counts = draws @ same, weights @ different
    usable = (same_counts.sum(axis=1) > 0) & (different_counts.sum(axis=1) > 0)
    kinds = same_counts[usable], different_counts[usable]
    auc, eer = roc_figures(*kinds)
    tar = {
        f"tar_at_far_{far:g}": tar_figures(*kinds, far)
        for far in carried_rates(len(pairs.different))
    }
    cosines = _means_of_bins(pairs, edges)
    others = _figures_of_means(*kinds, cosines, calibration)
    figures = {"auc": auc, "eer": eer, **tar, **others}
    return {name: _middle(values) for name, values in figures.items()}


def interval_of_dir(trials: OpenTrials, fpir: float, seed: int = 0) -> Interval | None:
    """Return the interval of the detection and identification rate; see `open_set`.

    Known and unknown classes are drawn together; None where no resample has pictures of both.
    """
    classes, codes = np.unique(
        np.concatenate([trials.labels, trials.stranger_labels]), return_inverse=True
    )
    known, stranger = np.split(codes, [len(trials.labels)])
    order = np.argsort(-trials.strangers, kind="stable")
    highest_first, stranger = trials.strangers[order], stranger[order]
    rates = []
    for draw in _draws(len(classes), seed):
        weights, accepted = draw[known], np.cumsum(draw[stranger])
        if not weights.sum() or not accepted[-1]:
            continue
        refused = highest_first[np.argmax(accepted > fpir * accepted[-1] + 1e-9)]
        rates.append(weights[trials.scores > refused].sum() / weights.sum())
    return _middle(np.array(rates)) if rates else None


def _figures_of_means(
    same: Floats, different: Floats, cosines: Floats, calibration: Calibration | None
) -> dict[str, Floats]:
    """Return the figures that are means over pairs of both kinds, of several histograms at once.

    Args:
        same, different: float [s, bins].
        cosines: float [bins], mean of each bin.
    """
    same, different = (kind / kind.sum(axis=1, keepdims=True) for kind in (same, different))

    def mean(of_same: Any, of_different: Any) -> Floats:
        value: Floats = (same @ of_same + different @ of_different) / 2
        return value

    figures = {"accuracy_at_half": mean(cosines >= _HALF, cosines < _HALF)}
    if calibration is None:
        return figures
    ratios = calibration.slope * cosines + calibration.intercept
    chances = 0.5 * (1 + np.tanh(ratios / 2))
    bins = np.minimum((chances * ECE_BINS).astype(np.int64), ECE_BINS - 1)
    members = np.eye(ECE_BINS)[bins]
    gaps = mean(members * (chances - 1)[:, None], members * chances[:, None])
    costs = np.logaddexp(0, -ratios), np.logaddexp(0, ratios)
    return figures | {
        "accuracy_at_calibrated": mean(ratios >= 0, ratios < 0),
        "brier": mean(np.square(1 - chances), np.square(chances)),
        "ece": np.abs(gaps).sum(axis=1),
        "cllr": mean(*costs) / np.log(2),
    }


def _draws(classes: int, seed: int) -> Floats:
    """Return how often each class is drawn in each resample, [RESAMPLES, classes]."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(classes, np.full(classes, 1 / classes), RESAMPLES).astype(np.float64)


def _edges(pairs: PairScores, cuts: list[float]) -> Floats:
    """Return the edges of the bins; scores at a cut are on the side of those over it."""
    distinct = np.unique(np.concatenate([pairs.same, pairs.different]))
    if len(distinct) <= _EXACT:
        return distinct.astype(np.float64)
    levels = [np.quantile(kind, _levels(kind)) for kind in (pairs.same, pairs.different)]
    below = np.nextafter(np.array(cuts, np.float32), np.float32(-np.inf))
    return np.unique(np.concatenate([*levels, below]))


def _means_of_bins(pairs: PairScores, edges: Floats) -> Floats:
    """Return the mean score of each bin, 0 where it is empty."""
    scores = np.concatenate([pairs.same, pairs.different])
    bins = np.searchsorted(edges, scores)
    counts = np.bincount(bins, minlength=len(edges) + 1)
    sums = np.bincount(bins, scores, minlength=len(edges) + 1)
    means: Floats = sums / np.maximum(counts, 1)
    return means


def _histograms(
    pairs: PairScores, edges: Floats, group_of: Labels, groups: int
) -> tuple[Floats, Floats, Labels, Labels]:
    """Return histograms of same pairs [groups, bins] and of different pairs [group pairs, bins].

    The last two returned are the groups of each group pair.
    """
    bins = len(edges) + 1
    ends = np.sort([group_of[pairs.first_class], group_of[pairs.second_class]], axis=0)
    first, second = np.triu_indices(groups)
    number = np.zeros((groups, groups), np.int64)
    number[first, second] = np.arange(len(first))
    counts = []
    for scores, places, total in (
        (pairs.same, group_of[pairs.same_class], groups),
        (pairs.different, number[ends[0], ends[1]], len(first)),
    ):
        cells = places * bins + np.searchsorted(edges, scores)
        counts.append(np.bincount(cells, minlength=total * bins).reshape(total, bins))
    return counts[0].astype(np.float64), counts[1].astype(np.float64), first, second


def _levels(scores: Vectors) -> Floats:
    """Return the levels of the quantiles to round to: even, and by ratio towards both ends.

    Where encoders are good, it is the last thousandth of each kind that tells how good.
    """
    tail = np.geomspace(1 / max(len(scores), 100), 0.01, _LEVELS // 2)
    return np.concatenate([np.linspace(0, 1, _LEVELS), tail, 1 - tail])


def _middle(values: Floats) -> Interval:
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)
