"""Notice when all embeddings have become the same: from there, no gradient leads back.

Identical embeddings cost exactly the margin, whatever the pictures are.
"""

from collections import deque
from dataclasses import asdict
from typing import Any

import numpy as np

from simsearch.training.objective import BatchStats

_WINDOW, _SHORTEST = 10, 3  # batches: a single odd one is no collapse
_NEAR_ZERO = 0.05  # of distances between 0 and 2
_ZERO = 0.003  # some ten times what rounding makes of distances between equal vectors
_OFF_MARGIN = 0.01


class CollapseGuard:
    """Watches batches, across epochs: small sets have few batches in each.

    Args:
        margin: what identical embeddings cost, None where there is no such value.
    """

    def __init__(self, margin: float | None) -> None:
        self._margin = margin
        self._recent: deque[BatchStats] = deque(maxlen=_WINDOW)
        self._window = _WINDOW

    def hurry(self, batches: int) -> None:
        """Be sure within so many batches, 3 to 10: early stopping must not come first."""
        self._window = min(max(batches, _SHORTEST), _WINDOW)

    def watch(self, stats: BatchStats) -> None:
        """Take one batch's figures."""
        self._recent.append(stats)

    @property
    def collapsed(self) -> bool:
        """Whether the last batches have no distances left, or a loss that is no number.

        Where distances are small but not gone, the loss must be the margin, too: an untrained
        network may be no better. Where they are gone, semi-hard mining finds nothing and costs 0.
        """
        if any(not np.isfinite(s.loss) for s in self._recent):
            return True
        if len(self._recent) < self._window:
            return False
        last = list(self._recent)[-self._window :]
        loss, positive, negative = np.mean(
            [(s.loss, s.positive_distance, s.negative_distance) for s in last], axis=0
        )
        spread = max(positive, negative)
        stuck = self._margin is not None and abs(loss - self._margin) < _OFF_MARGIN * self._margin
        return bool(spread < _ZERO or (spread < _NEAR_ZERO and stuck))

    def clear(self) -> None:
        """Forget everything: the network that made it is gone."""
        self._recent.clear()

    def state_dict(self) -> dict[str, Any]:
        """Return what was watched."""
        return {"recent": [asdict(stats) for stats in self._recent]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` returned."""
        self._recent.clear()
        self._recent.extend(BatchStats(**stats) for stats in state["recent"])
