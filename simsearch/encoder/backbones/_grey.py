"""What the networks for grey pictures begin with."""

from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from torch import Tensor


class Grey(nn.Module):
    """Means of the channels: [n, 3, h, w] to [n, 1, h, w]."""

    def forward(self, pixels: "Tensor") -> "Tensor":
        """Average the channels."""
        return pixels.mean(dim=1, keepdim=True)
