"""Checkpoint folders: config.json says how to build the network, model.safetensors fills it.

config.json holds format_version and the fields of NetworkConfig. The weights carry a digest of
themselves, since a flipped bit in them would not show in any other way.
"""

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from simsearch.config import EncoderSpec, NetworkConfig
from simsearch.digest import file_digest
from simsearch.encoder.shipped import shipped_folder
from simsearch.errors import EncoderError

if TYPE_CHECKING:
    from torch import Tensor

    from simsearch.encoder.network import EmbeddingNetwork

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
FORMAT_VERSION = 1
_DIGEST = "sha256"  # key in the metadata of the weights


def find_checkpoint(name: str) -> Path | None:
    """Return the folder of an encoder that comes with the package, or of a checkpoint, or None."""
    folder = shipped_folder(name) or Path(name)
    return folder if is_checkpoint(folder) else None


def is_checkpoint(folder: Path) -> bool:
    """Tell whether a folder holds a checkpoint."""
    return (folder / CONFIG_FILE).is_file()


def read_spec(folder: Path) -> EncoderSpec:
    """Return what a checkpoint declares, without loading its network.

    It goes by its folder, or by its name if it comes with the package.

    Raises:
        EncoderError: a file is missing or not what this version writes.
    """
    config = read_config(folder)
    weights = folder / WEIGHTS_FILE
    if not weights.is_file():
        raise EncoderError(
            f"'{folder}' has no {WEIGHTS_FILE}; train again or copy the whole folder"
        )
    try:
        digest = file_digest(weights)
    except OSError as error:
        raise EncoderError(f"{WEIGHTS_FILE} in '{folder}' can't be read: {error}") from error
    name = folder.name if folder == shipped_folder(folder.name) else str(folder.resolve())
    return EncoderSpec(name, digest, config.dim, config.preprocessing)


def load_network(folder: Path) -> "EmbeddingNetwork":
    """Build a checkpoint's network, in evaluation mode.

    Raises:
        EncoderError: the weights are damaged, or do not fit the network that config.json names.
    """
    from simsearch.encoder.network import output_dim

    config = read_config(folder)
    state = _read_weights(folder)
    projection = state.get("projection.weight")
    network = _build(config, projection, "projection.bias" in state)
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise EncoderError(
            f"{WEIGHTS_FILE} in '{folder}' does not fit backbone '{config.backbone}'; "
            "train again or copy the whole folder"
        ) from error
    dim = output_dim(network, config.preprocessing.size)
    if dim != config.dim:
        raise EncoderError(
            f"the network in '{folder}' gives {dim} values, {CONFIG_FILE} says {config.dim}; "
            "train again or copy the whole folder"
        )
    return network


def save(folder: Path, network: "EmbeddingNetwork", config: NetworkConfig) -> None:
    """Write a network as a checkpoint folder that `--encoder` takes; it is never half written."""
    from safetensors.torch import save as packed

    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.cpu().contiguous() for name, value in network.state_dict().items()}
    temporary = folder / f"{WEIGHTS_FILE}.tmp"
    temporary.write_bytes(packed(weights, {_DIGEST: _digest(weights)}))  # with usual permissions
    text = json.dumps({"format_version": FORMAT_VERSION, **asdict(config)}, indent=2) + "\n"
    (folder / f"{CONFIG_FILE}.tmp").write_text(text, encoding="utf-8")
    for name in (WEIGHTS_FILE, CONFIG_FILE):
        os.replace(folder / f"{name}.tmp", folder / name)  # noqa: PTH105 - replaces on Windows too


def read_config(folder: Path) -> NetworkConfig:
    """Return how a checkpoint's network is built.

    Raises:
        EncoderError: config.json is missing, damaged or of another version.
    """
    try:
        data = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EncoderError(f"{CONFIG_FILE} in '{folder}' can't be read: {error}") from error
    try:
        version = data.pop("format_version")
        if version == FORMAT_VERSION:
            return NetworkConfig.from_dict(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise EncoderError(
            f"{CONFIG_FILE} in '{folder}' does not describe a network ({reason}); train again"
        ) from error
    raise EncoderError(
        f"{CONFIG_FILE} in '{folder}' is of format {version}, not {FORMAT_VERSION}: another "
        "version of simsearch wrote it; use that one, or train again"
    )


def _read_weights(folder: Path) -> dict[str, "Tensor"]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(folder / WEIGHTS_FILE, "pt") as file:
            written = (file.metadata() or {}).get(_DIGEST)
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise EncoderError(f"{WEIGHTS_FILE} in '{folder}' can't be read: {error}") from error
    if written != _digest(state):
        raise EncoderError(
            f"{WEIGHTS_FILE} in '{folder}' is damaged: it is not what was written; "
            "train again or copy the whole folder"
        )
    return state


def _digest(weights: dict[str, "Tensor"]) -> str:
    """Return the SHA-256 of names, types, shapes and values."""
    import torch

    digest = hashlib.sha256()
    for name in sorted(weights):
        values = weights[name].contiguous()
        digest.update(f"{name} {values.dtype} {tuple(values.shape)}".encode())
        digest.update(values.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _build(
    config: NetworkConfig, projection: "Tensor | None", has_bias: bool
) -> "EmbeddingNetwork":
    from torch import nn

    from simsearch.encoder.backbones import load_backbone
    from simsearch.encoder.network import EmbeddingNetwork
    from simsearch.encoder.pooling import use_pooling

    trunk, _ = load_backbone(config.backbone, pretrained=False)
    use_pooling(trunk, config.backbone, config.pooling)
    linear = None
    if projection is not None:
        linear = nn.Linear(projection.shape[1], projection.shape[0], bias=has_bias)
    return EmbeddingNetwork(trunk, config.preprocessing, linear).eval()
