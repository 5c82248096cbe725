"""Methods of finding duplicates: each scores all queries of a task against all references."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from simsearch.bench.duplicates.tasks import Task

Scores = npt.NDArray[np.float32]
Progress = Callable[[int, int], None]


class Method(Protocol):
    """A way to tell how alike pictures are."""

    @property
    def name(self) -> str:
        """How it stands in tables."""

    @property
    def threshold(self) -> float | None:
        """Lowest score that it takes for a duplicate by itself."""

    def score(self, task: Task, progress: Progress) -> Scores:
        """Return float32 [queries, references], higher is more alike; NaN where it can't tell."""
