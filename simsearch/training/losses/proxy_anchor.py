"""Proxy-anchor loss (Kim et al. 2020): a learned proxy a class, compared with the whole batch."""

from pytorch_metric_learning.losses import ProxyAnchorLoss
from torch import nn

MARGIN: float | None = None
CLASSES = True


def build(dim: int, classes: int) -> nn.Module:
    """Return the loss; see the package's docstring."""
    loss: nn.Module = ProxyAnchorLoss(classes, dim, margin=0.1, alpha=32)
    return loss
