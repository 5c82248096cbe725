"""The projection while it is trained: a linear layer, and normalisation over the batch.

Distances are shrunk most easily by one vector added to all embeddings: that is how they collapse.
What is centred and scaled over the batch can't (the BNNeck of Luo et al. 2019). Once training is
over, all of it is one linear layer again.
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
Matrix = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
_SHRINKAGE = 0.3  # times the mean variance: directions that hardly vary are not blown up
_LEAST_VARIANCE = 1e-3  # of the mean, as of an axis along which pictures hardly vary
_TOTAL = 1e-3  # weight of what does not tell classes apart, to rank it behind what does


class Neck(nn.Module):
    """A linear layer whose outputs are brought to mean 0 and to learned scales.

    Attributes:
        new: the layer was drawn at random, and is to begin with linear discriminants.
    """

    def __init__(self, linear: nn.Linear, new: bool = True) -> None:
        super().__init__()
        self.new = new
        self.linear = linear
        self.norm = nn.BatchNorm1d(linear.out_features, affine=False)
        self.scale = nn.Parameter(torch.ones(linear.out_features))

    def forward(self, features: "Tensor") -> "Tensor":
        """Map float [n, features] to float32 [n, dim]."""
        return cast("Tensor", self.norm(self.linear(features).float()) * self.scale)

    def folded(self) -> nn.Linear:
        """Return the linear layer that does the same as this one after training."""
        linear = copy.deepcopy(self.linear)
        mean, variance = cast("Tensor", self.norm.running_mean), self.norm.running_var
        scale = self.scale.detach() * (cast("Tensor", variance) + self.norm.eps).rsqrt()
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


def begin_projection(neck: Neck, features: Features, directions: Matrix | None) -> None:
    """Fit a projection to the features of the training pictures.

    Args:
        features: float32 [n, features], what the trunk makes of the training pictures.
        directions: float64 [features, m], to project onto as many as there is place for, the first
            ones; None keeps what the layer does, but for the mean.
    """
    if directions is not None:
        rows = torch.from_numpy(directions[:, : neck.linear.out_features].T.copy()).float()
        with torch.no_grad():
            neck.linear.weight.zero_()
            neck.linear.weight[: len(rows)] = rows
            neck.linear.bias.zero_()
    variance = settle(neck, features)
    scales = np.sqrt((variance + neck.norm.eps) / max(variance.mean(), 1e-12))
    with torch.no_grad():
        neck.scale.copy_(torch.from_numpy(scales).float())


def settle(neck: Neck, features: Features) -> Matrix:
    """Set the mean and variance that a neck normalises with; return the variance [dim].

    Over the batches it has seen augmented pictures, which vary in other ways than those to come.

    Args:
        features: float32 [n, features], what the trunk makes of pictures as they are.
    """
    weight, bias = (part.detach().double().cpu().numpy() for part in neck.linear.parameters())
    outputs = features.astype(np.float64) @ weight.T + bias
    mean, variance = outputs.mean(axis=0), outputs.var(axis=0)
    cast("Tensor", neck.norm.running_mean).copy_(torch.from_numpy(mean).float())
    cast("Tensor", neck.norm.running_var).copy_(torch.from_numpy(variance).float())
    return cast("Matrix", variance)


def principal_axes(features: Features) -> Matrix:
    """Return directions float64 [features, features], those that pictures vary most along first.

    All of them keep every distance as it is; the first ones, as much as so many can.
    """
    return _axes(features)[1]


def whitening_axes(features: Features) -> Matrix:
    """Return principal axes [features, features], scaled: pictures vary as much along each."""
    variances, axes = _axes(features)
    return cast("Matrix", axes / np.sqrt(variances + _LEAST_VARIANCE * variances.mean()))


def _axes(features: Features) -> tuple[Matrix, Matrix]:
    """Return the variances along the principal axes, and these as columns, the largest first."""
    variances, axes = np.linalg.eigh(np.cov(features.astype(np.float64), rowvar=False, bias=True))
    return np.clip(variances[::-1], 0, None), axes[:, ::-1]


def discriminants(features: Features, labels: Labels) -> Matrix:
    """Return directions [features, at most features], those that tell classes apart first.

    They whiten the covariance within classes, so that what varies between pictures of the same
    class counts less (linear discriminant analysis; WCCN of Hatch, Kajarekar, Stolcke 2006).

    Args:
        features: float32 [n, features].
        labels: int64 [n].
    """
    values = features.astype(np.float64)
    classes, rows, counts = np.unique(labels, return_inverse=True, return_counts=True)
    means = np.zeros((len(classes), values.shape[1]))
    np.add.at(means, rows, values)
    between = np.cov(means / counts[:, None], rowvar=False, bias=True, fweights=counts)
    total = np.cov(values, rowvar=False, bias=True)
    within = total - between
    noise = _SHRINKAGE * np.trace(within) / len(within) + 1e-12
    variances, axes = np.linalg.eigh(within + noise * np.eye(len(within)))
    whitening = axes / np.sqrt(variances)
    ranks, order = np.linalg.eigh(whitening.T @ (between + _TOTAL * total) @ whitening)
    useful = ranks[::-1] > 1e-9 * ranks[-1]
    return cast("Matrix", whitening @ order[:, ::-1][:, useful])
