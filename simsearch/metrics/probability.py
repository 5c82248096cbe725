"""Are probabilities that two pictures are of the same class right?

Everywhere the two arrays are those of the pairs of the same class and of different classes, float
[n] and [m], and both kinds weigh equally, as at a prior of 0.5.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[Any]

ECE_BINS = 15


def brier(same: Values, different: Values) -> float:
    """Return the mean squared error of probabilities (Brier 1950), 0 to 1, lower is better.

    Knowing nothing, 0.5 everywhere, gives 0.25.
    """
    missed = np.square(1 - same).mean(dtype=np.float64)
    claimed = np.square(different).mean(dtype=np.float64)
    return float((missed + claimed) / 2)


def ece(same: Values, different: Values) -> float:
    """Return the expected calibration error of probabilities, 0 to 1, lower is better.

    Probabilities are put into 15 bins of equal width; it is the mean over the bins, by weight, of
    |mean probability - share of same pairs| (Naeini, Cooper, Hauskrecht 2015).
    """
    gaps = np.zeros(ECE_BINS)
    for values, is_same in ((same, 1), (different, 0)):
        bins = np.minimum((values * ECE_BINS).astype(np.int64), ECE_BINS - 1)
        excess = np.asarray(values, np.float64) - is_same
        gaps += np.bincount(bins, excess, ECE_BINS) / (2 * len(values))
    return float(np.abs(gaps).sum())


def cllr(same: Values, different: Values) -> float:
    """Return the cost of log-likelihood ratios (Bruemmer, du Preez 2006) in bits, 0 or more.

    Lower is better; knowing nothing, 0 everywhere, gives 1.

    Args:
        same, different: natural-log likelihood ratios of the same class to different ones.
    """
    costs = (np.logaddexp(0, -same), np.logaddexp(0, different))
    return float(sum(cost.mean(dtype=np.float64) for cost in costs) / 2 / np.log(2))
