"""The projection while it is trained, and what it becomes: one linear layer."""

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import nn

from simsearch.encoder.network import EmbeddingNetwork
from simsearch.training.neck import Neck, begin_projection, folded
from tests.encoder.conftest import PREPROCESSING, small_network

FEATURES = 96


def features(count: int) -> npt.NDArray[np.float32]:
    """Return features that vary much in some directions and little in others."""
    rng = np.random.default_rng(0)
    scaled = rng.normal(size=(count, FEATURES)) * np.geomspace(9, 0.1, FEATURES) + 3
    return scaled.astype(np.float32)


def seeded_neck() -> Neck:
    torch.manual_seed(0)
    return Neck(nn.Linear(FEATURES, 16))


def test_outputs_of_a_batch_have_mean_0_and_variance_1() -> None:
    outputs = seeded_neck()(torch.from_numpy(features(200)))
    assert torch.allclose(outputs.mean(dim=0), torch.zeros(16), atol=1e-5)
    assert ((outputs.std(dim=0) > 0.9) & (outputs.std(dim=0) < 1.01)).all()


def test_a_vector_added_to_all_changes_nothing() -> None:
    """That would be the easy way to collapse."""
    neck, values = seeded_neck(), torch.from_numpy(features(50))
    before = neck(values)
    with torch.no_grad():
        neck.linear.bias.add_(100)
    assert torch.allclose(neck(values), before, atol=1e-3)


@pytest.mark.parametrize("fresh", [True, False])
def test_folded_does_what_the_neck_does_after_training(fresh: bool) -> None:
    neck = seeded_neck()
    network = EmbeddingNetwork(small_network().trunk, PREPROCESSING, neck).eval()
    begin_projection(neck, features(200), fresh)
    plain = folded(network)
    generator = torch.Generator().manual_seed(0)
    pictures = torch.randint(0, 256, (3, 64, 64, 3), dtype=torch.uint8, generator=generator)
    with torch.inference_mode():
        assert torch.allclose(plain(pictures), network(pictures), atol=1e-4)
    assert isinstance(plain.projection, nn.Linear)
    assert isinstance(network.projection, Neck), "training goes on with it"
    assert folded(plain) is plain


@pytest.mark.parametrize("pictures", [200, 5])
def test_it_begins_with_the_principal_components(pictures: int) -> None:
    """As numpy finds them: eigenvectors of the covariance of features."""
    neck, values = seeded_neck().eval(), features(pictures)
    begin_projection(neck, values, fresh=True)
    with torch.inference_mode():
        found = neck.linear(torch.from_numpy(values)).double().numpy()
    centred = values.astype(np.float64) - values.mean(axis=0, dtype=np.float64)
    kept = min(16, pictures - 1)
    eigenvalues, vectors = np.linalg.eigh(centred.T @ centred / pictures)
    expected = centred @ vectors[:, np.argsort(-eigenvalues)[:kept]]
    scale = (found[:, :kept] * expected).sum(axis=0) / (expected**2).sum(axis=0)
    assert found[:, :kept] == pytest.approx(expected * scale, abs=1e-2)
    assert np.abs(scale) == pytest.approx(abs(scale[0]), rel=1e-3), "no whitening yet"


def test_statistics_are_those_of_the_training_pictures() -> None:
    neck, values = seeded_neck().eval(), features(500)
    begin_projection(neck, values, fresh=False)
    with torch.inference_mode():
        outputs = neck(torch.from_numpy(values))
    assert torch.allclose(outputs.mean(dim=0), torch.zeros(16), atol=1e-3)
    assert (outputs.std(dim=0) > 0.9).all()
