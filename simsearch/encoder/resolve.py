"""From what `--encoder` takes to a spec, and from a spec to its network."""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from simsearch.config import DEFAULT_ENCODER, EncoderSpec
from simsearch.digest import file_digest
from simsearch.encoder import checkpoint
from simsearch.encoder.backbones import load_backbone
from simsearch.errors import EncoderMismatchError

if TYPE_CHECKING:
    from simsearch.encoder.network import EmbeddingNetwork


def resolve(name: str) -> EncoderSpec:
    """Return the spec of an encoder: a known name, `timm/NAME`, `torchvision/NAME` or a folder.

    The default's name and checkpoint folders are resolved without importing torch.

    Raises:
        EncoderError: there is no such encoder, or its weights can't be had.
    """
    if checkpoint.is_checkpoint(Path(name)):
        return checkpoint.read_spec(Path(name))
    if name == DEFAULT_ENCODER:
        from simsearch.encoder.backbones import tf_efficientnet_lite0 as default

        digest = file_digest(default.weights_file())
        return EncoderSpec(name, digest, default.FEATURES, default.PREPROCESSING)
    return _pretrained(name)[0]


def build_network(spec: EncoderSpec) -> "EmbeddingNetwork":
    """Return a spec's torch network, in evaluation mode, for the caller to move and to change.

    Raises:
        EncoderError: the weights can't be had.
        EncoderMismatchError: what the name stands for today is not what the spec recorded.
    """
    folder = Path(spec.name)
    if checkpoint.is_checkpoint(folder):
        current, network = checkpoint.read_spec(folder), checkpoint.load_network(folder)
    else:
        current, network = _pretrained(spec.name)
        _pretrained.cache_clear()  # the network is the caller's from now on
        if spec.name == DEFAULT_ENCODER:
            current = resolve(spec.name)
    if current.fingerprint != spec.fingerprint:
        raise EncoderMismatchError(
            f"encoder '{spec.name}' has other weights than the collection was made with; "
            "restore the old weights, or index again with --rebuild"
        )
    return network


@lru_cache(maxsize=1)
def _pretrained(name: str) -> tuple[EncoderSpec, "EmbeddingNetwork"]:
    trunk, preprocessing = load_backbone(name, pretrained=True)
    from simsearch.encoder.network import EmbeddingNetwork, output_dim

    network = EmbeddingNetwork(trunk, preprocessing).eval()
    digest = hashlib.sha256()
    for key, value in sorted(network.state_dict().items()):
        digest.update(key.encode() + value.numpy().tobytes())
    dim = output_dim(network, preprocessing.size)
    return EncoderSpec(name, digest.hexdigest(), dim, preprocessing), network
