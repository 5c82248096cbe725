"""Training that keeps what looked alike alike."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from simsearch.config import Preprocessing
from simsearch.encoder.network import EmbeddingNetwork
from simsearch.training.distillation import Teacher

SIZE, FEATURES = 4, 6


@pytest.fixture
def network() -> EmbeddingNetwork:
    torch.manual_seed(0)
    trunk = nn.Sequential(nn.Flatten(), nn.Linear(3 * SIZE * SIZE, FEATURES), nn.Tanh())
    return EmbeddingNetwork(trunk, Preprocessing(SIZE), nn.Linear(FEATURES, 3))


@pytest.fixture
def pixels() -> torch.Tensor:
    draw = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (7, SIZE, SIZE, 3), dtype=torch.uint8, generator=draw)


def cosines(vectors: torch.Tensor) -> torch.Tensor:
    centred = vectors - vectors.mean(dim=0)
    return torch.cosine_similarity(centred[:, None], centred[None], dim=-1)


def test_one_less_the_correlation_of_cosines(
    network: EmbeddingNetwork, pixels: torch.Tensor
) -> None:
    embeddings = torch.randn(7, 3, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        before = cosines(network.features(pixels))
    pairs = np.triu_indices(7, 1)
    correlation = np.corrcoef(cosines(embeddings)[pairs], before[pairs])[0, 1]
    loss = Teacher(network).loss(pixels, embeddings)
    assert float(loss) == pytest.approx(1 - correlation, abs=1e-5)


def test_nothing_to_learn_where_all_is_as_before_whatever_its_place_and_scale(
    network: EmbeddingNetwork, pixels: torch.Tensor
) -> None:
    with torch.no_grad():
        features = network.features(pixels)
    assert float(Teacher(network).loss(pixels, 3 * features + 5)) == pytest.approx(0, abs=1e-6)


def test_the_teacher_stays_as_it_was(network: EmbeddingNetwork, pixels: torch.Tensor) -> None:
    teacher, untouched = Teacher(network), copy.deepcopy(network)
    embeddings = network(pixels)
    teacher.loss(pixels, embeddings).backward()
    gradients = [parameter.grad for parameter in network.parameters()]
    assert all(gradient is not None and gradient.abs().sum() > 0 for gradient in gradients)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(-2)
    again = teacher.loss(pixels, embeddings.detach())
    assert torch.equal(again, Teacher(untouched).loss(pixels, embeddings.detach()))
