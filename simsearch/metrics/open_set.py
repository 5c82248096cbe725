"""Identification where some that are asked about are known to nobody."""

from typing import Any

import numpy as np
import numpy.typing as npt

from simsearch.metrics.verification import tar_at_far

Scores = npt.NDArray[Any]


def detection_and_identification_rate(
    known: Scores, right: npt.NDArray[np.bool_], unknown: Scores, fpir: float
) -> float:
    """Return the share of known pictures that are called known, and by the right name.

    Args:
        known: float [n], score of the best candidate for each picture of a known class.
        right: bool [n], whether that candidate is the picture's class.
        unknown: float [m], score of the best candidate for each picture of an unknown class.
        fpir: false positive identification rate, 0 to 1: the cut is the lowest at which at most
            this share of the unknown pictures is called known.

    Returns:
        0 to 1, higher is better (Phillips, Grother, Micheals 2011, rank 1).
    """
    # One that is called by a wrong name is as good as never accepted.
    return tar_at_far(np.where(right, known, -np.inf), unknown, fpir)
