"""Contrastive loss (Hadsell, Chopra, LeCun 2006), on Euclidean distances of unit vectors."""

from pytorch_metric_learning.losses import ContrastiveLoss
from torch import nn

MARGIN: float | None = 1.0
CLASSES = False


def build(dim: int, classes: int) -> nn.Module:  # noqa: ARG001 - the signature of losses
    """Return the loss; see the package's docstring."""
    loss: nn.Module = ContrastiveLoss(pos_margin=0.0, neg_margin=MARGIN)
    return loss
