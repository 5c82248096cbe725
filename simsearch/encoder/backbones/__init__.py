"""One file a family of networks, found by the first part of an encoder's name.

Each file has one function:

    load(name, pretrained) -> (trunk, preprocessing)

`trunk` is a torch module that maps float32 [n, 3, size, size] to pooled features [n, features];
`preprocessing` says how its input is prepared. `pretrained=False` builds the layers only. It raises
EncoderError for a name that it does not know or weights that it can't get.
"""

import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING

from simsearch.config import DEFAULT_BACKBONE, DEFAULT_ENCODER, Preprocessing
from simsearch.errors import EncoderError

if TYPE_CHECKING:
    import torch


def load_backbone(name: str, pretrained: bool) -> tuple["torch.nn.Module", Preprocessing]:
    """Build the network of a name with the backbone file that its first part names.

    Raises:
        EncoderError: no backbone goes by that name.
    """
    family = name.partition("/")[0]
    if family not in families():
        raise EncoderError(
            f"unknown encoder '{name}'; use {DEFAULT_ENCODER}, {DEFAULT_BACKBONE}, timm/NAME, "
            "torchvision/NAME or a folder with config.json and model.safetensors"
        )
    module = import_module(f"{__name__}.{family}")
    trunk, preprocessing = module.load(name, pretrained)
    return trunk, preprocessing


def families() -> list[str]:
    """Return the names that a backbone's name can begin with, sorted."""
    return sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))
