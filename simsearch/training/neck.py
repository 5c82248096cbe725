"""The projection while the network is trained; once that is over, one linear layer.

Where pictures have labels, it is trained, too, and normalised over the batch. Distances are shrunk
most easily by one vector added to all embeddings: that is how they collapse. What is centred and
scaled over the batch can't (the BNNeck of Luo et al. 2019).

Where pictures are classes of their own, such a projection is trained and thrown away: what comes
before it serves pictures of other kinds better (Chen et al. 2020, SimCLR). Directions of
the features take its place (measured: `benchmarks/default_encoder/README.md`).
"""

import copy
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import nn

from simsearch.encoder.network import EmbeddingNetwork
from simsearch.training.directions import Features, Labels, Matrix, spread_axes, whitening_axes

if TYPE_CHECKING:
    from torch import Tensor


class Projection(nn.Module):
    """A linear layer that is fitted to features of training pictures.

    Attributes:
        linear: what it does once training is over, but for what `folded` adds.
        width: length of what it gives while it is trained.
        sample: pictures whose features settle it.
    """

    width: int
    sample: int

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.linear = linear

    def settle(self, features: Features, labels: Labels) -> None:
        """Fit to what training pictures are like by now, not augmented.

        Args:
            features: float32 [n, features].
            labels: int64 [n].
        """
        raise NotImplementedError

    def folded(self) -> nn.Linear:
        """Return the linear layer that does the same as this one after training."""
        raise NotImplementedError


class Neck(Projection):
    """A linear layer that learns; its outputs are brought to mean 0 and to learned scales.

    Attributes:
        new: the layer was drawn at random, and is to begin with linear discriminants.
    """

    sample = 1_000

    def __init__(self, linear: nn.Linear, new: bool = True) -> None:
        super().__init__(linear)
        self.new = new
        self.width = linear.out_features
        self.norm = nn.BatchNorm1d(linear.out_features, affine=False)
        self.scale = nn.Parameter(torch.ones(linear.out_features))

    def forward(self, features: "Tensor") -> "Tensor":
        """Map float [n, features] to float32 [n, dim]."""
        return cast("Tensor", self.norm(self.linear(features).float()) * self.scale)

    def begin(self, features: Features, directions: Matrix | None) -> None:
        """Fit to the features of the training pictures before any training.

        Args:
            features: float32 [n, features], what the trunk makes of the training pictures.
            directions: float64 [features, m], to project onto as many as there is place for, the
                first ones; None keeps what the layer does, but for the mean.
        """
        if directions is not None:
            project_onto(self.linear, directions)
        variance = self._normalise(features)
        scales = np.sqrt((variance + self.norm.eps) / max(variance.mean(), 1e-12))
        with torch.no_grad():
            self.scale.copy_(torch.from_numpy(scales).float())

    def settle(self, features: Features, labels: Labels) -> None:  # noqa: ARG002 - a Projection
        """Normalise with the mean and variance of pictures as they are.

        Over the batches it has seen augmented ones, which vary in other ways than those to come.
        """
        self._normalise(features)

    def folded(self) -> nn.Linear:
        """Return the linear layer that does the same as this one after training."""
        linear = copy.deepcopy(self.linear)
        mean, variance = cast("Tensor", self.norm.running_mean), self.norm.running_var
        scale = self.scale.detach() * (cast("Tensor", variance) + self.norm.eps).rsqrt()
        with torch.no_grad():
            linear.weight.mul_(scale[:, None])
            linear.bias.sub_(mean).mul_(scale)
        return linear

    def _normalise(self, features: Features) -> Matrix:
        """Set the mean and variance that it normalises with; return the variance [dim]."""
        weight, bias = (part.detach().double().cpu().numpy() for part in self.linear.parameters())
        outputs = features.astype(np.float64) @ weight.T + bias
        mean, variance = outputs.mean(axis=0), outputs.var(axis=0)
        cast("Tensor", self.norm.running_mean).copy_(torch.from_numpy(mean).float())
        cast("Tensor", self.norm.running_var).copy_(torch.from_numpy(variance).float())
        return cast("Matrix", variance)


class Compression(Projection):
    """A neck while the trunk is trained; directions of its features to measure and to save.

    Args:
        linear: of the length of the embedding; it does not learn.
        neck: for features of the same length.
    """

    sample = 2_000

    def __init__(self, linear: nn.Linear, neck: Neck) -> None:
        super().__init__(linear.requires_grad_(requires_grad=False))
        self.neck = neck
        self.width = neck.width

    def forward(self, features: "Tensor") -> "Tensor":
        """Map float [n, features] to float32 [n, width], in evaluation to [n, dim]."""
        return cast("Tensor", self.neck(features) if self.training else self.linear(features))

    def begin(self, features: Features) -> None:
        """Let the neck tell apart all that varies in features float32 [n, features]."""
        self.neck.begin(features, whitening_axes(features))

    def settle(self, features: Features, labels: Labels) -> None:
        """Find the directions of features; those that blew up have none."""
        if not np.isfinite(features).all():
            return
        project_onto(self.linear, spread_axes(features, labels, self.linear.out_features))

    def folded(self) -> nn.Linear:
        """Return the linear layer onto the directions."""
        return copy.deepcopy(self.linear).requires_grad_(requires_grad=True)


def project_onto(linear: nn.Linear, directions: Matrix) -> None:
    """Let a layer project onto directions [features, m], the first ones that it has place for."""
    rows = torch.from_numpy(directions[:, : linear.out_features].T.copy()).float()
    with torch.no_grad():
        linear.weight.zero_()
        linear.weight[: len(rows)] = rows
        linear.bias.zero_()


def folded(network: EmbeddingNetwork) -> EmbeddingNetwork:
    """Return a network that gives the same embeddings with a plain linear projection."""
    projection = network.projection
    if not isinstance(projection, Projection):
        return network
    plain = copy.copy(network)
    plain._modules = {**network._modules, "projection": projection.folded()}
    return plain
