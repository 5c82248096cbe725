"""Verification: telling pairs of the same class from pairs of different ones by their scores.

Everywhere `same` and `different` are float [n] and [m], the scores of the two kinds of pair, in any
order; higher speaks for the same. A pair is accepted, or called the same, at or over a cut. FAR is
the share of different pairs that are accepted, TAR of same pairs, FRR is 1 - TAR.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

FALSE_ACCEPTANCE_RATES = (0.1, 0.01, 0.001, 0.0001)


def roc_auc(same: Scores, different: Scores) -> float:
    """Return the area under the ROC curve, 0 to 1, higher is better.

    It is the probability that a same pair scores over a different pair; ties count half.
    """
    ordered = np.sort(different)
    below = np.searchsorted(ordered, same, "left").mean()
    not_above = np.searchsorted(ordered, same, "right").mean()
    return float((below + not_above) / 2 / len(ordered))


def eer(same: Scores, different: Scores) -> float:
    """Return the equal error rate, 0 to 1, lower is better: FAR where it is FRR.

    The ROC curve's points, one a distinct score, are joined by straight lines.
    """
    # Only the scores of same pairs need a place of their own: between two of them FRR stays as it
    # is, and FAR falls along a straight line.
    values, counts = np.unique(same, return_counts=True)
    ordered = np.sort(different)
    left, right = np.searchsorted(ordered, values), np.searchsorted(ordered, values, "right")
    below = np.diff(np.stack([left, right], axis=1).ravel(), prepend=0, append=len(ordered))
    same_counts = np.zeros(len(below))
    same_counts[1::2] = counts
    return float(roc_figures(same_counts[None], below[None].astype(np.float64))[1][0])


def roc_figures(same: Floats, different: Floats) -> tuple[Floats, Floats]:
    """Return AUC and EER of several histograms of scores at once.

    Args:
        same, different: float [s, bins], (weighted) numbers of pairs with the scores of each bin,
            lowest scores first. Scores in a bin are taken as equal. No row may be all zeros.

    Returns:
        AUC and EER, float64 [s] each; see `roc_auc` and `eer`.
    """
    frr = _shares_below(same)
    rejected = _shares_below(different)
    same_share, middles = np.diff(frr, axis=1), (rejected[:, 1:] + rejected[:, :-1]) / 2
    auc: Floats = (same_share * middles).sum(axis=1)
    far = 1 - rejected
    rows = np.arange(len(frr))
    after = np.argmax(frr >= far, axis=1)  # never 0: there FRR is 0 and FAR 1
    gap_before = (far - frr)[rows, after - 1]
    gap_after = (frr - far)[rows, after]
    step = gap_before / (gap_before + gap_after)
    before = frr[rows, after - 1]
    return auc, before + step * (frr[rows, after] - before)


def tar_figures(same: Floats, different: Floats, far: float) -> Floats:
    """Return the highest TAR with FAR of at most `far`, of several histograms at once, float64 [s].

    Args:
        same, different: as for `roc_figures`.
    """
    accepted = 1 - _shares_below(different) <= far + 1e-9
    tar: Floats = 1 - _shares_below(same)[np.arange(len(same)), np.argmax(accepted, axis=1)]
    return tar


def carried_rates(different_pairs: int) -> tuple[float, ...]:
    """Return those of FALSE_ACCEPTANCE_RATES at which at least one different pair is accepted."""
    return tuple(far for far in FALSE_ACCEPTANCE_RATES if _allowed(far, different_pairs) >= 1)


def threshold_at_far(different: Scores, far: float) -> float:
    """Return the lowest cut, to float32's precision, at which FAR is at most `far` (below 1)."""
    refused = _highest_refused(different, far)
    return float(np.nextafter(np.float32(refused), np.float32(np.inf)))


def tar_at_far(same: Scores, different: Scores, far: float) -> float:
    """Return the highest TAR, 0 to 1, over all cuts with FAR of at most `far` (below 1)."""
    return float((same > _highest_refused(different, far)).mean())


def accuracy_at(same: Scores, different: Scores, threshold: float) -> float:
    """Return the balanced accuracy at a cut, 0 to 1: the mean of TAR and 1 - FAR.

    The plain accuracy would say little: where one pair in a hundred is of the same class, calling
    none the same is right in 99 % of cases.
    """
    accepted = (same >= threshold).mean()
    refused = (different < threshold).mean()
    return float((accepted + refused) / 2)


def _shares_below(counts: Floats) -> Floats:
    """Return the share of pairs below each of bins + 1 edges, [s, bins + 1], 0 to 1."""
    totals = np.cumsum(counts, axis=1, dtype=np.float64)
    shares = np.zeros((counts.shape[0], counts.shape[1] + 1))
    shares[:, 1:] = totals / totals[:, -1:]
    return shares


def _allowed(far: float, count: int) -> int:
    """Return how many of `count` may be accepted; 0.1 of 30 is 3, however it is rounded."""
    return int(far * count + 1e-9)


def _highest_refused(different: Scores, far: float) -> float:
    """Return the highest different score that must not be accepted."""
    place = len(different) - 1 - _allowed(far, len(different))
    return float(np.partition(different, place)[place])
