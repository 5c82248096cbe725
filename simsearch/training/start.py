"""The network to begin with: a backbone, its weights, a pooling and a projection."""

from dataclasses import replace
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
    copies = makes_copies(config.augment)
    projection: nn.Linear | None = None
    if config.weights in {"imagenet", "none"}:
        backbone = config.backbone or DEFAULT_BACKBONE
        trunk, preprocessing = load_backbone(backbone, pretrained=config.weights == "imagenet")
        use_pooling(trunk, backbone, config.pooling)
        pooling = config.pooling
    elif (folder := checkpoint.find_checkpoint(config.weights)) is not None:
        before = checkpoint.read_config(folder)
        loaded, preprocessing = checkpoint.load_network(folder), before.preprocessing
        trunk, backbone, pooling = loaded.trunk, before.backbone, before.pooling
        other = config.pooling not in {"avg", pooling}
        if before.dim == config.dim and not copies and not other:
            projection = _as_linear(loaded.projection, before.dim)
        if config.backbone not in {None, backbone}:
            raise InputError(
                f"the checkpoint '{folder}' is of backbone '{backbone}'; leave out --backbone"
            )
        if other and pooling != "avg":
            raise InputError(
                f"the checkpoint '{folder}' has pooling '{pooling}'; leave out --pooling"
            )
        if other:
            use_pooling(trunk, backbone, config.pooling)
            pooling = config.pooling
    else:
        raise InputError(
            f"no weights '{config.weights}'; use imagenet, none, {DEFAULT_ENCODER} or a folder "
            "with config.json"
        )
    preprocessing = _adjusted(preprocessing, config)
    new = projection is None
    if projection is None:
        plain = EmbeddingNetwork(trunk, preprocessing)
        try:
            features = output_dim(plain, preprocessing.size)
        except RuntimeError as error:
            remedy = "a larger --size" if pooling == "avg" else "--pooling avg or a larger --size"
            raise EncoderError(
                f"backbone '{backbone}' does not work with pooling '{pooling}' and pictures of "
                f"{preprocessing.size} pixels; use {remedy}"
            ) from error
        if pooling == "correlation" and features > _MOST_CORRELATIONS:
            raise EncoderError(
                f"backbone '{backbone}' gives {features:,} correlations of channels, more than "
                f"{_MOST_CORRELATIONS:,}; use fewer channels, as {DEFAULT_BACKBONE}/stages0-2 has"
            )
        projection = nn.Linear(features, config.dim)
    learns: Projection = Neck(projection, new)
    if copies:
        learns = Compression(projection, Neck(nn.Linear(projection.in_features, _WIDTH)))
    network = EmbeddingNetwork(trunk, preprocessing, learns)
    return network, NetworkConfig(backbone, preprocessing, config.dim, pooling)


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
