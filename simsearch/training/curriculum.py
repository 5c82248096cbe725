"""What an epoch learns from: `--mining auto` goes from easy to hard, any other name stays."""

from dataclasses import dataclass

from simsearch.config import TrainingConfig
from simsearch.errors import InputError
from simsearch.training.miners import miner_names

_SEMI_HARD_UNTIL = 0.35  # of the epochs
_BATCH_HARD_UNTIL = 0.55


@dataclass(frozen=True, slots=True)
class Stage:
    """One epoch's way of learning.

    Attributes:
        name: for people and metrics.jsonl.
        mining: name of a miner.
        head_only: the trunk stays as it is.
        confused: batches of classes that are confused with each other.
    """

    name: str
    mining: str
    head_only: bool = False
    confused: bool = False


HEAD = Stage("head", "semi_hard", head_only=True)
SEMI_HARD = Stage("semi_hard", "semi_hard")
BATCH_HARD = Stage("batch_hard", "batch_hard")
GLOBAL = Stage("global", "batch_hard", confused=True)


def mining_names() -> list[str]:
    """Return what `--mining` takes."""
    return ["auto", "global", *miner_names()]


def check_mining(name: str) -> None:
    """Raise InputError for a name that there is not."""
    if name not in mining_names():
        raise InputError(f"unknown mining '{name}'; use one of {', '.join(mining_names())}")


def stage_of(config: TrainingConfig, epoch: int, softened: bool) -> Stage:
    """Return the stage of an epoch, counted from 0.

    Args:
        softened: training collapsed before, so that nothing harder than semi-hard is tried.
    """
    if softened:
        return SEMI_HARD
    if config.mining == "global":
        return GLOBAL
    if config.mining != "auto":
        return Stage(config.mining, config.mining)
    if epoch == 0 and config.weights != "none":
        return HEAD  # a new projection would drag trained weights through the dirt
    done = epoch / config.epochs
    if done < _SEMI_HARD_UNTIL:
        return SEMI_HARD
    return BATCH_HARD if done < _BATCH_HARD_UNTIL else GLOBAL
