"""The network to begin with: a backbone, its weights, a pooling and a projection."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import nn

from simsearch.config import DEFAULT_BACKBONE, DEFAULT_ENCODER, NetworkConfig, TrainingConfig
from simsearch.encoder import checkpoint
from simsearch.encoder.backbones import load_backbone
from simsearch.encoder.network import EmbeddingNetwork, output_dim
from simsearch.encoder.pooling import use_pooling
from simsearch.errors import EncoderError, InputError
from simsearch.training.augment import makes_copies
from simsearch.training.neck import Compression, Neck, Projection

if TYPE_CHECKING:
    from pathlib import Path

    from simsearch.config import Preprocessing

_WIDTH = 256  # of a projection that is only trained through
_MOST_CORRELATIONS = 8192  # the discriminants' covariance of so many is 0.5 GB


def build_network(config: TrainingConfig) -> tuple[EmbeddingNetwork, NetworkConfig]:
    """Return the network to train and how it is built.

    A checkpoint's projection is kept if it has the right length; any other is drawn at random.

    Raises:
        EncoderError: the backbone or its weights can't be had, or it won't take pooling or size.
        InputError: a checkpoint is given, and another backbone.
    """
    torch.manual_seed(config.seed)
    begun = _begun(config)
    preprocessing = _adjusted(begun.preprocessing, config)
    new = begun.projection is None
    projection = begun.projection or nn.Linear(_features(begun, preprocessing), config.dim)
    learns: Projection = Neck(projection, new)
    if makes_copies(config.augment):
        learns = Compression(projection, Neck(nn.Linear(projection.in_features, _WIDTH)))
    network = EmbeddingNetwork(begun.trunk, preprocessing, learns)
    return network, NetworkConfig(begun.backbone, preprocessing, config.dim, begun.pooling)


@dataclass(frozen=True, slots=True)
class _Begun:
    """What there is before training: a trunk, and a checkpoint's projection if it is kept."""

    trunk: nn.Module
    backbone: str
    preprocessing: "Preprocessing"
    pooling: str
    projection: nn.Linear | None = None


def _begun(config: TrainingConfig) -> _Begun:
    if config.weights in {"imagenet", "none"}:
        backbone = config.backbone or DEFAULT_BACKBONE
        trunk, preprocessing = load_backbone(backbone, pretrained=config.weights == "imagenet")
        use_pooling(trunk, backbone, config.pooling)
        return _Begun(trunk, backbone, preprocessing, config.pooling)
    if (folder := checkpoint.find_checkpoint(config.weights)) is not None:
        return _from_checkpoint(folder, config)
    raise InputError(
        f"no weights '{config.weights}'; use imagenet, none, {DEFAULT_ENCODER} or a folder "
        "with config.json"
    )


def _from_checkpoint(folder: "Path", config: TrainingConfig) -> _Begun:
    """Begin with a checkpoint; another pooling may take the place of an average pooling."""
    before = checkpoint.read_config(folder)
    if config.backbone not in {None, before.backbone}:
        raise InputError(
            f"the checkpoint '{folder}' is of backbone '{before.backbone}'; leave out --backbone"
        )
    other = config.pooling not in {"avg", before.pooling}
    if other and before.pooling != "avg":
        raise InputError(
            f"the checkpoint '{folder}' has pooling '{before.pooling}'; leave out --pooling"
        )
    loaded, projection = checkpoint.load_network(folder), None
    if before.dim == config.dim and not makes_copies(config.augment) and not other:
        projection = _as_linear(loaded.projection, before.dim)
    pooling = before.pooling
    if other:
        use_pooling(loaded.trunk, before.backbone, config.pooling)
        pooling = config.pooling
    return _Begun(loaded.trunk, before.backbone, before.preprocessing, pooling, projection)


def _features(begun: _Begun, preprocessing: "Preprocessing") -> int:
    """Return how many features the trunk gives."""
    try:
        features = output_dim(EmbeddingNetwork(begun.trunk, preprocessing), preprocessing.size)
    except RuntimeError as error:
        average = begun.pooling == "avg"
        remedy = "a larger --size" if average else "--pooling avg or a larger --size"
        raise EncoderError(
            f"backbone '{begun.backbone}' does not work with pooling '{begun.pooling}' and "
            f"pictures of {preprocessing.size} pixels; use {remedy}"
        ) from error
    if begun.pooling == "correlation" and features > _MOST_CORRELATIONS:
        raise EncoderError(
            f"backbone '{begun.backbone}' gives {features:,} correlations of channels, more than "
            f"{_MOST_CORRELATIONS:,}; use fewer channels, as {DEFAULT_BACKBONE}/stages0-2 has"
        )
    return features


def _as_linear(projection: nn.Module, dim: int) -> nn.Linear:
    """Return a checkpoint's projection; where it has none, one that changes nothing."""
    if isinstance(projection, nn.Linear):
        return projection
    linear = nn.Linear(dim, dim)
    nn.init.eye_(linear.weight)
    nn.init.zeros_(linear.bias)
    return linear


def _adjusted(preprocessing: "Preprocessing", config: TrainingConfig) -> "Preprocessing":
    """Apply --size and --fit; what is squashed or padded is meant to be seen whole."""
    size = preprocessing.size if config.size is None else config.size
    fit = preprocessing.fit if config.fit is None else config.fit
    fraction = 1.0 if config.fit in {"squash", "pad"} else preprocessing.crop_fraction
    try:
        return replace(preprocessing, size=size, fit=fit, crop_fraction=fraction)
    except ValueError as error:
        raise InputError(str(error)) from error
