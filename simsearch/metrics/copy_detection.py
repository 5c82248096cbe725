"""How well scores tell true pairs from false ones when all pairs are ranked together.

The measures of copy detection (Douze et al. 2021, the DISC21 data set): one threshold for all.
"""

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.floating]
Truth = npt.NDArray[np.bool_]


def micro_average_precision(scores: Scores, true: Truth, total: int) -> float:
    """Return the area under precision over recall of all pairs ranked together, 0 to 1.

    Higher is better.

    Args:
        scores: float [pairs], higher is more alike; pairs of equal score are ranked as one.
        true: bool [pairs].
        total: true pairs that there are, found or not.
    """
    _, precision, recall = _curve(scores, true, total)
    return float((np.diff(recall, prepend=0.0) * precision).sum())


def recall_at_precision(
    scores: Scores, true: Truth, total: int, precision: float
) -> tuple[float, float]:
    """Return the largest recall, 0 to 1, of a cut with at least that precision, and the cut.

    Args:
        scores, true, total: see `micro_average_precision`.
        precision: 0 to 1.

    Returns:
        (recall, lowest score that is taken); (0, infinity) if no cut is as precise.
    """
    cuts, reached, recall = _curve(scores, true, total)
    good = np.flatnonzero(reached >= precision)
    return (float(recall[good[-1]]), float(cuts[good[-1]])) if len(good) else (0.0, np.inf)


def nister_stewenius(scores: Scores, groups: npt.NDArray[np.int64]) -> float | None:
    """Return the N-S score of UKBench (Nister and Stewenius 2006), 1 to 4, higher is better.

    That is how many of the four pictures that are the most alike are of a picture's group, itself
    included, in the mean over all pictures; None where a group has not four.

    Args:
        scores: float [n, n], higher is more alike; NaN counts as never found.
        groups: int64 [n].
    """
    if (np.bincount(groups) != 4).any():
        return None
    ranked = np.nan_to_num(np.array(scores), nan=-np.inf)
    np.fill_diagonal(ranked, np.inf)
    nearest = np.argsort(-ranked, axis=1, kind="stable")[:, :4]
    return float((groups[nearest] == groups[:, None]).sum(axis=1).mean())


def _curve(scores: Scores, true: Truth, total: int) -> tuple[Scores, Scores, Scores]:
    """Return the distinct scores, falling, and precision and recall of taking all from there."""
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], len(ranked) > 0))
    right = np.cumsum(true[order])[last]
    return ranked[last], right / (last + 1), right / max(total, 1)
