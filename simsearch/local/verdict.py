"""From an alignment to the probability that one picture is an edited copy of the other.

A logistic regression. Its weights are what `python -m benchmarks.second_look grocery/train` prints:
fitted on altered copies of phone photographs against each photograph's nearest others, which are
the same product photographed again.
"""

import numpy as np

from simsearch.local.alignment import Alignment

WEIGHTS = (-2.373, 5.741, -1.535, 9.384, 3.505, 8.138)
OFFSET = -10.019
_FEW = 6  # inliers; an affine map goes through any three points, so that of few is too exact
_UNKNOWN, _EXACT = 1.0, 0.1  # pixels: the residual of few, and the least that counts


def evidence(found: Alignment) -> list[float]:
    """Return the numbers that are weighed, as many as `WEIGHTS`."""
    residual = max(found.residual, _EXACT) if found.inliers >= _FEW else _UNKNOWN
    return [
        float(np.log1p(found.close)),
        found.close / max(found.matches, 1),
        float(np.log(residual)),
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
