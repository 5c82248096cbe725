"""What a training run is given, and whom it tells how it goes."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from simsearch.config import NetworkConfig, TrainingConfig
from simsearch.evaluation.labelled import Labels
from simsearch.training.objective import BatchStats
from simsearch.training.pictures import PictureSet

if TYPE_CHECKING:
    import torch


class Watcher(Protocol):
    """What is told while training goes on."""

    def reading(self, done: int, total: int) -> None:
        """Take how many pictures were read."""
        ...

    def split(self, counts: dict[str, dict[str, int]]) -> None:
        """Take the classes and pictures of each part, by name."""
        ...

    def batch(self, epoch: int, step: int, steps: int, stats: BatchStats, rate: float) -> None:
        """Take one batch's figures; rate is pictures a second in this epoch."""
        ...

    def epoch(self, row: dict[str, Any]) -> None:
        """Take one epoch's figures, a line of metrics.jsonl."""
        ...

    def note(self, message: str) -> None:
        """Take something that a person should know."""
        ...


@dataclass(slots=True)
class Job:
    """What to train on, and where to.

    Attributes:
        train, validation: decoded pictures; labels int64 count from 0.
        data: digest of what is trained on.
        device: of torch.
        should_stop: asked after each batch; True saves the state and ends.
    """

    config: TrainingConfig
    network_config: NetworkConfig
    out: Path
    train: PictureSet
    train_labels: Labels
    validation: PictureSet
    validation_labels: Labels
    data: str
    device: "torch.device"
    workers: int
    watcher: Watcher
    should_stop: Callable[[], bool]

    @property
    def from_scratch(self) -> bool:
        """Whether the trunk begins with random weights."""
        return self.config.weights == "none"

    @property
    def learning_rate(self) -> float:
        """The trunk's highest learning rate."""
        return self.config.learning_rate or (1e-3 if self.from_scratch else 1e-4)
