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


class Beside(nn.Module):
    """The features of a timm EfficientNet, and beside them the pooled output of an earlier stage.

    What an earlier stage sees is finer, and tells apart what the last ones take for the same.

    Attributes:
        stage: the earlier one, from 1.

    Args:
        network: without classifier.
    """

    SCALE = 0.3  # of the earlier stage: its outputs vary more than the last features do

    def __init__(self, network: nn.Module, stage: int) -> None:
        super().__init__()
        layers = cast("Any", network)
        self.stage = stage
        self.conv_stem, self.bn1, self.blocks = layers.conv_stem, layers.bn1, layers.blocks
        self.conv_head, self.bn2 = layers.conv_head, layers.bn2
        self.global_pool: nn.Module = layers.global_pool

    def forward(self, pictures: "Tensor") -> "Tensor":
        """Map float32 [n, 3, h, w] to [n, features + channels of the stage]."""
        maps = self.bn1(self.conv_stem(pictures))
        for number, stage in enumerate(self.blocks, start=1):
            maps = stage(maps)
            if number == self.stage:
                earlier = self.SCALE * self.global_pool(maps)
        last = self.global_pool(self.bn2(self.conv_head(maps)))
        return torch.cat([last, earlier], dim=1)
