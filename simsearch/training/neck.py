"""The projection while it is trained: a linear layer, and normalisation over the batch.

Distances are shrunk most easily by one vector added to all embeddings: that is how they collapse.
What is centred and scaled over the batch can't (the BNNeck of Luo et al. 2019). Once training is
over, both are one linear layer again.
"""

import copy
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from simsearch.encoder.network import EmbeddingNetwork

if TYPE_CHECKING:
    from torch import Tensor

Features = npt.NDArray[np.float32]
_EPS = 0.05  # of the mean variance: directions that hardly vary are not blown up to full size


class Neck(nn.Module):
    """A linear layer whose outputs are brought to mean 0 and variance 1."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.linear = linear
        self.norm = nn.BatchNorm1d(linear.out_features, eps=_EPS, affine=False)

    def forward(self, features: "Tensor") -> "Tensor":
        """Map float [n, features] to float32 [n, dim]."""
        return cast("Tensor", self.norm(self.linear(features).float()))

    def folded(self) -> nn.Linear:
        """Return the linear layer that does the same as this one after training."""
        linear = copy.deepcopy(self.linear)
        mean, variance = cast("Tensor", self.norm.running_mean), self.norm.running_var
        scale = (cast("Tensor", variance) + self.norm.eps).rsqrt()
        with torch.no_grad():
            linear.weight.mul_(scale[:, None])
            linear.bias.sub_(mean).mul_(scale)
        return linear


def folded(network: EmbeddingNetwork) -> EmbeddingNetwork:
    """Return a network that gives the same embeddings with a plain linear projection."""
    neck = network.projection
    if not isinstance(neck, Neck):
        return network
    plain = copy.copy(network)
    plain._modules = {**network._modules, "projection": neck.folded()}
    return plain


def begin_projection(neck: Neck, features: Features, fresh: bool) -> None:
    """Fit a projection to the features of the training pictures.

    Args:
        features: float32 [n, features], what the trunk makes of the training pictures.
        fresh: begin with their principal components; else with what the layer is.
    """
    values = features.astype(np.float64)
    if fresh:
        mean = values.mean(axis=0)
        _, spread, components = np.linalg.svd(values - mean, full_matrices=False)
        kept = components[: neck.linear.out_features]
        kept /= max(float(np.sqrt((spread[: len(kept)] ** 2).mean() / len(values))), 1e-12)
        with torch.no_grad():
            neck.linear.weight[: len(kept)] = torch.from_numpy(kept).float()
            neck.linear.bias.zero_()
            neck.linear.bias[: len(kept)] = torch.from_numpy(-kept @ mean).float()
    with torch.no_grad():
        weight, bias = (part.double().cpu().numpy() for part in neck.linear.parameters())
        outputs = values @ weight.T + bias
        for statistic, value in (
            (neck.norm.running_mean, outputs.mean(axis=0)),
            (neck.norm.running_var, outputs.var(axis=0)),
        ):
            cast("Tensor", statistic).copy_(torch.from_numpy(value))
