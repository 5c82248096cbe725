"""Triplet loss with a margin (Schroff et al. 2015), on Euclidean distances of unit vectors."""

from pytorch_metric_learning.losses import TripletMarginLoss
from torch import nn

MARGIN: float | None = 0.2
CLASSES = False


def build(dim: int, classes: int) -> nn.Module:  # noqa: ARG001 - the signature of losses
    """Return the loss; see the package's docstring."""
    loss: nn.Module = TripletMarginLoss(margin=MARGIN)
    return loss
