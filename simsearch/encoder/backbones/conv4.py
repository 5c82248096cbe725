"""The four-block network of few-shot learning (Vinyals et al. 2016), for small glyphs."""

from typing import TYPE_CHECKING

from simsearch.config import Preprocessing

if TYPE_CHECKING:
    import torch

NAME = "conv4"
_SIZE = 32
_BLOCKS = ((1, 64), (64, 96), (96, 128), (128, 128))  # channels in, out
_POOLED = (4, 4)


def load(name: str, pretrained: bool) -> tuple["torch.nn.Module", Preprocessing]:
    """Build the four blocks, on grey pictures; see the package's docstring.

    The paper's blocks all have 64 channels. Features keep their place in the picture, as there.
    """
    from torch import nn

    from simsearch.encoder.backbones._grey import Grey, check_request, whole_picture

    check_request(NAME, name, pretrained)
    layers: list[nn.Module] = [Grey()]
    for number, (inputs, outputs) in enumerate(_BLOCKS):
        convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        layers += [convolution, nn.BatchNorm2d(outputs), nn.ReLU()]
        if number < len(_BLOCKS) - 1:
            layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(_POOLED), nn.Flatten()), whole_picture(_SIZE)
