"""Angular loss (Wang et al. 2017): bounds the angle at the negative of each triplet."""

from pytorch_metric_learning.losses import AngularLoss
from torch import nn

MARGIN: float | None = None
CLASSES = False


def build(dim: int, classes: int) -> nn.Module:  # noqa: ARG001 - the signature of losses
    """Return the loss; see the package's docstring."""
    loss: nn.Module = AngularLoss(alpha=40)
    return loss
