"""Cosines, and a second look at the local features of the nearest few."""

from dataclasses import dataclass

import numpy as np

from simsearch.bench.duplicates.methods import Progress, Scores
from simsearch.bench.duplicates.methods.embeddings import Embeddings
from simsearch.bench.duplicates.tasks import Task
from simsearch.collection.duplicates.copies import LOWEST, NEAREST
from simsearch.collection.duplicates.second_look import look_again
from simsearch.config import DEFAULT_PRECISION
from simsearch.local.verdict import certainty, log_odds


@dataclass(slots=True)
class SecondLook:
    """Embeddings propose, local features decide.

    Attributes:
        threshold: certainty for the default precision, by calibration; None before `score`.
    """

    embeddings: Embeddings
    name: str = "simsearch, second look"
    threshold: float | None = None

    def score(self, task: Task, progress: Progress) -> Scores:
        """Return the certainty of a copy, 0 to 1; below 0 what was not looked at."""
        cosines = self.embeddings.score(task, progress)
        self.threshold = certainty(self.embeddings.calibration.look.cut(DEFAULT_PRECISION))
        near = np.nan_to_num(cosines, nan=-1)
        if task.itself:
            np.fill_diagonal(near, -1)
        nearest = np.argsort(-near, axis=1)[:, :NEAREST]
        rows = np.repeat(np.arange(len(near)), nearest.shape[1])
        columns = nearest.ravel()
        asked = near[rows, columns] >= LOWEST
        rows, columns = rows[asked], columns[asked]
        pairs = [
            (task.references[column], task.queries[row])
            for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
        ]
        scores = np.asarray(near - 2, np.float32)
        looks = look_again(pairs, progress)
        scores[rows, columns] = [
            0.0 if look is None else certainty(log_odds(look)) for look in looks
        ]
        return scores
