"""What takes the place of average pooling: what it computes, and that it is saved."""

from pathlib import Path

import numpy as np
import pytest
import torch

from simsearch.config import NetworkConfig
from simsearch.encoder import checkpoint
from simsearch.encoder.backbones import load_backbone
from simsearch.encoder.network import EmbeddingNetwork, output_dim
from simsearch.encoder.pooling import Correlations, GeM, Root, Statistics, use_pooling
from simsearch.errors import EncoderError
from tests.encoder.conftest import BACKBONE, PREPROCESSING

MAPS = torch.rand(2, 5, 4, 3, generator=torch.Generator().manual_seed(0)) + 0.1


def test_p_1_is_the_mean_and_a_large_p_the_maximum() -> None:
    assert torch.allclose(GeM(p=1.0)(MAPS), MAPS.mean(dim=(2, 3)))
    assert torch.allclose(GeM(p=200.0)(MAPS.double().float()), MAPS.amax(dim=(2, 3)), atol=0.02)


def test_the_default_is_the_cubic_mean() -> None:
    assert torch.allclose(GeM()(MAPS), MAPS.pow(3).mean(dim=(2, 3)).pow(1 / 3))


def test_roots_are_of_the_means_and_keep_their_signs() -> None:
    means = MAPS.mean(dim=(2, 3))
    assert torch.allclose(Root()(MAPS), means.sqrt(), atol=0.04), "less near 0"
    assert torch.equal(Root()(-MAPS), -Root()(MAPS))
    assert torch.allclose(Root()(100 * MAPS), 10 * means.sqrt(), atol=0.04)


def test_statistics_are_mean_and_deviation() -> None:
    pooled = Statistics()(MAPS)
    assert torch.allclose(pooled[:, :5], MAPS.mean(dim=(2, 3)))
    assert torch.allclose(pooled[:, 5:], MAPS.flatten(2).std(dim=2, correction=0), atol=1e-4)


def test_correlations_are_those_of_every_two_channels() -> None:
    pooled = Correlations()(MAPS)
    assert pooled.shape == (2, 10)
    for maps, row in zip(MAPS, pooled, strict=True):
        expected = np.corrcoef(maps.flatten(1).numpy())[np.triu_indices(5, 1)]
        assert np.allclose(row.numpy(), expected, atol=1e-4)
    assert torch.allclose(Correlations()(MAPS * 3 + 1), pooled, atol=1e-4)


@pytest.mark.parametrize("pooling", [Root(), Statistics(), Correlations()])
def test_even_maps_have_a_gradient(pooling: torch.nn.Module) -> None:
    even = torch.ones(1, 2, 3, 3, requires_grad=True)
    pooled = pooling(even)
    pooled.sum().backward()
    assert torch.isfinite(pooled).all()
    assert even.grad is not None
    assert torch.isfinite(even.grad).all()


@pytest.mark.parametrize(("pooling", "times"), [("root", 1), ("gem", 1), ("stats", 2)])
@pytest.mark.parametrize(
    "name",
    [BACKBONE, "torchvision/resnet18", "tf_efficientnet_lite0", "tf_efficientnet_lite0/stages2-4"],
)
def test_it_takes_the_place_of_average_pooling(name: str, pooling: str, times: int) -> None:
    trunk, preprocessing = load_backbone(name, pretrained=False)
    pictures = torch.rand(1, 3, preprocessing.size, preprocessing.size)
    with torch.inference_mode():
        average = trunk.eval()(pictures)
        use_pooling(trunk, name, "avg")
        assert torch.equal(trunk(pictures), average)
        use_pooling(trunk, name, pooling)
        pooled = trunk.eval()(pictures)
    assert pooled.shape == (1, times * average.shape[1])
    assert not torch.allclose(pooled.repeat(1, 2 // times), average.repeat(1, 2))


@pytest.mark.parametrize("pooling", ["gem", "stats", "correlation"])
def test_a_network_without_pooling_is_refused(pooling: str) -> None:
    trunk, _ = load_backbone("koch", pretrained=False)
    with pytest.raises(EncoderError, match="'koch' has no average pooling; use --pooling avg"):
        use_pooling(trunk, "koch", pooling)


@pytest.mark.parametrize("pooling", ["gem", "stats", "correlation"])
def test_a_checkpoint_keeps_it(tmp_path: Path, pooling: str) -> None:
    trunk, _ = load_backbone(BACKBONE, pretrained=False)
    use_pooling(trunk, BACKBONE, pooling)
    network = EmbeddingNetwork(trunk, PREPROCESSING).eval()
    dim = output_dim(network, PREPROCESSING.size)
    checkpoint.save(tmp_path, network, NetworkConfig(BACKBONE, PREPROCESSING, dim, pooling))
    batch = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8)
    with torch.inference_mode():
        assert torch.equal(checkpoint.load_network(tmp_path)(batch), network(batch))
