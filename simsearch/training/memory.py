"""Cross-batch memory (Wang et al. 2020): embeddings of past batches to compare with."""

from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor


class Memory(nn.Module):
    """The last `size` embeddings and their labels, as a ring; saved with its position.

    Attributes:
        embeddings: float32 [size, dim].
        labels: int64 [size].
        filled: how many rows hold something.
    """

    embeddings: "Tensor"
    labels: "Tensor"
    position: "Tensor"

    def __init__(self, size: int, dim: int) -> None:
        super().__init__()
        self.size = size
        self.register_buffer("embeddings", torch.zeros(size, dim))
        self.register_buffer("labels", torch.zeros(size, dtype=torch.int64))
        self.register_buffer("position", torch.zeros((), dtype=torch.int64))  # ever taken

    @property
    def filled(self) -> int:
        """Number of embeddings held."""
        return min(self.size, int(self.position))

    def take(self, embeddings: "Tensor", labels: "Tensor") -> None:
        """Keep a batch, float [n, dim] and int64 [n], in place of the oldest."""
        count = min(len(labels), self.size)
        at = (self.position + torch.arange(count, device=self.labels.device)) % self.size
        self.embeddings[at] = embeddings[-count:].detach().float()
        self.labels[at] = labels[-count:]
        self.position += count

    def clear(self) -> None:
        """Forget everything: the network that made it is gone."""
        self.position.zero_()
