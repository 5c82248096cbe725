"""Contrastive loss (Hadsell, Chopra, LeCun 2006), on Euclidean distances of unit vectors.

Means are over all pairs of a kind, also those that cost nothing: at a distance of half the margin,
same and different pairs are then about as likely.
"""

from pytorch_metric_learning.losses import ContrastiveLoss
from pytorch_metric_learning.reducers import MeanReducer
from torch import nn

MARGIN: float | None = 1.0
CLASSES = False


def build(dim: int, classes: int) -> nn.Module:  # noqa: ARG001 - the signature of losses
    """Return the loss; see the package's docstring."""
    loss: nn.Module = ContrastiveLoss(pos_margin=0.0, neg_margin=MARGIN, reducer=MeanReducer())
    return loss
