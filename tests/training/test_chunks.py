"""A batch in chunks: the same features and gradients, in less memory."""

import copy

import pytest
import torch
from torch import nn

from simsearch.encoder.network import EmbeddingNetwork
from simsearch.training import chunks
from simsearch.training.chunks import chunk_size, features_in_chunks
from simsearch.training.start import build_network
from tests.training.conftest import PREPROCESSING, changed

CPU = torch.device("cpu")
SIZE = 32


class Drops(nn.Module):
    """A trunk that leaves out values at random, as many networks do in training."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 8, 3)
        self.calls: list[int] = []

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        self.calls.append(len(pixels))
        dropped = nn.functional.dropout(self.layer(pixels).relu(), 0.5, training=True)
        return dropped.mean(dim=(2, 3))


@pytest.fixture
def network() -> EmbeddingNetwork:
    built, _ = build_network(changed(seed=3))
    return built.eval()


@pytest.fixture
def pixels() -> torch.Tensor:
    return torch.randint(0, 256, (10, SIZE, SIZE, 3), dtype=torch.uint8)


def gradients(network: EmbeddingNetwork, features: torch.Tensor) -> list[torch.Tensor]:
    """Return what a loss over the whole batch does to the trunk."""
    weights = [p for p in network.trunk.parameters() if p.requires_grad]
    spread = (features - features.mean(dim=0)).square().sum()
    return list(torch.autograd.grad(spread, weights))


@pytest.mark.parametrize("size", [1, 3, 5, 10, 64])
def test_features_and_gradients_are_those_of_the_batch(
    network: EmbeddingNetwork, pixels: torch.Tensor, size: int
) -> None:
    whole = network.features(pixels)
    parts = features_in_chunks(network, pixels, size)
    torch.testing.assert_close(parts, whole)
    for part, expected in zip(gradients(network, parts), gradients(network, whole), strict=True):
        torch.testing.assert_close(part, expected, rtol=1e-3, atol=1e-3)


def test_the_second_pass_draws_what_the_first_drew(pixels: torch.Tensor) -> None:
    trunk = Drops()
    other = EmbeddingNetwork(copy.deepcopy(trunk), PREPROCESSING)
    network = EmbeddingNetwork(trunk, PREPROCESSING)
    torch.manual_seed(0)
    parts = features_in_chunks(network, pixels, 4)
    torch.manual_seed(0)
    at_once = torch.cat([other.features(pixels[start : start + 4]) for start in (0, 4, 8)])
    assert torch.equal(parts, at_once)
    torch.manual_seed(99)  # whatever was drawn in between
    for one, expected in zip(gradients(network, parts), gradients(other, at_once), strict=True):
        torch.testing.assert_close(one, expected)
    assert sorted(trunk.calls) == sorted([4, 4, 2] * 2), "each chunk twice"


def test_only_one_chunk_is_held(network: EmbeddingNetwork, pixels: torch.Tensor) -> None:
    held: list[int] = []

    def note(tensor: torch.Tensor) -> torch.Tensor:
        held.append(tensor.numel())
        return tensor

    def most(size: int) -> int:
        held.clear()
        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            features_in_chunks(network, pixels, size)
        return sum(held)

    assert most(2) < most(10) / 5


def test_no_second_pass_where_nothing_is_learned(pixels: torch.Tensor) -> None:
    trunk = Drops()
    with torch.no_grad():
        features_in_chunks(EmbeddingNetwork(trunk, PREPROCESSING), pixels, 4)
    assert trunk.calls == [4, 4, 2]


def test_chunks_grow_with_memory_and_shrink_with_pictures(
    network: EmbeddingNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    def size(memory: int, side: int = SIZE) -> int:
        monkeypatch.setattr(chunks, "_memory", lambda _: memory)
        return chunk_size(network, side, CPU)

    small, large = size(64 << 20), size(256 << 20)
    assert small * 3.9 < large < small * 4.1
    assert size(256 << 20, 2 * SIZE) < large / 3
    assert size(0) == 1


def test_counts_what_one_picture_leaves_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """A convolution keeps its input, and ReLU what it gives: 3 x 32 x 32 and 8 x 30 x 30 floats."""
    trunk = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    network = EmbeddingNetwork(trunk, PREPROCESSING)
    kept = 4 * (3 * SIZE**2 + 8 * (SIZE - 2) ** 2)
    monkeypatch.setattr(chunks, "_memory", lambda _: 4 * 100 * kept)
    assert 90 <= chunk_size(network, SIZE, CPU) <= 100


def test_memory_of_this_machine() -> None:
    assert 2**28 < chunks._memory(CPU) < 2**50
