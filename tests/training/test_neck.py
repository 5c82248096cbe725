"""The projection while it is trained, and what it becomes: one linear layer."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import nn

from simsearch.encoder.network import EmbeddingNetwork
from simsearch.metrics import retrieve
from simsearch.training.directions import (
    Labels,
    discriminants,
    principal_axes,
    spread_axes,
    whitening_axes,
)
from simsearch.training.neck import Compression, Neck, folded
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


@pytest.mark.parametrize("labels", [None, np.arange(200) // 10])
def test_folded_does_what_the_neck_does_after_training(labels: Labels | None) -> None:
    neck = seeded_neck()
    network = EmbeddingNetwork(small_network().trunk, PREPROCESSING, neck).eval()
    values = features(200)
    neck.begin(values, None if labels is None else discriminants(values, labels))
    plain = folded(network)
    generator = torch.Generator().manual_seed(0)
    pictures = torch.randint(0, 256, (3, 64, 64, 3), dtype=torch.uint8, generator=generator)
    with torch.inference_mode():
        assert torch.allclose(plain(pictures), network(pictures), atol=1e-4)
    assert isinstance(plain.projection, nn.Linear)
    assert isinstance(network.projection, Neck), "training goes on with it"
    assert folded(plain) is plain


def labelled(seed: int, shared: npt.NDArray[np.float64]) -> tuple[torch.Tensor, Labels]:
    """Return 30 classes that differ a little, under a large spread that all of them share."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(30), 8)
    values = rng.normal(size=(30, FEATURES))[labels] + rng.normal(size=(240, 5)) @ shared
    return torch.from_numpy((values + rng.normal(size=values.shape) * 0.3).astype("f4")), labels


def test_it_begins_with_what_tells_classes_apart() -> None:
    """Classes that it has not seen are found where raw features do not find them."""
    shared = np.random.default_rng(9).normal(size=(5, FEATURES)) * 2
    (values, labels), (unseen, names) = labelled(0, shared), labelled(1, shared)
    neck = Neck(nn.Linear(FEATURES, 48)).eval()
    neck.begin(values.numpy(), discriminants(values.numpy(), labels))

    def map_at_r(vectors: torch.Tensor) -> float:
        unit = nn.functional.normalize(vectors, dim=1).detach().numpy()
        return retrieve(unit, names).means()["map_at_r"]

    assert map_at_r(unseen - unseen.mean(dim=0)) < 0.3
    assert map_at_r(neck(unseen)) > 0.6


def test_it_whitens_what_varies_within_classes() -> None:
    """As numpy's covariance finds it, with the mean variance added to the diagonal."""
    values, labels = labelled(0, np.ones((5, FEATURES)))
    neck = Neck(nn.Linear(FEATURES, FEATURES)).eval()
    neck.begin(values.numpy(), discriminants(values.numpy(), labels))
    centred = values.double().numpy()
    for label in np.unique(labels):
        centred[labels == label] -= centred[labels == label].mean(axis=0)
    within = centred.T @ centred / len(centred)
    within += np.eye(FEATURES) * 0.3 * np.trace(within) / FEATURES
    weight = neck.folded().weight.detach().double().numpy()
    found = weight @ within @ weight.T
    assert found == pytest.approx(np.eye(FEATURES) * found[0, 0], abs=1e-3 * found[0, 0])


