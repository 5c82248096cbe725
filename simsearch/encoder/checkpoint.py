"""Checkpoint folders: config.json says how to build the network, model.safetensors fills it.

config.json holds format_version, backbone (a name that the backbones know), preprocessing and dim.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from simsearch.config import EncoderSpec, Preprocessing
from simsearch.digest import file_digest
from simsearch.errors import EncoderError

if TYPE_CHECKING:
    from simsearch.encoder.network import EmbeddingNetwork

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
FORMAT_VERSION = 1


def is_checkpoint(folder: Path) -> bool:
    """Tell whether a folder holds a checkpoint."""
    return (folder / CONFIG_FILE).is_file()


def read_spec(folder: Path) -> EncoderSpec:
    """Return what a checkpoint declares, without loading its network.

    Raises:
        EncoderError: a file is missing or not what this version writes.
    """
    _, dim, preprocessing = _read_config(folder)
    weights = folder / WEIGHTS_FILE
    if not weights.is_file():
        raise EncoderError(
            f"'{folder}' has no {WEIGHTS_FILE}; train again or copy the whole folder"
        )
    try:
        digest = file_digest(weights)
    except OSError as error:
        raise EncoderError(f"{WEIGHTS_FILE} in '{folder}' can't be read: {error}") from error
    return EncoderSpec(str(folder.resolve()), digest, dim, preprocessing)


def load_network(folder: Path) -> "EmbeddingNetwork":
    """Build a checkpoint's network, in evaluation mode.

    Raises:
        EncoderError: the weights are damaged, or do not fit the network that config.json names.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file
    from torch import nn

    from simsearch.encoder.backbones import load_backbone
    from simsearch.encoder.network import EmbeddingNetwork

    backbone, _, preprocessing = _read_config(folder)
    try:
        state = load_file(folder / WEIGHTS_FILE)
    except (OSError, SafetensorError) as error:
        raise EncoderError(f"{WEIGHTS_FILE} in '{folder}' can't be read: {error}") from error
    projection = None
    if "projection.weight" in state:
        dim, features = state["projection.weight"].shape
        projection = nn.Linear(features, dim, bias="projection.bias" in state)
    trunk, _ = load_backbone(backbone, pretrained=False)
    network = EmbeddingNetwork(trunk, preprocessing, projection)
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise EncoderError(
            f"{WEIGHTS_FILE} in '{folder}' does not fit backbone '{backbone}'; "
            "train again or copy the whole folder"
        ) from error
    return network.eval()


def save(folder: Path, network: "EmbeddingNetwork", backbone: str, spec: EncoderSpec) -> None:
    """Write a network as a checkpoint folder that `--encoder` takes."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    save_file(
        {name: value.contiguous() for name, value in network.state_dict().items()},
        folder / WEIGHTS_FILE,
    )
    config = {
        "format_version": FORMAT_VERSION,
        "backbone": backbone,
        "dim": spec.dim,
        "preprocessing": spec.to_dict()["preprocessing"],
    }
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def _read_config(folder: Path) -> tuple[str, int, Preprocessing]:
    """Return the backbone's name, the length of the vectors and the preprocessing."""
    try:
        config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EncoderError(f"{CONFIG_FILE} in '{folder}' can't be read: {error}") from error
    needs = (
        f"{CONFIG_FILE} in '{folder}' is not of format {FORMAT_VERSION}; "
        "it needs backbone, dim and preprocessing"
    )
    try:
        version, backbone, dim = config["format_version"], str(config["backbone"]), config["dim"]
        values = backbone, int(dim), Preprocessing.from_dict(config["preprocessing"])
    except (KeyError, TypeError, ValueError) as error:
        raise EncoderError(needs) from error
    if version != FORMAT_VERSION:
        raise EncoderError(needs)
    return values
