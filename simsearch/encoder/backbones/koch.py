"""The four-layer convolutional network of Koch, Zemel, Salakhutdinov 2015, for glyphs."""

from typing import TYPE_CHECKING

from simsearch.config import Preprocessing

if TYPE_CHECKING:
    import torch

NAME = "koch"
_SIZE = 105
_LAYERS = ((1, 64, 10), (64, 128, 7), (128, 128, 4), (128, 256, 4))  # channels in, out, kernel


def load(name: str, pretrained: bool) -> tuple["torch.nn.Module", Preprocessing]:
    """Build the convolutional part, on grey pictures; see the package's docstring.

    The checkpoint's projection takes the place of the paper's fully connected layer. Batch
    normalisation is added: without it, training takes days.
    """
    from torch import nn

    from simsearch.encoder.backbones._grey import Grey, check_request, whole_picture

    check_request(NAME, name, pretrained)
    layers: list[nn.Module] = [Grey()]
    for number, (inputs, outputs, kernel) in enumerate(_LAYERS):
        convolution = nn.Conv2d(inputs, outputs, kernel, bias=False)
        layers += [convolution, nn.BatchNorm2d(outputs), nn.ReLU()]
        if number < len(_LAYERS) - 1:
            layers.append(nn.MaxPool2d(2))
    # 6 x 6 is what is left of 105 pixels; other sizes are brought to it.
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(6), nn.Flatten()), whole_picture(_SIZE)
