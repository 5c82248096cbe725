"""What training minimises: a loss over mined triplets, within the batch and against a memory.

This is the one place that knows how pytorch-metric-learning's losses are called.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.functional import normalize

from simsearch.errors import InputError
from simsearch.training.losses import load_loss
from simsearch.training.memory import Memory
from simsearch.training.miners import load_miner

if TYPE_CHECKING:
    from torch import Tensor

    from simsearch.training.miners import Triplets

_DEFAULT_MARGIN = 0.2  # judges whether a triplet is active, for losses without a margin
_STATS_ANCHORS = 128
_NEAREST = 1e-4  # squared distance under which the logarithm does not fall further


@dataclass(frozen=True, slots=True)
class BatchStats:
    """What a batch looked like, before the step.

    Attributes:
        loss: its value.
        active: share of all triplets of the batch that the margin is not kept by, 0 to 1.
        positive_distance, negative_distance: mean Euclidean distance of unit vectors, 0 to 2.
    """

    loss: float
    active: float
    positive_distance: float
    negative_distance: float


class Objective(nn.Module):
    """A loss and a miner; the miner may change from stage to stage.

    Attributes:
        margin: what identical embeddings cost, None where there is no such value.
        memory: embeddings of past batches, None without.
    """

    def __init__(
        self, loss: str, dim: int, classes: int, memory: int, entropy: float = 0.0
    ) -> None:
        super().__init__()
        check_objective(loss, memory)
        kind = load_loss(loss)
        self.margin = kind.MARGIN
        self.memory = Memory(memory, dim) if memory else None
        self._loss = kind.build(dim, classes)
        self._by_class = kind.CLASSES
        self._entropy = entropy

    def forward(self, embeddings: "Tensor", labels: "Tensor", mining: str) -> "Tensor":
        """Return the loss of a batch, embeddings [n, dim] of any length, in float32."""
        unit = normalize(embeddings.float())
        loss = self._value(unit, labels, mining, None)
        if self.memory is not None and self.memory.filled:
            loss = (loss + self._value(unit, labels, mining, self.memory)) / 2
        if self._entropy:
            loss = loss - self._entropy * self._spread(unit, labels)
        if self.memory is not None:
            self.memory.take(unit, labels)
        return loss

    def _value(
        self, unit: "Tensor", labels: "Tensor", mining: str, memory: Memory | None
    ) -> "Tensor":
        if self._by_class:
            return self._call(unit, labels, None)
        reference: dict[str, Tensor] = {}
        if memory is not None:
            reference = {
                "ref_emb": memory.embeddings[: memory.filled].clone(),
                "ref_labels": memory.labels[: memory.filled].clone(),
            }
        with torch.no_grad():
            triplets = load_miner(mining).mine(unit, labels, **reference)
        if mining == "selective" and triplets is not None:
            return self._selective(unit, labels, triplets, reference)
        return self._call(unit, labels, triplets, **reference)

    def _spread(self, unit: "Tensor", labels: "Tensor") -> "Tensor":
        """Estimate the entropy of the embeddings, up to a constant (Kozachenko, Leonenko 1987).

        The mean logarithm of the distance to the nearest of another class, as Pizzi et al. 2022
        have it for copies: it pushes classes apart however far they are already.
        """
        others, theirs = unit, labels
        if self.memory is not None and self.memory.filled:
            others = torch.cat([unit, self.memory.embeddings[: self.memory.filled]])
            theirs = torch.cat([labels, self.memory.labels[: self.memory.filled]])
        cosines = unit @ others.T
        nearest = cosines.masked_fill(labels[:, None] == theirs, -1.0).amax(dim=1)
        return (2 - 2 * nearest).clamp(min=_NEAREST).log().mean() / 2

    def _selective(
        self, unit: "Tensor", labels: "Tensor", triplets: "Triplets", reference: dict[str, Any]
    ) -> "Tensor":
        """Only push the negative away where it is nearer than the positive (Xuan et al. 2020)."""
        anchors, positives, negatives = triplets
        other = reference.get("ref_emb", unit)
        to_positive = (unit[anchors] * other[positives]).sum(dim=1)
        to_negative = (unit[anchors] * other[negatives]).sum(dim=1)
        reversed_ = to_negative > to_positive
        kept = (anchors[~reversed_], positives[~reversed_], negatives[~reversed_])
        share = reversed_.float().mean() if len(anchors) else unit.new_zeros(())
        pushed = to_negative[reversed_].sum() / max(len(anchors), 1)
        value: Tensor = pushed + (1 - share) * self._call(unit, labels, kept, **reference)
        return value

    def _call(
        self, unit: "Tensor", labels: "Tensor", triplets: "Triplets | None", **reference: Any
    ) -> "Tensor":
        value: Tensor = self._loss(unit, labels, triplets, **reference)
        return value

    @torch.no_grad()
    def describe(self, loss: "Tensor", embeddings: "Tensor", labels: "Tensor") -> BatchStats:
        """Measure a batch; anchors beyond the first 128 are left out of the share of triplets."""
        unit = normalize(embeddings.detach().float())
        squares = unit.square().sum(dim=1)  # not 1 where the length overflowed: those are zeros
        distances = (squares[:, None] + squares - 2 * unit @ unit.T).clamp(min=0).sqrt()
        same = labels[:, None] == labels[None, :]
        positive = same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
        first = slice(0, _STATS_ANCHORS)
        gaps = distances[first, None, :] - distances[first, :, None]  # [a, p, n]: d_an - d_ap
        triplets = positive[first, :, None] & ~same[first, None, :]
        margin = self.margin if self.margin is not None else _DEFAULT_MARGIN
        return BatchStats(
            loss=float(loss.detach()),
            active=_mean((gaps < margin)[triplets].float()),
            positive_distance=_mean(distances[positive]),
            negative_distance=_mean(distances[~same]),
        )


def check_objective(loss: str, memory: int) -> None:
    """Raise InputError for a loss that there is not, or one that has no use for a memory."""
    if load_loss(loss).CLASSES and memory:
        raise InputError(f"loss '{loss}' compares with learned classes; use --memory 0")


def _mean(values: "Tensor") -> float:
    return float(values.mean()) if values.numel() else 0.0
