"""All that a killed run needs to go on exactly: written now and then, read by `--resume`."""

import json
import os
import random
from dataclasses import asdict, astuple, dataclass, field
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import torch

from simsearch.config import TrainingConfig
from simsearch.errors import TrainingError
from simsearch.training.confusion import Confusion
from simsearch.training.sampler import Rows

FILE = "training-state.pt"
HISTORY_FILE = "metrics.jsonl"
FORMAT_VERSION = 3


@dataclass(slots=True)
class Position:
    """Where training is.

    Attributes:
        epoch, step: the next batch; epochs from 0, steps count into `plan`.
        plan: rows of the batches of this epoch, None before it is made; where views are shown
            again, places in `kept`.
        kept: rows of the views that were made last, in their order.
        confusion: what the last global search found, None before it.
        history: what metrics.jsonl holds.
        best, best_epoch: highest MAP@R so far, and after how many epochs.
        collapses: how often the best weights had to be taken up again.
        rate_factor: what that made of the learning rate.
        sums: of this epoch's figures so far, by name, and of its batches.
        seconds: spent in this epoch before it was interrupted.
    """

    epoch: int = 0
    step: int = 0
    plan: list[Rows] | None = None
    kept: Rows | None = None
    confusion: Confusion | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    best: float = -1.0
    best_epoch: int = 0
    collapses: int = 0
    rate_factor: float = 1.0
    sums: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0


def save_state(
    folder: Path, config: TrainingConfig, data: str, position: Position, modules: dict[str, Any]
) -> None:
    """Write the state of everything that has one; `data` is a digest of what is trained on."""
    plan, confusion = position.plan, position.confusion
    state = {
        "format_version": FORMAT_VERSION,
        "config": asdict(config),
        "data": data,
        "position": {
            **asdict(position),
            "plan": None if plan is None else [torch.from_numpy(rows) for rows in plan],
            "kept": None if position.kept is None else torch.from_numpy(position.kept),
            "confusion": None
            if confusion is None
            else [torch.from_numpy(part) for part in astuple(confusion)],
        },
        "modules": {name: module.state_dict() for name, module in modules.items()},
        "random": torch.get_rng_state(),
        "random_cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }
    temporary = folder / f"{FILE}.tmp"
    torch.save(state, temporary)
    os.replace(temporary, folder / FILE)  # noqa: PTH105 - replaces on Windows too


def load_state(
    folder: Path, config: TrainingConfig, data: str, modules: dict[str, Any]
) -> Position:
    """Put everything back to where it was saved, and return the position.

    Raises:
        TrainingError: there is no state, it is damaged, or of other settings or pictures.
    """
    path = folder / FILE
    try:
        _check_bytes(path)
        state = torch.load(path, weights_only=True)
        _compare(path, state, config, data)
        for name, module in modules.items():
            module.load_state_dict(state["modules"][name])
        torch.set_rng_state(state["random"])
        if state["random_cuda"]:
            torch.cuda.set_rng_state_all(state["random_cuda"])
        values = state["position"]
        plan, kept, confusion = (values.pop(name) for name in ("plan", "kept", "confusion"))
        return Position(
            plan=None if plan is None else [rows.numpy() for rows in plan],
            kept=None if kept is None else kept.numpy(),
            confusion=None
            if confusion is None
            else Confusion(*(part.numpy() for part in confusion)),
            **values,
        )
    except FileNotFoundError as error:
        raise TrainingError(f"nothing to resume in '{folder}'; train without --resume") from error
    except TrainingError:
        raise
    except Exception as error:
        # torch, pickle and zip errors of every kind: the file is not what was written.
        raise TrainingError(
            f"'{path}' can't be read ({type(error).__name__}); train again without --resume"
        ) from error


def _check_bytes(path: Path) -> None:
    """Compare the checksums of the archive that torch writes: torch itself does not."""
    with ZipFile(path) as archive:
        damaged = archive.testzip()
    if damaged is not None:
        raise ValueError(f"'{damaged}' has another checksum")


def seed_everything(seed: int) -> None:
    """Seed the generators that libraries draw from; our own code has generators of its own."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def _compare(path: Path, state: dict[str, Any], config: TrainingConfig, data: str) -> None:
    """Refuse what would make the rest another training; more epochs would, too."""
    if state["format_version"] != FORMAT_VERSION:
        raise TrainingError(f"'{path}' is of another version; train again without --resume")
    for name, value in asdict(config).items():
        before = state["config"].get(name)
        if before != value:
            option = name.replace("_", "-")
            raise TrainingError(
                f"'{path}' was trained with --{option} {before}, not {value}; "
                "resume with the same settings"
            )
    if state["data"] != data:
        raise TrainingError(
            f"'{path}' is of other pictures; give the same folder, or train without --resume"
        )


def write_history(out: Path, history: list[dict[str, Any]]) -> None:
    """Write metrics.jsonl, a line an epoch or event."""
    text = "".join(json.dumps(row) + "\n" for row in history)
    (out / HISTORY_FILE).write_text(text, encoding="utf-8")
