"""Generalised mean pooling: between mean and maximum, and saved with the network."""

from pathlib import Path

import pytest
import torch

from simsearch.config import NetworkConfig
from simsearch.encoder import checkpoint
from simsearch.encoder.backbones import load_backbone
from simsearch.encoder.network import EmbeddingNetwork, output_dim
from simsearch.encoder.pooling import GeM, use_gem
from simsearch.errors import EncoderError
from tests.encoder.conftest import BACKBONE, PREPROCESSING

MAPS = torch.rand(2, 5, 4, 3, generator=torch.Generator().manual_seed(0)) + 0.1


def test_p_1_is_the_mean_and_a_large_p_the_maximum() -> None:
    assert torch.allclose(GeM(p=1.0)(MAPS), MAPS.mean(dim=(2, 3)))
    assert torch.allclose(GeM(p=200.0)(MAPS.double().float()), MAPS.amax(dim=(2, 3)), atol=0.02)


def test_the_default_is_the_cubic_mean() -> None:
    assert torch.allclose(GeM()(MAPS), MAPS.pow(3).mean(dim=(2, 3)).pow(1 / 3))


@pytest.mark.parametrize("name", [BACKBONE, "torchvision/resnet18", "tf_efficientnet_lite0"])
def test_it_takes_the_place_of_average_pooling(name: str) -> None:
    trunk, preprocessing = load_backbone(name, pretrained=False)
    pictures = torch.rand(1, 3, preprocessing.size, preprocessing.size)
    with torch.inference_mode():
        average = trunk.eval()(pictures)
        use_gem(trunk, name)
        generalised = trunk.eval()(pictures)
    assert generalised.shape == average.shape
    assert not torch.allclose(generalised, average)
    assert [key for key in trunk.state_dict() if key.endswith("pool.p")]


def test_a_network_without_pooling_is_refused() -> None:
    trunk, _ = load_backbone("koch", pretrained=False)
    with pytest.raises(EncoderError, match="'koch' has no average pooling; use --pooling avg"):
        use_gem(trunk, "koch")


def test_a_checkpoint_keeps_it(tmp_path: Path) -> None:
    trunk, _ = load_backbone(BACKBONE, pretrained=False)
    use_gem(trunk, BACKBONE)
    network = EmbeddingNetwork(trunk, PREPROCESSING).eval()
    dim = output_dim(network, PREPROCESSING.size)
    checkpoint.save(tmp_path, network, NetworkConfig(BACKBONE, PREPROCESSING, dim, "gem"))
    batch = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8)
    with torch.inference_mode():
        assert torch.equal(checkpoint.load_network(tmp_path)(batch), network(batch))
