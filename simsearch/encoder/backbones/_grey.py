"""What the networks for grey pictures have in common."""

from typing import TYPE_CHECKING

from torch import nn

from simsearch.config import Preprocessing
from simsearch.errors import EncoderError

if TYPE_CHECKING:
    from torch import Tensor


def check_request(known: str, name: str, pretrained: bool) -> None:
    """Raise EncoderError unless the known network is asked for, without weights."""
    if name != known:
        raise EncoderError(f"unknown encoder '{name}'; use {known}")
    if pretrained:
        raise EncoderError(f"'{known}' has no pretrained weights; use --weights none")


def whole_picture(size: int) -> Preprocessing:
    """Return the input of such a network: the whole picture, squashed, values from -1 to 1."""
    half = (0.5, 0.5, 0.5)
    return Preprocessing(
        size=size, crop_fraction=1.0, interpolation="bilinear", mean=half, std=half, fit="squash"
    )


class Grey(nn.Module):
    """Means of the channels: [n, 3, h, w] to [n, 1, h, w]."""

    def forward(self, pixels: "Tensor") -> "Tensor":
        """Average the channels."""
        return pixels.mean(dim=1, keepdim=True)
