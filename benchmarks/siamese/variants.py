"""What is compared on every job: untrained networks, and what kinds of mining and loss buy."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.siamese.protocol import Fold, Vectors
from simsearch.config import TrainingConfig
from simsearch.encoder import checkpoint
from simsearch.encoder.calibration import read_calibration
from simsearch.encoder.embed import normalized
from simsearch.evaluation.embedding import embed_pictures
from simsearch.records.labelled import Calibration
from simsearch.training.start import build_network
from simsearch.training.train import train

RECIPE = "recipe"
TRAINED: dict[str, dict[str, Any]] = {
    RECIPE: {},  # what its part of the job's config says, with time to converge
    "random triplets": {"mining": "random"},
    "semi-hard": {"mining": "semi_hard"},
    "batch-hard": {"mining": "batch_hard"},
    "global mining": {"mining": "global"},
    "contrastive": {"loss": "contrastive", "mining": "batch_all"},
    "sigmoid head": {"loss": "sigmoid", "mining": "batch_all"},
}
NAMES = ("untrained", "untrained, PCA whitened", *TRAINED)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Vectors of a fold's test pictures, and the calibration that goes with them."""

    vectors: Vectors
    calibration: Calibration | None


def run(variant: str, fold: Fold, config: TrainingConfig, work: Path) -> Outcome:
    """Train what the variant asks for and embed the test pictures."""
    if variant in TRAINED:
        folder = work / "encoder"
        train(
            fold.train,
            folder,
            replace(config, **TRAINED[variant]),
            Quiet(),
            validation=fold.validation,
            calibration=fold.calibration,
        )
        return Outcome(_embed(fold.test, folder), read_calibration(folder))
    untrained = _untrained(config, work)
    vectors = _embed(fold.test, untrained)
    if variant == "untrained":
        return Outcome(vectors, None)
    return Outcome(_whitened(_embed(fold.train.paths, untrained), config.dim)(vectors), None)


def _untrained(config: TrainingConfig, work: Path) -> Path:
    """Write the backbone as it is, without a projection, with the input of the trained ones."""
    from simsearch.encoder.network import EmbeddingNetwork, output_dim

    network, built = build_network(config)
    plain = EmbeddingNetwork(network.trunk, built.preprocessing).eval()
    dim = output_dim(plain, built.preprocessing.size)
    checkpoint.save(work / "untrained", plain, replace(built, dim=dim))
    return work / "untrained"


def _embed(paths: Sequence[str], folder: Path) -> Vectors:
    vectors, _, failures = embed_pictures(paths, str(folder))
    if failures:
        raise ValueError(f"'{failures[0].path}' can't be read: {failures[0].message}")
    return vectors


def _whitened(vectors: Vectors, dim: int) -> Callable[[Vectors], Vectors]:
    """Return PCA whitening to at most `dim` numbers, fitted on training pictures."""
    mean = vectors.mean(axis=0)
    _, spread, components = np.linalg.svd(vectors - mean, full_matrices=False)
    kept = min(dim, int((spread > spread[0] * 1e-3).sum()))
    scaled = components[:kept] / spread[:kept, None]
    return lambda others: normalized(((others - mean) @ scaled.T).astype(np.float32))


class Quiet:
    """A watcher that says nothing."""

    def reading(self, done: int, total: int) -> None:
        """Say nothing."""

    def split(self, counts: dict[str, dict[str, int]]) -> None:
        """Say nothing."""

    def batch(self, *figures: object) -> None:
        """Say nothing."""

    def epoch(self, row: dict[str, object]) -> None:
        """Say nothing."""

    def note(self, message: str) -> None:
        """Say nothing."""
