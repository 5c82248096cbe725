"""Any network of the timm library: `timm/NAME`, weights downloaded by timm."""

import logging
from difflib import get_close_matches
from typing import TYPE_CHECKING

from simsearch.config import Preprocessing
from simsearch.errors import EncoderError

if TYPE_CHECKING:
    import torch


def load(name: str, pretrained: bool) -> tuple["torch.nn.Module", Preprocessing]:
    """Build a timm network without its classifier; see the package's docstring."""
    import timm

    model = name.removeprefix("timm/")
    architecture = model.partition(".")[0]
    if not timm.is_model(architecture):
        near = get_close_matches(architecture, timm.list_models(), n=1)
        hint = f"did you mean 'timm/{near[0]}'?" if near else "see timm.list_models()"
        raise EncoderError(f"timm has no network '{model}'; {hint}")
    hub = logging.getLogger("huggingface_hub")
    level = hub.level
    hub.setLevel(logging.ERROR)  # it warns of every attempt, and the last one raises
    try:
        trunk = timm.create_model(model, pretrained=pretrained, num_classes=0)
    except Exception as error:
        # Hub, network and file errors of several libraries end here.
        raise EncoderError(
            f"weights of '{name}' could not be loaded ({type(error).__name__}); "
            "check the network, or give a checkpoint folder"
        ) from error
    finally:
        hub.setLevel(level)
    settings = timm.data.resolve_model_data_config(trunk)
    preprocessing = Preprocessing(
        size=int(settings["input_size"][-1]),
        crop_fraction=min(1.0, float(settings["crop_pct"])),  # some ask for a black border
        interpolation=str(settings["interpolation"]),
        mean=tuple(settings["mean"]),
        std=tuple(settings["std"]),
    )
    return trunk, preprocessing
