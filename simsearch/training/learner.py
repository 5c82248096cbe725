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
from simsearch.metrics import retrieve
from simsearch.training.chunks import chunk_size, features_in_chunks
from simsearch.training.collapse import CollapseGuard
from simsearch.training.curriculum import Stage
from simsearch.training.directions import discriminants, principal_axes
from simsearch.training.distillation import Teacher
from simsearch.training.job import Job
from simsearch.training.loader import plain_batches
from simsearch.training.mining import Vectors
from simsearch.training.neck import Compression, Neck, Projection
from simsearch.training.objective import BatchStats, Objective
from simsearch.training.optimizer import new_optimizer
from simsearch.training.partial import PartialNetwork, inputs_of, take_up
from simsearch.training.pictures import PictureSet, Pixels
from simsearch.training.views import Inputs

if TYPE_CHECKING:
    from torch import Tensor

_CLIP = 1.0
_EVALUATION_BATCH = 64
_SAMPLE = 20_000  # pictures that say enough of how features vary together
_CLEARLY = 0.05  # MAP@R: less says nothing where a handful of classes is validated on


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
        self.network = network
        self.objective = self._new_objective()
        self.guard = CollapseGuard(self.objective.margin)
        self._teacher = Teacher(network) if job.config.distillation else None
        self.average: AveragedModel | None = None
        if job.config.ema:
            rule: Any = get_ema_multi_avg_fn(job.config.ema)  # type: ignore[no-untyped-call]
            self.average = AveragedModel(self.network, multi_avg_fn=rule, use_buffers=True)
        self.optimizer = new_optimizer(self.network, self.objective, job)
        # Statistics over a chunk are not those of the batch: a trunk that learns them takes it all.
        self._chunk = len(job.train)
        if not job.from_scratch and not isinstance(network, PartialNetwork):
            self.set_mode()
            self._chunk = chunk_size(network, job.network_config.preprocessing.size, job.device)

    @property
    def shown(self) -> EmbeddingNetwork:
        """The network that is measured and saved: the average where there is one."""
        averaged: Any = self.network if self.average is None else self.average.module
        network: EmbeddingNetwork = averaged
        return network

    def set_mode(self) -> None:
        """Train, but keep trained batch statistics: small batches would only blur them."""
        self.network.train()
        for module in self.network.trunk.modules():
            if isinstance(module, _BatchNorm) and not self._job.from_scratch:
                module.eval()

    def inputs(self, pixels: Pixels) -> Inputs:
        """Return what the network takes for pictures uint8 [n, size, size, 3]."""
        return inputs_of(self.network, pixels)

    def step(self, inputs: Inputs, labels: Labels, stage: Stage) -> BatchStats:
        """Forward, backward, step.

        Args:
            inputs: [n, ...], as from `inputs`.
            labels: int64 [n].
        """
        targets = torch.from_numpy(labels).to(self._job.device)
        batch = _on_device(self._job, inputs)
        with _autocast(self._job):
            features = self._features(batch, stage.head_only)
            embeddings: Tensor = self.network.projection(features)
        loss = self.objective(embeddings, targets, stage.mining)
        if self._teacher is not None:
            with _autocast(self._job):
                kept = self._teacher.loss(batch, features, labels)
            loss = loss + self._job.config.distillation * kept
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

    def settle(self) -> None:
        """Fit the shown network's projection to training pictures as they are, not augmented."""
        projection = projection_of(self.shown)
        rows = _sample(self._job, projection.sample)
        features = _features_of(self._job, self.shown, rows)
        with np.errstate(over="ignore", invalid="ignore"):
            projection.settle(features, self._job.train_labels[rows])

    def embed(self, pictures: PictureSet, network: EmbeddingNetwork | None = None) -> Vectors:
        """Return unit vectors float32 [n, dim] of pictures, not augmented."""
        outputs = outputs_of(self._job, pictures, network or self.shown)
        with np.errstate(over="ignore", invalid="ignore"):  # what blew up is for the guard to see
            return normalized(outputs)

    def start_again(self, network: EmbeddingNetwork) -> None:
        """Take up another network's weights; all that learned beside it begins anew."""
        for mine in {self.network, self.shown}:
            take_up(mine, network.trunk)
            projection_of(mine).linear.load_state_dict(network.projection.state_dict())
            fit_projection(self._job, mine, None)
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
        width = projection_of(self.network).width
        objective = Objective(config.loss, width, classes, config.memory, config.entropy)
        return objective.to(self._job.device)

    def _features(self, inputs: "Tensor", head_only: bool) -> "Tensor":
        with torch.set_grad_enabled(not head_only):
            return features_in_chunks(self.network, inputs, self._chunk)


