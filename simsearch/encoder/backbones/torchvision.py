"""Any classification network of torchvision: `torchvision/NAME`, weights downloaded by it."""

import sys
from contextlib import redirect_stdout
from difflib import get_close_matches
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from simsearch.config import Preprocessing
from simsearch.errors import EncoderError

if TYPE_CHECKING:
    import torch

_HEADS = ("fc", "classifier", "heads", "head")


def load(name: str, pretrained: bool) -> tuple["torch.nn.Module", Preprocessing]:
    """Build a torchvision network with its classifier taken off; see the package's docstring."""
    import torch
    from torchvision import models

    model = name.removeprefix("torchvision/")
    known = models.list_models(module=models)
    if model not in known:
        near = get_close_matches(model, known, n=1)
        hint = f"did you mean 'torchvision/{near[0]}'?" if near else "see torchvision's model list"
        raise EncoderError(f"torchvision has no network '{model}'; {hint}")
    weights = models.get_model_weights(model).DEFAULT
    try:
        with redirect_stdout(sys.stderr):  # it says there what it downloads
            trunk = models.get_model(model, weights=weights if pretrained else None)
    except Exception as error:
        # Network and file errors of several libraries end here.
        raise EncoderError(
            f"weights of '{name}' could not be loaded ({type(error).__name__}); "
            "check the network, or give a checkpoint folder"
        ) from error
    head = next((attribute for attribute in _HEADS if hasattr(trunk, attribute)), _HEADS[0])
    classifier: Any = getattr(trunk, head, None)
    layers = [*classifier] if isinstance(classifier, torch.nn.Sequential) else [classifier]
    kept = list(takewhile(lambda layer: not isinstance(layer, torch.nn.Linear), layers))
    if len(kept) == len(layers):
        raise EncoderError(f"'{name}' has no classifier to take off; choose another network")
    # Some heads begin with what makes a vector of the features: pooling, flattening, a norm.
    setattr(trunk, head, torch.nn.Sequential(*kept))
    settings = weights.transforms()
    preprocessing = Preprocessing(
        size=int(settings.crop_size[0]),
        crop_fraction=float(settings.crop_size[0]) / float(settings.resize_size[0]),
        interpolation=str(settings.interpolation.value),
        mean=tuple(settings.mean),
        std=tuple(settings.std),
    )
    return trunk, preprocessing
