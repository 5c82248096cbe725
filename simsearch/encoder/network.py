"""The torch module that every encoder is: scaled pixels in, embedding out."""

from typing import TYPE_CHECKING, cast

import torch
from torch import nn

from simsearch.config import Preprocessing

if TYPE_CHECKING:
    from torch import Tensor


class EmbeddingNetwork(nn.Module):
    """A trunk with its input normalisation and an optional linear projection.

    Args:
        trunk: maps float32 [n, 3, size, size] to features [n, features].
        preprocessing: holds the mean and standard deviation that the trunk was trained with.
        projection: maps features to the embedding; None keeps the features as they are.
    """

    mean: "Tensor"
    std: "Tensor"

    def __init__(
        self, trunk: nn.Module, preprocessing: Preprocessing, projection: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.trunk = trunk
        self.projection = projection or nn.Identity()
        for name in ("mean", "std"):
            values = torch.tensor(getattr(preprocessing, name)) * 255
            self.register_buffer(name, values.view(1, 3, 1, 1), persistent=False)

    def forward(self, pixels: "Tensor") -> "Tensor":
        """Map uint8 [n, size, size, 3] to float32 [n, dim], not yet of unit length."""
        return cast("Tensor", self.projection(self.features(pixels)))

    def features(self, pixels: "Tensor") -> "Tensor":
        """Map uint8 [n, size, size, 3] to what the trunk makes of it, float32 [n, features]."""
        scaled = (pixels.permute(0, 3, 1, 2).float() - self.mean) / self.std
        return cast("Tensor", self.trunk(scaled))


def output_dim(network: nn.Module, size: int) -> int:
    """Return the length of a network's embeddings, found by running it once."""
    network.eval()
    with torch.inference_mode():
        return int(network(torch.zeros(1, size, size, 3, dtype=torch.uint8)).shape[1])
