"""The SigNet layout of Hafemann, Sabourin, Oliveira 2017, for signatures."""

from typing import TYPE_CHECKING

from simsearch.config import Preprocessing

if TYPE_CHECKING:
    import torch

NAME = "signet"
_SIZE = 192
# channels in, out, kernel, stride, padding, whether a pooling follows
_LAYERS = (
    (1, 96, 11, 4, 0, True),
    (96, 256, 5, 1, 2, True),
    (256, 384, 3, 1, 1, False),
    (384, 384, 3, 1, 1, False),
    (384, 256, 3, 1, 1, True),
)
_POOLED = (4, 4)
_HIDDEN = 2048


def load(name: str, pretrained: bool) -> tuple["torch.nn.Module", Preprocessing]:
    """Build all but the last layer, on grey pictures; see the package's docstring.

    The checkpoint's projection takes the place of the paper's second fully connected layer. The
    paper's pictures are 150 x 220; here they are squares, squashed.
    """
    from torch import nn

    from simsearch.encoder.backbones._grey import Grey, check_request, whole_picture

    check_request(NAME, name, pretrained)
    layers: list[nn.Module] = [Grey()]
    for inputs, outputs, kernel, stride, padding, pooled in _LAYERS:
        convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        layers += [convolution, nn.BatchNorm2d(outputs), nn.ReLU()]
        if pooled:
            layers.append(nn.MaxPool2d(3, 2))
    hidden = nn.Linear(outputs * _POOLED[0] * _POOLED[1], _HIDDEN, bias=False)
    layers += [nn.AdaptiveAvgPool2d(_POOLED), nn.Flatten()]
    return nn.Sequential(*layers, hidden, nn.BatchNorm1d(_HIDDEN), nn.ReLU()), whole_picture(_SIZE)
