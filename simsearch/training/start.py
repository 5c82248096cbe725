"""The network to begin with: a backbone, its weights, a pooling and a projection."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from simsearch.config import DEFAULT_ENCODER, NetworkConfig, TrainingConfig
from simsearch.encoder import checkpoint
from simsearch.encoder.backbones import load_backbone
from simsearch.encoder.network import EmbeddingNetwork, output_dim
from simsearch.encoder.pooling import use_gem
from simsearch.errors import InputError

if TYPE_CHECKING:
    from simsearch.config import Preprocessing

Vectors = npt.NDArray[np.float32]


def build_network(config: TrainingConfig) -> tuple[EmbeddingNetwork, NetworkConfig]:
    """Return the network to train and how it is built.

    A checkpoint's projection is kept if it has the right length; any other is drawn at random.

    Raises:
        EncoderError: the backbone or its weights can't be had.
        InputError: a checkpoint is given, and another backbone.
    """
    torch.manual_seed(config.seed)
    folder = Path(config.weights)
    projection: nn.Module | None = None
    if config.weights in {"imagenet", "none"}:
        backbone = config.backbone or DEFAULT_ENCODER
        trunk, preprocessing = load_backbone(backbone, pretrained=config.weights == "imagenet")
        if config.pooling == "gem":
            use_gem(trunk, backbone)
        pooling = config.pooling
    elif checkpoint.is_checkpoint(folder):
        before = checkpoint.read_config(folder)
        loaded, preprocessing = checkpoint.load_network(folder), before.preprocessing
        trunk, backbone, pooling = loaded.trunk, before.backbone, before.pooling
        projection = loaded.projection if before.dim == config.dim else None
        if config.backbone not in {None, backbone}:
            raise InputError(
                f"the checkpoint '{folder}' is of backbone '{backbone}'; leave out --backbone"
            )
    else:
        raise InputError(
            f"no weights '{config.weights}'; use imagenet, none or a folder with config.json"
        )
    preprocessing = _adjusted(preprocessing, config)
    if projection is None:
        plain = EmbeddingNetwork(trunk, preprocessing)
        projection = nn.Linear(output_dim(plain, preprocessing.size), config.dim)
    network = EmbeddingNetwork(trunk, preprocessing, projection)
    return network, NetworkConfig(backbone, preprocessing, config.dim, pooling)


def project_onto_components(
    network: EmbeddingNetwork, embed: Callable[[nn.Module], Vectors]
) -> None:
    """Begin with the principal components of the training pictures' features, centred.

    Args:
        embed: gives what a module makes of the training pictures, float32 [n, features].
    """
    projection = network.projection
    if not isinstance(projection, nn.Linear):
        return
    network.projection = nn.Identity()
    features = embed(network).astype(np.float64)
    network.projection = projection
    length = np.linalg.norm(features, axis=1).mean()
    features /= max(length, 1e-12)
    mean = features.mean(axis=0)
    _, _, components = np.linalg.svd(features - mean, full_matrices=False)
    kept = components[: projection.out_features]
    with torch.no_grad():
        projection.weight[: len(kept)] = torch.from_numpy(kept / max(length, 1e-12)).float()
        projection.bias.zero_()
        projection.bias[: len(kept)] = torch.from_numpy(-kept @ mean).float()


def _adjusted(preprocessing: "Preprocessing", config: TrainingConfig) -> "Preprocessing":
    """Apply --size and --fit; what is squashed or padded is meant to be seen whole."""
    size = preprocessing.size if config.size is None else config.size
    fit = preprocessing.fit if config.fit is None else config.fit
    fraction = 1.0 if config.fit in {"squash", "pad"} else preprocessing.crop_fraction
    try:
        return replace(preprocessing, size=size, fit=fit, crop_fraction=fraction)
    except ValueError as error:
        raise InputError(str(error)) from error
