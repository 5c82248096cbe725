"""What a checkpoint may have in place of its backbone's average pooling."""

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from simsearch.errors import EncoderError

if TYPE_CHECKING:
    from torch import Tensor

_PLACES = ("global_pool", "avgpool")  # what timm and torchvision call it
_EPS = 1e-6  # under the root, for its gradient
_SMOOTH = 1e-3  # the same, where values near 0 are many


class GeM(nn.Module):
    """Mean of the p-th powers, p-th root, p learned (Radenovic, Tolias, Chum 2018).

    Maps float [n, c, h, w] to [n, c]; p = 1 is the mean, a large p the maximum.
    """

    def __init__(self, p: float = 3.0, eps: float = 1e-6) -> None:
        super().__init__()
        self.p = nn.Parameter(torch.tensor(p))
        self.eps = eps

    def forward(self, maps: "Tensor") -> "Tensor":
        """Pool each channel over its map."""
        powers = maps.float().clamp(min=self.eps).pow(self.p)
        return powers.mean(dim=(2, 3)).pow(1 / self.p)


class Root(nn.Module):
    """Signed square roots of the means (power normalisation, Perronnin, Sanchez, Mensink 2010).

    Maps float [n, c, h, w] to [n, c]. A few strong channels, which look-alikes share, then count
    less beside the many weak ones.
    """

    def forward(self, maps: "Tensor") -> "Tensor":
        """Pool each channel over its map."""
        return signed_root(maps.float().mean(dim=(2, 3)))


def signed_root(values: "Tensor") -> "Tensor":
    """Return the roots of what values are in size, with their signs."""
    return values.sign() * ((values.abs() + _SMOOTH).sqrt() - math.sqrt(_SMOOTH))


class Statistics(nn.Module):
    """Mean and standard deviation side by side (Snyder et al. 2018: statistics pooling).

    Maps float [n, c, h, w] to [n, 2 c]. The deviation tells how unevenly a channel responds, which
    the mean hides: texture, and small things on a plain ground.
    """

    def forward(self, maps: "Tensor") -> "Tensor":
        """Pool each channel over its map."""
        variance, mean = torch.var_mean(maps.float(), dim=(2, 3), correction=0)
        return torch.cat([mean, (variance + _EPS).sqrt()], dim=1)


class Correlations(nn.Module):
    """Correlation of every two channels over the map (second-order pooling, Carreira et al. 2012).

    Maps float [n, c, h, w] to [n, c (c - 1) / 2], -1 to 1. What responds together tells strokes,
    hands and textures apart, whatever the contrast, and not where in the picture they are.
    """

    def forward(self, maps: "Tensor") -> "Tensor":
        """Pool each pair of channels over their maps."""
        flat = maps.float().flatten(2)
        centred = flat - flat.mean(dim=2, keepdim=True)
        channels = int(maps.shape[1])  # a number while a runtime traces it, too
        rows, columns = np.triu_indices(channels, 1)
        # Variances come from the same product as covariances: a sum in bfloat16 is off by percents.
        products = (centred @ centred.transpose(1, 2)).flatten(1)
        pairs, left, right = (
            products.index_select(1, torch.from_numpy(places).to(maps.device))
            for places in (
                rows * channels + columns,
                rows * (channels + 1),
                columns * (channels + 1),
            )
        )
        return pairs * (left + _EPS).rsqrt() * (right + _EPS).rsqrt()


def use_pooling(trunk: nn.Module, backbone: str, pooling: str) -> None:
    """Put a pooling in the place of a trunk's average pooling; 'avg' leaves the trunk as it is.

    Raises:
        EncoderError: the trunk has no pooling that could be replaced.
    """
    if pooling == "avg":
        return
    for place in _PLACES:
        if isinstance(getattr(trunk, place, None), nn.Module):
            setattr(trunk, place, _POOLINGS[pooling]())
            return
    raise EncoderError(f"backbone '{backbone}' has no average pooling; use --pooling avg")


_POOLINGS = {"gem": GeM, "root": Root, "stats": Statistics, "correlation": Correlations}
