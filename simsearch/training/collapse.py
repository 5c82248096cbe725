"""Notice when all embeddings have become the same: from there, no gradient leads back.

Identical embeddings cost exactly the margin, whatever the pictures are.
"""

from collections import deque

import numpy as np

from simsearch.training.objective import BatchStats

_WINDOW = 10  # batches: a single odd one is no collapse
_NEAR_ZERO = 0.05  # of distances between 0 and 2
_OFF_MARGIN = 0.01


class CollapseGuard:
    """Watches batches; see `collapsed`."""

    def __init__(self, margin: float | None) -> None:
        self._margin = margin
        self._recent: deque[BatchStats] = deque(maxlen=_WINDOW)

    def watch(self, stats: BatchStats) -> None:
        """Take one batch's figures."""
        self._recent.append(stats)

    @property
    def collapsed(self) -> bool:
        """Whether the last batches have no distances left, and cost the margin or nothing sane."""
        if any(not np.isfinite(s.loss) for s in self._recent):
            return True
        if len(self._recent) < _WINDOW:
            return False
        loss, positive, negative = np.mean(
            [(s.loss, s.positive_distance, s.negative_distance) for s in self._recent], axis=0
        )
        stuck = self._margin is None or abs(loss - self._margin) < _OFF_MARGIN * self._margin
        return bool(max(positive, negative) < _NEAR_ZERO and stuck)
