"""ArcFace (Deng et al. 2019): classification with an angular margin; only the embedding is kept."""

from pytorch_metric_learning.losses import ArcFaceLoss
from torch import nn

MARGIN: float | None = None
CLASSES = True


def build(dim: int, classes: int) -> nn.Module:
    """Return the loss; see the package's docstring."""
    loss: nn.Module = ArcFaceLoss(classes, dim, margin=17.2, scale=30)  # degrees: 0.3 radians
    return loss
