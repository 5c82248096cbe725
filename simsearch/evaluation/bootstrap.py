"""Confidence intervals from resampling the classes (Efron 1979).

Pictures of a class are alike, so it is classes that a figure varies with: each resample draws as
many classes as there are, with replacement, and an interval holds the middle 95 % of what they
give. What the pictures are searched among stays as it is.
"""

import numpy as np
import numpy.typing as npt

from simsearch.encoder.runtimes import Vectors
from simsearch.evaluation.labelled import Labels
from simsearch.evaluation.pair_scores import PairScores
from simsearch.metrics import roc_figures

RESAMPLES = 1000
_GROUPS = 128  # beyond this many classes, groups of them are resampled: their pairs are too many
_LEVELS = 128  # quantiles of each kind of pair that scores are rounded to; as many for the tails

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


def intervals_of_pairs(pairs: PairScores, classes: int, seed: int = 0) -> dict[str, Interval]:
    """Return the intervals of 'auc' and 'eer'.

    A class drawn twice counts twice, in pairs with others, too; pairs of it with its own copy are
    left out. Scores are rounded to 256 quantiles of each kind of pair, close in the tails, and over
    128 classes it is 128 random groups of classes that are drawn: both move the ends by less than
    resampling does. Resamples without a pair of one kind, where few classes have two pictures, are
    left out.
    """
    groups = min(classes, _GROUPS)
    group_of = np.random.default_rng(seed).permutation(classes) % groups
    same, different, first, second = _histograms(pairs, group_of, groups)
    draws = _draws(groups, seed)
    # Pairs within a group come with it, once a draw; pairs across come once for both draws.
    weights = np.where(first == second, draws[:, first], draws[:, first] * draws[:, second])
    same_counts, different_counts = draws @ same, weights @ different
    usable = (same_counts.sum(axis=1) > 0) & (different_counts.sum(axis=1) > 0)
    auc, eer = roc_figures(same_counts[usable], different_counts[usable])
    return {"auc": _middle(auc), "eer": _middle(eer)}


def _draws(classes: int, seed: int) -> Floats:
    """Return how often each class is drawn in each resample, [RESAMPLES, classes]."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(classes, np.full(classes, 1 / classes), RESAMPLES).astype(np.float64)


def _histograms(
    pairs: PairScores, group_of: Labels, groups: int
) -> tuple[Floats, Floats, Labels, Labels]:
    """Return histograms of same pairs [groups, bins] and of different pairs [group pairs, bins].

    The last two returned are the groups of each group pair.
    """
    edges = np.unique([np.quantile(kind, _levels(kind)) for kind in (pairs.same, pairs.different)])
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