@pytest.mark.parametrize("pictures", [4, 5, 200])
def test_few_pictures_fill_few_numbers(pictures: int) -> None:
    neck = seeded_neck().eval()
    values = features(pictures)
    neck.begin(values, discriminants(values, np.arange(pictures) // 2))
    outputs = neck(torch.from_numpy(features(pictures)))
    assert torch.isfinite(outputs).all()
    assert int((outputs.std(dim=0) > 1e-3).sum()) == min(16, pictures - 1)


def test_without_labels_it_does_what_the_layer_did_but_for_the_mean() -> None:
    neck, values = seeded_neck().eval(), torch.from_numpy(features(500))
    neck.begin(values.numpy(), None)
    with torch.inference_mode():
        outputs, plain = neck(values), neck.linear(values)
    centred = plain - plain.mean(dim=0)
    assert torch.allclose(outputs * centred.std() / outputs.std(), centred, atol=1e-2)


def test_settled_it_normalises_with_what_it_is_shown_last() -> None:
    neck, seen, values = seeded_neck(), features(300), features(200) * 3 + 1
    neck(torch.from_numpy(seen))
    neck.eval()
    neck.settle(values, alone(values))
    with torch.inference_mode():
        outputs = neck(torch.from_numpy(values))
    assert torch.allclose(outputs.mean(dim=0), torch.zeros(16), atol=1e-4)
    assert torch.allclose(outputs.std(dim=0, correction=0), neck.scale, atol=1e-3)


def test_all_principal_axes_keep_distances_and_the_first_most_of_them() -> None:
    values, _ = labelled(0, np.random.default_rng(9).normal(size=(5, FEATURES)))
    axes = principal_axes(values.numpy())
    assert axes.T @ axes == pytest.approx(np.eye(FEATURES), abs=1e-9)
    variances = (values.double().numpy() @ axes).var(axis=0)
    assert (np.diff(variances) <= 1e-9 * variances[0]).all()
    neck = Neck(nn.Linear(FEATURES, FEATURES)).eval()
    neck.begin(values.numpy(), axes)
    with torch.inference_mode():
        distances = torch.cdist(neck(values), neck(values))
    plain = torch.cdist(values, values)
    assert torch.allclose(distances / distances.mean(), plain / plain.mean(), atol=1e-2)


def test_along_whitening_axes_pictures_vary_as_much_in_each_direction() -> None:
    values, _ = labelled(0, np.random.default_rng(9).normal(size=(5, FEATURES)))
    spread = values.double().numpy() @ whitening_axes(values.numpy())
    found = np.cov(spread, rowvar=False, bias=True)
    assert found - np.diag(found.diagonal()) == pytest.approx(0, abs=1e-9)
    assert found.diagonal()[:4] == pytest.approx(1, abs=0.02)
    flat = values.numpy() * (np.arange(FEATURES) > 0)  # one feature never varies
    assert np.isfinite(whitening_axes(flat)).all()
    outputs = flat.astype(np.float64) @ whitening_axes(flat)
    assert outputs.var(axis=0).min() < 1e-6, "what does not vary is not blown up"


def test_spread_axes_begin_with_those_that_pictures_differ_most_along_about_zero() -> None:
    """As numpy finds them: the first right singular vectors of unit features."""
    values = features(300)
    axes = spread_axes(values, alone(values), 30)
    assert axes.shape == (FEATURES, 30)
    unit = values / np.linalg.norm(values, axis=1, keepdims=True)
    expected = np.linalg.svd(unit.astype(np.float64))[2][:12]
    assert np.abs((expected @ axes[:, :12]).diagonal()) == pytest.approx(1, abs=1e-6)
    assert axes.T @ axes == pytest.approx(np.diag([1.0] * 12 + [84 / 18] * 18), abs=1e-9)


def test_spread_axes_keep_cosines_of_pictures_that_they_have_not_seen() -> None:
    """The first axes alone know nothing of what lies across all that they were found from."""
    seen = features(300) * (np.arange(FEATURES) < 40)
    strangers = np.random.default_rng(3).normal(size=(200, FEATURES)) * (np.arange(FEATURES) >= 40)
    axes = spread_axes(seen, alone(seen), 48)
    assert np.linalg.norm(strangers @ axes[:, :19]) == pytest.approx(0, abs=1e-6)
    kept = np.linalg.norm(strangers @ axes) / np.linalg.norm(strangers)
    assert 0.8 < kept < 1.2
    plain, projected = cosines(strangers), cosines(strangers @ axes)
    assert np.corrcoef(plain, projected)[0, 1] > 0.5
    assert abs((projected - plain).mean()) < 0.02


@pytest.mark.parametrize("count", [FEATURES, FEATURES + 5])
def test_spread_axes_with_place_for_all_keep_every_cosine(count: int) -> None:
    flat = features(300) * (np.arange(FEATURES) > 0)  # one feature is never there
    axes = spread_axes(flat, alone(flat), count)
    assert axes.shape == (FEATURES, FEATURES)
    assert cosines(flat @ axes) == pytest.approx(cosines(flat), abs=1e-5)


@pytest.mark.parametrize("count", [30, FEATURES])
def test_what_varies_within_classes_counts_less(count: int) -> None:
    """Most of it lies along the first three features; the classes lie along all."""
    draw = np.random.default_rng(4)
    labels = np.repeat(np.arange(60), 5)
    centres = draw.normal(size=(60, FEATURES))[labels]
    altered = np.zeros((300, FEATURES))
    altered[:, :3] = draw.normal(size=(300, 3)) * 2
    values = (centres + altered).astype(np.float32)
    plain, quieted = (
        values @ spread_axes(values, which, count) for which in (alone(values), labels)
    )
    same = np.equal.outer(labels, labels)[np.triu_indices(300, 1)]
    assert cosines(quieted)[same].mean() > cosines(plain)[same].mean() + 0.02
    assert abs(cosines(quieted)[~same].mean()) < 0.05
    lengths = np.linalg.norm(spread_axes(values, labels, FEATURES), axis=1)
    assert lengths[:3].max() < 0.8 * lengths[3:].min(), "what classes agree in is as it was"
    assert lengths[3:] == pytest.approx(1, abs=0.05)


def alone(values: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return labels: each row a class of its own."""
    return np.arange(len(values))


def cosines(vectors: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the cosines of all pairs, flat."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray((unit @ unit.T)[np.triu_indices(len(unit), 1)])


def compression() -> Compression:
    torch.manual_seed(0)
    return Compression(nn.Linear(FEATURES, 16), Neck(nn.Linear(FEATURES, 8)))


def test_weaker_features_have_the_direction_that_they_had() -> None:
    """About the mean they would not: a blurred copy would be another picture."""
    projection, values = compression().eval(), torch.from_numpy(features(300))
    projection.settle(values.numpy(), alone(values.numpy()))
    whole, weak = (nn.functional.normalize(projection(part)) for part in (values, 0.4 * values))
    assert torch.allclose(whole, weak, atol=1e-5)


def test_the_neck_is_trained_and_what_comes_before_it_is_measured_and_saved() -> None:
    projection, values = compression(), torch.from_numpy(features(300))
    learning = {name for name, part in projection.named_parameters() if part.requires_grad}
    assert learning == {"neck.linear.weight", "neck.linear.bias", "neck.scale"}
    assert projection.width == 8
    projection.begin(values.numpy())
    projection.settle(values.numpy(), alone(values.numpy()))
    assert torch.equal(projection.train()(values), projection.neck(values))
    found = projection.eval()(values)
    assert found.shape == (300, 16)
    assert torch.allclose(found, projection.folded()(values))


def test_directions_of_features_that_blew_up_are_not_taken() -> None:
    """They are for the guard to see, which starts again."""
    projection, values = compression(), features(6)
    projection.settle(values, alone(values))
    weight = projection.linear.weight.clone()
    values[1, 2] = np.nan
    projection.settle(values, alone(values))
    assert torch.equal(projection.linear.weight, weight)
