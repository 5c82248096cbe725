"""Training that keeps what looked alike alike."""

import copy
from typing import Any

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


LABELS = np.array([7, 2, 7, 9, 9, 2, 5])  # four classes, three of them with a copy
FIRSTS = [0, 1, 0, 3, 3, 1, 6]


def cosines(vectors: torch.Tensor, centre: torch.Tensor) -> torch.Tensor:
    centred = vectors - centre
    return torch.cosine_similarity(centred[:, None], centred[None], dim=-1)


def test_one_less_the_correlation_of_cosines_with_those_of_the_originals(
    network: EmbeddingNetwork, pixels: torch.Tensor
) -> None:
    embeddings = torch.randn(7, 3, generator=torch.Generator().manual_seed(2))
    originals = sorted(set(FIRSTS))
    with torch.inference_mode():
        features = network.features(pixels)
    known = cosines(features, features[originals].mean(dim=0))
    found = cosines(embeddings, embeddings[originals].mean(dim=0))
    pairs = [(at, other) for at in range(7) for other in originals if other != FIRSTS[at]]
    before = [float(known[FIRSTS[at], other]) for at, other in pairs]
    now = [float(found[at, other]) for at, other in pairs]
    loss = Teacher(network).loss(pixels, embeddings, LABELS)
    assert float(loss) == pytest.approx(1 - np.corrcoef(now, before)[0, 1], abs=1e-5)


def test_nothing_to_learn_where_copies_look_like_originals_whatever_their_place_and_scale(
    network: EmbeddingNetwork, pixels: torch.Tensor
) -> None:
    with torch.no_grad():
        features = network.features(pixels)[FIRSTS]
    loss = Teacher(network).loss(pixels, 3 * features + 5, LABELS)
    assert float(loss) == pytest.approx(0, abs=1e-6)


def test_the_teacher_stays_as_it_was(network: EmbeddingNetwork, pixels: torch.Tensor) -> None:
    teacher, untouched = Teacher(network), copy.deepcopy(network)
    embeddings = network(pixels)
    loss: Any = teacher.loss(pixels, embeddings, LABELS)
    loss.backward()
    gradients = [parameter.grad for parameter in network.parameters()]
    assert all(gradient is not None and gradient.abs().sum() > 0 for gradient in gradients)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(-2)
    again = teacher.loss(pixels, embeddings.detach(), LABELS)
    assert torch.equal(again, Teacher(untouched).loss(pixels, embeddings.detach(), LABELS))
