"""From what `--encoder` takes to a spec, and from a spec to its network."""

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING

from simsearch.config import DEFAULT_BACKBONE, DEFAULT_ENCODER, EncoderSpec
from simsearch.digest import file_digest
from simsearch.encoder import checkpoint
from simsearch.encoder.backbones import load_backbone
from simsearch.encoder.shipped import SHIPPED
from simsearch.errors import EncoderError, EncoderMismatchError

if TYPE_CHECKING:
    from simsearch.encoder.network import EmbeddingNetwork


def resolve(name: str) -> EncoderSpec:
    """Return the spec of an encoder: a known name, `timm/NAME`, `torchvision/NAME` or a folder.

    Those of the package, the default backbone and checkpoints are resolved without torch.

    Raises:
        EncoderError: there is no such encoder, or its weights can't be had.
    """
    folder = checkpoint.find_checkpoint(name)
    if folder is not None:
        return checkpoint.read_spec(folder)
    if name == DEFAULT_BACKBONE:
        from simsearch.encoder.backbones import tf_efficientnet_lite0 as backbone

        digest = file_digest(backbone.weights_file())
        return EncoderSpec(name, digest, backbone.FEATURES, backbone.PREPROCESSING)
    if name.startswith(SHIPPED):
        raise EncoderError(
            f"encoder '{name}' does not come with this version of simsearch; a collection that was "
            f"made with it takes `simsearch index FOLDER --rebuild --encoder {DEFAULT_ENCODER}`"
        )
    return _pretrained(name)[0]


def build_network(spec: EncoderSpec) -> "EmbeddingNetwork":
    """Return a spec's torch network, in evaluation mode, for the caller to move and to change.

    Raises:
        EncoderError: the weights can't be had.
        EncoderMismatchError: what the name stands for today is not what the spec recorded.
    """
    folder = checkpoint.find_checkpoint(spec.name)
    if folder is not None:
        current, network = checkpoint.read_spec(folder), checkpoint.load_network(folder)
    else:
        current, network = resolve(spec.name), _pretrained(spec.name)[1]
        _pretrained.cache_clear()  # the network is the caller's from now on
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
