"""A network of which only the end is trained."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from simsearch.config import DEFAULT_BACKBONE, NetworkConfig
from simsearch.encoder.network import EmbeddingNetwork
from simsearch.errors import EncoderError
from simsearch.training.partial import PartialNetwork, assembled, inputs_of, take_up
from simsearch.training.pictures import Pixels
from simsearch.training.start import build_network
from tests.conftest import picture
from tests.training.conftest import changed

CPU = torch.device("cpu")
SIZE = 64


@pytest.fixture(scope="module")
def built() -> tuple[EmbeddingNetwork, NetworkConfig]:
    """Return the default network with its weights and a random projection."""
    network, config = build_network(changed(backbone=None, weights="imagenet", size=SIZE))
    return network.eval(), config


@pytest.fixture(scope="module")
def partial(built: tuple[EmbeddingNetwork, NetworkConfig]) -> PartialNetwork:
    return PartialNetwork(*built, 5, CPU)


@pytest.fixture(scope="module")
def pixels() -> Pixels:
    """Return pictures, not as many as a multiple of what the front takes at once."""
    return np.stack([np.asarray(picture(seed, SIZE, SIZE)) for seed in range(7)])


def features(network: EmbeddingNetwork, pixels: Pixels) -> torch.Tensor:
    with torch.inference_mode():
        found: torch.Tensor = network.features(torch.from_numpy(inputs_of(network, pixels)))
    return found


def likeness(one: torch.Tensor, other: torch.Tensor) -> float:
    """Return the lowest cosine."""
    return float(torch.cosine_similarity(one.float(), other.float()).min())


def test_same_features_as_the_whole(
    built: tuple[EmbeddingNetwork, NetworkConfig], partial: PartialNetwork, pixels: Pixels
) -> None:
    whole = features(built[0], pixels)
    assert likeness(features(partial, pixels), whole) > 0.995, "up to bfloat16"
    assert likeness(features(assembled(partial), pixels), whole) > 0.9999


def test_only_the_end_learns_and_is_assembled(
    built: tuple[EmbeddingNetwork, NetworkConfig], pixels: Pixels
) -> None:
    network = PartialNetwork(*built, 6, CPU)
    before = copy.deepcopy(built[0].state_dict())
    with torch.no_grad():
        for weights in network.trunk.parameters():
            weights.add_(0.05 * weights.std() * torch.randn_like(weights))
    whole = assembled(network)
    assert likeness(features(network, pixels), features(whole, pixels)) > 0.995
    assert likeness(features(network, pixels), features(built[0], pixels)) < 0.99
    after = whole.state_dict()
    assert after.keys() == before.keys()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved
    assert all(
        name.startswith(("trunk.blocks.6", "trunk.conv_head", "trunk.bn2")) for name in moved
    )
    assert all(torch.equal(v, built[0].state_dict()[n]) for n, v in before.items()), "untouched"


def test_taking_up_another_trunk(
    built: tuple[EmbeddingNetwork, NetworkConfig], partial: PartialNetwork, pixels: Pixels
) -> None:
    changed_one = copy.deepcopy(partial)
    assert changed_one.front is partial.front, "it does not change"
    with torch.no_grad():
        for weights in changed_one.trunk.parameters():
            weights.zero_()
    take_up(changed_one, built[0].trunk)
    assert likeness(features(changed_one, pixels), features(partial, pixels)) > 0.9999


@pytest.mark.parametrize("frozen", [1, 3, 7])
def test_stages_that_can_not_be_frozen(
    built: tuple[EmbeddingNetwork, NetworkConfig], frozen: int
) -> None:
    with pytest.raises(EncoderError, match=f"--frozen {frozen} is no stage to train after"):
        PartialNetwork(*built, frozen, CPU)


def test_an_earlier_stage_beside_the_last_layer(pixels: Pixels) -> None:
    settings = {"weights": "imagenet", "size": SIZE}
    network, config = build_network(changed(backbone=f"{DEFAULT_BACKBONE}/beside5", **settings))
    network.eval()
    partial = PartialNetwork(network, config, 5, CPU)
    assert likeness(features(partial, pixels), features(network, pixels)) > 0.995
    assert likeness(features(assembled(partial), pixels), features(network, pixels)) > 0.9999
    with pytest.raises(EncoderError, match="--frozen 6 leaves stage 5 behind"):
        PartialNetwork(network, config, 6, CPU)


def test_networks_that_are_trained_as_a_whole(
    built: tuple[EmbeddingNetwork, NetworkConfig],
) -> None:
    network, config = built
    for other in (replace(config, backbone="timm/test_resnet"), replace(config, pooling="gem")):
        with pytest.raises(EncoderError, match="is trained as a whole; use --frozen 0"):
            PartialNetwork(network, other, 5, CPU)
