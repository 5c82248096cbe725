"""Several stages of one network, pooled one by one and put side by side."""

from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor


class Stages(nn.Module):
    """The pooled outputs of a timm EfficientNet's stages from `first` to its last.

    Args:
        network: without classifier; its own pooling is used after each stage.
        first: 0 is the stem, the layer before the first stage.
    """

    def __init__(self, network: nn.Module, first: int) -> None:
        super().__init__()
        layers = cast("Any", network)
        self.stem = nn.Sequential(layers.conv_stem, layers.bn1)
        self.stages: nn.Sequential = layers.blocks
        self.global_pool: nn.Module = layers.global_pool
        self._first = first

    def forward(self, pictures: "Tensor") -> "Tensor":
        """Map float32 [n, 3, h, w] to [n, features of all stages]."""
        maps = self.stem(pictures)
        pooled = [] if self._first else [self.global_pool(maps)]
        for number, stage in enumerate(self.stages, start=1):
            maps = stage(maps)
            if number >= self._first:
                pooled.append(self.global_pool(maps))
        return torch.cat(pooled, dim=1)
