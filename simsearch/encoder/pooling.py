"""Generalised mean pooling, in place of a backbone's average pooling."""

from typing import TYPE_CHECKING

import torch
from torch import nn

from simsearch.errors import EncoderError

if TYPE_CHECKING:
    from torch import Tensor

_PLACES = ("global_pool", "avgpool")  # what timm and torchvision call it


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


def use_gem(trunk: nn.Module, backbone: str) -> None:
    """Put generalised mean pooling in the place of a trunk's average pooling.

    Raises:
        EncoderError: the trunk has no pooling that could be replaced.
    """
    for place in _PLACES:
        if isinstance(getattr(trunk, place, None), nn.Module):
            setattr(trunk, place, GeM())
            return
    raise EncoderError(f"backbone '{backbone}' has no average pooling; use --pooling avg")
