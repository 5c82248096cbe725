"""What learns: the network, its objective and its optimizer, one step at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from simsearch.encoder.embed import normalized
from simsearch.encoder.network import EmbeddingNetwork
from simsearch.evaluation.labelled import Labels
from simsearch.training.collapse import CollapseGuard
from simsearch.training.curriculum import Stage
from simsearch.training.job import Job
from simsearch.training.loader import plain_batches
from simsearch.training.mining import Vectors
from simsearch.training.objective import BatchStats, Objective
from simsearch.training.optimizer import new_optimizer
from simsearch.training.pictures import PictureSet, Pixels

if TYPE_CHECKING:
    from torch import Tensor

_CLIP = 1.0
_EVALUATION_BATCH = 64


class Learner:
    """A network under training.

    Attributes:
        network: changes with every step.
        objective: the loss, its miner and its memory.
        guard: has seen the figures of every step.
        average: of the weights so far, None without.
    """

    def __init__(self, job: Job, network: EmbeddingNetwork) -> None:
        self._job = job
        self.network = network.to(job.device).to(memory_format=torch.channels_last)
        self.objective = self._new_objective()
        self.guard = CollapseGuard(self.objective.margin)
        self.average: AveragedModel | None = None
        if job.config.ema:
            rule: Any = get_ema_multi_avg_fn(job.config.ema)  # type: ignore[no-untyped-call]
            self.average = AveragedModel(self.network, multi_avg_fn=rule, use_buffers=True)
        self.optimizer = new_optimizer(self.network, self.objective, job)

    @property
    def shown(self) -> EmbeddingNetwork:
        """The network that is measured and saved: the average where there is one."""
        averaged: Any = self.network if self.average is None else self.average.module
        network: EmbeddingNetwork = averaged
        return network

    def set_mode(self) -> None:
        """Train, but keep trained batch statistics: small batches would only blur them."""
        self.network.train()
        for module in self.network.modules():
            if isinstance(module, _BatchNorm) and not self._job.from_scratch:
                module.eval()

    def step(self, pixels: Pixels, labels: Labels, stage: Stage) -> BatchStats:
        """Forward, backward, step.

        Args:
            pixels: uint8 [n, size, size, 3].
            labels: int64 [n].
        """
        targets = torch.from_numpy(labels).to(self._job.device)
        with self._autocast():
            embeddings = self._forward(self._on_device(pixels), stage.head_only)
        loss = self.objective(embeddings, targets, stage.mining)
        self.optimizer.zero_grad(set_to_none=True)
        if loss.requires_grad:  # not where the batch has nothing to learn from
            loss.backward()
            parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
            nn.utils.clip_grad_norm_(parameters, _CLIP)
            self.optimizer.step()
            if self.average is not None:
                self.average.update_parameters(self.network)
        stats = self.objective.describe(loss, embeddings, targets)
        self.guard.watch(stats)
        return stats

    def embed(self, pictures: PictureSet, network: nn.Module | None = None) -> Vectors:
        """Return unit vectors float32 [n, dim] of pictures, not augmented."""
        outputs = self.outputs(pictures, network or self.shown)
        with np.errstate(over="ignore", invalid="ignore"):  # what blew up is for the guard to see
            return normalized(outputs)

    @torch.inference_mode()
    def outputs(self, pictures: PictureSet, network: nn.Module) -> Vectors:
        """Return what a network makes of pictures, float32 [n, ...]."""
        network.eval()
        parts = []
        for pixels in plain_batches(pictures, _EVALUATION_BATCH, self._job.workers):
            with self._autocast():
                parts.append(network(self._on_device(pixels)).float().cpu().numpy())
        return np.concatenate(parts)

    def start_again(self, network: EmbeddingNetwork) -> None:
        """Take up another network's weights; all that learned beside it begins anew."""
        self.network.load_state_dict(network.state_dict())
        if self.average is not None:
            self.average.module.load_state_dict(network.state_dict())
        self.objective = self._new_objective()  # a loss's own weights may be what broke
        self.guard.clear()
        self.optimizer = new_optimizer(self.network, self.objective, self._job)

    def modules(self) -> dict[str, Any]:
        """Return all that has a state, by name."""
        modules: dict[str, Any] = {
            "network": self.network,
            "objective": self.objective,
            "optimizer": self.optimizer,
            "guard": self.guard,
        }
        return modules if self.average is None else {**modules, "average": self.average}

    def _new_objective(self) -> Objective:
        config, classes = self._job.config, int(self._job.train_labels.max()) + 1
        objective = Objective(config.loss, config.dim, classes, config.memory)
        return objective.to(self._job.device)

    def _forward(self, pixels: "Tensor", head_only: bool) -> "Tensor":
        with torch.set_grad_enabled(not head_only):
            features = self.network.features(pixels)
        projected: Tensor = self.network.projection(features)
        return projected

    @contextmanager
    def _autocast(self) -> Iterator[None]:
        precision, kind = self._job.config.precision, self._job.device.type
        on = precision == "bf16" or (precision == "auto" and kind == "cuda")
        with torch.autocast(kind, dtype=torch.bfloat16, enabled=on):
            yield

    def _on_device(self, pixels: Pixels) -> "Tensor":
        tensor = torch.from_numpy(pixels)
        if self._job.device.type == "cuda":
            tensor = tensor.pin_memory()
        return tensor.to(self._job.device, non_blocking=True)
