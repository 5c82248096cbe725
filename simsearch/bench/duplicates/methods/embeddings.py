"""Cosines of an encoder's vectors, as an index holds them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from simsearch.bench.duplicates.methods import Progress, Scores
from simsearch.bench.duplicates.tasks import Task
from simsearch.collection.duplicates.calibrating import Pictures, calibrate
from simsearch.collection.duplicates.calibration import CopyCalibration, shipped
from simsearch.config import DEFAULT_PRECISION
from simsearch.encoder.resolve import resolve
from simsearch.encoder.runtimes import Vectors
from simsearch.evaluation.embedding import embed_pictures
from simsearch.index.vector_index import Ids


@dataclass(slots=True)
class Embeddings:
    """The encoder alone, calibrated on the references.

    Attributes:
        threshold: cosine for the default precision; None before `score`.
        calibration: on the references that were scored last; before that the shipped one.
    """

    encoder: str
    device: str = "auto"
    name: str = "simsearch, embeddings"
    threshold: float | None = None
    calibration: CopyCalibration = field(default_factory=shipped)
    _scored: tuple[Task, Scores] | None = None

    def __post_init__(self) -> None:
        """Refuse an encoder that is not there before anything is measured; raises EncoderError."""
        resolve(self.encoder)

    def score(self, task: Task, progress: Progress) -> Scores:
        """Return cosines, -1 to 1."""
        if self._scored is None or self._scored[0] is not task:
            self._scored = task, self._cosines(task, progress)
        return self._scored[1]

    def _cosines(self, task: Task, progress: Progress) -> Scores:
        paths = [*task.references, *([] if task.itself else task.queries)]
        vectors, rows, _ = embed_pictures(paths, self.encoder, self.device, progress)
        # Whoever has no vector is found by nobody, and finds nobody.
        every: Vectors = np.full((len(paths), vectors.shape[1]), np.nan, np.float32)
        every[rows] = vectors.astype(np.float16)
        references = every[: len(task.references)]
        queries = references if task.itself else every[len(task.references) :]
        pictures = self._pictures(task, references)
        self.calibration = calibrate(pictures, progress) or shipped(pictures.encoder)
        self.threshold = self.calibration.cosine.cut(DEFAULT_PRECISION)
        return np.asarray(queries @ references.T, np.float32)

    def _pictures(self, task: Task, references: Vectors) -> Pictures:
        def search(vectors: Vectors, k: int) -> tuple[Vectors, Ids]:
            cosines = np.nan_to_num(vectors @ references.T, nan=-1)
            nearest = np.argsort(-cosines, axis=1)[:, :k]
            return np.take_along_axis(cosines, nearest, axis=1), nearest

        def paths(positions: Sequence[int]) -> list[str]:
            return [task.references[position] for position in positions]

        def embed(files: Sequence[str]) -> Vectors:
            return embed_pictures(files, self.encoder, self.device)[0]

        fingerprint = resolve(self.encoder).fingerprint
        return Pictures(len(references), fingerprint, search, references.__getitem__, paths, embed)