def projection_of(network: EmbeddingNetwork) -> Projection:
    """Return the projection of a network that is trained."""
    projection: Any = network.projection
    found: Projection = projection
    return found


def fit_projection(job: Job, network: EmbeddingNetwork, validation: Vectors | None) -> None:
    """Begin a network's projection with what its trunk makes of training pictures, or of a sample.

    A new neck begins with their linear discriminants, or where these tell the validation classes
    apart clearly less well (there may be few classes to learn from), with their principal axes.

    Args:
        validation: float32 [n, features], what the trunk makes of the validation pictures; None
            keeps what the layer does.
    """
    projection = projection_of(network)
    rows = _sample(job, _SAMPLE)
    features = _features_of(job, network, rows)
    if isinstance(projection, Compression):
        projection.begin(features)
        projection.settle(features, job.train_labels[rows])
    elif isinstance(projection, Neck):
        _begin(job, projection, features, job.train_labels[rows], validation)


def _begin(
    job: Job, neck: Neck, features: Vectors, labels: Labels, validation: Vectors | None
) -> None:
    if validation is None:
        neck.begin(features, None)
        return
    neck.eval()
    axes = principal_axes(features)
    quality = []
    for directions in (axes, discriminants(features, labels)):
        neck.begin(features, directions)
        with torch.inference_mode():
            outputs = neck(torch.from_numpy(validation).to(job.device)).cpu().numpy()
        found = retrieve(normalized(outputs), job.validation_labels)
        quality.append(found.means()["map_at_r"])
    if quality[1] < quality[0] - _CLEARLY:
        neck.begin(features, axes)
        job.watcher.note(
            "the projection begins with principal axes: linear discriminants of the training "
            "classes tell the others apart less well "
            f"(MAP@R {quality[1]:.3f}, not {quality[0]:.3f})"
        )


def _features_of(job: Job, network: EmbeddingNetwork, rows: Labels) -> Vectors:
    """Return what a network's trunk makes of training pictures, float32 [n, features]."""
    return outputs_of(job, job.train.subset(rows.tolist()), network, features=True)


def drawn(job: Job, most: int) -> PictureSet:
    """Return training pictures, some at random where there are more."""
    return job.train.subset(_sample(job, most).tolist())


def _sample(job: Job, most: int) -> Labels:
    """Return rows of training pictures, drawn at random where there are more."""
    return np.random.default_rng([job.config.seed, 5]).permutation(len(job.train))[:most]


@torch.inference_mode()
def outputs_of(
    job: Job, pictures: PictureSet, network: EmbeddingNetwork, features: bool = False
) -> Vectors:
    """Return what a network, or only its trunk, makes of pictures, float32 [n, ...]."""
    network.eval()
    compute = network.features if features else network
    parts = []
    for pixels in plain_batches(pictures, _EVALUATION_BATCH, job.workers):
        with _autocast(job):
            inputs = _on_device(job, inputs_of(network, pixels))
            parts.append(compute(inputs).float().cpu().numpy())
    return np.concatenate(parts)


@contextmanager
def _autocast(job: Job) -> Iterator[None]:
    precision, kind = job.config.precision, job.device.type
    on = precision == "bf16" or (precision == "auto" and kind == "cuda")
    with torch.autocast(kind, dtype=torch.bfloat16, enabled=on):
        yield


def _on_device(job: Job, inputs: Inputs) -> "Tensor":
    tensor = torch.from_numpy(inputs)
    if job.device.type == "cuda":
        tensor = tensor.pin_memory()
    return tensor.to(job.device, non_blocking=True)
