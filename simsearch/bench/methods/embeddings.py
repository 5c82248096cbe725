"""Cosines of an encoder's vectors, as an index holds them."""

from dataclasses import dataclass

import numpy as np

from simsearch.bench.methods import Progress, Scores
from simsearch.bench.tasks import Task
from simsearch.config import DEFAULT_THRESHOLD
from simsearch.encoder.resolve import resolve
from simsearch.encoder.runtimes import Vectors
from simsearch.evaluation.embedding import embed_pictures


@dataclass(frozen=True, slots=True)
class Embeddings:
    """The encoder alone."""

    encoder: str
    device: str = "auto"
    name: str = "simsearch, embeddings"
    threshold: float = DEFAULT_THRESHOLD

    def __post_init__(self) -> None:
        """Refuse an encoder that is not there before anything is measured; raises EncoderError."""
        resolve(self.encoder)

    def score(self, task: Task, progress: Progress) -> Scores:
        """Return cosines, -1 to 1."""
        paths = [*task.references, *([] if task.itself else task.queries)]
        vectors, rows, _ = embed_pictures(paths, self.encoder, self.device, progress)
        # Whoever has no vector is found by nobody, and finds nobody.
        every: Vectors = np.full((len(paths), vectors.shape[1]), np.nan, np.float32)
        every[rows] = vectors.astype(np.float16)
        references = every[: len(task.references)]
        queries = references if task.itself else every[len(task.references) :]
        return np.asarray(queries @ references.T, np.float32)
