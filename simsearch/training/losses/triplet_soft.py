"""Triplet loss with a soft margin (Hermans et al. 2017): ln(1 + exp(d_ap - d_an))."""

from pytorch_metric_learning.distances import LpDistance
from pytorch_metric_learning.losses import TripletMarginLoss
from torch import Tensor, nn

MARGIN: float | None = None
CLASSES = False
_SCALE = 16.0  # unit vectors are at most 2 apart: unscaled, the soft margin never lets go


class _ScaledDistance(LpDistance):  # type: ignore[misc]
    def compute_mat(self, query_emb: Tensor, ref_emb: Tensor) -> Tensor:
        distances: Tensor = super().compute_mat(query_emb, ref_emb) * _SCALE
        return distances


def build(dim: int, classes: int) -> nn.Module:  # noqa: ARG001 - the signature of losses
    """Return the loss; see the package's docstring."""
    loss: nn.Module = TripletMarginLoss(0.0, smooth_loss=True, distance=_ScaledDistance())
    return loss
