"""How precise a cut through scores is: true pairs as measured, false ones as their tail says.

At a precision of 99.9 % a false pair is too rare to be met in a sample. What can be measured is how
fast false pairs become rarer as the score grows: their tail is taken as exponential and continued,
but never to less than the sample itself has: a few look-alikes are no smooth tail.
"""

from bisect import bisect_left
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_TAIL = 0.05  # share of the false pairs whose tail is continued
_STEPS = 2000  # of the cuts that are tried
_NEXT = 1e-4  # the step to which scores are rounded
_SLOWEST, _FASTEST = 1e-3, 1e4  # rates of a tail


@dataclass(frozen=True, slots=True)
class PrecisionCurve:
    """What a sample says of a score, higher is more alike.

    Attributes:
        true: scores of true pairs, ascending; those never found are not among them.
        asked: true pairs that there are, found or not.
        start: score from which the tail of false pairs is known; no cut lies lower.
        least: nor lower than this.
        above: false pairs over `start` for each true pair that there is.
        rate: by which they become rarer: above * exp(-rate * (score - start)).
        met: scores of the false pairs of the sample over `start`, ascending.
        shares: false pairs that each of these stands for, for each true one.
    """

    true: tuple[float, ...]
    asked: int
    start: float
    least: float
    above: float
    rate: float
    met: tuple[float, ...]
    shares: tuple[float, ...]

    @classmethod
    def fit(
        cls,
        true: Floats,
        asked: int,
        false: Floats,
        weights: Floats,
        least: float,
        end: float = np.inf,
    ) -> Self:
        """Fit the tail of the highest twentieth of false pairs.

        Args:
            true: float64 [m], scores of true pairs that were found.
            asked: true pairs that there are.
            false: float64 [n], scores of other pairs, 2 or more under `end`.
            weights: float64 [n], false pairs that each stands for, for each true pair.
            least: score under which nothing is a true pair, whatever the tail says.
            end: score from which other pairs may be true ones after all; they are not looked at.
        """
        known = false < end
        scores, weights = false[known], weights[known]
        order = np.argsort(scores)
        scores, weights = scores[order], weights[order]
        middle = np.searchsorted(np.cumsum(weights), weights.sum() * (1 - _TAIL))
        start = float(scores[middle])
        tail, shares = scores[middle:] - start, weights[middle:]
        length = end - start
        rate = _rate(float(np.average(tail, weights=shares)), length)
        above = float(shares.sum() / -np.expm1(-rate * length))
        found = tuple(np.sort(true).round(4).tolist())
        return cls(
            true=found,
            asked=asked,
            start=round(start, 4),
            least=least,
            above=round(above, 6),
            rate=round(rate, 4),
            met=tuple(scores[middle:].round(4).tolist()),
            shares=tuple(shares.round(6).tolist()),
        )

    def recall(self, cut: float) -> float:
        """Return the share of true pairs at or over a cut, 0 to 1."""
        return (len(self.true) - int(np.searchsorted(self.true, cut))) / self.asked

    def precision(self, cut: float) -> float:
        """Return the expected share of true pairs among all at or over a cut, 0 to 1.

        It is for as many true pairs among the others as the weights were made for.
        """
        recall = self.recall(cut)
        smooth = self.above * float(np.exp(-self.rate * (cut - self.start)))
        false = max(smooth, sum(self.shares[bisect_left(self.met, cut) :]))
        return recall / (recall + false) if recall else 0.0

    def cut(self, precision: float) -> float:
        """Return the lowest score with a precision; where none has it, that of the highest."""
        lowest = max(self.start, self.least)
        known = [score for score in (*self.true, *np.add(self.met, _NEXT)) if score > lowest]
        between = np.linspace(lowest, max([lowest, *known]), _STEPS)
        scores = np.unique(np.concatenate([between, known]))
        reached = np.array([self.precision(float(score)) for score in scores])
        good = np.flatnonzero(reached >= precision)
        return float(scores[good[0] if len(good) else reached.argmax()])

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Build from what `dataclasses.asdict` and JSON made of one."""
        return cls(**{**data, **{name: tuple(data[name]) for name in ("true", "met", "shares")}})


def _rate(mean: float, length: float) -> float:
    """Return the rate of an exponential distribution cut off at `length` from its mean."""
    if not np.isfinite(length):
        return float(np.clip(1 / max(mean, 1 / _FASTEST), _SLOWEST, _FASTEST))
    low, high = _SLOWEST, _FASTEST
    for _ in range(60):
        rate = (low * high) ** 0.5
        if 1 / rate - length / np.expm1(min(rate * length, 700.0)) > mean:
            low = rate
        else:
            high = rate
    return low
