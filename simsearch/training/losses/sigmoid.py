"""The sigmoid head of a Siamese network, with binary cross-entropy over pairs.

Koch et al. 2015 learn a weighted distance; here it is a learned scale and bias on the cosine (as
in Zhai et al. 2023), so that what is learned can be searched by cosine.
"""

from typing import TYPE_CHECKING

import torch
from pytorch_metric_learning.utils.loss_and_miner_utils import convert_to_pairs
from torch import nn
from torch.nn.functional import normalize, softplus

if TYPE_CHECKING:
    from torch import Tensor

MARGIN: float | None = None
CLASSES = False


class PairSigmoidLoss(nn.Module):
    """Cross-entropy of sigmoid(scale * cosine + bias), same and different pairs counted equally."""

    def __init__(self) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(10.0).log())
        self.bias = nn.Parameter(torch.tensor(-5.0))

    def forward(
        self,
        embeddings: "Tensor",
        labels: "Tensor",
        indices_tuple: "tuple[Tensor, ...] | None" = None,
        ref_emb: "Tensor | None" = None,
        ref_labels: "Tensor | None" = None,
    ) -> "Tensor":
        """Return the mean of both kinds' mean losses."""
        other = embeddings if ref_emb is None else ref_emb
        same_a, same_b, different_a, different_b = convert_to_pairs(
            indices_tuple, labels, ref_labels
        )
        cosines = normalize(embeddings) @ normalize(other).T
        logits = self.log_scale.exp() * cosines + self.bias
        parts = [softplus(-logits[same_a, same_b]), softplus(logits[different_a, different_b])]
        counted = [part.mean() for part in parts if len(part)]
        return torch.stack(counted).mean() if counted else embeddings.sum() * 0


def build(dim: int, classes: int) -> nn.Module:  # noqa: ARG001 - the signature of losses
    """Return the loss; see the package's docstring."""
    return PairSigmoidLoss()
