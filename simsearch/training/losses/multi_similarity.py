"""Multi-similarity loss (Wang et al. 2019): weighs every pair by how it compares with others."""

from pytorch_metric_learning.losses import MultiSimilarityLoss
from torch import nn

MARGIN: float | None = None
CLASSES = False


def build(dim: int, classes: int) -> nn.Module:  # noqa: ARG001 - the signature of losses
    """Return the loss; see the package's docstring."""
    loss: nn.Module = MultiSimilarityLoss(alpha=2.0, beta=50.0, base=0.5)
    return loss
