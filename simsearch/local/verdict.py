"""From an alignment to the probability that one picture is an edited copy of the other.

A logistic regression. Its weights are what `python -m benchmarks.second_look PHOTOS --pictures 110`
prints for grocery/train: fitted on altered copies of phone photographs against each photograph's
nearest others, which are the same product photographed again, and against bursts made of them.
"""

import numpy as np

from simsearch.local.alignment import Alignment

WEIGHTS = (-0.562, 0.254, -0.512, -38.076, 3.281, 8.079, 5.581)
OFFSET = -9.732
_FEW = 6  # inliers; an affine map goes through any three points, so that of few is too exact
_UNKNOWN, _EXACT = 1.0, 0.1  # pixels: the residual of few, and the least that counts
_DRIFTED = 0.5  # pixels: more drift says no more


def evidence(found: Alignment) -> list[float]:
    """Return the numbers that are weighed, as many as `WEIGHTS`."""
    residual = max(found.residual, _EXACT) if found.inliers >= _FEW else _UNKNOWN
    return [
        float(np.log1p(found.close)),
        found.close / max(found.matches, 1),
        float(np.log(residual)),
        min(found.drift, _DRIFTED),
        found.alike,
        found.correlation,
        found.overlap,
    ]


def log_odds(found: Alignment) -> float:
    """Return the logarithm of the odds of a copy: 0 is even, higher is surer."""
    return float(np.dot(WEIGHTS, evidence(found)) + OFFSET)


def certainty(log_odds: float) -> float:
    """Return log-odds as a probability, 0 to 1."""
    return float(1 / (1 + np.exp(-log_odds)))
